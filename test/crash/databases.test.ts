/** The command is killed in the middle of writing to database servers: each item must be in each table once. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { ask, DATABASES, emptyDatabase, missing } from '../sink/database-servers.ts'
import { assertBalanced, instants, killSluice, urlsOf } from './outputs.ts'

const KILLS = 5
const SITE = graph({ seed: 13, pages: 999, bytes: 2000 })
const URLS = urlsOf('a.test', SITE.paths())
/** Two items a page, so that a page may be torn in the middle. */
const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({ *extract(page) {
  yield { url: page.url, part: 1, title: page.title }
  yield { url: page.url, part: 2, links: page.links().length }
} })
`

for (const database of DATABASES) {
  const skip = await missing(database)
  test(`${database}: items of a crawl killed at five random instants are in the table, each once`, {
    skip,
  }, async (t) => {
    const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
    t.after(() => origin.close())
    const { url, remove } = await emptyDatabase(database)
    t.after(remove)
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'extract.ts'), EXTRACTOR)
      const kills = instants(KILLS, SITE.size, 78)
      const report = await killSluice(
        ['crawl', 'http://a.test/', '-j', 'killed', '--extract', 'extract.ts', ...fast(origin), '-o', url],
        { cwd, maxKills: KILLS, kill: { event: (run) => origin.until(kills[run - 1] as number, 'a.test') } },
      )
      assert.equal(report.exitCode, 0, report.stderr)
      assert.equal(report.kills, KILLS)
      assertBalanced(cwd, 'killed', SITE.size)
      const expected = [...URLS].flatMap((page) => [`${page} 1`, `${page} 2`]).toSorted()
      const rows = await ask(url, 'SELECT url, part FROM items')
      assert.deepEqual(rows.map((row) => `${String(row['url'])} ${String(row['part'])}`).toSorted(), expected)
    })
  })
}
