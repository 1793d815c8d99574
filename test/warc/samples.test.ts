/** Archives of other tools, beside an independent reader: the same records with the same payloads, and damage located. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { openArchive } from '../../src/source/warc.ts'
import type { ArchivePage } from '../../src/source/warc.ts'
import { readHttpHead } from '../../src/warc/http-block.ts'
import { type Break, readRecords, type WarcRecord } from '../../src/warc/reader.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { temporaryFolder } from '../sink/storages.ts'

const SAMPLES = 'conformance/warc-samples'
const options = { skip: skipWithout(SAMPLES) }
const sample = (name: string): string => join(sharedData(SAMPLES) ?? '', name)

/** Type and digest of what stands behind the HTTP head, where the record has one. */
type Seen = readonly [type: string, payload: string]

const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex')

function seen({ type, block }: WarcRecord): Seen {
  const isHttp = type === 'response' || type === 'request' || type === 'revisit'
  const head = isHttp ? readHttpHead(block) : undefined
  return [type, sha1(block.subarray(head?.length ?? 0))]
}

async function seenByWarcio(path: string): Promise<Seen[]> {
  const { WARCParser } = await import('warcio')
  const found: Seen[] = []
  for await (const record of new WARCParser(createReadStream(path))) {
    const payload = await record.readFully(false)
    found.push([record.warcType ?? '', sha1(payload)])
  }
  return found
}

async function ours(path: string): Promise<{ readonly found: Seen[]; readonly breaks: Break[] }> {
  const [found, breaks]: [Seen[], Break[]] = [[], []]
  const told = (one: Break): unknown => breaks.push(one)
  for await (const record of readRecords(path, { onTorn: told, onDamaged: told })) found.push(seen(record))
  return { found, breaks }
}

async function pagesOf(...paths: string[]): Promise<ArchivePage[]> {
  const archive = openArchive(paths)
  const pages: ArchivePage[] = []
  for await (const page of archive.pages()) pages.push(page)
  archive.close()
  return pages
}

async function withFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await work(folder.path)
  } finally {
    await folder.remove()
  }
}

test(
  'every whole WARC file of other tools has the records and payloads that another reader finds',
  options,
  async () => {
    const names = readdirSync(sample('')).filter((name) => /\.warc(\.gz)?$/.test(name) && !/bad|trunc|wrong/.test(name))
    assert.ok(names.length > 18, String(names))
    for (const name of names) {
      const { found, breaks } = await ours(sample(name))
      assert.deepEqual(found, await seenByWarcio(sample(name)), name)
      assert.deepEqual(breaks, [], name)
    }
  },
)

test('damaged WARC files of other tools are read up to the damage, which is located', options, async () => {
  const counts: Record<string, number> = {
    'pywb-example-bad.warc.gz.bad': 6,
    'warcio-example-bad.warc.gz.bad': 6,
    'warcio-example-bad-non-chunked.warc.gz': 6,
    'warcio-example-wget-bad-target-uri.warc.gz': 6,
    'warcio-example-trunc.warc': 4,
  }
  for (const [name, count] of Object.entries(counts)) {
    const { found, breaks } = await ours(sample(name))
    assert.deepEqual([found.length, breaks], [count, []], name)
    assert.deepEqual(found, await seenByWarcio(sample(name)), name)
  }
  const { found, breaks } = await ours(sample('warcio-example-wrong-chunks.warc.gz'))
  assert.deepEqual([found, breaks], [[], [{ offset: 0, reason: 'a record is longer than its gzip member' }]])
})

test(
  'whatever byte of an archive is broken, every record before it is read and the place is told',
  options,
  async () => {
    const bytes = readFileSync(sample('pywb-example.warc.gz'))
    const offsets: number[] = []
    for await (const { offset } of readRecords(sample('pywb-example.warc.gz'))) offsets.push(offset)
    await withFolder(async (folder) => {
      const path = join(folder, 'a.warc.gz')
      for (let i = 1; i < offsets.length; i++) {
        const offset = offsets[i] as number
        const broken = Buffer.from(bytes)
        broken.fill(0xff, offset + 12, offset + 40)
        writeFileSync(path, broken)
        const { found, breaks } = await ours(path)
        assert.equal(found.length, i)
        assert.deepEqual(
          breaks.map((one) => one.offset),
          [offset],
        )
      }
    })
  },
)

