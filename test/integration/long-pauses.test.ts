/** Pauses of a host that outlast what its robots.txt is good for. Time that nobody works in is skipped. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { rawReply } from '../../src/testing/origin/reply.ts'
import { inFastTime, optionsFor, recordsOf } from '../faults/web.ts'

test('a delay of more than a day gets past robots.txt, which is read again before each page', async (t) => {
  const origin = await startOrigin({
    sites: { 'a.test': { robots: 'User-agent: *\nDisallow: /shut\n', pages: { '/*': '<title>a page</title>' } } },
  })
  t.after(() => origin.close())
  const options = { ...optionsFor(origin), ...inFastTime(600_000), robots: 'obey' as const, delay: '30h', perHost: 1 }
  const urls = ['/1', '/shut', '/2'].map((path) => `http://a.test${path}`)
  const records = await recordsOf(urls, options)
  const outcomes = Object.fromEntries(records.map(({ url, outcome, code }) => [url, code ?? outcome]))
  assert.deepEqual(outcomes, { [urls[0]!]: 'ok', [urls[1]!]: 'ROBOTS_DENIED', [urls[2]!]: 'ok' })
  assert.deepEqual([...origin.ledger('a.test').paths().values()], [2, 1, 1])
})

for (const [name, robots, code] of [
  ['answers with an error', { status: 503 }, 'ROBOTS_UNREACHABLE'],
  ['closes the connection', () => rawReply('', 'reset'), 'CONNECTION_RESET'],
] as const) {
  test(`a robots.txt that ${name} is not asked for without end where the delay is longer than it is kept`, async (t) => {
    const origin = await startOrigin({
      sites: { 'a.test': { pages: { '/robots.txt': robots, '/a': '<title>a</title>' } } },
    })
    t.after(() => origin.close())
    const options = { ...optionsFor(origin), ...inFastTime(600_000), robots: 'obey' as const, delay: '3h', perHost: 1 }
    const records = await recordsOf(['http://a.test/a'], options)
    assert.deepEqual(
      records.map((record) => record.code),
      [code],
    )
    assert.equal(origin.ledger('a.test').count, 3, 'one try and two more')
  })
}
