/**
 * A server that speaks HTTP/2 over TLS, well or badly by path, and HTTP/1.1 to whoever does not offer more, with a ledger
 * of what arrived. `node:http2` does the good part; what no library would send is written between its frames.
 */
import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import { FLOODS, goaway, reset } from './http2-frames.ts'

export interface Http2OriginOptions {
  /** PEM. */
  readonly key: string
  readonly cert: string
  /** By ALPN, best first. Default `['h2', 'http/1.1']`. */
  readonly protocols?: readonly string[]
  /** Streams that it lets a client have at a time. Default 100. */
  readonly maxStreams?: number
}

export interface Http2Arrival {
  readonly protocol: 'h2' | 'http/1.1'
  readonly host: string
  readonly path: string
  /** Number of the TLS connection, from 1. */
  readonly connection: number
  /** Monotonic ms. */
  readonly arrivedAt: number
  /** The same clock; undefined while it is being answered. */
  endedAt: number | undefined
  /** True: the client ended it before we were done. */
  isCancelled: boolean
}

export interface Http2Origin extends AsyncDisposable {
  readonly port: number
  readonly arrivals: readonly Http2Arrival[]
  /** TLS connections so far, and those open now. */
  readonly connections: number
  readonly openConnections: number
  /** Most requests that were being answered at a time. */
  readonly mostAtOnce: number
  /** Ends every connection as a server does that is being restarted: GOAWAY, then what is under way, then the end. */
  leave(): void
  close(): Promise<void>
}

const PAGE = '<!doctype html><title>A page</title><p>A page by HTTP/2.</p>\n'
const HTML = 'text/html; charset=utf-8'

/** The frames of the library, and ours between them. */
class Line extends Duplex {
  readonly socket: TLSSocket
  /** We speak in place of the library, which hears nothing more either. */
  #isOurs = false

  constructor(socket: TLSSocket) {
    super()
    this.socket = socket
    socket.on('data', (chunk) => {
      if (!this.#isOurs && !this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.socket.destroyed || this.#isOurs) done()
    else this.socket.write(chunk, () => done())
  }

  override _final(done: () => void): void {
    this.socket.end()
    done()
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.socket.destroy()
    done()
  }

  /** Ours between the library's, or in their place, again and again for as long as the client takes them. */
  pour({ first, again }: { readonly first?: Buffer; readonly again?: Buffer }): void {
    const { socket } = this
    if (first !== undefined) socket.write(first)
    if (again === undefined) return
    this.#isOurs = true
    socket.resume()
    const batch = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(16_384 / again.length)) }, () => again))
    const step = (): void => {
      if (socket.destroyed) return
      if (socket.write(batch)) setImmediate(step)
      else socket.once('drain', step)
    }
    step()
  }
}

/** One request on its stream. */
interface Asked {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly session: ServerHttp2Session
  readonly line: Line
  /** Of the path after its name. */
  readonly arg: string
  /** Which time it is that this URL is asked for, from 1. */
  readonly time: number
}

function page(stream: ServerHttp2Stream, body: string | Buffer = PAGE, fields: Record<string, string> = {}): void {
  stream.respond({ ':status': 200, 'content-type': HTML, ...fields })
  stream.end(body)
}

