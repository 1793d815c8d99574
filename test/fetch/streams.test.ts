/** Answers without an end, read as they come: limits before the head, silence, back-pressure, WebSockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { AddressInfo } from 'node:net'
import type { FetchFailure, StreamHandle, StreamRequest } from '../../src/fetch/fetcher.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { setUp } from './setup.ts'
import type { Setup } from './setup.ts'

interface Read {
  readonly handle: StreamHandle
  readonly ended: Promise<{ failure: FetchFailure | undefined; isWhole: boolean; calls: number }>
  status: number
  text: string
  readonly messages: string[]
  onText: () => void
}

function read({ fetcher }: Setup, request: StreamRequest, refuse?: string): Read {
  const { promise, resolve } = Promise.withResolvers<{
    failure: FetchFailure | undefined
    isWhole: boolean
    calls: number
  }>()
  let calls = 0
  const stream = fetcher.stream?.bind(fetcher)
  assert.ok(stream !== undefined)
  const result: Read = {
    ended: promise,
    status: 0,
    text: '',
    messages: [],
    onText: () => undefined,
    handle: stream(request, {
      onHead(status) {
        result.status = status
        return refuse
      },
      onData(chunk) {
        result.text += Buffer.from(chunk).toString()
        result.onText()
      },
      onMessage(message, isBinary) {
        result.messages.push(Buffer.from(message).toString(isBinary ? 'hex' : 'utf8'))
        result.onText()
      },
      onEnded(failure, isWhole) {
        calls++
        resolve({ failure, isWhole, calls })
      },
    }),
  }
  return result
}

test('bytes of an answer are handed on as they come, and only its framing proves that it is whole', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  origin.raw('a.test', '/whole', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
  origin.raw('a.test', '/open', 'HTTP/1.1 200 OK\r\n\r\nhello')
  origin.raw('a.test', '/cut', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello')
  const setup = await setUp(t, { resolve: origin.resolve })
  for (const [path, code, isWhole] of [
    ['/whole', undefined, true],
    ['/open', undefined, false],
    ['/cut', 'TRUNCATED', false],
  ] as const) {
    const reading = read(setup, { url: `http://a.test${path}` })
    const end = await reading.ended
    assert.deepEqual([reading.text, end.failure?.code, end.isWhole, end.calls], ['hello', code, isWhole, 1], path)
  }
})

test('a stream that is coded although plain was asked for, or refused by its head, ends at once', async (t) => {
  const origin = await startOrigin({ recordHeaders: ['accept-encoding'] })
  t.after(() => origin.close())
  const setup = await setUp(t, { resolve: origin.resolve })
  assert.equal((await read(setup, { url: 'http://a.test/gzip' }).ended).failure?.code, 'BAD_ENCODING')
  assert.equal((await read(setup, { url: 'http://a.test/ok' }, 'no').ended).failure?.code, 'CANCELLED')
  assert.equal((await read(setup, { url: 'mailto:a@a.test' }).ended).failure?.code, 'URL_INVALID')
  const [first] = origin.ledger('a.test').arrivals()
  assert.equal(first?.headers['accept-encoding'], 'identity')
})

for (const scheme of ['http', 'ws'] as const) {
  test(`silence of ${scheme} is counted from the last sign of life, and not while nobody reads`, async (t) => {
    const origin = await startOrigin()
    t.after(() => origin.close())
    const clock = fakeClock()
    const setup = await setUp(t, { resolve: origin.resolve, clock })
    const shape = scheme === 'ws' ? 'ws' : 'ndjson'
    const reading = read(setup, { url: `${scheme}://a.test/stream/${shape}?acts=silence@3`, stallMs: 60_000 })
    await new Promise<void>((resolve) => {
      reading.onText = () => {
        const count = scheme === 'ws' ? reading.messages.length : reading.text.split('}\n').length - 1
        if (count === 3) resolve()
      }
    })
    reading.handle.pause()
    await clock.advanceAsync(120_000)
    reading.handle.resume()
    await clock.advanceAsync(59_000)
    let isOver = false
    void reading.ended.then(() => {
      isOver = true
    })
    await clock.advanceAsync(0)
    assert.equal(isOver, false)
    await clock.advanceAsync(2_000)
    assert.equal((await reading.ended).failure?.code, 'TIMEOUT_BODY')
  })
}

async function socketServer(t: TestContext, serve: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  server.on('connection', serve)
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('messages of a WebSocket come whole, text and bytes, compressed or not, until it is closed', async (t) => {
  const setup = await setUp(t)
  const url = await socketServer(t, (socket) => {
    socket.send('ação '.repeat(1_000))
    socket.send(Buffer.from([0, 255]))
    socket.close(1001)
  })
  const reading = read(setup, { url })
  assert.deepEqual(await reading.ended, { failure: undefined, isWhole: true, calls: 1 })
  assert.equal(reading.status, 101)
  assert.deepEqual(reading.messages, ['ação '.repeat(1_000), '00ff'])
})

test('a WebSocket that breaks, sends too much or is no WebSocket ends with a code', async (t) => {
  const setup = await setUp(t)
  const broken = await socketServer(t, (socket) => socket.terminate())
  assert.equal((await read(setup, { url: broken }).ended).failure?.code, 'CONNECTION_RESET')
  const large = await socketServer(t, (socket) => socket.send('x'.repeat(2_000)))
  assert.equal((await read(setup, { url: large, maxMessageBytes: 1_000 }).ended).failure?.code, 'TOO_LARGE')
  const origin = await startOrigin()
  t.after(() => origin.close())
  const plain = read(setup, { url: `ws://127.0.0.1:${origin.port}/ok` })
  assert.equal((await plain.ended).failure, undefined, 'an answer of HTTP is a refusal, not a fault')
  assert.equal(plain.status, 200)
  const nobody = await setUp(t, { allowPrivate: false })
  assert.equal((await read(nobody, { url: broken }).ended).failure?.code, 'ADDRESS_DENIED')
})
