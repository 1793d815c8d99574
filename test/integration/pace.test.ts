import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { countOutcomes, polite, readRecords } from './web.ts'

/** Host h gets 1 to 12 pages, in an order that mixes the hosts. */
function skewedList(hosts: number): string[] {
  const urls: string[] = []
  for (let round = 0; round < 12; round++) {
    for (let host = 0; host < hosts; host++) if (round <= host % 12) urls.push(`http://h${host}.test/p/${round}`)
  }
  return urls
}

test('no host is asked sooner than its delay after the end of its last answer, as the hosts themselves see it', async () => {
  // Many hosts that become ready together: ends, settles and claims overlap, and none may overtake another.
  const origin = await startOrigin({
    sites: { '*': { content: { kind: 'graph', seed: 5, pages: 50 }, answerMs: [0, 6] } },
  })
  await inFolder(async (cwd) => {
    const urls = skewedList(240)
    writeFileSync(join(cwd, 'urls.txt'), `${urls.join('\n')}\n`)
    const { code, stderr } = await runCli(
      ['fetch', 'urls.txt', ...polite(origin), '--delay', '200ms', '-c', '500', '-o', 'p.ndjson'],
      { cwd },
    )
    assert.equal(code, 0, stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'p.ndjson'))), { ok: urls.length })
    const ledger = origin.ledger()
    assert.equal(ledger.count, urls.length + 240)
    assert.deepEqual(ledger.violations(200), [])
    assert.equal(ledger.maxConcurrentPerHost(), 1)
  })
  await origin.close()
})

test('Crawl-delay is longer than the delay and wins', async () => {
  const robots = 'User-agent: *\nCrawl-delay: 0.4\n'
  const origin = await startOrigin({ sites: { 'a.test': { robots, pages: { '/1': '1', '/2': '2', '/3': '3' } } } })
  await inFolder(async (cwd) => {
    const urls = ['http://a.test/1', 'http://a.test/2', 'http://a.test/3']
    const { code } = await runCli(['fetch', ...urls, ...polite(origin), '--delay', '50ms', '-o', 'p.ndjson'], { cwd })
    assert.equal(code, 0)
    assert.deepEqual(origin.ledger('a.test').violations(400), [])
  })
  await origin.close()
})

test('Retry-After holds the whole host, not only the URL that was told', async () => {
  let told = false
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/2': '2', '/3': '3' } } } })
  origin.handle('a.test', '/1', () => {
    if (told) return { body: 'now' }
    told = true
    return { status: 429, headers: { 'Retry-After': '1' }, body: 'later' }
  })
  await inFolder(async (cwd) => {
    const urls = ['http://a.test/1', 'http://a.test/2', 'http://a.test/3']
    const { code } = await runCli(['fetch', ...urls, ...polite(origin), '--delay', '0', '-o', 'p.ndjson'], { cwd })
    assert.equal(code, 0)
    const arrivals = [...origin.ledger('a.test').arrivals()]
    const refusal = arrivals.find((arrival) => arrival.status === 429)
    assert.ok(refusal?.endedAt)
    for (const arrival of arrivals) {
      if (arrival.arrivedAt > refusal.arrivedAt)
        assert.ok(arrival.arrivedAt - (refusal.endedAt as number) >= 1000, arrival.path)
    }
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'p.ndjson'))), { ok: 3 })
  })
  await origin.close()
})
