/** The long form of the kill test: FAULTS.md, E1 and E19 at full size. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { assertBalanced, assertOnce, instants, killSluice, urlsOf } from '../crash/outputs.ts'
import { inFolder } from '../cli/run-cli.ts'

const KILLS = 50
const CONTENT = { kind: 'graph', seed: 50, pages: 9999, bytes: 4000 } as const
const OUTPUTS = ['pages.ndjson', 'pages.csv', 'pages.sqlite']

test('a crawl of 10,000 pages killed fifty times loses nothing, doubles nothing and takes little longer', async (t) => {
  const origin = await startOriginProcess({ sites: { 'a.test': { content: CONTENT } } })
  t.after(() => origin.close())
  const site = graph(CONTENT)
  const urls = urlsOf('a.test', site.paths())
  const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
  const speed = ['--delay', '0', '-c', '64', '--per-host', '64']
  const args = [
    'crawl',
    'http://a.test/',
    '-j',
    'killed',
    ...names,
    ...speed,
    ...OUTPUTS.flatMap((path) => ['-o', path]),
  ]

  async function crawl(kills: number): Promise<number> {
    let tookMs = 0
    await origin.clearLedger()
    await inFolder(async (cwd) => {
      const started = performance.now()
      const at = instants(kills, site.size, 50)
      const kill = { event: (run: number) => origin.until(at[run - 1] as number, 'a.test') }
      const report = await killSluice(args, { cwd, maxKills: kills, kill, timeoutMs: 300_000 })
      tookMs = performance.now() - started
      assert.equal(report.exitCode, 0, report.stderr)
      let again = 0
      for (const [path, count] of await origin.ledger('a.test').paths()) {
        if (path !== '/robots.txt') again += count - 1
      }
      console.log(
        `figure: crash-50: ${report.kills} kills, ${(tookMs / 1000).toFixed(2)} s, ${again} fetched again ` +
          `(${kills === 0 ? 0 : (again / kills).toFixed(1)} a kill), longest run ` +
          `${Math.max(...report.perRun.map(({ ms }) => ms)).toFixed(0)} ms`,
      )
      assert.equal(report.kills, kills)
      for (const output of OUTPUTS) assertOnce(join(cwd, output), urls)
      assertBalanced(cwd, 'killed', site.size)
      // None would mean that the kills missed the work.
      if (kills > 0) assert.ok(again > 0, 'the kills came between pages')
      assert.ok(again <= kills * 128, `${again} fetched again`)
    })
    return tookMs
  }

  const undisturbedMs = await crawl(0)
  const killedMs = await crawl(KILLS)
  console.log(
    `figure: crash-50: ${((killedMs - 1.2 * undisturbedMs) / KILLS).toFixed(0)} ms a kill over 1.2 times the undisturbed run`,
  )
  assert.ok(killedMs <= 1.2 * undisturbedMs + 600 * KILLS, `${killedMs} ms, undisturbed ${undisturbedMs} ms`)
})
