/** Bodies that are large: what is kept in memory, what in files, what is refused. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { createDigest } from '../../src/url/fingerprint.ts'
import { rawServer, reply } from './raw-server.ts'
import { setUp, until } from './setup.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

test('a body over the spool size is in a file, with the digest of its bytes', async (t) => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `line ${i}\n`).join(''))
  const server = await rawServer(t, () => reply(body))
  const { get, folder } = await setUp(t, { spoolBytes: 100_000 })
  const { response } = await get(`${server.origin}/`)
  assert.ok(response?.file !== undefined)
  assert.equal(dirname(response.file), folder)
  assert.equal(response.body.length, 0)
  assert.equal(response.size, body.length)
  assert.ok(readFileSync(response.file).equals(body))
  assert.equal(response.digest, (await createDigest()).digest(body))
  assert.equal((await get(`${server.origin}/`)).response?.file === response.file, false, 'each has its own')
})

test('a body of exactly the spool size stays in memory', async (t) => {
  const server = await rawServer(t, () => reply(Buffer.alloc(1000, 'x')))
  const { get } = await setUp(t, { spoolBytes: 1000 })
  const { response } = await get(`${server.origin}/`)
  assert.equal(response?.body.length, 1000)
  assert.equal(response.file, undefined)
})

test('a file cut off on the wire is handed over with its failure', async (t) => {
  const server = await rawServer(
    t,
    ({ socket }) => void socket.end(reply(Buffer.alloc(300_000, 'x')).subarray(0, -50_000)),
  )
  const { get } = await setUp(t, { spoolBytes: 100_000 })
  const ended = await get(`${server.origin}/`)
  assert.equal(ended.code, 'TRUNCATED')
  assert.equal(ended.failure?.response?.size, 250_000)
  assert.equal(readFileSync(ended.failure?.response?.file as string).length, 250_000)
})

test('a body announced over the cap is TOO_LARGE before it is read', async (t) => {
  const plain = await rawServer(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2000\r\nETag: "e"\r\n\r\nabc')
  const small = await setUp(t, { maxBytes: 1000 })
  const ended = await small.get(`${plain.origin}/`)
  assert.equal(ended.code, 'TOO_LARGE')
  assert.equal(ended.failure?.response?.header('etag'), '"e"')
})

test('a length beyond any body is none: what comes until the close is the body, and the cap holds for it', async (t) => {
  const server = await rawServer(t, ({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nabc')
  })
  const { get } = await setUp(t)
  const whole = await get(`${server.origin}/`)
  assert.equal(whole.text, 'abc')
  assert.ok(whole.response?.flags?.includes('lenient') === true)
  const small = await setUp(t, { maxBytes: 2 })
  assert.equal((await small.get(`${server.origin}/`)).code, 'TOO_LARGE')
})

test('a request with a cap of its own gets the bytes up to it', async (t) => {
  const server = await rawServer(t, () => reply('0123456789'))
  const { get, fetcher } = await setUp(t)
  const ended = await get(`${server.origin}/robots.txt`, { maxBytes: 4 })
  assert.equal(ended.code, 'TOO_LARGE')
  assert.equal(ended.text, '0123')
  assert.equal(ended.failure?.response?.size, 4)
  assert.equal(fetcher.sockets, 0)
  assert.equal((await get(`${server.origin}/robots.txt`, { maxBytes: 10 })).text, '0123456789')
})

test('an endless body is TOO_LARGE at the cap', async (t) => {
  const server = await rawServer(t, ({ socket }) => {
    socket.write(CHUNKED)
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', more)
    more()
  })
  const { get, folder } = await setUp(t, { maxBytes: 3_000_000, spoolBytes: 500_000 })
  const ended = await get(`${server.origin}/`)
  assert.equal(ended.code, 'TOO_LARGE')
  await until(() => readdirSync(folder).length === 0)
})

test('a folder that cannot be written to is trouble of the job, not of the URL', async (t) => {
  const server = await rawServer(t, () => reply(Buffer.alloc(300_000, 'x')))
  const { get, folder } = await setUp(t, { spoolBytes: 100_000 })
  rmSync(folder, { recursive: true })
  const { failure } = await get(`${server.origin}/`)
  assert.equal(failure?.disk, true)
  assert.match(failure?.message ?? '', /cannot write the body/)
})

test('many bodies at a time go to files without mixing', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path.repeat(100_000)))
  const { start } = await setUp(t, { spoolBytes: 50_000 })
  const all = Array.from({ length: 12 }, (_, i) => start(`${server.origin}/${i}`, { maxConnections: 12 }).ended)
  for (const [i, { response }] of (await Promise.all(all)).entries()) {
    assert.equal(readFileSync(response?.file as string, 'latin1'), `/${i}`.repeat(100_000))
  }
})

test('files of bodies are for their owner only', async (t) => {
  const server = await rawServer(t, () => reply(Buffer.alloc(2000, 'x')))
  const { get, folder } = await setUp(t, { spoolBytes: 1000 })
  chmodSync(folder, 0o700)
  const { response } = await get(`${server.origin}/`)
  const { statSync } = await import('node:fs')
  assert.equal(statSync(response?.file as string).mode & 0o777, 0o600)
})
