/** The long form of the kill test of database servers: a table holds what an undisturbed crawl leaves. FAULTS.md, E1. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { graph } from '../../src/testing/origin/graph.ts'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { inFolder } from '../cli/run-cli.ts'
import { assertBalanced, instants, killSluice } from '../crash/outputs.ts'
import { ask, DATABASES, emptyDatabase, missing } from '../sink/database-servers.ts'

const KILLS = 50
const CONTENT = { kind: 'graph', seed: 52, pages: 4999, bytes: 4000 } as const
/** None to three items a page, one with text that needs quoting everywhere, so that a page may be torn in the middle. */
const EXTRACTOR = `export default { *extract(page) {
  const n = Number(new URL(page.url).pathname.split('/').at(-1))
  const links = page.links()
  for (let part = 0; part < n % 4; part++)
    yield { url: page.url, part, links: links.length, text: page.title + ' "' + part + "',\\n\\u00e9" }
} }
`

for (const database of DATABASES) {
  const skip = await missing(database)
  test(`${database}: items of a crawl of 5,000 pages killed fifty times equal those of an undisturbed one`, {
    skip,
  }, async (t) => {
    const origin = await startOriginProcess({ sites: { 'a.test': { content: CONTENT } } })
    t.after(() => origin.close())
    const site = graph(CONTENT)
    const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
    const speed = ['--delay', '0', '-c', '64', '--per-host', '64']

    async function crawl(kills: number): Promise<{ readonly rows: string[]; readonly ms: number }> {
      const { url, remove } = await emptyDatabase(database)
      let ms = 0
      await origin.clearLedger()
      await inFolder(async (cwd) => {
        writeFileSync(join(cwd, 'extract.mjs'), EXTRACTOR)
        const at = instants(kills, site.size, 52)
        const kill = { event: (run: number) => origin.until(at[run - 1] as number, 'a.test') }
        const started = performance.now()
        const args = ['crawl', 'http://a.test/', '-j', 'killed', '--extract', 'extract.mjs', '-o', url]
        const report = await killSluice([...args, ...names, ...speed], {
          cwd,
          maxKills: kills,
          kill,
          timeoutMs: 300_000,
        })
        ms = performance.now() - started
        assert.equal(report.exitCode, 0, report.stderr)
        assert.equal(report.kills, kills)
        assertBalanced(cwd, 'killed', site.size)
      })
      const rows = await ask(url, 'SELECT url, part, links, text FROM items')
      await remove()
      return { rows: rows.map((row) => JSON.stringify(Object.values(row))).toSorted(), ms }
    }

    const undisturbed = await crawl(0)
    const killed = await crawl(KILLS)
    console.log(
      `figure: crash-databases: ${database}, ${KILLS} kills, ${killed.rows.length} items, ` +
        `${(killed.ms / 1000).toFixed(2)} s, undisturbed ${(undisturbed.ms / 1000).toFixed(2)} s`,
    )
    const expected = [...site.paths()].reduce((sum, path) => sum + (Number(/\/p\/(\d+)$/.exec(path)?.[1] ?? 0) % 4), 0)
    assert.equal(undisturbed.rows.length, expected)
    assert.equal(new Set(killed.rows).size, killed.rows.length)
    assert.deepEqual(killed.rows, undisturbed.rows)
  })
}
