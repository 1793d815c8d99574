/** Records out of bytes, in whatever pieces the bytes come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { createDecoder, shapeOf } from '../../src/source/stream/create-decoder.ts'
import { StreamCursor } from '../../src/source/stream/cursor.ts'
import type { RawRecord, Shape } from '../../src/source/stream/decoder.ts'
import { itemsOf } from '../../src/source/stream/item.ts'
import { parseCombined } from '../../src/source/tail/combined.ts'

interface Decoded {
  readonly records: RawRecord[]
  readonly retries: number[]
}

/** Decodes bytes in pieces that end at `cuts`. */
function decode(shape: Shape, bytes: Uint8Array, cuts: readonly number[], isEnded = true, maxBytes = 10_000): Decoded {
  const decoded: Decoded = { records: [], retries: [] }
  const decoder = createDecoder(shape, {
    maxBytes,
    onRecord: (record) => decoded.records.push(record),
    onRetry: (ms) => decoded.retries.push(ms),
  })
  let at = 0
  for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    // A copy that is spoilt afterwards, as the transport's buffer is.
    const piece = Uint8Array.from(bytes.subarray(at, Math.max(at, end)))
    decoder.push(piece)
    piece.fill(0x78)
    at = Math.max(at, end)
  }
  if (isEnded) decoder.end()
  return decoded
}

const TEXTS = ['{"a":"ação"}', '{"b":"中文"}', '{"c":"한국어 🙂"}']
const WIRES: Readonly<Record<Exclude<Shape, 'ws'>, string>> = {
  sse: `\uFEFF: hello\n\nretry: 250\n\n${TEXTS.map((text, n) => `id: ${n}\r\ndata: ${text}\r\n\r\n`).join(': alive\n\n')}`,
  ndjson: `\r\n${TEXTS.join('\r\n')}\n\n`,
  lines: `${TEXTS.join('\n')}\n`,
  delimited: `\r\n${TEXTS.map((text) => `${Buffer.byteLength(text) + 2}\r\n${text}\r\n`).join('\r\n')}`,
}

for (const [shape, wire] of Object.entries(WIRES)) {
  test(`records of ${shape} are the same in any pieces`, () => {
    const bytes = Buffer.from(wire)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }), (cuts) => {
        const { records } = decode(shape as Shape, bytes, cuts)
        assert.deepEqual(
          records.map(({ text }) => text),
          TEXTS,
        )
      }),
      { seed: 8, numRuns: 300 },
    )
  })
}

test('server-sent events have data of several lines, types, ids that stay, and a wish for the pause', () => {
  const wire = 'retry: 40\nid: 7\nevent: update\ndata: one\ndata: two\n\ndata: three\n\nid\ndata: four\n\ndata: half\n'
  assert.deepEqual(decode('sse', Buffer.from(wire), []), {
    records: [
      { text: 'one\ntwo', id: '7', event: 'update' },
      { text: 'three', id: '7' },
      { text: 'four', id: '' },
    ],
    retries: [40],
  })
})

test('a last line without its end is a record only where the answer ended as it should', () => {
  assert.deepEqual(decode('ndjson', Buffer.from('{"a":1}\n{"b"'), [], false).records, [{ text: '{"a":1}' }])
  assert.deepEqual(decode('ndjson', Buffer.from('{"a":1}\n{"b":2}'), [], true).records.length, 2)
})

test('a record over the limit and a length that is none end the stream with a code', () => {
  const codeOf = (shape: Shape, text: string): string => {
    try {
      decode(shape, Buffer.from(text), [3, 40], true, 50)
      return 'none'
    } catch (error) {
      assert.ok(error instanceof SluiceError)
      return error.code
    }
  }
  assert.equal(codeOf('ndjson', `{"a":"${'x'.repeat(60)}"}\n`), 'TOO_LARGE')
  assert.equal(codeOf('sse', `data: ${'x'.repeat(60)}`), 'TOO_LARGE')
  assert.equal(codeOf('delimited', '60\r\n'), 'TOO_LARGE')
  assert.equal(codeOf('delimited', '{"no":"length"}\n'), 'BAD_FRAMING')
  assert.equal(codeOf('delimited', '12345678901234567890123456789'), 'BAD_FRAMING')
})

test('the shape of an answer nobody named one for is told by its type', () => {
  assert.equal(shapeOf('text/event-stream'), 'sse')
  assert.equal(shapeOf('application/x-ndjson'), 'ndjson')
  assert.equal(shapeOf('text/plain'), 'lines')
  assert.equal(shapeOf(''), 'ndjson')
})

