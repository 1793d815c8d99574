/** What is written on the wire, and which options are refused. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import { httpFetcher, type FetcherOptions } from '../../src/fetch/http.ts'
import { mergeHeaders } from '../../src/fetch/request-headers.ts'
import { rawServer, reply } from './raw-server.ts'
import { setUp } from './setup.ts'

function fields(text: string): Map<string, string> {
  const lines = text.split('\r\n').slice(1, -2)
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
}

test('a request says who asks, what it takes and nothing else', async (t) => {
  const server = await rawServer(t, () => reply(''))
  const { get } = await setUp(t)
  await get(`${server.origin}/a?b=c`)
  const text = server.asked[0]?.text ?? ''
  assert.ok(text.startsWith('GET /a?b=c HTTP/1.1\r\n'))
  const sent = fields(text)
  assert.deepEqual([...sent.keys()].sort(), ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
  assert.equal(sent.get('user-agent'), 'sluice-test/1')
  assert.equal(sent.get('host'), `127.0.0.1:${server.port}`)
})

test('default headers go to their origins only and give way to those of the request', async (t) => {
  const server = await rawServer(t, () => reply(''))
  const { get } = await setUp(t, {
    headers: { Authorization: 'Bearer canary', 'user-agent': 'other/1', 'Accept-Language': 'pt' },
    headerOrigins: [`http://home.test:${server.port}`],
    resolve: [{ pattern: '*', address: '127.0.0.1' }],
  })
  await get(`http://home.test:${server.port}/`)
  await get(`http://home.test:${server.port}/`, { headers: { 'accept-language': 'en' } })
  await get(`http://away.test:${server.port}/`)
  await get(`http://sub.home.test:${server.port}/`)
  const [home, own, away, sub] = server.asked.map(({ text }) => fields(text))
  assert.equal(home?.get('authorization'), 'Bearer canary')
  assert.equal(home?.get('user-agent'), 'other/1')
  assert.equal(home?.get('accept-language'), 'pt')
  assert.equal(own?.get('accept-language'), 'en')
  assert.equal(away?.get('authorization'), undefined)
  assert.equal(away?.get('user-agent'), 'sluice-test/1')
  assert.equal(sub?.get('authorization'), undefined)
})

test('credentials of a URL are sent as a header of that request alone', async (t) => {
  const server = await rawServer(t, () => reply(''))
  const { get } = await setUp(t)
  await get(`http://us%65r:p%40ss@127.0.0.1:${server.port}/`)
  await get(`${server.origin}/`)
  const [first, second] = server.asked.map(({ text }) => fields(text))
  assert.equal(first?.get('authorization'), `Basic ${Buffer.from('user:p@ss').toString('base64')}`)
  assert.equal(first?.get('host'), `127.0.0.1:${server.port}`)
  assert.equal(second?.get('authorization'), undefined)
})

test('a body is sent with its length', async (t) => {
  const server = await rawServer(t, () => reply('taken'))
  const { get } = await setUp(t)
  const ended = await get(`${server.origin}/form`, {
    method: 'POST',
    body: new TextEncoder().encode('a=1'),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })
  assert.equal(ended.text, 'taken')
  const sent = fields(server.asked[0]?.text ?? '')
  assert.equal(sent.get('content-length'), '3')
  assert.equal(sent.get('content-type'), 'application/x-www-form-urlencoded')
})

test('URLs that are not canonical are asked for as they mean', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get, fetcher } = await setUp(t)
  const origin = `HTTP://127.1:${server.port}`
  assert.equal((await get(`${origin}?q`)).text, '/?q')
  assert.equal((await get(`${origin}/a/../b#c`)).text, '/b')
  assert.equal((await get(`${server.origin}`)).text, '/')
  assert.equal((await get(`${server.origin}/ä b`)).text, '/%C3%A4%20b')
  assert.equal((await get(`${server.origin}/x?y#z`)).text, '/x?y')
  assert.equal(fetcher.sockets, 1)
})

test('header fields that would end their line or frame the message are OPTION_INVALID', async () => {
  const base: FetcherOptions = { clock: systemClock(), userAgent: 'x/1', spoolFolder: tmpdir(), env: {} }
  const bad: readonly Partial<FetcherOptions>[] = [
    { headers: { 'X-A': 'b\r\nX-C: d' } },
    { headers: { 'X-A': 'b\nc' } },
    { headers: { 'X-A': 'b\0' } },
    { headers: { 'X-A': 'b\u20ac' } },
    { headers: { 'X A': 'b' } },
    { headers: { 'X-A:': 'b' } },
    { headers: { '': 'b' } },
    { headers: { 'transfer-Encoding': 'chunked' } },
    { headers: { 'Content-Length': '3' } },
    { headers: { Connection: 'close' } },
    { userAgent: 'x\r\ny' },
    { timeoutMs: 0 },
    { maxSockets: -1 },
    { keepAliveMs: Number.NaN },
    { proxy: 'socks4://x' },
    { env: { https_proxy: 'ftp://x' } },
    { resolve: [{ pattern: '', address: '' }] },
  ]
  for (const options of bad) {
    await assert.rejects(
      httpFetcher({ ...base, ...options }),
      { name: 'SluiceError', code: 'OPTION_INVALID' },
      JSON.stringify(options),
    )
  }
})

test('a request header that cannot be written fails its own request only', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t)
  const ended = await get(`${server.origin}/a`, { headers: { 'If-None-Match': '"a"\r\nX-Smuggled: 1' } })
  assert.equal(ended.code, 'URL_INVALID')
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.equal(server.asked.length, 1)
})

test('merged headers hold each name once, whatever its case', () => {
  assert.deepEqual(mergeHeaders(['A', '1', 'B', '2'], { b: '3', C: '4' }), ['A', '1', 'b', '3', 'C', '4'])
  assert.deepEqual(mergeHeaders([], {}), [])
})
