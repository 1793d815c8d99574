/** Ending requests from our side. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { rawServer, reply, type Asked } from './raw-server.ts'
import { setUp, until } from './setup.ts'

test('a reason given at the head ends the request before its body', async (t) => {
  const size = 512 * 1024 * 1024
  const server = await rawServer(t, ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: ${size}\r\n\r\n`)
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', more)
    more()
  })
  const opened: Socket[] = []
  const note = (message: unknown): void => void opened.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', note)
  t.after(() => unsubscribe('net.client.socket', note))
  const { get, fetcher } = await setUp(t, { maxBytes: size * 2 })
  let seen: readonly unknown[] = []
  const ended = await get(`${server.origin}/`, {}, (status, rawHeaders) => {
    seen = [status, rawHeaders[1]]
    return 'only pages are wanted'
  })
  assert.deepEqual(seen, [200, 'video/mp4'])
  assert.equal(ended.code, 'CANCELLED')
  assert.equal(ended.failure?.message, 'only pages are wanted')
  assert.equal(fetcher.sockets, 0)
  await until(() => server.sockets[0]?.destroyed === true)
  assert.equal(opened.length, 1)
  const read = opened[0]?.bytesRead ?? Number.POSITIVE_INFINITY
  assert.ok(read < 256 * 1024, `${read} bytes were read`)
})

test('a request is cancelled wherever it stands, and told once', async (t) => {
  const held: Asked[] = []
  const server = await rawServer(t, (asked) => {
    held.push(asked)
    if (asked.path === '/body') return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'
    return undefined
  })
  const { start, fetcher } = await setUp(t)
  const connecting = start(`${server.origin}/connecting`)
  connecting.handle.cancel('why not')
  assert.equal((await connecting.ended).code, 'CANCELLED')

  const waiting = start(`${server.origin}/sent`, { maxConnections: 1 })
  const queued = start(`${server.origin}/queued`, { maxConnections: 1 })
  queued.handle.cancel('in the queue')
  assert.equal((await queued.ended).failure?.message, 'in the queue')
  await until(() => held.length === 1)
  waiting.handle.cancel('before the head')
  assert.equal((await waiting.ended).code, 'CANCELLED')

  let atBody: (() => void) | undefined
  const head = new Promise<void>((resolve) => {
    atBody = resolve
  })
  const body = start(`${server.origin}/body`, {}, () => {
    atBody?.()
    return undefined
  })
  await head
  body.handle.cancel('in the body')
  body.handle.cancel('twice')
  const ended = await body.ended
  assert.equal(ended.failure?.message, 'in the body')
  assert.equal(ended.calls, 1)
  assert.equal(fetcher.sockets, 0)
  assert.equal(
    (await start(`${server.origin}/body`, {}, () => 'enough').ended).code,
    'CANCELLED',
    'the origin still works',
  )
})

test('cancelling what is over does nothing', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { start, get } = await setUp(t)
  const { ended, handle } = start(`${server.origin}/a`)
  const result = await ended
  handle.cancel('late')
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.equal(result.calls, 1)
  assert.equal(server.sockets.length, 1)
})

test('closing the fetcher cancels what lives, closes all sockets and removes its files', async (t) => {
  const server = await rawServer(t, ({ path, socket }) => {
    if (path === '/big') socket.write(reply(Buffer.alloc(200_000, 'x')))
    if (path === '/half') socket.write(Buffer.concat([reply(Buffer.alloc(200_000, 'x')).subarray(0, 150_000)]))
  })
  const { start, get, fetcher, folder } = await setUp(t, { spoolBytes: 100_000 })
  const big = await get(`${server.origin}/big`)
  assert.ok(big.response?.file !== undefined)
  const live = [start(`${server.origin}/never`), start(`${server.origin}/half`)]
  await until(() => server.asked.length === 3)
  await fetcher.close()
  for (const { ended } of live) assert.equal((await ended).code, 'CANCELLED')
  assert.equal(fetcher.sockets, 0)
  assert.equal((await start(`${server.origin}/late`).ended).code, 'CANCELLED')
  await fetcher.close()
  await until(() => readdirSync(folder).length === 0)
})

test('a URL of another scheme or none is URL_INVALID, told after the handle was given', async (t) => {
  const { start } = await setUp(t)
  for (const url of ['ftp://127.0.0.1/', 'nonsense', 'http://', '', 'http://127.0.0.1:99999/']) {
    const { ended, handle } = start(url)
    assert.ok(handle !== undefined)
    assert.equal((await ended).code, 'URL_INVALID', url)
  }
})
