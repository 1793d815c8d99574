/** Politeness of the real command, asserted from the server's side: what arrived when, never what the client says. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Ledger } from '../../src/testing/origin/ledger.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { countOutcomes, polite, readRecords } from './web.ts'

const PAGE = { body: '<title>page</title>' }
/** Run time over the bound that politeness sets: the machine that runs the tests may be busy with others. */
const WORST_RATIO = 1.6
const BUSY_MS = 2_000

/** 60 hosts, most with a page or two, the longest with 12: 1 / rank. */
const SKEWED = Array.from({ length: 60 }, (_, n) => ({
  host: `h${n}.test`,
  pages: Math.max(1, Math.floor(12 / (n + 1))),
}))

/** Hosts interleaved, so that the order of the list is not what spaces them. */
function listOf(hosts: readonly { host: string; pages: number }[]): string[] {
  const lines: string[] = []
  for (let page = 0; page < 12; page++) {
    for (const { host, pages } of hosts) if (page < pages) lines.push(`http://${host}/p/${page}`)
  }
  return lines
}

/** From the first arrival to the last answer, ms. */
function span(ledger: Ledger): number {
  let first = Infinity
  let last = 0
  for (const { arrivedAt, endedAt } of ledger.arrivals()) {
    first = Math.min(first, arrivedAt)
    last = Math.max(last, endedAt ?? arrivedAt)
  }
  return last - first
}

async function web(hosts = '*') {
  const origin = await startOrigin({ sites: { [hosts]: { pages: { '/p/*': PAGE } } } })
  return origin
}

test('sixty hosts at once each see one request at a time and the whole pause between two', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const lines = listOf(SKEWED)
    writeFileSync(join(cwd, 'urls.txt'), lines.join('\n'))
    const { code, stderr } = await runCli(
      ['fetch', 'urls.txt', ...polite(origin), '--delay', '100ms', '-o', 'pages.ndjson'],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: lines.length })
    assert.equal(new Set(records.map(({ url }) => url)).size, lines.length)
    const ledger = origin.ledger()
    assert.equal(ledger.count, lines.length + SKEWED.length, 'pages and a robots.txt a host')
    assert.deepEqual(ledger.violations(100), [])
    assert.equal(ledger.maxConcurrentPerHost(), 1)
    const bound = ledger.boundMs(100)
    assert.ok(span(ledger) <= WORST_RATIO * bound + BUSY_MS, `${span(ledger)} ms, the bound is ${bound} ms`)
  })
})

test('a Crawl-delay longer than the delay sets the pace, from the request after robots.txt on', async (t) => {
  const origin = await startOrigin({
    sites: { 'a.test': { robots: 'User-agent: *\nCrawl-delay: 0.3\n', pages: { '/p/*': PAGE } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const { code, stderr } = await runCli(
      ['fetch', 'http://a.test/p/[1-4]', ...polite(origin), '--delay', '100ms', '-j', 'slow'],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    assert.equal(origin.ledger('a.test').count, 5)
    assert.deepEqual(origin.ledger('a.test').violations(300), [])
    const why = await runCli(['why', 'a.test'], { cwd })
    assert.match(why.stdout, /Crawl-delay 300 ms/)
  })
})

test('a Retry-After of one page holds back every page of its host and no other host', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const lines = ['http://a.test/retry-after/2', ...Array.from({ length: 6 }, (_, n) => `http://a.test/p/${n}`)]
    for (let n = 0; n < 6; n++) lines.push(`http://b.test/p/${n}`)
    writeFileSync(join(cwd, 'urls.txt'), lines.join('\n'))
    const { code, stderr } = await runCli(
      ['fetch', 'urls.txt', ...polite(origin), '--delay', '50ms', '-o', 'pages.ndjson'],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 13 })
    const arrivals = [...origin.ledger('a.test').arrivals()]
    const at = arrivals.findIndex(({ status }) => status === 429)
    const limited = arrivals[at]
    const next = arrivals[at + 1]
    assert.ok(limited?.endedAt != null && next !== undefined)
    assert.ok(next.arrivedAt - limited.endedAt >= 2_000, `${next.arrivedAt - limited.endedAt} ms after the 429`)
    const others = [...origin.ledger('b.test').arrivals()]
    assert.ok((others.at(-1)?.arrivedAt ?? Infinity) < next.arrivedAt, 'b.test did not wait for a.test')
  })
})

test('--per-host is never exceeded, and is used', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { ...PAGE, delayMs: 60 } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const { code, stderr } = await runCli(
      ['fetch', 'http://a.test/p/[1-30]', ...polite(origin), '--delay', '0', '--per-host', '3', '-j', 'three'],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    assert.equal(origin.ledger('a.test').maxConcurrentPerHost(), 3)
  })
})

test('a host named in the config file has its own pace and the others keep theirs', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'sluice.config.ts'),
      "export default { delay: '50ms', hosts: { 'slow.test': { delay: '300ms' }, '*.fast.test': { delay: 0, perHost: 4 } } }\n",
    )
    const hosts = ['slow.test', 'a.test', 'one.fast.test']
    writeFileSync(join(cwd, 'urls.txt'), listOf(hosts.map((host) => ({ host, pages: 4 }))).join('\n'))
    const { code, stderr } = await runCli(['fetch', 'urls.txt', ...polite(origin)], { cwd })
    assert.equal(code, 0, stderr)
    assert.deepEqual(origin.ledger('slow.test').violations(300), [])
    assert.deepEqual(origin.ledger('a.test').violations(50), [])
    assert.ok(origin.ledger('a.test').minGapMs() < 300)
    assert.ok(origin.ledger('one.fast.test').minGapMs() < 50)
  })
})

test('killed in the middle and started again no host is asked sooner than its pause', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const lines = listOf(SKEWED.slice(0, 20))
    writeFileSync(join(cwd, 'urls.txt'), lines.join('\n'))
    const args = ['fetch', 'urls.txt', ...polite(origin), '--delay', '200ms', '-o', 'pages.ndjson']
    const first = start(args, { cwd })
    await origin.until(35)
    first.child.kill('SIGKILL')
    await first.ended
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /recovered after a crash/)
    assert.deepEqual(origin.ledger().violations(200), [])
    assert.equal(origin.ledger().maxConcurrentPerHost(), 1)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: lines.length })
    assert.equal(new Set(records.map(({ url }) => url)).size, lines.length)
  })
})

for (const flags of [
  ['--gate', 'domain'],
  ['--key', 'domain'],
]) {
  test(`with ${flags.join(' ')} two subdomains share one pace`, async (t) => {
    const origin = await web()
    t.after(() => origin.close())
    await inFolder(async (cwd) => {
      const hosts = ['a.shared.com', 'b.shared.com', 'c.other.com']
      writeFileSync(join(cwd, 'urls.txt'), listOf(hosts.map((host) => ({ host, pages: 4 }))).join('\n'))
      const { code, stderr } = await runCli(['fetch', 'urls.txt', ...polite(origin), '--delay', '100ms', ...flags], {
        cwd,
      })
      assert.equal(code, 0, stderr)
      const times = [...origin.ledger().arrivals()].filter(({ host }) => host.endsWith('.shared.com'))
      assert.equal(times.length, 10)
      times.sort((a, b) => a.arrivedAt - b.arrivedAt)
      for (const [n, { arrivedAt }] of times.entries()) {
        const before = times[n - 1]
        if (before === undefined) continue
        const gap = arrivedAt - (before.endedAt ?? Infinity)
        assert.ok(gap >= 100, `${gap} ms between two requests of shared.com`)
      }
    })
  })
}
