/** Laws that hold for any bytes a server may send. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rawServer } from './raw-server.ts'
import { setUp } from './setup.ts'

const FRAGMENTS = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 ',
  'HTTP/1.0 404 No\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 204 None\r\n',
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  'Content-Length: 3\r\n',
  'Content-Length: -3\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n',
  'Content-Encoding: gzip\r\n',
  'Content-Encoding: br\r\n',
  'X: y\r\n',
  ' folded\r\n',
  ':\r\n',
  '\0',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  'ffffffffffffffffff\r\n',
  'abc',
  '<html>',
  'Keep-Alive: timeout=0\r\n',
  'Keep-Alive: timeout=99999999999\r\n',
]

test('whatever bytes a server sends, each request ends once, none takes the process down, and the next one is answered', async (t) => {
  const faults: unknown[] = []
  const note = (error: unknown): void => void faults.push(error)
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  t.after(() => {
    process.off('unhandledRejection', note)
    process.off('uncaughtException', note)
  })
  let bytes: Buffer = Buffer.alloc(0)
  let pieces = 1
  let reset = false
  const server = await rawServer(t, ({ path, socket }) => {
    if (path === '/well') return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    const size = Math.max(1, Math.ceil(bytes.length / pieces))
    let at = 0
    const send = (): void => {
      if (at < bytes.length) {
        socket.write(bytes.subarray(at, at + size), () => setImmediate(send))
        at += size
      } else if (reset) socket.resetAndDestroy()
      else socket.end()
    }
    send()
    return undefined
  })
  const { get } = await setUp(t, { timeoutMs: 2_000, maxBytes: 100_000 })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
        fc
          .array(fc.constantFrom(...FRAGMENTS), { maxLength: 12 })
          .map((parts) => Buffer.from(parts.join(''), 'latin1')),
        fc
          .array(fc.constantFrom(...FRAGMENTS), { maxLength: 12 })
          .map((parts) => Buffer.from(`HTTP/1.1 200 OK\r\n${parts.join('')}`, 'latin1')),
      ),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (reply, inPieces, withReset) => {
        bytes = reply
        pieces = inPieces
        reset = withReset
        const ended = await get(`${server.origin}/hostile`)
        assert.equal(ended.calls, 1)
        assert.notEqual(ended.text, 'ok')
        const next = await get(`${server.origin}/well`)
        assert.equal(next.text, 'ok', next.failure?.message)
      },
    ),
    { numRuns: 400 },
  )
  assert.deepEqual(faults, [])
})
