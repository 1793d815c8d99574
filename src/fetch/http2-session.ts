/**
 * One connection that speaks HTTP/2 (RFC 9113, by `node:http2`): streams side by side up to what the server lets, its
 * GOAWAY, its faults, floods of frames, and the end of an idle one. It knows neither pool nor limits of time; which
 * origins have such a connection is `negotiate.ts`'s.
 */
import { connect, constants, sensitiveHeaders, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Clock } from '../model/clock.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Dial } from './dial.ts'
import { Http2Stream, type StreamSession, type StreamUser } from './http2-stream.ts'
import type { Exchange } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'

export interface SessionParts {
  readonly clock: Clock
  readonly idle: Deadlines
  /** An idle connection is closed after this. */
  readonly keepAliveMs: number
  /** All header fields together. */
  readonly maxHeaderBytes: number
}

/** Whom a session tells about itself. */
export interface SessionOwner {
  /** It takes no more streams; those under way may still end well. */
  leaving(session: Http2Session): void
  /** The server wants this origin by HTTP/1.1, or cannot do HTTP/2. */
  wantsHttp1(): void
}

/** Bytes of a body that may lie unread, a stream. */
const STREAM_WINDOW = 512 * 1024
/** Fields of a head, each of at most the compression table's 4 kB: what a small head can grow to (RFC 7541 7.3) is bounded. */
const MAX_FIELDS = 2_000
/** What a server may send besides bodies and heads: this much at once, and a share of the bodies. Far over what any needs. */
const CHATTER_BYTES = 1024 * 1024
const CHATTER_SHARE = 0.25
/** What is forgiven as time goes by, bytes a second. */
const CHATTER_RATE = 64 * 1024
/** Streams before the server has said how many (RFC 9113 6.5.2 wants no fewer). */
const FIRST_STREAMS = 100
/** Fields that are the connection's in HTTP/1.1 and must not be sent (RFC 9113 8.2.2), and Host, which `:authority` is. */
const NOT_SENT = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'])
/** Never put into the compression table (RFC 7541 7.1.3). */
const SENSITIVE = ['authorization', 'cookie', 'proxy-authorization']
/** They say that nothing was done with the request, and that HTTP/1.1 will do (RFC 9113 7). */
const HTTP1_CODES: ReadonlySet<number> = new Set([
  constants.NGHTTP2_HTTP_1_1_REQUIRED,
  constants.NGHTTP2_INADEQUATE_SECURITY,
])

type Fields = Record<string, string | string[]>

export class Http2Session implements Timed, StreamSession {
  slot = -1
  readonly dial: Dial
  readonly origin: Origin
  /** Streams opened on it. */
  served = 0
  readonly #parts: SessionParts
  readonly #owner: SessionOwner
  readonly #socket: Socket
  readonly #session: ClientHttp2Session
  readonly #streams = new Set<Http2Stream>()
  readonly #waiting: { readonly user: StreamUser; readonly exchange: Exchange }[] = []
  /** Streams that it may have now, by the server. */
  #atOnce = FIRST_STREAMS
  #idleUntil = Number.POSITIVE_INFINITY
  #heard = false
  /** Bytes read that were of use. */
  #usefulBytes = 0
  #chatterAt: number
  #forgiven = 0
  /** Highest stream that the server has or may have worked on (GOAWAY). */
  #lastStream = Number.POSITIVE_INFINITY
  #goaway: number | undefined
  #fault: WireFailure | undefined
  #reset: Error | undefined
  #isLeaving = false
  #over = false
  /** Fields of the last request: most requests to an origin have the same. */
  #headers: readonly string[] = []
  #fields: Fields = {}

