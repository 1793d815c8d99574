import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PageRecord } from '../../src/model/record.ts'
import { filesSink } from '../../src/sink/files.ts'
import type { SinkRecord } from '../../src/sink/sink.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { temporaryFolder } from './storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [] }

function page(seq: number, body: string, mime = 'text/html', bodyFile?: string): SinkRecord {
  const [plain] = records(seq, 1)
  assert.ok(plain !== undefined)
  const record: PageRecord = { ...plain.record, mime }
  const bytes = Buffer.from(bodyFile === undefined ? body : '')
  return {
    record,
    json: JSON.stringify(record),
    dedupeKey: `k${seq}`,
    body: bytes,
    ...(bodyFile === undefined ? {} : { bodyFile }),
  }
}

async function store(
  folder: string,
  batch: readonly SinkRecord[],
  durability: 'kill' | 'power' = 'kill',
): Promise<PageRecord[]> {
  const sink = filesSink({ folder, durability })
  try {
    await sink.open(JOB, undefined)
    await sink.write(batch)
  } finally {
    await sink.close()
  }
  return readFileSync(join(folder, 'pages.ndjson'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as PageRecord)
}

const nameOf = (body: string, ending: string): string => {
  const digest = createHash('sha256').update(body).digest('hex')
  return `files/${digest.slice(0, 2)}/${digest.slice(0, 32)}.${ending}`
}

for (const durability of ['kill', 'power'] as const) {
  test(`each body is stored once under the hash of its content (durability ${durability})`, async () => {
    const folder = temporaryFolder()
    const spooled = join(folder.path, 'spooled')
    writeFileSync(spooled, 'a spooled body')
    const out = join(folder.path, 'out')
    const rows = await store(
      out,
      [
        page(1, 'same'),
        page(2, 'same'),
        page(3, '%PDF', 'application/pdf'),
        page(4, 'odd', 'x/../../../etc/passwd'),
        page(5, 'none', ''),
        page(6, ''),
        page(7, '', 'image/png', spooled),
      ],
      durability,
    )
    assert.deepEqual(
      rows.map(({ file }) => file),
      [
        nameOf('same', 'html'),
        nameOf('same', 'html'),
        nameOf('%PDF', 'pdf'),
        nameOf('odd', 'bin'),
        nameOf('none', 'bin'),
        undefined,
        nameOf('a spooled body', 'png'),
      ],
    )
    const bodies = rows.map(({ file }) => (file === undefined ? '' : readFileSync(join(out, file), 'utf8')))
    assert.deepEqual(bodies, ['same', 'same', '%PDF', 'odd', 'none', '', 'a spooled body'])
    assert.equal(readFileSync(spooled, 'utf8'), 'a spooled body')
    assert.deepEqual(readdirSync(join(out, 'files', '.incoming')), [])
    rmSync(spooled)
    assert.equal(readFileSync(join(out, nameOf('a spooled body', 'png')), 'utf8'), 'a spooled body')
    await folder.remove()
  })
}

test('a body that is there already is not written again, one of another size is replaced', async () => {
  const folder = temporaryFolder()
  await store(folder.path, [page(1, 'body')])
  const path = join(folder.path, nameOf('body', 'html'))
  const before = statSync(path).ino
  await store(folder.path, [page(2, 'body')])
  assert.equal(statSync(path).ino, before)
  writeFileSync(path, 'bo')
  await store(folder.path, [page(3, 'body')])
  assert.equal(readFileSync(path, 'utf8'), 'body')
  await folder.remove()
})

test('bodies that a death left half written are removed at the next open', async () => {
  const folder = temporaryFolder()
  await store(folder.path, [page(1, 'body')])
  writeFileSync(join(folder.path, 'files', '.incoming', 'half'), 'ha')
  await store(folder.path, [page(2, 'other')])
  assert.deepEqual(readdirSync(join(folder.path, 'files', '.incoming')), [])
  await folder.remove()
})

test('symbolic links planted in the folder are not followed out of it', async () => {
  const folder = temporaryFolder()
  const outside = join(folder.path, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'precious'), 'precious')
  const name = nameOf('body', 'html')
  const plants: Record<string, (out: string) => void> = {
    files: (out) => symlinkSync(outside, join(out, 'files')),
    incoming: (out) => {
      mkdirSync(join(out, 'files'))
      symlinkSync(outside, join(out, 'files', '.incoming'))
    },
    shard: (out) => {
      mkdirSync(join(out, 'files'))
      symlinkSync(outside, join(out, 'files', name.slice(6, 8)))
    },
    pages: (out) => symlinkSync(join(outside, 'precious'), join(out, 'pages.ndjson')),
  }
  for (const [what, plant] of Object.entries(plants)) {
    const out = join(folder.path, what)
    mkdirSync(out)
    plant(out)
    await assert.rejects(store(out, [page(1, 'body')]), { code: 'SINK_CHANGED' }, what)
  }
  const out = join(folder.path, 'body')
  mkdirSync(join(out, 'files', name.slice(6, 8)), { recursive: true })
  symlinkSync(join(outside, 'precious'), join(out, name))
  await store(out, [page(1, 'body')])
  assert.equal(readFileSync(join(out, name), 'utf8'), 'body')
  assert.deepEqual(readdirSync(outside), ['precious'])
  assert.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'precious')
  await folder.remove()
})

test('a body that cannot be stored rejects its batch, no record names it, and no part of it stays', async () => {
  const folder = temporaryFolder()
  await assert.rejects(store(folder.path, [page(1, 'body'), page(2, '', 'text/html', join(folder.path, 'gone'))]), {
    code: 'SINK_UNREACHABLE',
  })
  assert.equal(readFileSync(join(folder.path, 'pages.ndjson'), 'utf8'), '')
  assert.equal(existsSync(join(folder.path, nameOf('body', 'html'))), false)
  await folder.remove()
})
