import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PageRecord } from '../../src/model/record.ts'
import { filesSink } from '../../src/sink/files.ts'
import type { SinkRecord } from '../../src/sink/sink.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { temporaryFolder } from './storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: ['note'] }

function page(seq: number, path: string, body: string): SinkRecord {
  const [first] = records(seq, 1)
  assert.ok(first !== undefined)
  const record = { ...first.record, url: `https://a.example/${path}` }
  return { ...first, record, json: JSON.stringify(record), body: Buffer.from(body) }
}

/** Paths and bodies as the records name them. */
async function written(folder: string, batches: readonly (readonly SinkRecord[])[], template = '{path}{ext}') {
  const sink = filesSink({ folder, template })
  await sink.open(JOB, undefined)
  for (const batch of batches) await sink.write(batch)
  await sink.close()
  const lines = readFileSync(join(folder, 'pages.ndjson'), 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { file = '' } = JSON.parse(line) as PageRecord
    return [file, readFileSync(join(folder, file), 'utf8')]
  })
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body(folder.path)
  } finally {
    await folder.remove()
  }
}

test('pages of one name keep each its content, in one batch and over batches and runs', () =>
  inFolder(async (folder) => {
    const batch = [
      page(1, 'a.pdf', 'one'),
      page(2, 'a.pdf?x', 'two'),
      page(3, 'A.PDF', 'three'),
      page(4, 'a.pdf', 'one'),
    ]
    const first = await written(folder, [batch, [page(5, 'a.pdf', 'two'), page(6, 'a.pdf', 'one')]])
    assert.deepEqual(
      first.map(([, body]) => body),
      ['one', 'two', 'three', 'one', 'two', 'one'],
    )
    assert.equal(first[0]?.[0], 'a.pdf')
    assert.match(first[1]?.[0] ?? '', /^a-[0-9a-f]{12}\.pdf$/)
    assert.match(first[2]?.[0] ?? '', /^A-[0-9a-f]{12}\.PDF$/)
    assert.deepEqual([first[3]?.[0], first[4]?.[0], first[5]?.[0]], ['a.pdf', first[1]?.[0], 'a.pdf'])
    const again = await written(folder, [[page(7, 'a.pdf', 'two')]])
    assert.deepEqual(again.at(-1), first[1])
    assert.equal(readdirSync(folder).filter((name) => /\.pdf$/i.test(name)).length, 3)
  }))

test('a file of the user, the list of pages and the folder of unfinished bodies are not written over', () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'mine.txt'), 'mine')
    const batch = [page(1, 'mine.txt', 'page'), page(2, 'Pages.ndjson', 'page'), page(3, '.incoming/x.txt', 'page')]
    const found = await written(folder, [batch])
    assert.deepEqual(
      found.map(([, body]) => body),
      ['page', 'page', 'page'],
    )
    assert.equal(readFileSync(join(folder, 'mine.txt'), 'utf8'), 'mine')
    assert.deepEqual(readdirSync(join(folder, '.incoming')), [])
  }))

test('a file where a folder is needed, and a folder where a file is, give way to a name with the digest', () =>
  inFolder(async (folder) => {
    const template = '{dir}/{name}'
    const found = await written(folder, [[page(1, 'a', 'a'), page(2, 'a/b', 'b')], [page(3, 'a/c', 'c')]], template)
    assert.deepEqual(
      found.map(([, body]) => body),
      ['a', 'b', 'c'],
    )
    const other = await written(folder, [[page(4, 'x/b', 'b')], [page(5, 'x', 'x')]], template)
    assert.match(other.at(-1)?.[0] ?? '', /^x-[0-9a-f]{12}$/)
  }))

test('a symbolic link in the place of a folder of named files stops the job', () =>
  inFolder(async (folder) => {
    const outside = join(folder, 'outside')
    const out = join(folder, 'out')
    mkdirSync(outside)
    mkdirSync(out)
    symlinkSync(outside, join(out, 'a'))
    await assert.rejects(written(out, [[page(1, 'a/b.txt', 'x')]]), { code: 'SINK_CHANGED' })
    assert.deepEqual(readdirSync(outside), [])
  }))
