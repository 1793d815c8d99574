/** What each kind of broken reply is called, and what of it is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, reply } from './raw-server.ts'
import { setUp } from './setup.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

interface Case {
  readonly name: string
  readonly bytes: string
  readonly code: string | number
  /** What is kept of the body. */
  readonly text?: string
  /** The server closes after its bytes. */
  readonly close?: boolean
}

const CASES: readonly Case[] = [
  {
    name: 'a body cut short of its Content-Length is TRUNCATED and kept',
    bytes: `${OK}Content-Length: 10\r\n\r\nabc`,
    close: true,
    code: 'TRUNCATED',
    text: 'abc',
  },
  {
    name: 'a body cut short on a connection that was to close is TRUNCATED and kept',
    bytes: `${OK}Content-Length: 10\r\nConnection: close\r\n\r\nabc`,
    close: true,
    code: 'TRUNCATED',
    text: 'abc',
  },
  {
    name: 'a chunked body without its last chunk is TRUNCATED and kept',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    close: true,
    code: 'TRUNCATED',
    text: 'abc',
  },
  {
    name: 'a chunked body cut off inside a chunk is TRUNCATED and kept',
    bytes: `${OK}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nA\r\nabc`,
    close: true,
    code: 'TRUNCATED',
    text: 'abc',
  },
  {
    name: 'a header that never ends is TRUNCATED',
    bytes: `${OK}Content-Type: text/html\r\n`,
    close: true,
    code: 'TRUNCATED',
  },
  { name: 'a connection closed without a byte is EMPTY_REPLY', bytes: '', close: true, code: 'EMPTY_REPLY' },
  { name: 'a body without a status line is NOT_HTTP', bytes: '<html>hello</html>', close: true, code: 'NOT_HTTP' },
  { name: 'an ICY answer is NOT_HTTP', bytes: 'ICY 200 OK\r\n\r\n', close: true, code: 'NOT_HTTP' },
  {
    name: 'HTTP/1.2 is NOT_HTTP',
    bytes: 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n',
    close: true,
    code: 'NOT_HTTP',
  },
  { name: 'a status of one digit is NOT_HTTP', bytes: 'HTTP/1.1 2 OK\r\n\r\n', close: true, code: 'NOT_HTTP' },
  {
    name: 'two different Content-Lengths are BAD_FRAMING',
    bytes: `${OK}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`,
    code: 'BAD_FRAMING',
  },
  {
    name: 'a Content-Length of letters is BAD_FRAMING',
    bytes: `${OK}Content-Length: abc\r\n\r\n`,
    code: 'BAD_FRAMING',
  },
  { name: 'a negative Content-Length is BAD_FRAMING', bytes: `${OK}Content-Length: -1\r\n\r\n`, code: 'BAD_FRAMING' },
  {
    name: 'a bad chunk size is BAD_FRAMING',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc`,
    code: 'BAD_FRAMING',
  },
  { name: 'NUL in a header value is BAD_FRAMING', bytes: `${OK}X: a\0b\r\n\r\n`, code: 'BAD_FRAMING' },
  {
    name: 'a header field of 100 kB is HEADERS_TOO_LARGE',
    bytes: `${OK}X: ${'a'.repeat(100_000)}\r\n\r\n`,
    code: 'HEADERS_TOO_LARGE',
  },
  {
    name: 'five thousand header fields are HEADERS_TOO_LARGE',
    bytes: `${OK}${'X-Header: abcdefghijklm\r\n'.repeat(5000)}\r\n`,
    code: 'HEADERS_TOO_LARGE',
  },
  {
    name: 'a header of 30 kB is taken',
    bytes: `${OK}X: ${'a'.repeat(30_000)}\r\nContent-Length: 2\r\n\r\nok`,
    code: 200,
    text: 'ok',
  },
  {
    name: 'switching protocols unasked is UNEXPECTED_STATUS',
    bytes: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz',
    code: 'UNEXPECTED_STATUS',
  },
  {
    name: 'a 101 that names no protocol is UNEXPECTED_STATUS',
    bytes: 'HTTP/1.1 101 Switching\r\n\r\n',
    code: 'UNEXPECTED_STATUS',
  },
  {
    name: 'interim answers before the final one are passed over',
    bytes: `${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(20)}${OK}Content-Length: 2\r\n\r\nok`,
    code: 200,
    text: 'ok',
  },
  {
    name: 'interim answers without end are UNEXPECTED_STATUS',
    bytes: 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000),
    code: 'UNEXPECTED_STATUS',
  },
  {
    name: 'a status without a reason phrase is taken',
    bytes: 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok',
    code: 200,
    text: 'ok',
  },
  {
    name: 'status 999 is delivered',
    bytes: 'HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nno',
    code: 999,
    text: 'no',
  },
  { name: 'status 600 is delivered', bytes: 'HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nno', code: 600, text: 'no' },
  {
    name: 'a body until close is whole',
    bytes: `${OK}Content-Type: text/html\r\n\r\nabc`,
    close: true,
    code: 200,
    text: 'abc',
  },
  { name: 'an HTTP/1.0 answer is taken', bytes: 'HTTP/1.0 200 OK\r\n\r\nabc', close: true, code: 200, text: 'abc' },
  {
    name: 'chunk extensions and trailers are passed over',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n`,
    code: 200,
    text: 'abcde',
  },
  { name: 'an empty body is whole', bytes: `${OK}Content-Length: 0\r\n\r\n`, code: 200, text: '' },
  {
    name: 'bytes after the announced body are not part of it',
    bytes: `${OK}Content-Length: 3\r\n\r\nabcGARBAGE`,
    code: 200,
    text: 'abc',
  },
  {
    name: 'a 204 with a body has none',
    bytes: 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
    code: 204,
    text: '',
  },
]

