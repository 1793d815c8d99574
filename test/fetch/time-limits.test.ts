/** Every wait has a limit; time is moved by hand. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { rawServer, reply } from './raw-server.ts'
import { handClock, setUp, until, type Started } from './setup.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n'

test('no answer is TIMEOUT_HEADERS', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => {})
  const { start, fetcher } = await setUp(t, { clock })
  const { ended } = start(`${server.origin}/`)
  await until(() => server.asked.length === 1)
  clock.advance(29_000)
  assert.equal(fetcher.sockets, 1)
  clock.advance(1_600)
  assert.equal((await ended).code, 'TIMEOUT_HEADERS')
  assert.equal(fetcher.sockets, 0)
})

/** Starts a request and waits until so many bytes of its body have come. */
async function inBody(start: (path: string) => Started, heads: { count: number }): Promise<Started> {
  const started = start('/')
  await until(() => heads.count === 1)
  return started
}

test('silence within the body is TIMEOUT_BODY and keeps what came', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => `${HEAD}abc`)
  const { start } = await setUp(t, { clock })
  const heads = { count: 0 }
  const { ended } = await inBody(
    () =>
      start(`${server.origin}/`, {}, () => {
        heads.count++
        return undefined
      }),
    heads,
  )
  clock.advance(29_000)
  clock.advance(2_000)
  const result = await ended
  assert.equal(result.code, 'TIMEOUT_BODY')
  assert.equal(result.text, 'abc')
})

test('a body that drips is TIMEOUT_SLOW after its window', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => HEAD)
  const { start } = await setUp(t, { clock })
  let heads = 0
  const { ended } = start(`${server.origin}/`, {}, () => {
    heads++
    return undefined
  })
  await until(() => heads === 1)
  let over = false
  void ended.then(() => (over = true))
  // A byte every five seconds: never silent for long, far below the least rate.
  for (let i = 0; i < 11; i++) {
    server.sockets[0]?.write('x')
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(5_000)
  }
  assert.equal(over, false)
  server.sockets[0]?.write('x')
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(6_000)
  assert.equal((await ended).code, 'TIMEOUT_SLOW')
})

test('an answer that comes too slowly as a whole is TIMEOUT_TOTAL', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => HEAD)
  const { start } = await setUp(t, { clock, timeoutMs: 1_000 })
  let heads = 0
  const { ended } = start(`${server.origin}/`, {}, () => {
    heads++
    return undefined
  })
  await until(() => heads === 1)
  for (let i = 0; i < 14; i++) {
    server.sockets[0]?.write('x'.repeat(100))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(800)
  }
  assert.equal((await ended).code, 'TIMEOUT_TOTAL')
})

test('a name that is not found in time is TIMEOUT_DNS', async (t) => {
  const clock = handClock()
  const { start } = await setUp(t, { clock, lookup: () => {} })
  const { ended } = start('http://slow.test/')
  clock.advance(11_000)
  assert.equal((await ended).code, 'TIMEOUT_DNS')
})

test('a TLS handshake that is not answered is TIMEOUT_TLS', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => {})
  const { start } = await setUp(t, { clock })
  const { ended } = start(`https://127.0.0.1:${server.port}/`)
  await until(() => server.sockets.length === 1 && (server.sockets[0]?.bytesRead ?? 0) > 0)
  clock.advance(11_000)
  assert.equal((await ended).code, 'TIMEOUT_TLS')
})

test('a request that waits for its turn has no time limit', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, ({ path }) => (path === '/first' ? undefined : reply(path)))
  const { start } = await setUp(t, { clock })
  const first = start(`${server.origin}/first`, { maxConnections: 1 })
  const second = start(`${server.origin}/second`, { maxConnections: 1 })
  await until(() => server.asked.length === 1)
  clock.advance(31_000)
  assert.equal((await first.ended).code, 'TIMEOUT_HEADERS')
  assert.equal((await second.ended).text, '/second')
})

test('R30: a peer that takes no more of a body and says nothing is TIMEOUT_HEADERS', async (t) => {
  const clock = handClock()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.pause()
    socket.on('error', () => {})
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { start, fetcher } = await setUp(t, { clock })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  // More than the buffers of both kernels hold.
  const { ended } = start(url, { method: 'POST', body: Buffer.alloc(64 * 1024 * 1024) })
  await until(() => sockets.length === 1 && fetcher.sockets === 1)
  clock.advance(29_000)
  assert.equal(fetcher.sockets, 1)
  clock.advance(1_600)
  assert.equal((await ended).code, 'TIMEOUT_HEADERS')
  assert.equal(fetcher.sockets, 0)
})

test('real time limits end a request as well', async (t) => {
  const server = await rawServer(t, () => {})
  const { get } = await setUp(t, { timeoutMs: 80 })
  assert.equal((await get(`${server.origin}/`)).code, 'TIMEOUT_HEADERS')
})

test('one host may have limits of its own', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => {})
  const { start } = await setUp(t, {
    clock,
    resolve: [{ pattern: '*', address: '127.0.0.1', port: server.port }],
    limitsOfHost: (host) => (host === 'slow.test' ? { timeoutMs: 90_000 } : undefined),
  })
  const slow = start('http://slow.test/')
  const usual = start('http://usual.test/')
  await until(() => server.asked.length === 2)
  clock.advance(31_000)
  assert.equal((await usual.ended).code, 'TIMEOUT_HEADERS')
  let isOver = false
  void slow.ended.then(() => (isOver = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isOver, false)
  clock.advance(60_000)
  assert.match((await slow.ended).failure?.message ?? '', /90000 ms/)
})

test('the least rate, its window and the time of the whole can be set, or the rate be of no interest', async (t) => {
  const clock = handClock()
  const server = await rawServer(t, () => HEAD)
  const run = async (options: object, bytes: number, times: number): Promise<string | number> => {
    const { start } = await setUp(t, { clock, ...options })
    let heads = 0
    const { ended, handle } = start(`${server.origin}/`, {}, () => {
      heads++
      return undefined
    })
    await until(() => heads === 1)
    for (let i = 0; i < times; i++) {
      server.sockets.at(-1)?.write('x'.repeat(bytes))
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1_000)
    }
    handle.cancel('still coming')
    return (await ended).code
  }
  assert.equal(await run({ minRate: 1_000, rateWindowMs: 5_000 }, 500, 7), 'TIMEOUT_SLOW')
  assert.equal(await run({ minRate: 100, rateWindowMs: 5_000 }, 500, 7), 'CANCELLED')
  assert.equal(await run({ minRate: 0 }, 1, 70), 'CANCELLED')
  assert.equal(await run({ totalMs: 4_000 }, 500, 7), 'TIMEOUT_TOTAL')
})

test('an event loop that stood still is no time-out of what came meanwhile', async (t) => {
  // A process of its own: it answers while this one does nothing.
  const origin = await startOriginProcess()
  t.after(() => origin.close())
  const resolve = [{ pattern: '*', address: '127.0.0.1', port: origin.port }]
  const { start } = await setUp(t, { resolve, timeoutMs: 100 })
  for (const phase of ['connecting', 'answering']) {
    const { ended } = start(`http://stall-${phase}.test/ok`)
    if (phase === 'answering') await origin.until(1, 'stall-answering.test')
    const until = performance.now() + 400
    while (performance.now() < until);
    assert.equal((await ended).code, 200, phase)
  }
})
