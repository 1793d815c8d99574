/** How connections are kept, shared out, replaced and counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, reply, type Asked } from './raw-server.ts'
import { setUp, until } from './setup.ts'

test('one connection serves one request after the other', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get, fetcher } = await setUp(t)
  for (let i = 0; i < 5; i++) {
    const ended = await get(`${server.origin}/${i}`)
    assert.equal(ended.text, `/${i}`)
    assert.equal(ended.response?.timing.connectMs === 0, i > 0, 'only the first one connects')
  }
  assert.equal(server.sockets.length, 1)
  assert.equal(fetcher.sockets, 1)
})

test('no more connections are opened than the request allows', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { start, fetcher } = await setUp(t)
  const all = Array.from({ length: 20 }, (_, i) => start(`${server.origin}/${i}`, { maxConnections: 2 }))
  assert.equal(fetcher.sockets, 2)
  const ends = await Promise.all(all.map(({ ended }) => ended))
  assert.deepEqual(
    ends.map(({ text }) => text),
    Array.from({ length: 20 }, (_, i) => `/${i}`),
  )
  assert.equal(server.sockets.length, 2)
})

test('a request that allows more connections than before gets them', async (t) => {
  const held: Asked[] = []
  const server = await rawServer(t, (asked) => void held.push(asked))
  const { start } = await setUp(t)
  const first = start(`${server.origin}/1`, { maxConnections: 1 })
  const second = start(`${server.origin}/2`, { maxConnections: 1 })
  const third = start(`${server.origin}/3`, { maxConnections: 3 })
  await until(() => held.length === 2)
  assert.deepEqual(held.map(({ path }) => path).sort(), ['/1', '/3'])
  for (const { socket, path } of held) socket.write(reply(path))
  await first.ended
  await third.ended
  await until(() => held.length === 3)
  held[2]?.socket.write(reply('/2'))
  assert.equal((await second.ended).text, '/2')
})

test('a request on a kept connection that the server closed unanswered is sent once more at once', async (t) => {
  const server = await rawServer(t, ({ socket, ordinal, path }) => {
    if (ordinal === 2) socket.end()
    else return reply(path)
    return undefined
  })
  const { get } = await setUp(t)
  assert.equal((await get(`${server.origin}/a`)).text, '/a')
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.deepEqual(
    server.asked.map(({ path, connection }) => `${path} ${connection}`),
    ['/a 1', '/b 1', '/b 2'],
  )
})

test('a request on a kept connection that the server reset unanswered is sent once more at once', async (t) => {
  const server = await rawServer(t, ({ socket, ordinal, path }) => {
    if (ordinal === 2) socket.resetAndDestroy()
    else return reply(path)
    return undefined
  })
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.equal(server.asked.length, 3)
})

test('a request is sent again no more than once', async (t) => {
  const server = await rawServer(t, ({ socket, ordinal, path }) => {
    if (ordinal > 1) socket.end()
    else return reply(path)
    return undefined
  })
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  assert.equal((await get(`${server.origin}/b`)).code, 'EMPTY_REPLY')
  assert.equal(server.asked.length, 3)
})

test('a request that changes something is not sent again', async (t) => {
  const server = await rawServer(t, ({ socket, ordinal, path }) => {
    if (ordinal === 2) socket.end()
    else return reply(path)
    return undefined
  })
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  const ended = await get(`${server.origin}/b`, { method: 'POST', body: new Uint8Array(0) })
  assert.equal(ended.code, 'EMPTY_REPLY')
  assert.equal(server.asked.length, 2)
})

test('a request that began to be answered is not sent again', async (t) => {
  const server = await rawServer(t, ({ socket, ordinal, path }) => {
    if (ordinal === 2) socket.end('HTTP/1.1 2')
    else return reply(path)
    return undefined
  })
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  assert.equal((await get(`${server.origin}/b`)).code, 'TRUNCATED')
  assert.equal(server.asked.length, 2)
})

test('an answer staged on an idle connection is never taken as the next one', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get, fetcher } = await setUp(t)
  await get(`${server.origin}/a`)
  server.sockets[0]?.write(reply('poison'))
  await until(() => fetcher.sockets === 0)
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.equal(server.sockets.length, 2)
})

test('bytes that came before a request was written are not its answer, although nobody has been told of them', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t)
  for (let n = 0; n < 20; n++) {
    // In one turn of the loop: the poison is with the kernel, the event of it is not with us.
    server.sockets.at(-1)?.write(reply('poison'))
    assert.equal((await get(`${server.origin}/${n}`)).text, `/${n}`)
  }
  assert.equal(server.sockets.length, 20)
  assert.equal(server.asked.length, 20)
})

test('a request that changes something is not lost on a connection that was closed a moment ago', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  server.sockets[0]?.resetAndDestroy()
  const ended = await get(`${server.origin}/b`, { method: 'POST', body: new Uint8Array(0) })
  assert.equal(ended.text, '/b')
  assert.equal(server.asked.length, 2)
})

test('a second answer sent along with the first is never taken as the next one', async (t) => {
  const server = await rawServer(t, ({ path, ordinal }) =>
    ordinal === 1 ? Buffer.concat([reply(path), reply('poison')]) : reply(path),
  )
  const { start } = await setUp(t)
  const all = ['/a', '/b', '/c'].map((path) => start(server.origin + path, { maxConnections: 1 }).ended)
  assert.deepEqual(
    (await Promise.all(all)).map(({ text }) => text),
    ['/a', '/b', '/c'],
  )
})

test('the rest of an answer that was longer than it said is not taken for the next one', async (t) => {
  // The third request is the second one again, on a connection of its own.
  const server = await rawServer(t, ({ path, ordinal }) => (ordinal === 2 ? Buffer.from('GARBAGE') : reply(path)))
  const { get } = await setUp(t)
  await get(`${server.origin}/a`)
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
  assert.deepEqual(
    server.asked.map(({ path }) => path),
    ['/a', '/b', '/b'],
  )
})

test('garbage after a body does not harm the request that waits for the connection', async (t) => {
  const server = await rawServer(t, ({ path, ordinal }) =>
    ordinal === 1 ? Buffer.concat([reply(path), Buffer.from('GARBAGE')]) : reply(path),
  )
  const { start } = await setUp(t)
  const all = ['/a', '/b'].map((path) => start(server.origin + path, { maxConnections: 1 }).ended)
  assert.deepEqual(
    (await Promise.all(all)).map(({ text }) => text),
    ['/a', '/b'],
  )
})

test('Connection: close is obeyed and the next request connects anew', async (t) => {
  const server = await rawServer(t, ({ path, socket }) => {
    socket.end(reply(path, { Connection: 'close' }))
  })
  const { start } = await setUp(t)
  const all = ['/a', '/b', '/c'].map((path) => start(server.origin + path, { maxConnections: 1 }).ended)
  assert.deepEqual(
    (await Promise.all(all)).map(({ text }) => text),
    ['/a', '/b', '/c'],
  )
  assert.equal(server.sockets.length, 3)
})

test('a 304 that carries a Content-Length has no body and keeps its connection usable', async (t) => {
  const server = await rawServer(t, ({ path, ordinal }) =>
    ordinal === 1 ? 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 4321\r\n\r\n' : reply(path),
  )
  const { get } = await setUp(t)
  const first = await get(`${server.origin}/a`, { headers: { 'If-None-Match': '"a"' } })
  assert.equal(first.code, 304)
  assert.equal(first.response?.size, 0)
  assert.match(server.asked[0]?.text ?? '', /\r\nIf-None-Match: "a"\r\n/)
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
})

test('the answer to HEAD has no body whatever its length says', async (t) => {
  const server = await rawServer(t, ({ path, ordinal }) =>
    ordinal === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 4321\r\nContent-Encoding: gzip\r\n\r\n' : reply(path),
  )
  const { get } = await setUp(t)
  const first = await get(`${server.origin}/a`, { method: 'HEAD' })
  assert.equal(first.code, 200)
  assert.equal(first.response?.size, 0)
  assert.equal((await get(`${server.origin}/b`)).text, '/b')
})

test('idle connections are closed oldest first to make room for other origins', async (t) => {
  const servers = await Promise.all([1, 2, 3].map(() => rawServer(t, ({ path }) => reply(path))))
  const { get, fetcher } = await setUp(t, { maxSockets: 2 })
  for (const server of servers) {
    await get(`${server.origin}/`)
    assert.ok(fetcher.sockets <= 2)
  }
  await get(`${servers[1]?.origin}/again`)
  assert.deepEqual(
    servers.map(({ sockets }) => sockets.length),
    [1, 1, 1],
    'the second server kept its connection, the first one lost it',
  )
})

test('requests wait for a socket where all are in use', async (t) => {
  const held: Asked[] = []
  const first = await rawServer(t, (asked) => void held.push(asked))
  const second = await rawServer(t, ({ path }) => reply(path))
  const { start, fetcher } = await setUp(t, { maxSockets: 1 })
  const slow = start(`${first.origin}/slow`)
  const waiting = start(`${second.origin}/waiting`)
  await until(() => held.length === 1)
  assert.equal(fetcher.sockets, 1)
  assert.equal(second.sockets.length, 0)
  held[0]?.socket.write(reply('done'))
  assert.equal((await slow.ended).text, 'done')
  assert.equal((await waiting.ended).text, '/waiting')
  assert.equal(fetcher.sockets, 1)
})

test('a connection that stays idle is closed', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get, fetcher } = await setUp(t, { keepAliveMs: 30 })
  await get(`${server.origin}/`)
  assert.equal(fetcher.sockets, 1)
  await until(() => fetcher.sockets === 0)
})