/** Answers by the first part of the path. */
const ANSWERS: Readonly<Record<string, (asked: Asked) => void>> = {
  delay: ({ stream, arg }) => void setTimeout(() => stream.destroyed || page(stream), Number(arg)),
  bytes: ({ stream, arg }) => page(stream, Buffer.alloc(Number(arg), 'b'), { 'content-length': arg }),
  /** The request as JSON. */
  echo({ stream, headers }) {
    let body = ''
    stream.setEncoding('utf8').on('data', (text: string) => (body += text))
    stream.on('end', () => page(stream, JSON.stringify({ headers, body }), { 'content-type': 'application/json' }))
  },
  /** 304 with the length of the page that is not sent (RFC 9110 8.6). */
  'not-modified'({ stream }) {
    stream.respond({ ':status': 304, etag: '"1"', 'content-length': '1000' })
    stream.end()
  },
  status({ stream, arg }) {
    stream.respond({ ':status': Number(arg) })
    stream.end()
  },
  /** n interim answers, then the page. */
  interim({ stream, arg }) {
    for (let n = 0; n < Number(arg); n++) stream.additionalHeaders({ ':status': 103, link: '</s.css>; rel=preload' })
    page(stream)
  },
  fields({ stream, arg }) {
    const fields = Array.from({ length: Number(arg) }, (_, n) => [`x-${n}`, `value of the field ${n}`] as const)
    page(stream, PAGE, Object.fromEntries(fields))
  },
  hang() {},
  endless({ stream }) {
    stream.respond({ ':status': 200, 'content-type': HTML })
    const more = (): void => {
      while (!stream.destroyed && stream.write(Buffer.alloc(16_384, 'e')));
      if (!stream.destroyed) stream.once('drain', more)
    }
    more()
  },
  /** The connection is ended and this request was not touched; asked for again, there is a page. */
  'goaway-before'({ stream, line, time }) {
    if (time > 1) page(stream)
    else line.pour({ first: goaway((stream.id ?? 1) - 1) })
  },
  /** The connection is being ended, and everything that was begun is answered whole. */
  'goaway-after'({ stream, session }) {
    stream.respond({ ':status': 200, 'content-type': HTML })
    stream.write(PAGE)
    session.goaway(constants.NGHTTP2_NO_ERROR, stream.id ?? 1)
    setTimeout(() => stream.destroyed || stream.end(PAGE), 20)
  },
  /** The connection breaks off in the middle of the body; asked for again, there is a page. */
  'goaway-error'({ stream, session, time }) {
    if (time > 1) {
      page(stream)
      return
    }
    stream.respond({ ':status': 200, 'content-type': HTML })
    stream.write(PAGE)
    session.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id ?? 1)
  },
  /** Refused n times as if it had never come. */
  refuse({ stream, arg, time }) {
    if (time > Number(arg)) page(stream)
    else stream.close(constants.NGHTTP2_REFUSED_STREAM)
  },
  /** Ended with this code in the middle of the body. */
  reset({ stream, line, arg }) {
    stream.respond({ ':status': 200, 'content-type': HTML })
    // The library would say first that the body is whole.
    stream.write(PAGE, () => line.socket.write(reset(stream.id ?? 1, Number(arg))))
  },
  'http1-only': ({ stream }) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED),
  /** Half of what was promised. */
  short({ stream }) {
    stream.respond({ ':status': 200, 'content-type': HTML, 'content-length': '1000' })
    stream.end(PAGE)
  },
  /** /flood/ping and what else `FLOODS` names. */
  flood: ({ stream, line, arg }) => line.pour(FLOODS[arg]?.(stream.id ?? 1) ?? {}),
  /** The socket closes without a word. */
  cut: ({ line }) => void line.socket.destroy(),
}

/** Starts it on 127.0.0.1. Names that begin with `garbage.` or `garbage-` get bytes that are no HTTP/2 although it was agreed on. */
export async function startHttp2Origin(options: Http2OriginOptions): Promise<Http2Origin> {
  const arrivals: Http2Arrival[] = []
  const times = new Map<string, number>()
  const open = new Set<TLSSocket>()
  const sessions = new Set<ServerHttp2Session>()
  let connections = 0
  let atOnce = 0
  let mostAtOnce = 0

  function arrive(protocol: Http2Arrival['protocol'], host: string, path: string, connection: number): Http2Arrival {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    const arrivedAt = performance.now()
    const arrival = { protocol, host, path, connection, arrivedAt, endedAt: undefined, isCancelled: false }
    arrivals.push(arrival)
    return arrival
  }

  function leave(arrival: Http2Arrival, isCancelled: boolean): void {
    if (arrival.endedAt !== undefined) return
    arrival.endedAt = performance.now()
    arrival.isCancelled = isCancelled
    atOnce--
  }

  // Importing it would put globals of undici in place.
  const http1 = process.getBuiltinModule('node:http').createServer((request, response) => {
    const number = (request.socket as TLSSocket & { number?: number }).number ?? 0
    const arrival = arrive('http/1.1', request.headers.host ?? '', request.url ?? '/', number)
    response.on('close', () => leave(arrival, !response.writableFinished))
    response.writeHead(200, { 'Content-Type': HTML }).end(PAGE)
  })

  function serve(socket: TLSSocket, connection: number): void {
    const line = new Line(socket)
    line.on('error', () => {})
    if (/^garbage[.-]/.test(String(socket.servername))) {
      line.pour(FLOODS['garbage']?.(0) ?? {})
      return
    }
    const session = performServerHandshake(line, { settings: { maxConcurrentStreams: options.maxStreams ?? 100 } })
    sessions.add(session)
    session.on('error', () => {}).on('close', () => sessions.delete(session))
    session.on('stream', (stream, headers) => {
      const path = String(headers[':path'] ?? '/')
      const host = String(headers[':authority'] ?? '')
      const arrival = arrive('h2', host, path, connection)
      stream.on('error', () => {})
      stream.on('close', () => leave(arrival, stream.rstCode === constants.NGHTTP2_CANCEL))
      const time = (times.get(host + path) ?? 0) + 1
      times.set(host + path, time)
      const [, name = '', arg = ''] = /^\/([^/?]*)\/?([^?]*)/.exec(path) ?? []
      const answer = ANSWERS[name]
      if (answer === undefined) page(stream)
      else answer({ stream, headers, session, line, arg, time })
    })
  }

  const server = createTls({
    key: options.key,
    cert: options.cert,
    ALPNProtocols: [...(options.protocols ?? ['h2', 'http/1.1'])],
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    const number = ++connections
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    if (socket.alpnProtocol === 'h2') serve(socket, number)
    else http1.emit('connection', Object.assign(socket, { number }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of open) socket.destroy()
    http1.closeAllConnections()
    await closed
  }
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    get connections() {
      return connections
    },
    get openConnections() {
      return open.size
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    leave() {
      for (const session of sessions) session.close()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
