import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { lookupKey } from '../../src/warc/cdxj-file.ts'
import { indexLine } from '../../src/warc/cdxj.ts'
import { PlacedRecords, readRecords, type ReadOptions, type WarcRecord } from '../../src/warc/reader.ts'
import { type NewRecord, recordBytes } from '../../src/warc/record.ts'
import { surtOf } from '../../src/warc/surt.ts'
import { temporaryFolder } from '../sink/storages.ts'

async function inFile(bytes: Uint8Array, body: (path: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    const path = join(folder.path, 'a.warc.gz')
    writeFileSync(path, bytes)
    await body(path)
  } finally {
    await folder.remove()
  }
}

async function recordsOf(path: string, options: ReadOptions = {}): Promise<WarcRecord[]> {
  const records: WarcRecord[] = []
  for await (const record of readRecords(path, options)) records.push(record)
  return records
}

function newRecord(id: number): NewRecord {
  const date = '2026-11-21T02:13:37.120Z'
  return { type: 'response', id: `<urn:uuid:${id}>`, date, contentType: 'application/octet-stream', fields: [] }
}

test('a record is read from its place as it is in its turn: compressed or not, empty, large, damaged', async () => {
  const noise = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255))
  for (const gzip of [true, false]) {
    const blocks = [Buffer.from('first'), Buffer.alloc(0), noise, Buffer.alloc(300_000, 'x'), Buffer.from('last')]
    const pieces = blocks.map((block, i) => recordBytes(newRecord(i), [block], gzip))
    const bytes = Buffer.concat(pieces)
    await inFile(bytes, async (path) => {
      const records = await recordsOf(path)
      const placed = new PlacedRecords(100_000_000)
      // Not in their order: the one before must not show through.
      for (const record of [...records, ...records.toReversed()]) {
        const { header, block, ...rest } = (await placed.read(path, record.offset, record.length)) ?? {}
        assert.ok(block?.equals(record.block))
        assert.equal(header?.('warc-record-id'), record.header('warc-record-id'))
        assert.deepEqual(rest, {
          type: record.type,
          fields: record.fields,
          blockLength: record.blockLength,
          offset: record.offset,
          length: record.length,
          inner: 0,
        })
      }
      const [first] = records
      await assert.rejects(placed.read(path, 1, first?.length ?? 0), { code: 'INPUT_UNREADABLE' })
      assert.equal(await placed.read(path, bytes.length, 100), undefined)
      assert.equal(await placed.read(path, bytes.length - 10, 100).catch(() => undefined), undefined)
      await assert.rejects(placed.read(`${path}.no`, 0, 10), { code: 'INPUT_UNREADABLE' })
    })
    if (!gzip) continue
    bytes[(pieces[0]?.length ?? 0) - 6]! ^= 1
    await inFile(bytes, async (path) => {
      const damaged = new PlacedRecords(1_000).read(path, 0, pieces[0]?.length ?? 0)
      await assert.rejects(damaged, { code: 'INPUT_UNREADABLE', message: /checksum/ })
    })
  }
})

test('what is written is read, compressed or not, at the same offsets and with the same blocks', async () => {
  const bodies = fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...TRAPS)), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(bodies, fc.boolean(), async (blocks, gzip) => {
      const pieces = blocks.map((block, i) => recordBytes(newRecord(i), [block], gzip))
      await inFile(Buffer.concat(pieces), async (path) => {
        const records = await recordsOf(path)
        assert.deepEqual(
          records.map(({ block }) => block.toString('hex')),
          blocks.map((block) => Buffer.from(block).toString('hex')),
        )
        assert.deepEqual(
          records.map(({ length }) => length),
          pieces.map(({ length }) => length),
        )
        for (const record of records) {
          const [again] = await recordsOf(path, { from: record.offset, to: record.offset + record.length })
          assert.equal(again?.header('warc-record-id'), record.header('warc-record-id'))
        }
      })
    }),
    { numRuns: 60 },
  )
})

/** Blocks that look like what stands around them. */
const TRAPS = ['\r\n\r\n', 'WARC/1.1\r\nContent-Length: 5\r\n\r\n', '\n\n', '\x1f\x8b\x08'].map((text) =>
  Uint8Array.from(Buffer.from(text, 'latin1')),
)

