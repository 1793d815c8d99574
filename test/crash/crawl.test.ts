/** The command is killed with SIGKILL in the middle of a crawl and started again: FAULTS.md, E1 and E19, short form. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder } from '../cli/run-cli.ts'
import { fast, fetchedAgain, readRecords } from '../integration/web.ts'
import { assertBalanced, assertOnce, instants, killSluice, urlsOf } from './outputs.ts'

const KILLS = 5
/** In flight, and as many answered but not yet committed (FAULTS.md, E1: refetched ≤ kills × 128). */
const REFETCHED_A_KILL = 128
const SITE = graph({ seed: 11, pages: 1999, bytes: 2000 })
const URLS = urlsOf('a.test', SITE.paths())

test('a crawl killed at five random instants loses nothing and doubles nothing in three outputs', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const outputs = ['pages.ndjson', 'pages.csv', 'pages.sqlite']
    const kills = instants(KILLS, SITE.size, 2001)
    const report = await killSluice(
      ['crawl', 'http://a.test/', '-j', 'killed', ...fast(origin), ...outputs.flatMap((path) => ['-o', path])],
      { cwd, maxKills: KILLS, kill: { event: (run) => origin.until(kills[run - 1] as number, 'a.test') } },
    )
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, KILLS)
    for (const output of outputs) assertOnce(join(cwd, output), URLS)
    assertBalanced(cwd, 'killed', SITE.size)
    const again = fetchedAgain(origin, 'a.test')
    assert.ok(again > 0 && again <= KILLS * REFETCHED_A_KILL, `${again} fetched again`)
  })
})

test('a crawl killed as its first, middle and last pages arrive ends with every page in a folder of bodies', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const counts = [1, 2, 700, 1400, 1990]
    const report = await killSluice(['crawl', 'http://a.test/', '-j', 'killed', ...fast(origin), '-o', 'out/'], {
      cwd,
      maxKills: counts.length,
      kill: { event: (run) => origin.until(counts[run - 1] as number, 'a.test') },
    })
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, counts.length)
    assertOnce(join(cwd, 'out'), URLS)
    assertBalanced(cwd, 'killed', SITE.size)
    assert.ok(fetchedAgain(origin, 'a.test') <= counts.length * REFETCHED_A_KILL)
  })
})

test('redirects on their way and retries that wait survive kills and end once each', async (t) => {
  const targets = Array.from({ length: 300 }, (_, n) => `/redirect-to?url=http%3A%2F%2Fb.test%2Fr%2F${n}`)
  const plain = Array.from({ length: 300 }, (_, n) => `/p/${n}`)
  const origin = await startOrigin({
    sites: {
      'a.test': {
        content: SITE,
        pages: {
          '/': `<a href="/p/0">p</a>${[...targets, ...plain].map((href) => `<a href="${href}">x</a>`).join('')}`,
        },
      },
      'b.test': { content: { kind: 'graph', seed: 3, pages: 1 } },
    },
  })
  t.after(() => origin.close())
  // Slow answers keep hops claimed when the kill comes; the errors keep retries waiting.
  origin.handle('b.test', '/r/*', (request) => ({ status: 200, body: `<p>${request.target}`, delayMs: 30 }))
  origin.fault('a.test', { kind: 'status', status: 503, every: 12, times: 40, path: '/p/' })
  origin.fault('b.test', { kind: 'reset', every: 25, times: 8, path: '/r/' })
  await inFolder(async (cwd) => {
    const counts = [40, 150, 300]
    const report = await killSluice(
      ['crawl', 'http://a.test/', '-j', 'killed', '--scope', 'any', ...fast(origin, 16), '-o', 'pages.ndjson'],
      { cwd, maxKills: counts.length, kill: { event: (run) => origin.until(counts[run - 1] as number, 'b.test') } },
    )
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, counts.length)
    const expected = urlsOf('a.test', [...SITE.paths(), ...targets])
    assertOnce(join(cwd, 'pages.ndjson'), expected)
    assertBalanced(cwd, 'killed', expected.size)
    const followed = readRecords(join(cwd, 'pages.ndjson')).filter(({ final }) => final?.startsWith('http://b.test/r/'))
    assert.equal(new Set(followed.map(({ final }) => final)).size, targets.length)
  })
})
