/**
 * Behaviours no library would send: broken framing, silence, cut connections. Numbers in brackets are the cases of the
 * fault matrix.
 */
import { type Behaviour, numberOf } from './behaviour.ts'
import { rawReply, type Step } from './reply.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const HTML = 'Content-Type: text/html\r\n'
const HELLO = 'Content-Length: 5\r\n\r\nhello'
const CHUNKED = `${OK}${HTML}Transfer-Encoding: chunked\r\n\r\n`

export function broken(): Record<string, Behaviour> {
  /** Connections of /close-on-reuse: their next request is met with a closed door. */
  const armed = new Set<number>()
  return {
    // Connections that end
    /** [8] Closed without a byte. */
    drop: () => rawReply(''),
    empty: () => rawReply(''),
    /** RST without a byte. */
    reset: () => rawReply('', 'reset'),
    /** [32] RST in the middle of the body. */
    'reset-body': () => ({
      status: 200,
      steps: [{ write: `${OK}${HTML}Content-Length: 1000\r\n\r\nhello` }, { waitMs: 20 }, { end: 'reset' }],
    }),
    /** [25] n bytes of a body promised to be twice as long and one more. */
    partial(arg) {
      const length = numberOf(arg, 100)
      return rawReply(`${OK}${HTML}Content-Length: ${length * 2 + 1}\r\n\r\n${'x'.repeat(length)}`)
    },
    /** [7] Headers, but no blank line. */
    'headers-cut': () => rawReply(`${OK}${HTML}Content-Le`),
    /** A body that ends with the connection; no length. */
    'until-close': () => rawReply(`${OK}${HTML}\r\nhello`),
    /** [34] A page; the next request on this connection is met with a close. */
    'close-on-reuse'(_, { connection }) {
      if (armed.delete(connection)) return rawReply('')
      armed.add(connection)
      return rawReply(OK + HTML + HELLO, 'keep')
    },

    // Time
    /** [31] Accepted, never answered. */
    hang: () => rawReply('', 'hang'),
    'hang-after-headers': () => rawReply(`${OK}${HTML}Content-Length: 1000\r\n\r\n`, 'hang'),
    'hang-in-body': () => rawReply(`${OK}${HTML}Content-Length: 1000\r\n\r\nhello`, 'hang'),
    /** n bytes a second in ten writes a second; `?bytes=`, default 4,096. */
    slow: (arg, { query }) => ({ status: 200, steps: slow(numberOf(arg, 1024), Number(query.get('bytes') ?? 4096)) }),
    /** [30] One byte every n ms, for ever. */
    drip: (arg) => ({ status: 200, steps: drip(numberOf(arg, 1000)) }),
    /** [29] A body without end, as fast as it is taken. */
    endless: () => ({ status: 200, steps: endless() }),

    // Chunks
    /** A good chunked body: hello in two chunks. */
    chunked: () => rawReply(`${CHUNKED}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'keep'),
    /** [24] Ends before the last chunk. */
    'chunked-broken': () => rawReply(`${CHUNKED}5\r\nhello\r\n`),
    /** [22] A size that is no number, or any text as the second size. */
    'bad-chunk': (arg) => rawReply(`${CHUNKED}5\r\nhello\r\n${arg || 'zz'}\r\nhello\r\n0\r\n\r\n`),
    /** [23] Extensions and a trailer. */
    'chunk-extensions': () => rawReply(`${CHUNKED}5;name=value;q="a;b"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n`, 'keep'),
    'lf-chunks': () => rawReply(`${CHUNKED}5\nhello\n0\n\n`),
    /** [20] */
    'length-and-chunked': () =>
      rawReply(`${OK}${HTML}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    /** [21] */
    'chunked-twice': () =>
      rawReply(`${OK}${HTML}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),

    /** [21] Any list of transfer codings in front of a chunked body: /transfer/chunked,gzip. */
    transfer: (arg) => rawReply(`${OK}${HTML}Transfer-Encoding: ${arg}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),

    // Lengths
    /** [18, 19] Two different lengths; /equal: twice the same; /list: `5, 5`. */
    'two-lengths'(arg) {
      if (arg === 'list') return rawReply(`${OK}${HTML}Content-Length: 5, 5\r\n\r\nhello`)
      return rawReply(`${OK}${HTML}Content-Length: 5\r\nContent-Length: ${arg === 'equal' ? 5 : 3}\r\n\r\nhello`)
    },
    /** [16, 17] Any text as the length: /length/42s, /length/-1. */
    length: (arg) => rawReply(`${OK}${HTML}Content-Length: ${decodeURIComponent(arg)}\r\n\r\nhello`),
    /** [26] More bytes than promised, in one write. */
    'extra-bytes': () => rawReply(`${OK}${HTML}${HELLO}and more`, 'keep'),
    /** [27] A second reply that nobody asked for waits on the idle connection. */
    poison: () => rawReply(`${OK}${HTML}${HELLO}${OK}${HTML}Content-Length: 6\r\n\r\npoison`, 'keep'),
    /** [28] A body where none may be: /no-body/204, /no-body/304. */
    'no-body'(arg) {
      const status = numberOf(arg, 204)
      return rawReply(`HTTP/1.1 ${status} None\r\n${HELLO}`, 'keep')
    },

    // Head
    /** [1] */
    'lf-headers': () => rawReply('HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 5\n\nhello'),
    /** [2] */
    'obs-fold': () => rawReply(`${OK}${HTML}X-Folded: one\r\n two\r\n\tthree\r\n${HELLO}`),
    /** [3] */
    'no-colon': () => rawReply(`${OK}${HTML}this is no field\r\n${HELLO}`),
    'space-before-colon': () => rawReply(`${OK}${HTML}X-Spaced : 1\r\n${HELLO}`),
    'leading-space': () => rawReply(`${OK} X-First: 1\r\n${HTML}${HELLO}`),
    /** [4] */
    'stray-cr': () => rawReply(`${OK}${HTML}X-Stray: a\rb\r\n${HELLO}`),
    /** [5] */
    'nul-header': () => rawReply(`${OK}${HTML}X-Nul: a\0b\r\n${HELLO}`),
    'nul-trailer': () => rawReply(`${CHUNKED}5\r\nhello\r\n0\r\nX-Nul: a\0b\r\n\r\n`),
    /** [6] One field with a value of n bytes. */
    'big-header': (arg) => rawReply(`${OK}${HTML}X-Big: ${'b'.repeat(numberOf(arg, 100_000))}\r\n${HELLO}`),
    /** [6] n fields. */
    'many-headers'(arg) {
      let fields = ''
      for (let n = 0; n < numberOf(arg, 5000); n++) fields += `X-${n}: ${n}\r\n`
      return rawReply(`${OK}${HTML}${fields}${HELLO}`)
    },
    /** [10] Any text as the status line: /bad-status-line/HTTP%2F1.1%2020; default: a code of two digits. */
    'bad-status-line': (arg) =>
      rawReply(`${arg === '' ? 'HTTP/1.1 20 OK' : decodeURIComponent(arg)}\r\n${HTML}${HELLO}`),
    /** [12] */
    'no-reason': () => rawReply(`HTTP/1.1 200\r\n${HTML}${HELLO}`),
    /** [9] A page without any head, as HTTP/0.9. */
    'not-http': () => rawReply('<html><title>old</title>hello</html>\n'),
    icy: () => rawReply(`ICY 200 OK\r\n${HTML}${HELLO}`),
    /** [13] n interim replies before the final one; `?status=` 103 by default. */
    interim(arg, { query }) {
      const line = `HTTP/1.1 ${query.get('status') ?? '103'} Early\r\nLink: </style.css>; rel=preload\r\n\r\n`
      return { status: 200, steps: [{ write: line.repeat(numberOf(arg, 1)) + OK + HTML + HELLO }] }
    },
    /** [14] An interim reply and the end. */
    'interim-only': () => rawReply('HTTP/1.1 100 Continue\r\n\r\n'),
    /** [15] */
    switching: () =>
      rawReply('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\nhello', 'hang'),
    /** [62] Two different places. */
    'two-locations': () =>
      rawReply('HTTP/1.1 302 Found\r\nLocation: /ok?1\r\nLocation: /ok?2\r\nContent-Length: 0\r\n\r\n'),
  }
}

function* slow(bytesPerSecond: number, bytes: number): Generator<Step, void, undefined> {
  const piece = Math.max(1, Math.round(bytesPerSecond / 10))
  yield { write: `${OK}${HTML}Content-Length: ${bytes}\r\n\r\n` }
  for (let sent = 0; sent < bytes; sent += piece) {
    yield { waitMs: Math.max(1, (1000 * piece) / bytesPerSecond) }
    yield { write: 's'.repeat(Math.min(piece, bytes - sent)) }
  }
}

function* drip(everyMs: number): Generator<Step, void, undefined> {
  yield { write: `${OK}${HTML}Content-Length: 1000000\r\n\r\n` }
  for (;;) {
    yield { waitMs: Math.max(1, everyMs) }
    yield { write: '.' }
  }
}

function* endless(): Generator<Step, void, undefined> {
  const chunk = Buffer.from(`4000\r\n${'e'.repeat(0x4000)}\r\n`, 'latin1')
  yield { write: CHUNKED }
  for (;;) {
    yield { write: chunk }
    // A turn of the event loop after each, or a fast reader would leave no room for other connections.
    yield { waitMs: 0 }
  }
}