test('a file cut at any byte is read up to the record that is whole, and the torn one is told', async () => {
  for (const gzip of [true, false]) {
    const pieces = [1, 2].map((id) => recordBytes(newRecord(id), [Buffer.from('a block')], gzip))
    const [first] = pieces as [Buffer]
    const whole = Buffer.concat(pieces)
    for (let length = first.length; length < whole.length; length++) {
      await inFile(whole.subarray(0, length), async (path) => {
        const torn: number[] = []
        const records = await recordsOf(path, { onTorn: ({ offset }) => torn.push(offset) })
        // The empty lines behind a plain record are no part of what it says.
        const isWhole = !gzip && length >= whole.length - 4
        assert.equal(records.length, isWhole ? 2 : 1, `cut at ${length}`)
        assert.deepEqual(torn, isWhole || length === first.length ? [] : [first.length], `cut at ${length}`)
      })
    }
  }
})

test('damage before the end is an error that names the place', async () => {
  const good = recordBytes(newRecord(1), [Buffer.from('a block')], true)
  const broken = Buffer.from(good)
  broken[good.length - 6] = (broken[good.length - 6] ?? 0) ^ 1
  await inFile(Buffer.concat([good, broken, good]), async (path) => {
    await assert.rejects(recordsOf(path), { code: 'INPUT_UNREADABLE', message: new RegExp(`at byte ${good.length}`) })
  })
  for (const bytes of [Buffer.from('notes of a user\n'), gzipSync('notes'), Buffer.from('WARC/1.0\r\nA: b\r\n\r\n')]) {
    await inFile(bytes, (path) => assert.rejects(recordsOf(path), { code: 'INPUT_UNREADABLE' }))
  }
  await assert.rejects(recordsOf('/nowhere/a.warc'), { code: 'INPUT_UNREADABLE' })
})

test('a tail of zeros, as a power cut leaves it, ends a file', async () => {
  const good = recordBytes(newRecord(1), [Buffer.from('a block')], true)
  await inFile(Buffer.concat([good, Buffer.alloc(5000)]), async (path) => {
    const torn: number[] = []
    assert.equal((await recordsOf(path, { onTorn: ({ offset }) => torn.push(offset) })).length, 1)
    assert.deepEqual(torn, [good.length])
  })
})

test('a record larger than what is decoded at once is read in pieces, with its start, its size and what follows', async () => {
  const size = 40 * 1024 * 1024
  const large = recordBytes(newRecord(1), [Buffer.alloc(size, 'abc')], true)
  const small = recordBytes(newRecord(2), [Buffer.from('behind')], true)
  await inFile(Buffer.concat([large, small]), async (path) => {
    const [first, second] = await recordsOf(path, { keep: 1000 })
    assert.equal(first?.blockLength, size)
    assert.equal(first?.length, large.length)
    assert.equal(String(first?.block), String(Buffer.alloc(1000, 'abc')))
    assert.equal(String(second?.block), 'behind')
    assert.equal((await recordsOf(path))[0]?.block.length, size)
  })
  await inFile(large.subarray(0, large.length - 3), async (path) => {
    const torn: number[] = []
    assert.deepEqual(await recordsOf(path, { keep: 1000, onTorn: ({ offset }) => torn.push(offset) }), [])
    assert.deepEqual(torn, [0])
  })
})

test('a sorted index of any size is searched for all entries of a key, and only those', async () => {
  const urls = Array.from({ length: 3000 }, (_, i) => `https://a.example/${'x'.repeat(i % 400)}${i % 1000}`)
  const lines = urls.map((url, i) => {
    const date = new Date(1_700_000_000_000 + i * 1000).toISOString()
    return indexLine({
      url,
      date,
      mime: 'text/html',
      status: 200,
      digest: '',
      length: 5,
      offset: i,
      filename: 'a.warc',
    })
  })
  await inFile(Buffer.from(`${lines.toSorted().join('\n')}\n`), async (path) => {
    const byUrl = Map.groupBy(urls.keys(), (i) => urls[i] as string)
    for (const [url, offsets] of byUrl) {
      const found = await lookupKey(path, surtOf(url))
      assert.deepEqual(
        found.map(({ offset }) => offset),
        offsets,
        url,
      )
    }
    for (const url of ['https://a.example/', 'https://a.example/zzz', 'https://0.example/', 'https://z.example/']) {
      assert.deepEqual(await lookupKey(path, surtOf(url)), [], url)
    }
  })
  assert.deepEqual(await lookupKey('/nowhere/a.cdxj', 'com,a)/'), [])
})
