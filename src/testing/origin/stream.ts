/**
 * Endless answers that misbehave by a script: /stream/{sse,ndjson,delimited,ws}. Every record goes out in three pieces,
 * one of them broken inside a UTF-8 character, with keep-alives in between; connections are dropped in the middle of a
 * record, refused, or go silent, in the order the query says. The client goes on by Last-Event-ID or `?cursor=`.
 *
 *     /stream/sse?count=500&acts=drop@100,503,drop@250,silence@400
 *
 * `drop@N`: records up to N (0-based, exclusive), half of the next, then RST. `close@N`: the same, then the connection is
 * closed. `silence@N`: up to N, then nothing. `end@N`: up to N, then the proper end. `503`, `503+2`: the status, with
 * Retry-After. One act a connection; then everything up to `count`, and for whoever comes back 204 (`ws`: 410).
 * `&slow=N`: a millisecond's rest after every N records.
 * `&inclusive=1`: the record of the cursor is sent again. `&retry=MS`: the `retry:` field of SSE.
 */
import { createHash } from 'node:crypto'
import type { Behaviour } from './behaviour.ts'
import type { Reply, Step } from './reply.ts'
import type { OriginRequest } from './request.ts'

type Shape = 'sse' | 'ndjson' | 'delimited' | 'ws'

const SHAPES: readonly string[] = ['sse', 'ndjson', 'delimited', 'ws']
const TYPES: Readonly<Record<Exclude<Shape, 'ws'>, string>> = {
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
  delimited: 'application/json',
}
/** RFC 6455 1.3. */
const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEEP_ALIVE_EVERY = 7

/** Record number `n` as every stream of the fake web sends it. */
export function streamRecord(n: number): { readonly id: number; readonly text: string } {
  return { id: n, text: `registro ${n}: ação, 中文, 한국어, ü` }
}

/** A fresh set: it counts the connections to each stream. */
export function streams(): Behaviour {
  const connections = new Map<string, number>()
  return (arg, request) => {
    if (!SHAPES.includes(arg)) return undefined
    const { query, host } = request
    const key = [host, arg, query.get('count'), query.get('acts'), query.get('name')].join(' ')
    const number = connections.get(key) ?? 0
    connections.set(key, number + 1)
    return answer(arg as Shape, request, number)
  }
}

function answer(shape: Shape, request: OriginRequest, connection: number): Reply {
  const { query } = request
  const count = Number(query.get('count') ?? 100)
  const act = (query.get('acts') ?? '').split(',').filter(Boolean)[connection]
  const status = /^(\d{3})(?:\+(\d+))?$/.exec(act ?? '')
  if (status !== null) {
    const headers: Record<string, string> = status[2] === undefined ? {} : { 'Retry-After': status[2] }
    return { status: Number(status[1]), headers, body: 'not now\n' }
  }
  const last = request.header('last-event-id') ?? query.get('cursor')
  const from = last === null || last === '' ? 0 : Number(last) + (query.get('inclusive') === '1' ? 0 : 1)
  if (last !== null && last !== '' && Number(last) >= count - 1 && connection > 0)
    return { status: shape === 'ws' ? 410 : 204 }
  const [word = 'end', place] = (act ?? '').split('@')
  const upTo = act === undefined ? count : Math.min(count, Number(place))
  return { status: shape === 'ws' ? 101 : 200, steps: play(shape, request, from, upTo, word) }
}

function* play(shape: Shape, request: OriginRequest, from: number, upTo: number, word: string): Iterable<Step> {
  yield { write: headOf(shape, request) }
  const wire = shape === 'ws' ? (piece: Buffer): Buffer => piece : chunked
  const slow = Number(request.query.get('slow') ?? 0)
  const retry = request.query.get('retry')
  if (shape === 'sse' && retry !== null) yield { write: wire(Buffer.from(`retry: ${retry}\n\n`)) }
  for (let n = from; n < upTo; n++) {
    if (n % KEEP_ALIVE_EVERY === 0) yield { write: wire(keepAlive(shape)) }
    for (const piece of pieces(shape, n)) yield { write: wire(piece) }
    if (slow > 0 && n % slow === 0) yield { waitMs: 1 }
  }
  if (word === 'silence') yield { end: 'hang' }
  if (word === 'drop' || word === 'close') {
    yield { write: wire(pieces(shape, upTo)[0] as Buffer) }
    // The wait lets the bytes leave before the reset, which would throw them away.
    yield { waitMs: 5 }
    yield { end: word === 'drop' ? 'reset' : 'close' }
  }
  // A close frame with 1000, or the last chunk.
  yield { write: shape === 'ws' ? Buffer.from([0x88, 2, 0x03, 0xe8]) : '0\r\n\r\n' }
  yield { end: 'close' }
}

function headOf(shape: Shape, request: OriginRequest): string {
  if (shape !== 'ws') return `HTTP/1.1 200 OK\r\nContent-Type: ${TYPES[shape]}\r\nTransfer-Encoding: chunked\r\n\r\n`
  const key = request.header('sec-websocket-key') ?? ''
  const accept = createHash('sha1')
    .update(key + WEB_SOCKET_GUID)
    .digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
}

/** Three pieces of a record, the first ending inside a UTF-8 character. */
function pieces(shape: Shape, n: number): Buffer[] {
  const json = Buffer.from(JSON.stringify(streamRecord(n)))
  // The second byte of the first character that has two.
  const inside = json.findIndex((byte) => byte >= 0xc0) + 1
  const parts = [json.subarray(0, inside), json.subarray(inside, inside + 5), json.subarray(inside + 5)] as const
  const [first, second, third] = parts
  switch (shape) {
    case 'sse':
      return [
        Buffer.concat([Buffer.from(`id: ${n}\ndata: `), first]),
        second,
        Buffer.concat([third, Buffer.from('\n\n')]),
      ]
    case 'ndjson':
      return [first, second, Buffer.concat([third, Buffer.from('\n')])]
    case 'delimited':
      return [
        Buffer.concat([Buffer.from(`${json.length + 2}\r\n`), first]),
        second,
        Buffer.concat([third, Buffer.from('\r\n')]),
      ]
    case 'ws':
      // One message in three frames (RFC 6455 5.4): text without FIN, continuation, continuation with FIN.
      return [frame(0x01, first), frame(0x00, second), frame(0x80, third)]
  }
}

/** Not masked, as servers send them; up to 125 bytes, or a length in two. */
function frame(head: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const start = length < 126 ? [head, length] : [head, 126, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(start), payload])
}

function keepAlive(shape: Shape): Buffer {
  if (shape === 'ws') return frame(0x89, Buffer.from('still here'))
  return Buffer.from(shape === 'sse' ? ': still here\n\n' : '\r\n')
}

function chunked(piece: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}
