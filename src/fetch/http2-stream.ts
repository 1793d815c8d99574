/**
 * One exchange on one stream of HTTP/2: its head, its bytes and its end as the transport's seam wants them. It knows no
 * other stream; why a stream that broke off did so is the session's to say.
 */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2'
import type { Exchange } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'

/** Who asked for the stream. */
export interface StreamUser {
  opened(stream: Http2Stream): void
  /** Not opened: the connection takes no more. */
  moved(exchange: Exchange): void
  /** Over. `failure` undefined: the answer is whole. */
  over(failure: WireFailure | undefined): void
}

/** The connection that carries it. */
export interface StreamSession {
  readonly origin: Origin
  readonly maxHeaderBytes: number
  /** Bytes that were of use. */
  readHead(bytes: number): void
  readBody(bytes: number): void
  /** The stream is over, whoever ended it. */
  left(stream: Http2Stream): void
  /** Why it ended that did not end well. */
  failureOf(stream: Http2Stream, code: number, error: Error | undefined): WireFailure
}

/** Interim answers (1xx) before the final one. */
const MAX_INTERIM = 32

export class Http2Stream {
  readonly #session: StreamSession
  readonly #wire: ClientHttp2Stream
  readonly #user: StreamUser
  readonly #exchange: Exchange
  #interim = 0
  #error: Error | undefined
  #over = false
  /** By Content-Length; -1: it does not say. */
  #expected = -1
  #came = 0
  isAnswered = false

  constructor(session: StreamSession, wire: ClientHttp2Stream, user: StreamUser, exchange: Exchange) {
    this.#session = session
    this.#wire = wire
    this.#user = user
    this.#exchange = exchange
    wire.on('headers', () => this.#interimHead())
    wire.on('response', (fields, _flags, raw) => this.#head(fields, raw))
    wire.on('data', (chunk: Buffer) => this.#data(chunk))
    wire.on('end', () => this.#ended())
    wire.on('error', (error) => (this.#error = error))
    wire.on('close', () => this.#closed())
  }

  /** Number of the stream; 0 while it has none. */
  get id(): number {
    return this.#wire.id ?? 0
  }

  /** Less came than was announced. */
  get isShort(): boolean {
    return this.#expected > this.#came
  }

  pause(): void {
    this.#wire.pause()
  }

  resume(): void {
    this.#wire.resume()
  }

  /** We want no more of it: RST_STREAM with CANCEL (RFC 9113 7); the connection lives on. */
  cancel(): void {
    if (this.#over) return
    this.forget()
    this.#wire.close(constants.NGHTTP2_CANCEL)
    this.#session.left(this)
  }

  /** Nobody hears of it any more. */
  forget(): void {
    this.#over = true
  }

  /** The connection is gone. */
  lost(): void {
    this.#fail(this.#session.failureOf(this, this.#wire.rstCode ?? 0, this.#error))
  }

  #interimHead(): void {
    if (this.#over) return
    this.#answered()
    if (++this.#interim <= MAX_INTERIM) return
    const message = `${this.#session.origin.key} sent more than ${MAX_INTERIM} interim answers`
    this.#give({ code: 'UNEXPECTED_STATUS', message })
  }

  #head(fields: IncomingHttpHeaders & IncomingHttpStatusHeader, raw: readonly string[]): void {
    if (this.#over) return
    this.#answered()
    const status = fields[':status'] ?? 0
    const length = Number(fields['content-length'] ?? -1)
    const isBodiless = this.#exchange.method === 'HEAD' || status === 204 || status === 304
    if (!isBodiless && Number.isSafeInteger(length)) this.#expected = length
    const headers: string[] = []
    let bytes = 0
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] as string
      const value = raw[i + 1] as string
      bytes += name.length + value.length
      if (!name.startsWith(':')) headers.push(name, value)
    }
    this.#session.readHead(bytes)
    const { origin, maxHeaderBytes } = this.#session
    if (bytes > maxHeaderBytes) {
      const message = `${origin.key} sent more than ${maxHeaderBytes} bytes of headers`
      this.#give({ code: 'HEADERS_TOO_LARGE', message })
      return
    }
    // HTTP/2 has no reason phrase (RFC 9113 8.3.2).
    this.#exchange.head(status, '', headers)
  }

  #data(chunk: Buffer): void {
    if (this.#over) return
    this.#came += chunk.length
    this.#session.readBody(chunk.length)
    this.#exchange.data(chunk)
  }

  #ended(): void {
    if (this.#over) return
    // It also ends where it was reset: then `close` tells.
    if (!this.isAnswered || this.isShort || (this.#wire.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR) return
    this.#over = true
    this.#session.left(this)
    this.#user.over(undefined)
  }

  #closed(): void {
    if (this.#over) return
    const code = this.#wire.rstCode ?? 0
    if (code === constants.NGHTTP2_NO_ERROR && this.isAnswered && this.isShort) {
      this.#fail({ code: 'TRUNCATED', message: `${this.#session.origin.key} sent less than its Content-Length` })
    } else this.#fail(this.#session.failureOf(this, code, this.#error))
  }

  #answered(): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#exchange.answered()
  }

  /** Ended by us for what it sent. */
  #give(failure: WireFailure): void {
    this.#wire.close(constants.NGHTTP2_CANCEL)
    this.#fail(failure)
  }

  #fail(failure: WireFailure): void {
    if (this.#over) return
    this.#over = true
    this.#session.left(this)
    this.#user.over(failure)
  }
}
