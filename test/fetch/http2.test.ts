/** HTTP/2 against a real server: what is negotiated, how streams share a connection, and how each kind of trouble ends. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { FetcherOptions } from '../../src/fetch/http.ts'
import { startHttp2Origin, type Http2Origin, type Http2OriginOptions } from '../../src/testing/http2-origin.ts'
import { CERTIFICATE, KEY } from './certificates.ts'
import { setUp, until, type Setup } from './setup.ts'

interface Lab extends Setup {
  readonly server: Http2Origin
  url(path: string, host?: string): string
}

async function lab(
  t: TestContext,
  { server: own, ...options }: Partial<FetcherOptions> & { server?: Partial<Http2OriginOptions> } = {},
): Promise<Lab> {
  const server = await startHttp2Origin({ key: KEY, cert: CERTIFICATE, ...own })
  t.after(() => server.close())
  const resolve = [{ pattern: '*', address: '127.0.0.1', port: server.port }]
  const setup = await setUp(t, { ca: CERTIFICATE, resolve, http2: true, ...options })
  return { ...setup, server, url: (path, host = 'good.test') => `https://${host}${path}` }
}

test('an origin that speaks HTTP/2 is asked by it, and the answer says so', async (t) => {
  const { get, url, server } = await lab(t)
  const { response, text, failure } = await get(url('/ok?1'), { headers: { 'X-Own': 'yes' } })
  assert.equal(response?.status, 200, failure?.message)
  assert.equal(response?.protocol, 'h2')
  assert.match(text, /A page by HTTP\/2/)
  assert.equal(response?.header('content-type'), 'text/html; charset=utf-8')
  assert.equal(response?.address, '127.0.0.1')
  assert.ok((response?.timing.tlsMs ?? 0) > 0)
  assert.deepEqual(
    server.arrivals.map(({ protocol, path, host }) => [protocol, path, host]),
    [['h2', '/ok?1', 'good.test']],
  )
})

test('fields, methods and bodies arrive as they would by HTTP/1.1, without those of a connection', async (t) => {
  const { get, url } = await lab(t)
  const headers = { 'X-Own': 'yes', Connection: 'close', Cookie: 'a=1; b=2' }
  const { text, failure } = await get(url('/echo'), { method: 'POST', body: Buffer.from('a=1&b=2'), headers })
  const told = JSON.parse(text || '{}') as { headers: Record<string, string>; body: string }
  assert.equal(told.body, 'a=1&b=2', failure?.message)
  const { ':method': method, ':authority': authority, 'x-own': own, connection, host, cookie } = told.headers
  assert.deepEqual(
    { method, authority, own, connection, host, cookie },
    { method: 'POST', authority: 'good.test', own: 'yes', connection: undefined, host: undefined, cookie: 'a=1; b=2' },
  )
  assert.equal(told.headers['user-agent'], 'sluice-test/1')
})

test('HEAD and 304 have no body, whatever length they name', async (t) => {
  const { get, url, server } = await lab(t)
  const head = await get(url('/bytes/1000'), { method: 'HEAD' })
  assert.deepEqual([head.code, head.response?.size], [200, 0], head.failure?.message)
  const unchanged = await get(url('/not-modified'))
  assert.equal(unchanged.code, 304, unchanged.failure?.message)
  assert.equal((await get(url('/ok'))).code, 200)
  assert.equal(server.connections, 1)
})

test('without the option, or where the server has none, it is HTTP/1.1', async (t) => {
  const off = await lab(t, { http2: false })
  assert.equal((await off.get(off.url('/ok'))).response?.protocol, undefined)
  const old = await lab(t, { server: { protocols: ['http/1.1'] } })
  const all = await Promise.all([1, 2, 3].map((n) => old.get(old.url(`/ok?${n}`))))
  assert.deepEqual(
    all.map(({ code, response }) => [code, response?.protocol]),
    [1, 2, 3].map(() => [200, undefined]),
  )
  assert.ok(old.server.connections <= 3, `${old.server.connections} connections`)
  assert.equal((await old.get(old.url('/ok?4'))).code, 200)
  assert.equal(old.server.connections, 3, 'what was opened to ask is used')
})

test('requests to one origin share one connection, as many at a time as the host may have', async (t) => {
  const { get, url, server, fetcher } = await lab(t)
  const all = await Promise.all(Array.from({ length: 12 }, (_, n) => get(url(`/delay/30?${n}`), { maxConnections: 3 })))
  assert.ok(all.every(({ code }) => code === 200))
  assert.equal(server.connections, 1)
  assert.equal(server.mostAtOnce, 3)
  assert.ok(fetcher.sockets <= 3)
})

test('a server that wants fewer streams gets fewer', async (t) => {
  const { get, url, server } = await lab(t, { server: { maxStreams: 2 } })
  await get(url('/ok'))
  const all = await Promise.all(Array.from({ length: 6 }, (_, n) => get(url(`/delay/30?${n}`), { maxConnections: 6 })))
  assert.ok(all.every(({ code }) => code === 200))
  assert.equal(server.mostAtOnce, 2)
})

test('no connection ever serves two origins, whatever names its certificate holds', async (t) => {
  const { get, url, server } = await lab(t)
  await get(url('/ok', 'good.test'))
  await get(url('/ok', 'www.good.test'))
  assert.equal(server.connections, 2)
  const byHost = new Map(server.arrivals.map(({ host, connection }) => [host, connection]))
  assert.notEqual(byHost.get('good.test'), byHost.get('www.good.test'))
})

test('a request that is cancelled ends its stream alone', async (t) => {
  const { start, get, url, server } = await lab(t)
  const endless = start(url('/endless'), {}, () => {
    setImmediate(() => endless.handle.cancel('enough'))
    return undefined
  })
  const beside = get(url('/delay/60'))
  assert.equal((await endless.ended).code, 'CANCELLED')
  assert.equal((await beside).code, 200)
  assert.equal((await get(url('/ok'))).code, 200)
  assert.equal(server.connections, 1)
  await until(() => server.arrivals[0]?.endedAt !== undefined)
  assert.equal(server.arrivals[0]?.isCancelled, true)
})

test('a body without end stops at the cap of bytes, and its connection goes on', async (t) => {
  const { get, url, server } = await lab(t, { maxBytes: 200_000 })
  const ended = await get(url('/endless'))
  assert.equal(ended.code, 'TOO_LARGE')
  assert.equal((await get(url('/bytes/100000'))).response?.size, 100_000)
  assert.equal(server.connections, 1)
})

test('a body larger than the window of a stream comes whole', async (t) => {
  const { get, url } = await lab(t)
  const { response, failure } = await get(url('/bytes/3000000'))
  assert.equal(response?.size, 3_000_000, failure?.message)
})

test('no answer within the time is TIMEOUT_HEADERS', async (t) => {
  const { get, url } = await lab(t, { timeoutMs: 300 })
  assert.equal((await get(url('/hang'))).code, 'TIMEOUT_HEADERS')
  assert.equal((await get(url('/ok'))).code, 200)
})

test('a request that a GOAWAY leaves out is sent again at once, one that it names is answered whole', async (t) => {
  const { get, url, server } = await lab(t)
  const before = await get(url('/goaway-before'))
  assert.equal(before.code, 200, before.failure?.message)
  assert.equal(server.connections, 2)
  const after = await get(url('/goaway-after'))
  assert.equal(after.code, 200, after.failure?.message)
  assert.equal((await get(url('/ok'))).code, 200)
  assert.equal(server.connections, 3)
})

test('a POST that the server says it has not touched is sent again, and what was sent is not claimed', async (t) => {
  const { get, url, server } = await lab(t)
  const post = { method: 'POST', body: Buffer.from('a=1') }
  assert.equal((await get(url('/goaway-before'), post)).code, 200)
  assert.equal((await get(url('/refuse/2'), post)).code, 200)
  assert.equal(server.arrivals.length, 5)
  const never = await get(url('/refuse/100'), post)
  assert.equal(never.code, 'CONNECTION_RESET')
  assert.equal(never.failure?.sent, undefined)
  assert.equal(server.arrivals.length, 11, 'it is not asked for ever')
})

test('a GOAWAY with an error, a stream that is reset and a socket that closes are CONNECTION_RESET', async (t) => {
  const { get, url } = await lab(t)
  const goaway = await get(url('/goaway-error'))
  assert.equal(goaway.code, 'CONNECTION_RESET')
  assert.match(goaway.failure?.message ?? '', /GOAWAY, INTERNAL_ERROR/)
  for (const code of [2, 8]) {
    const reset = await get(url(`/reset/${code}`))
    assert.equal(reset.code, 'CONNECTION_RESET', reset.failure?.message)
    assert.match(reset.failure?.message ?? '', /RST_STREAM/)
  }
  assert.equal((await get(url('/cut'))).code, 'CONNECTION_RESET')
  assert.equal((await get(url('/ok'))).code, 200)
})

test('a connection that is closed idle by the server is replaced', async (t) => {
  const { get, url, server } = await lab(t)
  await get(url('/ok?1'))
  server.leave()
  await until(() => server.openConnections === 0)
  assert.equal((await get(url('/ok?2'))).code, 200)
  assert.equal(server.connections, 2)
})

test('an idle connection is closed', async (t) => {
  const { get, url, server, fetcher } = await lab(t, { keepAliveMs: 40 })
  await get(url('/ok'))
  await until(() => fetcher.sockets === 0 && server.openConnections === 0)
})

test('a server that asks for HTTP/1.1 is asked again by it at once, from then on always', async (t) => {
  const { get, url, server } = await lab(t)
  const first = await get(url('/http1-only'))
  assert.equal(first.code, 200, first.failure?.message)
  assert.equal(first.response?.protocol, undefined)
  assert.equal((await get(url('/ok'))).response?.protocol, undefined)
  assert.deepEqual(
    server.arrivals.map(({ protocol }) => protocol),
    ['h2', 'http/1.1', 'http/1.1'],
  )
})

test('an answer that is shorter than its length is TRUNCATED', async (t) => {
  const { get, url } = await lab(t)
  assert.equal((await get(url('/short'))).code, 'TRUNCATED')
})

test('interim answers are skipped up to a limit, headers are taken up to one', async (t) => {
  const { get, url } = await lab(t)
  assert.equal((await get(url('/interim/5'))).code, 200)
  assert.equal((await get(url('/interim/50'))).code, 'UNEXPECTED_STATUS')
  assert.equal((await get(url('/fields/300'))).response?.header('x-299'), 'value of the field 299')
  const large = await get(url('/flood/large-head'))
  assert.equal(large.code, 'HEADERS_TOO_LARGE', large.failure?.message)
  assert.equal((await get(url('/ok'))).code, 200)
})

test('bytes that are no HTTP/2 are NOT_HTTP, and the origin is asked by HTTP/1.1 from then on', async (t) => {
  const { get, url } = await lab(t)
  const first = await get(url('/ok', 'garbage.good.test'))
  assert.equal(first.code, 'NOT_HTTP', first.failure?.message)
  assert.equal(first.failure?.cut, true, 'worth one more try')
})

/** How each flood ends. Resetting the one stream that it has is nothing that a server may not do. */
const ENDS: Readonly<Record<string, ErrorCode>> = {
  ping: 'BAD_FRAMING',
  settings: 'BAD_FRAMING',
  window: 'BAD_FRAMING',
  unknown: 'BAD_FRAMING',
  'empty-data': 'BAD_FRAMING',
  continuation: 'BAD_FRAMING',
  'empty-continuation': 'BAD_FRAMING',
  'huge-settings': 'BAD_FRAMING',
  'bad-setting': 'BAD_FRAMING',
  reset: 'CONNECTION_RESET',
}

for (const [flood, code] of Object.entries(ENDS)) {
  test(`a flood of frames (${flood}) ends with ${code} and its connection, in bounded memory`, async (t) => {
    const { get, url, server } = await lab(t)
    const before = process.memoryUsage.rss()
    const ended = await get(url(`/flood/${flood}`))
    assert.equal(ended.code, code, ended.failure?.message)
    await until(() => server.openConnections === 0)
    const grown = process.memoryUsage.rss() - before
    assert.ok(grown < 100e6, `memory grew by ${grown}`)
    // Another connection by HTTP/1.1, which such a server may do better.
    const next = await get(url('/ok'))
    assert.equal(next.code, 200)
    assert.equal(next.response?.protocol, undefined)
  })
}
