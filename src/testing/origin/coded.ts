/**
 * Behaviours about the bytes of a body: content codings, good, broken and hostile, and charsets. Numbers in brackets
 * are the cases of the fault matrix.
 */
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type Behaviour, numberOf } from './behaviour.ts'
import { encodeText, sampleOf } from './charset.ts'
import { type Answer, htmlPage } from './reply.ts'

const TEXT = htmlPage('Coded', `<h1>Coded</h1><p>${'the same few words again and again '.repeat(40)}</p>`)

const CODERS: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => gzipSync(bytes),
  'x-gzip': (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  // Quality 5: the default 11 takes seconds for a bomb.
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes) => zstdCompressSync(bytes),
}

function withCoding(coding: string, body: Uint8Array, type = 'text/html; charset=utf-8'): Answer {
  return { headers: { 'Content-Type': type, 'Content-Encoding': coding }, body }
}

/** Codes the bytes by these codings, first named first. Undefined where one is not known. */
function code(bytes: Uint8Array, codings: readonly string[]): Buffer | undefined {
  let coded: Buffer = Buffer.from(bytes)
  for (const coding of codings) {
    const coder = CODERS[coding]
    if (coder === undefined) return undefined
    coded = coder(coded)
  }
  return coded
}

export function coded(): Record<string, Behaviour> {
  const text = Buffer.from(TEXT)
  const bombs = new Map<string, Buffer>()
  const simple = (coding: string): Behaviour => {
    const body = (CODERS[coding] as (bytes: Uint8Array) => Buffer)(text)
    return () => withCoding(coding, body)
  }
  return {
    // [40]
    gzip: lazily(() => simple('gzip')),
    deflate: lazily(() => simple('deflate')),
    'deflate-raw': () => withCoding('deflate', deflateRawSync(text)),
    br: lazily(() => simple('br')),
    zstd: lazily(() => simple('zstd')),
    /** Several codings: /stacked/gzip,br. */
    stacked(arg) {
      const body = code(text, arg.split(','))
      return body === undefined ? undefined : withCoding(arg.replaceAll(',', ', '), body)
    },
    /** [41] n layers of gzip. */
    layers(arg) {
      const codings = Array.from({ length: numberOf(arg, 6) }, () => 'gzip')
      return withCoding(codings.join(', '), code(text, codings) as Buffer)
    },
    /** [42] `?coding=gzip` and `?bytes=` once decoded, default 128 MiB. */
    bomb(_, { query }) {
      const coding = query.get('coding') ?? 'gzip'
      const bytes = Number(query.get('bytes') ?? 128 * 1024 * 1024)
      const coder = CODERS[coding]
      if (coder === undefined || !Number.isSafeInteger(bytes)) return undefined
      const key = `${coding} ${bytes}`
      let body = bombs.get(key)
      if (body === undefined) bombs.set(key, (body = coder(Buffer.alloc(bytes, ' '))))
      return withCoding(coding, body)
    },
    /** [43] Says so, but the first bytes are not those of the coding: /coding-broken/br. */
    'coding-broken': (arg) => withCoding(arg || 'gzip', Buffer.from('\x1f\x8b\xff\xff\xff this is nothing', 'latin1')),
    /** [44] */
    'gzip-cut': () => withCoding('gzip', gzipSync(text).subarray(0, -20)),
    'gzip-crc'() {
      const body = gzipSync(text)
      body[body.length - 8] = (body[body.length - 8] as number) ^ 0xff
      return withCoding('gzip', body)
    },
    /** [45] */
    'gzip-garbage': () => withCoding('gzip', Buffer.concat([gzipSync(text), Buffer.from('garbage after the end')])),
    'gzip-members': () =>
      withCoding('gzip', Buffer.concat([gzipSync(text.subarray(0, 500)), gzipSync(text.subarray(500))])),
    /** [47] The field says gzip, the body is plain. */
    'gzip-lie': () => withCoding('gzip', text),
    /** [46] Any text as the coding of a plain body: /encoding/identity. */
    encoding: (arg) => withCoding(decodeURIComponent(arg) || 'identity', text),
    /** [48] A .gz file, no coding. */
    'gzip-file': () => ({ headers: { 'Content-Type': 'application/gzip' }, body: gzipSync(text) }),
    /** A chunked body that says Transfer-Encoding: gzip, chunked and is not gzip. */
    'transfer-gzip': () => ({
      status: 200,
      steps: [
        {
          write:
            'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        },
        { end: 'close' },
      ],
    }),
    /**
     * [49] A page in this charset, with a title that tells whether it was read well (`sampleOf`). `?in=` says where the
     * charset is named: header (default), meta, bom (UTF-8 and UTF-16) or none.
     */
    charset(arg, { query }) {
      const charset = arg || 'utf-8'
      const named = query.get('in') ?? 'header'
      const meta = named === 'meta' ? `<meta charset="${charset}">` : ''
      const page = `<!doctype html><html><head>${meta}<title>${sampleOf(charset)}</title></head><body>${sampleOf(charset)}</body></html>`
      const body = encodeText(named === 'bom' ? `\u{feff}${page}` : page, charset)
      if (body === undefined) return undefined
      return { headers: { 'Content-Type': named === 'header' ? `text/html; charset=${charset}` : 'text/html' }, body }
    },
  }
}

/** Makes the behaviour on the first request: compressing is not part of starting. */
function lazily(make: () => Behaviour): Behaviour {
  let made: Behaviour | undefined
  return (arg, request) => (made ??= make())(arg, request)
}
