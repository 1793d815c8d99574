import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ndjsonSink } from '../../src/sink/ndjson.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { temporaryFolder } from './storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [] }

test('a new job continues a file of the user at its end and repairs only behind it', async () => {
  for (const theirs of ['{"mine":1}\n', '{"mine":1}', 'no json', '\n']) {
    const folder = temporaryFolder()
    const path = join(folder.path, 'x.ndjson')
    writeFileSync(path, theirs)
    const first = ndjsonSink({ path })
    await first.open(JOB, undefined)
    assert.equal(readFileSync(path, 'utf8'), theirs)
    const position = first.position?.()
    await first.write(records(1, 2))
    await first.close()
    const second = ndjsonSink({ path })
    await second.open(JOB, position)
    assert.equal(readFileSync(path, 'utf8'), theirs)
    const batch = records(1, 3)
    await second.write(batch)
    await second.close()
    const glue = theirs.endsWith('\n') ? '' : '\n'
    assert.equal(readFileSync(path, 'utf8'), theirs + glue + batch.map(({ json }) => `${json}\n`).join(''))
    await folder.remove()
  }
})

test('lines that the user added behind the last commit are not cut', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.ndjson')
  const sink = ndjsonSink({ path })
  await sink.open(JOB, undefined)
  const position = await sink.write(records(1, 2))
  await sink.close()
  const ours = readFileSync(path, 'utf8')
  for (const added of [
    'a note\n',
    '{"url":"https://mine.example/"}\n',
    '{"url":"x","seq":2}\n',
    'torn note',
    '[1]\n',
    'null\n',
  ]) {
    writeFileSync(path, ours + added)
    await assert.rejects(
      ndjsonSink({ path }).open({ ...JOB, committedSeq: 2 }, position),
      { code: 'SINK_CHANGED' },
      added,
    )
    assert.equal(readFileSync(path, 'utf8'), ours + added)
  }
  await folder.remove()
})

test('the file may be a link of the user, and missing folders are made', async () => {
  const folder = temporaryFolder()
  symlinkSync(join(folder.path, 'target.ndjson'), join(folder.path, 'link.ndjson'))
  for (const name of ['link.ndjson', 'a/b/c.ndjson']) {
    const sink = ndjsonSink({ path: join(folder.path, name) })
    await sink.open(JOB, undefined)
    await sink.write(records(1, 1))
    await sink.close()
  }
  assert.equal(readFileSync(join(folder.path, 'target.ndjson'), 'utf8').split('\n').length, 2)
  await folder.remove()
})

test('members are added behind a gzip file of the user, and any other file is refused', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'x.ndjson.gz')
  writeFileSync(path, gzipSync('{"mine":1}\n'))
  const sink = ndjsonSink({ path, compression: 'gzip' })
  await sink.open(JOB, undefined)
  const batch = records(1, 1)
  await sink.write(batch)
  await sink.close()
  assert.equal(gunzipSync(readFileSync(path)).toString(), `{"mine":1}\n${batch[0]?.json}\n`)
  const plain = join(folder.path, 'plain.gz')
  writeFileSync(plain, 'plain text')
  await assert.rejects(ndjsonSink({ path: plain, compression: 'gzip' }).open(JOB, undefined), {
    code: 'OPTION_INVALID',
  })
  assert.equal(readFileSync(plain, 'utf8'), 'plain text')
  await folder.remove()
})
