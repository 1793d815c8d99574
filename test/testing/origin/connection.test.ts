import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, openLine, requestBytes, send, openWeb } from '../raw-client.ts'

const KEEP = { headers: { Connection: 'keep-alive' } }

test('one connection to the fake web carries many requests, pipelined ones in order', async (t) => {
  const origin = await openWeb(t)
  const line = await openLine(origin.port)
  for (let n = 0; n < 4; n++) {
    line.write(requestBytes(`/status/${200 + n}`, KEEP))
    await line.read('</html>')
  }
  const paths = ['/delay/5?1', '/ok?2', '/flaky/1?3', '/chunked?4', '/slow/90000?5', '/status/418']
  line.write(paths.map((path) => requestBytes(path, KEEP)).join(''))
  await line.read('Status 418')
  line.socket.destroy()
  const arrivals = [...origin.ledger().arrivals()]
  assert.deepEqual(
    arrivals.slice(4).map(({ path }) => path),
    paths,
  )
  assert.equal(origin.ledger().connections(), 1)
})

test('a request may come byte by byte', async (t) => {
  const origin = await openWeb(t)
  const line = await openLine(origin.port)
  const bytes = requestBytes('/echo', { method: 'POST', body: 'abc' })
  for (const byte of bytes) {
    line.socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.match(await line.read('"body":"abc"'), /^HTTP\/1.1 200 OK/)
  await line.closed
  assert.equal(origin.ledger().count, 1)
})

test('chunked request bodies are read, 100-continue is answered', async (t) => {
  const origin = await openWeb(t)
  const head = 'POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n'
  const line = await openLine(origin.port)
  line.write(head)
  await line.read('HTTP/1.1 100 Continue\r\n\r\n')
  line.write('3\r\nabc\r\n')
  line.write('2;x=y\r\nde\r\n0\r\n')
  line.write('\r\n')
  assert.match(await line.read('rawHeaders'), /"body":"abcde"/)
  line.socket.destroy()
})

test('HEAD gets the head of the page and no body', async (t) => {
  const origin = await openWeb(t)
  const { head, body, status } = await ask(origin.port, '/ok', { method: 'HEAD' })
  assert.equal(status, 200)
  assert.match(head, /\r\nContent-Length: [1-9]/)
  assert.equal(body, '')
})

test('HTTP/1.0 and Connection: close end the connection after the reply', async (t) => {
  const origin = await openWeb(t)
  assert.equal((await send(origin.port, 'GET /ok HTTP/1.0\r\nHost: a.test\r\n\r\n')).status, 200)
  assert.equal((await ask(origin.port, '/ok')).status, 200)
  assert.equal(origin.openConnections, 0)
})

test('a target with a host, as sent to a proxy, belongs to that host', async (t) => {
  const origin = await openWeb(t)
  await send(origin.port, 'GET http://B.test:8080/ok?x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
  assert.deepEqual([...origin.ledger('b.test').paths()], [['/ok?x', 1]])
})

test('the host of the ledger is lower case and without port, IPv6 included', async (t) => {
  const origin = await openWeb(t)
  await ask(origin.port, '/ok', { host: 'A.Test:8080' })
  await ask(origin.port, '/ok', { host: '[::1]:8080' })
  await ask(origin.port, '/ok', { host: '[::1]' })
  assert.deepEqual(
    [...origin.ledger().hosts()],
    [
      ['a.test', 1],
      ['[::1]', 2],
    ],
  )
})

test('what is no request is answered with 400 and noted', async (t) => {
  const origin = await openWeb(t)
  assert.equal((await send(origin.port, 'nonsense\r\n\r\n')).status, 400)
  assert.equal([...origin.ledger().arrivals()][0]?.status, 400)
})

test('large bodies arrive whole, to a slow reader too', async (t) => {
  const origin = await openWeb(t)
  const line = await openLine(origin.port)
  line.socket.pause()
  line.write(requestBytes('/bytes/5000000'))
  await origin.until(1)
  let received = 0
  line.socket.on('data', (chunk: Buffer) => (received += chunk.length))
  line.socket.resume()
  await line.closed
  assert.ok(received > 5_000_000)
  const [arrival] = origin.ledger().arrivals()
  assert.equal(arrival?.complete, true)
})

test('closing the fake web cuts every connection, whatever it is doing', async (t) => {
  const origin = await openWeb(t)
  const open = ['/hang', '/drip/1000', '/delay/100000', '/endless'].map((path) => ask(origin.port, path))
  await origin.until(4)
  assert.equal(origin.openConnections, 4)
  await origin.close()
  assert.equal(origin.openConnections, 0)
  await Promise.all(open)
  await assert.rejects(openLine(origin.port))
})
