/** Replies read from bytes, cut anywhere; what is refused, what is read and said to be odd. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ReplyHead } from '../../src/fetch/reply-head.ts'
import { Parsed, ReplyParser } from '../../src/fetch/reply-parser.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

interface Read {
  /** `whole`, or the code of what is wrong with it. */
  readonly end: string
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
  readonly keepAlive: boolean
  readonly lenient: boolean
  /** Bytes behind the reply. */
  readonly left: number
}

/** Pushes the pieces as a socket would, then closes. */
function read(pieces: readonly Buffer[], asked = 'GET'): Read {
  let head: ReplyHead | undefined
  let body = ''
  const parser = new ReplyParser(
    {
      replyHead(given) {
        head = given
      },
      replyData(chunk) {
        body += Buffer.from(chunk).toString('latin1')
      },
    },
    64 * 1024,
  )
  parser.expect(asked)
  let parsed: Parsed = Parsed.more
  let left = 0
  for (const piece of pieces) {
    if (parsed === Parsed.more) {
      // A buffer that is filled again: nothing may be kept of it.
      const lent = Buffer.from(piece)
      parsed = parser.push(lent)
      if (parsed === Parsed.whole) left += piece.length - parser.taken
      lent.fill(0x58)
    } else left += piece.length
  }
  if (parsed === Parsed.more) parsed = parser.close()
  return {
    end: parsed === Parsed.whole ? 'whole' : (parser.fault?.code ?? 'none'),
    status: head?.status ?? 0,
    headers: head?.rawHeaders ?? [],
    body,
    keepAlive: head?.keepAlive ?? false,
    lenient: parser.lenient,
    left: parsed === Parsed.whole ? left : 0,
  }
}

