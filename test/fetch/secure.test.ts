/** TLS: what is trusted, what is refused and why. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { CERTIFICATE, EXPIRED, KEY } from './certificates.ts'
import { rawServer, reply } from './raw-server.ts'
import { setUp } from './setup.ts'
import { tlsServer } from './tls-server.ts'

const toLoopback = [{ pattern: '*', address: '127.0.0.1' }]

test('a page over TLS is fetched, its name checked and sent, its time told', async (t) => {
  const server = await tlsServer(t, CERTIFICATE)
  const { get } = await setUp(t, { ca: CERTIFICATE, resolve: toLoopback })
  const ended = await get(`https://www.good.test:${server.port}/`)
  assert.equal(ended.text, 'secret', ended.failure?.message)
  assert.equal(server.seen[0]?.servername, 'www.good.test')
  assert.match(server.seen[0]?.text ?? '', new RegExp(`\r\nhost: www.good.test:${server.port}\r\n`, 'i'))
  assert.ok((ended.response?.timing.tlsMs ?? 0) > 0)
  assert.equal(ended.response?.address, '127.0.0.1')
})

test('an address without a name is checked against the addresses of the certificate', async (t) => {
  const server = await tlsServer(t, CERTIFICATE)
  const { get } = await setUp(t, { ca: CERTIFICATE })
  const ended = await get(`https://127.0.0.1:${server.port}/`)
  assert.equal(ended.text, 'secret', ended.failure?.message)
})

test('untrusted, expired and wrong certificates are TLS_FAILED with their cause', async (t) => {
  const good = await tlsServer(t, CERTIFICATE)
  const expired = await tlsServer(t, EXPIRED)
  const untrusting = await setUp(t, { resolve: toLoopback })
  const untrusted = await untrusting.get(`https://good.test:${good.port}/`)
  assert.equal(untrusted.code, 'TLS_FAILED')
  assert.match(untrusted.failure?.message ?? '', /self[- ]signed/)
  const trusting = await setUp(t, { ca: CERTIFICATE + EXPIRED, resolve: toLoopback })
  const wrongName = await trusting.get(`https://bad.test:${good.port}/`)
  assert.equal(wrongName.code, 'TLS_FAILED')
  assert.match(wrongName.failure?.message ?? '', /bad\.test/)
  const late = await trusting.get(`https://good.test:${expired.port}/`)
  assert.equal(late.code, 'TLS_FAILED')
  assert.match(late.failure?.message ?? '', /expired/)
})

test('plain HTTP where TLS was asked for is TLS_FAILED and says so', async (t) => {
  const server = await rawServer(t, () => {})
  const { get } = await setUp(t)
  const talking = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  await new Promise<void>((resolve) => talking.listen(0, '127.0.0.1', resolve))
  t.after(() => talking.close())
  const ended = await get(`https://127.0.0.1:${(talking.address() as AddressInfo).port}/`)
  assert.equal(ended.code, 'TLS_FAILED')
  assert.match(ended.failure?.message ?? '', /does not speak TLS/)
  assert.equal(server.asked.length, 0)
})

test('TLS where plain HTTP was asked for is NOT_HTTP or a closed connection, never a page', async (t) => {
  const server = await tlsServer(t, CERTIFICATE)
  const { get } = await setUp(t)
  const ended = await get(`http://127.0.0.1:${server.port}/`)
  assert.ok(['NOT_HTTP', 'EMPTY_REPLY', 'CONNECTION_RESET'].includes(String(ended.code)), String(ended.code))
})

test('a peer that closes during the handshake is TLS_FAILED', async (t) => {
  const closing = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end())
  })
  await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve))
  t.after(() => closing.close())
  const { get } = await setUp(t)
  const ended = await get(`https://127.0.0.1:${(closing.address() as AddressInfo).port}/`)
  assert.equal(ended.code, 'TLS_FAILED')
  assert.match(ended.failure?.message ?? '', /closed the connection during the TLS handshake/)
})

test('connections over TLS are kept and the session is used again', async (t) => {
  const server = await tlsServer(t, CERTIFICATE)
  const { get, start } = await setUp(t, { ca: CERTIFICATE })
  const url = `https://127.0.0.1:${server.port}/`
  await get(url)
  await get(url)
  assert.equal(server.seen.length, 2)
  const both = [start(url), start(url)]
  for (const { ended } of both) assert.equal((await ended).text, 'secret')
  assert.ok(server.seen.some(({ resumed }) => resumed))
})

test('a connection over TLS is kept, but not once it holds bytes that were sent unasked', async (t) => {
  let behind = false
  const sockets: TLSSocket[] = []
  const server = createTlsServer({ key: KEY, cert: CERTIFICATE }, (socket) => {
    sockets.push(socket.setNoDelay(true))
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      // Records of their own in one segment: they are read at once and told one by one.
      socket.cork()
      socket.write(reply(chunk.toString('latin1').split(' ')[1] ?? ''))
      if (behind) socket.write(reply('poison'))
      socket.uncork()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { get, start } = await setUp(t, { ca: CERTIFICATE })
  for (const path of ['/a', '/b', '/c']) assert.equal((await get(origin + path)).text, path)
  assert.equal(sockets.length, 1)
  // It is encrypted and written later; when this is told, the event of it has not come to us.
  await new Promise((resolve) => sockets[0]?.write(reply('poison'), resolve))
  assert.equal((await get(`${origin}/d`)).text, '/d')
  assert.equal(sockets.length, 2)
  behind = true
  const all = ['/e', '/f', '/g'].map((path) => start(origin + path, { maxConnections: 1 }).ended)
  assert.deepEqual(
    (await Promise.all(all)).map(({ text }) => text),
    ['/e', '/f', '/g'],
  )
})
