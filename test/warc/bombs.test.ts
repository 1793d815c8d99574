/** Small files that hold much more than they should: they are read up to a limit, and that is told. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { verifyWacz } from '../../src/job/verify-wacz.ts'
import type { Break } from '../../src/warc/reader.ts'
import { unpackGzip } from '../../src/warc/whole-gzip.ts'
import { zipOf } from '../source/zip.ts'

test('a manifest of a few kilobytes that inflates beyond 16 MiB is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bomb-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'bomb.wacz')
  const problemsOf = async (spaces: number): Promise<string[]> => {
    writeFileSync(path, zipOf({ 'datapackage.json': `{"resources":[]${' '.repeat(spaces)}}` }, true))
    const problems: string[] = []
    await verifyWacz(path, (problem) => problems.push(problem))
    return problems
  }
  assert.deepEqual(await problemsOf(1024), [])
  const found = await problemsOf(17 * 1024 * 1024)
  assert.equal(found.length, 1)
  assert.match(String(found[0]), /over 16 MiB/)
})

test('an archive that was compressed as a whole is unpacked up to a limit, and the rest is a break', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bomb-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [path, target] = [join(folder, 'bomb.warc.gz'), join(folder, 'bomb.warc')]
  writeFileSync(path, gzipSync(Buffer.alloc(1_000_000, 'x')))
  const breaks: Break[] = []
  const tell = (found: Break): unknown => breaks.push(found)
  await unpackGzip(path, target, { from: 0, to: undefined }, tell, 1_000_000)
  assert.deepEqual([breaks.length, readFileSync(target).length], [0, 1_000_000])
  await unpackGzip(path, target, { from: 0, to: undefined }, tell, 100_000)
  assert.equal(readFileSync(target).length, 100_000)
  assert.match(breaks[0]?.reason ?? '', /more than 100000 bytes/)
})