test('ARC files are refused by name, compressed or not', options, async () => {
  const names = readdirSync(sample('')).filter((name) => /\.arc(\.gz)?$/.test(name))
  assert.ok(names.length >= 6, String(names))
  for (const name of names) {
    const refused = { code: 'FORMAT_UNSUPPORTED', message: /ARC file/, hint: /recompress/ }
    await assert.rejects(ours(sample(name)), refused, name)
    await assert.rejects(pagesOf(sample(name)), refused, name)
  }
})

test('pages come out of the archives of other tools decoded', options, async () => {
  const names = ['pywb-iana.warc.gz', 'warcio-example-iana.org-chunked.warc', 'jwarc-cc.warc.gz']
  const pages = await pagesOf(...names.map(sample))
  assert.ok(pages.length > 100, String(pages.length))
  const html = pages.filter(({ body, rawHeaders }) => {
    const type = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'content-type') + 1] ?? ''
    return type.startsWith('text/html') && /<html/i.test(Buffer.from(body).toString('latin1'))
  })
  assert.ok(html.length > 10, String(html.length))
  assert.deepEqual(
    pages.filter(({ problem }) => problem !== undefined),
    [],
  )
})

test('a repeat of a page in another file has its body, and says so where the page is missing', options, async () => {
  const [original, repeat] = ['orig', 'revisit'].map((one) => sample(`pywb-example-url-agnostic-${one}.warc.gz`))
  const [first, second] = await pagesOf(repeat as string, original as string)
  assert.match(first?.url ?? '', /test@example\.com/)
  assert.match(String(first?.body), /Example Domain/)
  assert.equal(String(first?.body), String(second?.body))
  const [alone] = await pagesOf(repeat as string)
  assert.equal(alone?.problem, 'the page that it repeats is not in the archive')
})

test('a file archived without its exchange is a page of its own type', options, async () => {
  const [page] = await pagesOf(sample('pywb-httpbin-resource.warc.gz'))
  assert.deepEqual([page?.status, page?.url], [200, 'http://httpbin.org/anything/resource.json'])
  assert.ok((page?.body.length ?? 0) > 0)
})

test('an archive compressed as a whole has the same pages, whole, cut off and damaged', options, async () => {
  const plain = readFileSync(sample('pywb-example.warc'))
  const expected = await pagesOf(sample('pywb-example.warc'))
  await withFolder(async (folder) => {
    const path = join(folder, 'whole.warc.gz')
    // More than is decoded at once.
    const size = 40 * 1024 * 1024
    const filler = Buffer.from(`WARC/1.0\r\nWARC-Type: metadata\r\nContent-Length: ${size}\r\n\r\n`)
    writeFileSync(path, gzipSync(Buffer.concat([plain, filler, Buffer.alloc(size), Buffer.from('\r\n\r\n'), plain])))
    const pages = await pagesOf(path)
    assert.deepEqual(
      pages.map(({ file, url, body }) => [file, url, String(body)]),
      [...expected, ...expected].map(({ url, body }) => [path, url, String(body)]),
    )

    const packed = gzipSync(plain)
    writeFileSync(path, packed.subarray(0, packed.length - 200))
    const torn = openArchive(path)
    let count = 0
    for await (const { url } of torn.pages()) assert.equal(url, expected[count++]?.url)
    assert.ok(count > 0 && count <= expected.length)
    assert.deepEqual([...new Set(torn.breaks.map(({ file }) => file))], [path])
    torn.close()
  })
})

test('several records in one gzip member are told apart', options, async () => {
  const plain = gunzipSync(readFileSync(sample('pywb-example2.warc.gz')))
  const border = plain.indexOf('WARC/', 10)
  const next = plain.indexOf('WARC/', border + 10)
  assert.ok(border > 0 && next > border)
  await withFolder(async (folder) => {
    const path = join(folder, 'pairs.warc.gz')
    const info = Buffer.from('WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n')
    writeFileSync(path, Buffer.concat([gzipSync(info), gzipSync(plain)]))
    const [one, two] = [await pagesOf(path), await pagesOf(sample('pywb-example2.warc.gz'))]
    assert.ok(one.length > 0)
    assert.deepEqual(
      one.map(({ url, body }) => [url, String(body)]),
      two.map(({ url, body }) => [url, String(body)]),
    )
  })
})
