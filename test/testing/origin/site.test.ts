import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../../../src/testing/origin.ts'
import { ask, send, requestBytes, openWeb } from '../raw-client.ts'

test('the most exact host pattern answers first, the behaviours last', async (t) => {
  const origin = await openWeb(t, { sites: { '*': { pages: { '/who': 'all', '/ok': 'mine' } } } })
  origin.site('*.a.test', { pages: { '/who': 'below a' } })
  origin.site('a.test', { pages: { '/who': 'a', '/only?x=1': 'with query' } })
  const who = async (host: string, path = '/who'): Promise<string> => (await ask(origin.port, path, { host })).body
  assert.equal(await who('a.test'), 'a')
  assert.equal(await who('www.a.test'), 'below a')
  assert.equal(await who('x.www.a.test'), 'below a')
  assert.equal(await who('ba.test'), 'all')
  assert.equal(await who('a.test', '/ok'), 'mine')
  assert.equal(await who('a.test', '/only?x=1'), 'with query')
  assert.equal(await who('a.test', '/who?any'), 'a')
  assert.equal((await ask(origin.port, '/only')).status, 404)
  // A pattern added later counts for hosts that were asked before.
  origin.site('ba.test', { pages: { '/who': 'ba' } })
  assert.equal(await who('ba.test'), 'ba')
  assert.throws(() => origin.site('a.*.test', {}), RangeError)
})

test('a site without behaviours answers 404 to all that it does not define', async (t) => {
  const origin = await openWeb(t, {
    behaviours: false,
    sites: { 'a.test': { robots: 'User-agent: *\nDisallow: /x\n' } },
  })
  assert.equal((await ask(origin.port, '/status/200')).status, 404)
  const robots = await ask(origin.port, '/robots.txt')
  assert.match(robots.head, /\r\nContent-Type: text\/plain/)
  assert.equal(robots.body, 'User-agent: *\nDisallow: /x\n')
})

test('robots.txt of a site can be any answer', async (t) => {
  const origin = await openWeb(t)
  origin.site('a.test', { robots: { status: 503 } })
  origin.site('b.test', { robots: { status: 301, headers: { Location: 'http://c.test/robots.txt' } } })
  assert.equal((await ask(origin.port, '/robots.txt')).status, 503)
  assert.equal((await ask(origin.port, '/robots.txt', { host: 'b.test' })).status, 301)
})

test('raw replies are sent byte for byte', async (t) => {
  const origin = await openWeb(t)
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  origin.raw('a.test', '/asis', bytes)
  assert.deepEqual(new Uint8Array((await ask(origin.port, '/asis')).bytes), bytes)
  origin.raw('a.test', '/status', 'HTTP/1.1 404 Gone fishing\r\n\r\n')
  await ask(origin.port, '/status')
  assert.deepEqual(
    [...origin.ledger().arrivals()].map(({ status }) => status),
    [0, 404],
  )
})

test('handlers answer paths and folders, pass on, wait, and may fail', async (t) => {
  const origin = await openWeb(t)
  origin.handle('a.test', '/folder/*', ({ path }) => ({ body: `all ${path}` }))
  origin.handle('a.test', '/folder/deep/*', ({ path }) => (path.endsWith('/skip') ? undefined : { body: 'deep' }))
  origin.handle('a.test', '/later', () => Promise.resolve({ status: 202, body: 'later' }))
  origin.handle('a.test', '/throws', () => {
    throw new Error('oops')
  })
  origin.handle('a.test', '/rejects', () => Promise.reject(new Error('oops')))
  const body = async (path: string): Promise<string> => (await ask(origin.port, path)).body
  assert.equal(await body('/folder/x'), 'all /folder/x')
  assert.equal(await body('/folder/deep/x'), 'deep')
  assert.equal(await body('/folder/deep/skip'), 'all /folder/deep/skip')
  assert.equal(await body('/later'), 'later')
  for (const path of ['/throws', '/rejects']) {
    const reply = await ask(origin.port, path)
    assert.equal(reply.status, 500)
    assert.match(reply.body, /oops/)
  }
})

test('a page may be a script of writes, waits and an end, and can be asked for twice', async (t) => {
  const origin = await openWeb(t)
  const steps = [{ write: 'HTTP/1.1 200 OK\r\n\r\none ' }, { waitMs: 1 }, { write: 'two' }, { end: 'close' as const }]
  origin.site('a.test', { pages: { '/script': { status: 200, steps } } })
  for (let i = 0; i < 2; i++) assert.equal((await ask(origin.port, '/script')).body, 'one two')
})