  constructor(parts: SessionParts, owner: SessionOwner, origin: Origin, dial: Dial, socket: Socket) {
    this.#parts = parts
    this.#owner = owner
    this.origin = origin
    this.dial = dial
    this.#socket = socket
    const session = connect(origin.key, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_FIELDS,
      maxReservedRemoteStreams: 0,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: parts.maxHeaderBytes },
    })
    this.#session = session
    session.on('error', (error) => this.#broke(error))
    session.on('goaway', (code, lastStream) => this.#goneAway(code, lastStream))
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.#heard = true
      this.#atOnce = maxConcurrentStreams ?? Number.POSITIVE_INFINITY
      this.#feed()
    })
    session.on('close', () => this.#closed())
    this.#chatterAt = parts.clock.now()
    parts.idle.add(this)
  }

  get maxHeaderBytes(): number {
    return this.#parts.maxHeaderBytes
  }

  /** False: streams that are asked for now belong on another connection. */
  get takes(): boolean {
    return !this.#isLeaving && !this.#over
  }

  /** Opens a stream as soon as the server lets it. */
  take(user: StreamUser, exchange: Exchange): void {
    this.#idleUntil = Number.POSITIVE_INFINITY
    this.#waiting.push({ user, exchange })
    this.#feed()
  }

  /** Takes an exchange back that waits; false where it does not wait. */
  withdraw(user: StreamUser): boolean {
    const at = this.#waiting.findIndex((one) => one.user === user)
    if (at === -1) return false
    this.#waiting.splice(at, 1)
    this.#rest()
    return true
  }

  /** Takes no more streams, and goes with the last of those under way. */
  retire(): void {
    this.#leave()
    this.#rest()
  }

  /** Ends it at once; nobody hears anything more. */
  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#leave()
    this.#parts.idle.remove(this)
    this.#waiting.length = 0
    for (const stream of this.#streams) stream.forget()
    this.#streams.clear()
    this.#session.destroy()
    this.#socket.destroy()
  }

  tick(now: number): void {
    const chatter = this.#socket.bytesRead - this.#usefulBytes - this.#forgiven
    if (chatter > CHATTER_BYTES) {
      this.#faulty(`floods the connection: ${chatter} bytes of frames that carry nothing`)
      return
    }
    this.#forgiven += Math.min(chatter, (CHATTER_RATE * (now - this.#chatterAt)) / 1000)
    this.#chatterAt = now
    if (now >= this.#idleUntil) this.destroy()
  }

  readBody(bytes: number): void {
    this.#usefulBytes += bytes * (1 + CHATTER_SHARE)
  }

  readHead(bytes: number): void {
    this.#usefulBytes += bytes
  }

  left(stream: Http2Stream): void {
    this.#streams.delete(stream)
    this.#feed()
    this.#rest()
  }

  failureOf(stream: Http2Stream, code: number, error: Error | undefined): WireFailure {
    const named = this.origin.key
    // Streams hear of the connection's end before the session does.
    if (this.#fault === undefined && this.#isFault(error)) this.#fault = this.#faultOf(unspoken(error))
    if (this.#fault !== undefined) return this.#fault
    const name = nameOf(code)
    if (code === constants.NGHTTP2_REFUSED_STREAM || stream.id === 0 || stream.id > this.#lastStream) {
      return { code: 'CONNECTION_RESET', message: `${named} refused the request (${name})`, unprocessed: true }
    }
    if (HTTP1_CODES.has(code) || (this.#goaway !== undefined && HTTP1_CODES.has(this.#goaway))) {
      this.#owner.wantsHttp1()
      return { code: 'CONNECTION_RESET', message: `${named} wants HTTP/1.1 (${name})`, unprocessed: true }
    }
    if (this.#goaway !== undefined && this.#goaway !== constants.NGHTTP2_NO_ERROR) {
      const why = `ended the connection (GOAWAY, ${nameOf(this.#goaway)})`
      return { code: 'CONNECTION_RESET', message: `${named} ${why}`, ...causeOf(error) }
    }
    if (this.#session.destroyed || this.#socket.destroyed) {
      const why = (this.#reset as NodeJS.ErrnoException | undefined)?.code ?? 'closed'
      // The peer may just have closed it idle, as a connection of HTTP/1.1 (RFC 9112 9.3.1).
      const stale = this.served > 1 && !stream.isAnswered
      const message = `${named} broke the connection (${why})`
      return { code: 'CONNECTION_RESET', message, ...causeOf(this.#reset ?? error), ...(stale ? { stale } : {}) }
    }
    if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM && !stream.isAnswered) {
      return { code: 'HEADERS_TOO_LARGE', message: `${named} sent more than ${MAX_FIELDS} header fields` }
    }
    if (code === constants.NGHTTP2_PROTOCOL_ERROR) {
      if (stream.isShort) return { code: 'TRUNCATED', message: `${named} sent less than its Content-Length` }
      this.#owner.wantsHttp1()
      return { code: 'BAD_FRAMING', message: `${named} sent a message that HTTP/2 does not allow`, cut: true }
    }
    return { code: 'CONNECTION_RESET', message: `${named} ended the request (RST_STREAM, ${name})`, ...causeOf(error) }
  }

  #feed(): void {
    while (this.#waiting.length > 0 && this.#streams.size < this.#atOnce && this.takes) {
      const { user, exchange } = this.#waiting.shift() as { user: StreamUser; exchange: Exchange }
      this.#open(user, exchange)
    }
  }

  #open(user: StreamUser, exchange: Exchange): void {
    if (exchange.headers !== this.#headers) {
      this.#headers = exchange.headers
      this.#fields = fieldsOf(exchange.headers)
    }
    const { method, body } = exchange
    const hasBody = body !== undefined && body.length > 0
    const fields: Fields = {
      ':method': method,
      ':scheme': 'https',
      ':authority': this.origin.key.slice(8),
      ':path': exchange.target,
      ...this.#fields,
    }
    if (body !== undefined) fields['content-length'] = String(body.length)
    else if (method === 'POST' || method === 'PUT' || method === 'PATCH') fields['content-length'] = '0'
    const sent = Object.assign(fields, { [sensitiveHeaders]: SENSITIVE })
    let wire: ClientHttp2Stream
    try {
      wire = this.#session.request(sent, { endStream: !hasBody })
    } catch (error) {
      // A field that HTTP/2 does not let anybody send. Told later: whoever starts a request holds its handle first.
      const message = `cannot be asked for by HTTP/2: ${(error as Error).message}`
      queueMicrotask(() => user.over({ code: 'URL_INVALID', message }))
      return
    }
    this.served++
    const stream = new Http2Stream(this, wire, user, exchange)
    this.#streams.add(stream)
    user.opened(stream)
    exchange.sent()
    if (hasBody) wire.end(body)
  }

  /** RFC 9113 6.8: streams above `lastStream` were not and will not be worked on. */
  #goneAway(code: number, lastStream: number): void {
    this.#lastStream = lastStream
    this.#goaway = code
    this.#leave()
  }

  /** Nobody is on it: from now on it is idle. */
  #rest(): void {
    if (this.#streams.size > 0 || this.#waiting.length > 0 || this.#over) return
    if (this.#isLeaving) this.destroy()
    else this.#idleUntil = this.#parts.clock.now() + this.#parts.keepAliveMs
  }

  #broke(error: Error): void {
    if (this.#isFault(error)) this.#fault ??= this.#faultOf(unspoken(error))
    else this.#reset = error
    this.#leave()
  }

  /** Something that nghttp2 or Node did not take; other errors are of the socket, of one stream, or a GOAWAY. */
  #isFault(error: Error | undefined): boolean {
    const code = (error as NodeJS.ErrnoException | undefined)?.code ?? ''
    if (!code.startsWith('ERR_HTTP2_') || code.startsWith('ERR_HTTP2_STREAM_') || code === 'ERR_HTTP2_GOAWAY_SESSION')
      return false
    return code !== 'ERR_HTTP2_SESSION_ERROR' || this.#goaway === undefined
  }

  #faulty(why: string): void {
    this.#fault = this.#faultOf(why)
    this.#leave()
    this.#session.destroy()
    this.#socket.destroy()
  }

  /** By HTTP/1.1 the origin may do better: worth one more try. */
  #faultOf(why: string): WireFailure {
    this.#owner.wantsHttp1()
    return { code: this.#heard ? 'BAD_FRAMING' : 'NOT_HTTP', message: `${this.origin.key} ${why}`, cut: true }
  }

  /** Streams hear of it by their own `close`; what waits for one goes on elsewhere. */
  #closed(): void {
    if (this.#over) return
    this.#leave()
    this.#over = true
    this.#parts.idle.remove(this)
    this.#socket.destroy()
    for (const stream of this.#streams) stream.lost()
    this.#streams.clear()
  }

  #leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#owner.leaving(this)
    for (const { user, exchange } of this.#waiting.splice(0)) user.moved(exchange)
  }
}

function fieldsOf(flat: readonly string[]): Fields {
  const fields: Fields = {}
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    const value = flat[i + 1] as string
    if (NOT_SENT.has(name)) continue
    const known = fields[name]
    if (known === undefined) fields[name] = value
    else fields[name] = Array.isArray(known) ? [...known, value] : [known, value]
  }
  return fields
}

/** RFC 9113 7, by their numbers. */
const CODE_NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

function nameOf(code: number): string {
  return CODE_NAMES[code] ?? `code ${code}`
}

function unspoken(error: Error | undefined): string {
  return `breaks the rules of HTTP/2 (${error?.message ?? ''})`
}

function causeOf(error: Error | undefined): { cause?: Error } {
  return error === undefined ? {} : { cause: error }
}