test('JSON is its own item, other data is a field, and what should be JSON and is not is kept as its line', () => {
  const sse = itemsOf('sse', undefined)
  assert.deepEqual(sse({ text: '{"a":12345678901234567890}' }), { json: '{"a":12345678901234567890}' })
  assert.deepEqual(sse({ text: '{"a":1}', event: 'update' }), { json: '{"a":1,"_event":"update"}' })
  assert.deepEqual(sse({ text: 'tick', event: 'beat' }), { json: '{"data":"tick","_event":"beat"}' })
  assert.deepEqual(sse({ text: '{\n"a":1}' }), { json: '{"a":1}' })
  assert.deepEqual(itemsOf('ws', undefined)({ text: 'AAE=', isBinary: true }), { json: '{"base64":"AAE="}' })
  assert.deepEqual(itemsOf('lines', undefined)({ text: '{"a":1}' }), { json: '{"line":"{\\"a\\":1}"}' })
  assert.deepEqual(itemsOf('ndjson', undefined)({ text: 'oops' }), {
    json: '{"line":"oops"}',
    problem: 'it is not JSON',
  })
})

test('a line of the combined log format becomes its fields, escapes undone', () => {
  assert.deepEqual(
    parseCombined(
      '203.0.113.9 - josé da silva [10/Oct/2000:13:55:36 -0700] "GET /a%20b?q=\\"x\\" HTTP/1.1" 200 2326 "https://s.example/\\xc3\\xa3" "A \\\\ B"',
    ),
    {
      host: '203.0.113.9',
      user: 'josé da silva',
      time: '2000-10-10T13:55:36-07:00',
      method: 'GET',
      path: '/a%20b?q="x"',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: 2326,
      referrer: 'https://s.example/ã',
      agent: 'A \\ B',
    },
  )
})

test('common lines, broken requests and lines of other formats are told apart', () => {
  assert.deepEqual(parseCombined('::1 - - [01/Jan/2026:00:00:00 +0000] "-" 408 -'), {
    host: '::1',
    time: '2026-01-01T00:00:00+00:00',
    status: 408,
  })
  assert.equal(
    parseCombined('::1 - - [01/Jan/2026:00:00:00 +0000] "\\x16\\x03\\x01" 400 0')?.path,
    '\u0016\u0003\u0001',
  )
  for (const line of ['', 'x', '::1 - - [yesterday] "GET / HTTP/1.1" 200 1', '{"status":200}']) {
    assert.equal(parseCombined(line), undefined, line)
  }
})

function texts(cursor: StreamCursor, records: readonly RawRecord[]): string[] {
  return records.filter((record) => cursor.take(record)).map(({ text }) => text)
}

test('records that a server sends again after a reconnect are taken once, also where several share an id', () => {
  const cursor = new StreamCursor(undefined, undefined)
  const record = (text: string, id: string): RawRecord => ({ text, id })
  const first = [record('a', '1'), record('b', '1'), record('c', '2'), record('d', '2')]
  assert.deepEqual(texts(cursor, first), ['a', 'b', 'c', 'd'])
  const again = new StreamCursor(cursor.encode(), undefined)
  assert.equal(again.value, '2')
  assert.equal(again.ordinal, 4)
  again.connected()
  // Inclusive: everything since the id comes once more.
  assert.deepEqual(texts(again, [record('c', '2'), record('d', '2'), record('e', '3')]), ['e'])
  again.connected()
  assert.deepEqual(texts(again, [record('f', '4'), record('f', '4')]), ['f', 'f'], 'live records are never doubles')
})

test('a cursor is a field of the records, exact beyond what JavaScript counts, or nothing', () => {
  const cursor = new StreamCursor(undefined, 'meta.id')
  assert.deepEqual(texts(cursor, [{ text: '{"meta":{"id":12345678901234567890}}' }, { text: '{"other":1}' }]).length, 2)
  assert.equal(cursor.value, '12345678901234567890')
  const none = new StreamCursor(undefined, undefined)
  assert.equal(texts(none, [{ text: '1' }, { text: '1' }]).length, 2)
  assert.equal(none.value, undefined)
  none.connected()
  assert.equal(texts(none, [{ text: '1' }]).length, 1)
})

test('the empty id takes the last one back', () => {
  const cursor = new StreamCursor(undefined, undefined)
  cursor.take({ text: 'a', id: '5' })
  cursor.take({ text: 'b', id: '' })
  assert.equal(cursor.value, undefined)
})