test('every n-th request goes wrong by a fault, robots.txt never unless told to', async (t) => {
  const origin = await openWeb(t, { sites: { '*': { robots: '' } } })
  origin.fault('a.test', { kind: 'drop', every: 3 })
  origin.fault('b.test', { kind: 'status', every: 2, status: 500, retryAfter: '9', times: 1, path: '/ok' })
  origin.fault('c.test', { kind: 'status', every: 1, robots: true })
  const statuses = async (host: string, paths: readonly string[]): Promise<number[]> => {
    const found: number[] = []
    for (const path of paths) found.push((await ask(origin.port, path, { host })).status)
    return found
  }
  const ok = Array.from({ length: 6 }, () => '/ok')
  assert.deepEqual(await statuses('a.test', ['/robots.txt', ...ok]), [200, 200, 200, 0, 200, 200, 0])
  assert.deepEqual(await statuses('b.test', ['/status/201', ...ok]), [201, 200, 500, 200, 200, 200, 200])
  assert.deepEqual(await statuses('c.test', ['/robots.txt', '/ok']), [503, 503])
  origin.clearFaults('c.test')
  assert.deepEqual(await statuses('c.test', ['/ok']), [200])
  origin.fault('c.test', ({ path }) => (path === '/ok' ? { status: 418 } : undefined))
  assert.deepEqual(await statuses('c.test', ['/ok', '/status/201']), [418, 201])
  assert.throws(() => origin.fault('c.test', { kind: 'drop', every: 0 }), RangeError)
})

test('faults of each kind break the reply in their way', async (t) => {
  const origin = await openWeb(t)
  origin.fault('reset.test', { kind: 'reset', every: 1 })
  origin.fault('partial.test', { kind: 'partial', every: 1 })
  origin.fault('cut.test', { kind: 'cut', every: 1 })
  origin.fault('hang.test', { kind: 'hang', every: 1 })
  assert.equal((await ask(origin.port, '/', { host: 'reset.test' })).error, 'ECONNRESET')
  const partial = await ask(origin.port, '/', { host: 'partial.test' })
  assert.match(partial.head, /Content-Length: 2000/)
  assert.equal(partial.body.length, 1000)
  const cut = await ask(origin.port, '/', { host: 'cut.test' })
  assert.equal(cut.error, 'ECONNRESET')
  assert.equal(cut.body.length, 1000)
  const hanging = ask(origin.port, '/', { host: 'hang.test' })
  await origin.until(1, 'hang.test')
  await origin.close()
  assert.equal((await hanging).text, '')
})

test('answerMs holds back every reply of the site, a pair by the path', async (t) => {
  const origin = await openWeb(t, { sites: { '*': { answerMs: 10 }, 'b.test': { answerMs: [1, 20] } } })
  await ask(origin.port, '/robots.txt')
  const [first] = origin.ledger('a.test').arrivals()
  assert.ok((first?.endedAt as number) - (first?.arrivedAt as number) >= 9)
  await Promise.all(Array.from({ length: 8 }, (_, n) => ask(origin.port, `/ok?${n}`, { host: 'b.test' })))
  assert.equal(origin.ledger('b.test').statuses().get(200), 8)
})

test('the fake web listens on several addresses with one port', { skip: process.platform !== 'linux' }, async (t) => {
  const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
  const origin = await openWeb(t, { addresses })
  for (const address of addresses) assert.equal((await ask(origin.port, '/ok', {}, address)).status, 200)
  assert.deepEqual(
    [...origin.ledger().arrivals()].map(({ address }) => address),
    addresses,
  )
})

test('a port that is taken is an error', async (t) => {
  const origin = await openWeb(t)
  await assert.rejects(startOrigin({ port: origin.port }), /EADDRINUSE/)
})

test('the fake web tells how to reach it', async (t) => {
  const origin = await openWeb(t)
  assert.equal(origin.url('a.test', '/x'), 'http://a.test/x')
  assert.equal(origin.directUrl('/x'), `http://127.0.0.1:${origin.port}/x`)
  assert.equal(origin.resolveFlag, `*=127.0.0.1:${origin.port}`)
  assert.deepEqual(origin.resolve, [{ pattern: '*', address: '127.0.0.1', port: origin.port }])
})

test('further request fields are kept in the ledger where they are asked for', async (t) => {
  const origin = await openWeb(t, { recordHeaders: ['X-Token'] })
  await send(origin.port, requestBytes('/ok', { headers: { 'X-Token': 'abc', 'X-Other': '1', Connection: 'close' } }))
  assert.deepEqual([...origin.ledger().arrivals()][0]?.headers, { 'x-token': 'abc' })
})
