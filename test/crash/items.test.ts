/** The command is killed in the middle of extracting: each item must be in each output once, as if nothing had happened. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { textOfMembers } from '../../src/sink/compression.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { readWithDuckDb } from '../sink/duckdb.ts'
import { assertBalanced, instants, killSluice, urlsOf } from './outputs.ts'

const KILLS = 5
const SITE = graph({ seed: 12, pages: 1499, bytes: 2000 })
const URLS = urlsOf('a.test', SITE.paths())
/** Two items a page, so that a page may be torn in the middle. */
const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({ *extract(page) {
  yield { url: page.url, part: 1, title: page.title }
  yield { url: page.url, part: 2, links: page.links().length }
} })
`

test('items of a crawl killed at five random instants are in six outputs, each once', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'extract.ts'), EXTRACTOR)
    const outputs = [
      'items.ndjson',
      'items.csv',
      'items.sqlite',
      'items.parquet',
      'items.ndjson.gz',
      'items.csv.zst',
    ].flatMap((path) => ['-o', path])
    const kills = instants(KILLS, SITE.size, 77)
    const report = await killSluice(
      ['crawl', 'http://a.test/', '-j', 'killed', '--extract', 'extract.ts', ...fast(origin), ...outputs],
      { cwd, maxKills: KILLS, kill: { event: (run) => origin.until(kills[run - 1] as number, 'a.test') } },
    )
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, KILLS)
    assertBalanced(cwd, 'killed', SITE.size)
    const expected = [...URLS].flatMap((url) => [`${url} 1`, `${url} 2`]).toSorted()
    const lines = readFileSync(join(cwd, 'items.ndjson'), 'utf8').trimEnd().split('\n')
    const inLines = lines.map((line) => JSON.parse(line) as { url: string; part: number })
    assert.deepEqual(inLines.map(({ url, part }) => `${url} ${part}`).toSorted(), expected)
    const database = new DatabaseSync(join(cwd, 'items.sqlite'), { readOnly: true })
    const rows = database.prepare('SELECT url, part FROM items').all()
    database.close()
    assert.deepEqual(rows.map((row) => `${row['url']} ${row['part']}`).toSorted(), expected)
    const inTable = await readWithDuckDb(join(cwd, 'items.parquet'))
    assert.deepEqual(inTable.map(({ url, part }) => `${url} ${part}`).toSorted(), expected)
    // Whole members: no option that would make an incomplete file pass.
    const unzipped = gunzipSync(readFileSync(join(cwd, 'items.ndjson.gz'))).toString()
    assert.equal(unzipped, readFileSync(join(cwd, 'items.ndjson'), 'utf8'))
    const packed = textOfMembers('zstd', readFileSync(join(cwd, 'items.csv.zst')))
    assert.equal(packed?.toString(), readFileSync(join(cwd, 'items.csv'), 'utf8'))
    const table = readFileSync(join(cwd, 'items.csv'), 'utf8').trimEnd().split(/\r?\n/)
    assert.equal(table.length, 1 + expected.length)
    assert.equal(new Set(table).size, table.length)
  })
})