for (const { name, bytes, code, text, close } of CASES) {
  test(name, async (t) => {
    const server = await rawServer(t, ({ socket }) => {
      if (close === true) socket.end(Buffer.from(bytes, 'latin1'))
      else socket.write(Buffer.from(bytes, 'latin1'))
    })
    const { get } = await setUp(t)
    const ended = await get(`${server.origin}/`)
    assert.equal(ended.code, code, ended.failure?.message)
    if (text !== undefined) assert.equal(ended.text, text)
    if (text !== undefined && ended.failure !== undefined) assert.equal(ended.failure.response?.status, 200)
  })
}

test('a connection reset in the middle of the body is CONNECTION_RESET, its bytes are kept apart', async (t) => {
  const server = await rawServer(t, ({ socket }) => {
    socket.write(`${OK}Content-Length: 10\r\n\r\nabc`, () => socket.resetAndDestroy())
  })
  const { get } = await setUp(t)
  const ended = await get(`${server.origin}/`)
  assert.equal(ended.code, 'CONNECTION_RESET')
})

test('a reset at the end of a body that lasts until close is CONNECTION_RESET, not a whole body', async (t) => {
  let head: (() => void) | undefined
  const server = await rawServer(t, ({ socket }) => {
    socket.write(`${OK}Content-Type: text/html\r\n\r\nabc`)
    head = () => socket.resetAndDestroy()
  })
  const { get } = await setUp(t)
  const ended = await get(`${server.origin}/`, {}, () => {
    head?.()
    return undefined
  })
  assert.equal(ended.code, 'CONNECTION_RESET')
})

test('a reset before any byte is CONNECTION_RESET', async (t) => {
  const server = await rawServer(t, ({ socket }) => void socket.resetAndDestroy())
  const { get } = await setUp(t)
  const ended = await get(`${server.origin}/`)
  assert.equal(ended.code, 'CONNECTION_RESET')
})

test('the answer carries status, headers in the order of the wire, address, type, digest and times', async (t) => {
  const server = await rawServer(t, () =>
    reply(
      'hello',
      { 'X-Second': '2', 'content-TYPE': 'Text/HTML; charset=utf-8', 'Set-Cookie': 'a=1', 'set-cookie': 'b=2' },
      '203 Fine by me',
    ),
  )
  const { get } = await setUp(t)
  const { response } = await get(`${server.origin}/path?q#fragment`)
  assert.ok(response !== undefined)
  assert.equal(response.url, `${server.origin}/path?q#fragment`)
  assert.equal(server.asked[0]?.path, '/path?q')
  assert.equal(response.status, 203)
  assert.equal(response.statusText, 'Fine by me')
  assert.deepEqual(response.rawHeaders, [
    'Content-Length',
    '5',
    'X-Second',
    '2',
    'content-TYPE',
    'Text/HTML; charset=utf-8',
    'Set-Cookie',
    'a=1',
    'set-cookie',
    'b=2',
  ])
  assert.equal(response.header('x-second'), '2')
  assert.equal(response.header('absent'), undefined)
  assert.equal(response.contentType, 'text/html')
  assert.equal(response.address, '127.0.0.1')
  assert.equal(response.size, 5)
  assert.match(response.digest, /^xxh64:[0-9a-f]{16}$/)
  assert.equal(response.body.constructor, Uint8Array)
  assert.equal(response.body.byteLength, response.body.buffer.byteLength, 'it owns its memory')
  assert.equal(response.timing.waitMs, 0)
  assert.ok(response.timing.connectMs >= 0 && response.timing.totalMs >= response.timing.firstByteMs)
  for (const value of Object.values(response.timing)) assert.equal(Math.round(value * 10) / 10, value)
})

test('an empty body has no digest', async (t) => {
  const server = await rawServer(t, () => reply(''))
  const { get } = await setUp(t)
  const { response } = await get(`${server.origin}/`)
  assert.equal(response?.digest, '')
  assert.equal(response?.body.length, 0)
})

test('header bytes outside ASCII come through as latin1', async (t) => {
  const server = await rawServer(t, () => reply('', { 'X-Name': 'caf\u00e9' }))
  const { get } = await setUp(t)
  const { response } = await get(`${server.origin}/`)
  assert.equal(response?.header('x-name'), 'caf\u00e9')
})