function readText(text: string, asked = 'GET'): Read {
  return read([Buffer.from(text, 'latin1')], asked)
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

const LENIENT: readonly (readonly [name: string, reply: string, body: string])[] = [
  ['lines of the head that end with LF alone are read', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'ok'],
  [
    'a head that ends with LF alone is not looked for in a body that holds an empty line',
    'HTTP/1.1 200 OK\nContent-Length: 8\n\nab\n\r\ncde',
    'ab\n\r\ncde',
  ],
  ['a folded field is read with a space for the fold', `${OK}X: a\r\n  b\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['a first field line that begins with a space is dropped', `${OK} X: a\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['white space before a colon is taken off', `${OK}X-A : a\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['a field whose name is no token is dropped', `${OK}X A: a\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['two equal lengths are one', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['a list of equal lengths is one', `${OK}Content-Length: 2, 2\r\n\r\nok`, 'ok'],
  [
    'chunked wins over a length',
    `${OK}Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    'ok',
  ],
  ['chunk lines may end with LF alone', `${CHUNKED}2\nok\n0\n\n`, 'ok'],
  ['the empty line behind the last chunk may be missing', `${CHUNKED}2\r\nok\r\n0\r\n`, 'ok'],
  ['a length beyond what can be sent is no length', `${OK}Content-Length: 36893488147419103232\r\n\r\nok`, 'ok'],
  ['lengths are equal as numbers', `${OK}Content-Length: 2,02\r\n\r\nok`, 'ok'],
  ['an empty line before the status line is passed over', `\r\n${OK}Content-Length: 2\r\n\r\nok`, 'ok'],
]

for (const [name, reply, body] of LENIENT) {
  test(`${name}, and the reply is marked as lenient and the last of its connection`, () => {
    const reading = readText(reply)
    assert.deepEqual([reading.end, reading.body, reading.lenient], ['whole', body, true])
    assert.equal(reading.left, 0)
  })
}

const REFUSED: readonly (readonly [name: string, reply: string, code: string])[] = [
  ['white space before the colon of a length', `${OK}Content-Length : 2\r\n\r\nok`, 'BAD_FRAMING'],
  ['white space before the colon of a coding', `${OK}Transfer-Encoding\t: chunked\r\n\r\nok`, 'BAD_FRAMING'],
  ['a line without a colon', `${OK}nonsense\r\n\r\n`, 'BAD_FRAMING'],
  ['a bare CR in a head', `${OK}X: a\rb\r\n\r\n`, 'BAD_FRAMING'],
  ['chunked that is not the last coding', `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n`, 'BAD_FRAMING'],
  ['chunked named twice', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n`, 'BAD_FRAMING'],
  ['a length of hexadecimal digits', `${OK}Content-Length: 0x2\r\n\r\nok`, 'BAD_FRAMING'],
  ['a length with a sign', `${OK}Content-Length: +2\r\n\r\nok`, 'BAD_FRAMING'],
  ['an empty length', `${OK}Content-Length: \r\n\r\nok`, 'BAD_FRAMING'],
  ['a chunk without a size', `${CHUNKED};a=b\r\nok\r\n0\r\n\r\n`, 'BAD_FRAMING'],
  ['a chunk size that overflows', `${CHUNKED}fffffffffffffffff\r\nok\r\n`, 'BAD_FRAMING'],
  ['a chunk longer than its size', `${CHUNKED}2\r\nokay\r\n0\r\n\r\n`, 'BAD_FRAMING'],
  ['a chunk size with a bare CR', `${CHUNKED}2\rx\nok\r\n0\r\n\r\n`, 'BAD_FRAMING'],
  ['NUL in a trailer', `${CHUNKED}0\r\nX: \0\r\n\r\n`, 'BAD_FRAMING'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'NOT_HTTP'],
  ['a version of two digits', 'HTTP/1.10 200 OK\r\n\r\n', 'NOT_HTTP'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'NOT_HTTP'],
  ['interim answers and then nothing', 'HTTP/1.1 100 Continue\r\n\r\n', 'TRUNCATED'],
]

for (const [name, reply, code] of REFUSED) {
  test(`${name} is refused as ${code}`, () => {
    assert.equal(readText(reply).end, code)
  })
}

test('a connection stays only where the version and the fields say so', () => {
  const stays = (head: string): boolean => readText(`${head}Content-Length: 0\r\n\r\n`).keepAlive
  assert.equal(stays('HTTP/1.1 200 OK\r\n'), true)
  assert.equal(stays('HTTP/1.1 200 OK\r\nConnection: Close\r\n'), false)
  assert.equal(stays('HTTP/1.1 200 OK\r\nConnection: x, close\r\n'), false)
  assert.equal(stays('HTTP/1.1 200 OK\r\nConnection: closed\r\n'), true)
  assert.equal(stays('HTTP/1.0 200 OK\r\n'), false)
  assert.equal(stays('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n'), true)
  assert.equal(readText(`${OK}\r\nuntil close`).keepAlive, false)
})

test('bytes behind a reply are counted, never read', () => {
  const reading = readText(`${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 500 Poison\r\n\r\n`)
  assert.deepEqual([reading.body, reading.left], ['ok', 'HTTP/1.1 500 Poison\r\n\r\n'.length])
})

const REPLIES = [
  `${OK}Content-Length: 5\r\nX: y\r\n\r\nhello`,
  `${CHUNKED}5;a="b"\r\nhello\r\n00003\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n`,
  `HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!`,
  `HTTP/1.0 200 OK\r\n\r\nall until the end\r\n\r\n`,
  `HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 4\n\nbody`,
  'HTTP/1.1 204 None\r\n\r\n',
  ...LENIENT.map(([, reply]) => reply),
  ...REFUSED.map(([, reply]) => reply),
]

test('a reply reads the same wherever its bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...REPLIES),
      fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 }),
      (reply, cuts) => {
        const bytes = Buffer.from(reply, 'latin1')
        const at = [...new Set(cuts.filter((cut) => cut < bytes.length))].toSorted((a, b) => a - b)
        const pieces = [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length))
        assert.deepEqual(read(pieces), read([bytes]))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('each byte of a reply may come alone', () => {
  for (const reply of REPLIES) {
    const bytes = Buffer.from(reply, 'latin1')
    assert.deepEqual(read([...bytes].map((byte) => Buffer.of(byte))), read([bytes]), JSON.stringify(reply))
  }
})

interface CurlCase {
  readonly id: string
  readonly replies_b64: Readonly<Record<string, string>>
}

/** curl reads these only when told to (`--http0.9`). */
const HTTP_0_9 = ['test66', 'test1266', 'test1267']

/** Delivered by us where curl refuses, and why. */
const DELIVERED: Readonly<Record<string, string>> = {
  test221: 'the reply is in order; that the body is not gzip shows when it is decoded',
  test223: 'as test221, for deflate',
  test315: 'as test221, for gzip',
  test772: 'two different Locations are for the exchange to refuse',
  test1479: 'bytes behind the body are left where they are, and the connection is closed',
}

test("replies of curl's own tests are read or refused as curl does", {
  skip: skipWithout('conformance/http-curl'),
}, (t) => {
  const load = (name: string): unknown =>
    JSON.parse(readFileSync(`${sharedData('conformance/http-curl')}/${name}`, 'utf8'))
  const cases = new Map((load('simple.json') as CurlCase[]).map((one) => [one.id, one]))
  const subset = load('SUBSET.json') as { accept: string[]; refuse: string[] }
  const end = (id: string): string => {
    const bytes = Buffer.from(cases.get(id)?.replies_b64['data'] ?? '', 'base64')
    return read([bytes]).end
  }
  const refused = subset.accept.filter((id) => end(id) !== 'whole' && !HTTP_0_9.includes(id))
  const accepted = subset.refuse.filter((id) => end(id) === 'whole' && !(id in DELIVERED))
  t.diagnostic(`read ${subset.accept.length - refused.length - HTTP_0_9.length} of ${subset.accept.length}`)
  assert.deepEqual(
    refused.map((id) => `${id} ${end(id)}`),
    [],
  )
  assert.deepEqual(accepted, [])
})
