/**
 * Connections to origins of https that may speak HTTP/2: the first one asks by ALPN (RFC 7301), the others wait for what
 * is answered. With HTTP/2 all of an origin are streams of one session, each still one connection to the pool, so that
 * its limits hold; otherwise each has its own socket and HTTP/1.1. No session ever serves two origins.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Dial, Dialler } from './dial.ts'
import type { Http1Transport } from './http1.ts'
import { Http2Session, type SessionOwner, type SessionParts } from './http2-session.ts'
import type { Http2Stream, StreamUser } from './http2-stream.ts'
import type { Connection, ConnectionOwner, Exchange, OpenConnection } from './transport.ts'
import type { Origin, WireFailure } from './wire.ts'

export interface NegotiateOptions extends SessionParts {
  readonly dialler: Dialler
  readonly http1: Http1Transport
  /** Which hosts are offered HTTP/2. Default all. */
  readonly wants?: boolean | ((hostname: string) => boolean) | undefined
}

/** What is offered, best first. */
const OFFERED = ['h2', 'http/1.1']
/** Origins remembered to speak HTTP/1.1; forgotten all at once when there are more. */
const REMEMBERED = 10_000

interface Shared extends NegotiateOptions {
  /** Origins whose answer was HTTP/1.1, or whose HTTP/2 does not work. */
  readonly plain: Set<string>
  readonly sites: Map<string, Site>
}

export interface Negotiated {
  readonly open: OpenConnection
  /** Ends sessions that nobody uses any more. */
  close(): void
}

export function negotiate(options: NegotiateOptions): Negotiated {
  const shared: Shared = { ...options, plain: new Set(), sites: new Map() }
  return {
    open: (origin, owner) => {
      const isWanted = typeof options.wants !== 'function' || options.wants(origin.hostname)
      if (!origin.secure || !isWanted || shared.plain.has(origin.route)) return options.http1.open(origin, owner)
      return new NegotiatedConnection(shared, origin, owner)
    },
    close() {
      for (const site of [...shared.sites.values()]) site.close()
    },
  }
}

/** What is known of one origin: its session, or the dial that will tell. */
class Site implements SessionOwner {
  readonly connections = new Set<NegotiatedConnection>()
  readonly #shared: Shared
  readonly #origin: Origin
  readonly #waiting = new Set<NegotiatedConnection>()
  #session: Http2Session | undefined
  dial: Dial | undefined

  constructor(shared: Shared, origin: Origin) {
    this.#shared = shared
    this.#origin = origin
  }

  /** The connection gets a stream, or a socket of its own. */
  start(connection: NegotiatedConnection, exchange: Exchange): void {
    if (this.#session !== undefined) {
      connection.session = this.#session
      this.#session.take(connection, exchange)
    } else if (this.#shared.plain.has(this.#origin.route)) connection.goPlain(exchange)
    else {
      this.#waiting.add(connection)
      if (this.dial === undefined) this.#ask()
    }
  }

  /** The connection needs nothing more. @param isIdle true: room is wanted, so that a session nobody uses goes too. */
  leave(connection: NegotiatedConnection, isIdle: boolean): void {
    this.#waiting.delete(connection)
    this.connections.delete(connection)
    if (this.#waiting.size === 0 && this.dial !== undefined) {
      this.dial.abort()
      this.dial = undefined
    }
    if (this.connections.size > 0) return
    if (isIdle) this.#session?.destroy()
    this.#tidy()
  }

  close(): void {
    this.dial?.abort()
    this.#session?.destroy()
  }

  leaving(session: Http2Session): void {
    if (this.#session === session) this.#session = undefined
    for (const connection of [...this.connections]) connection.sessionLeft(session)
    this.#tidy()
  }

  wantsHttp1(): void {
    const { plain } = this.#shared
    if (plain.size >= REMEMBERED) plain.clear()
    plain.add(this.#origin.route)
    this.#session?.retire()
  }

  #tidy(): void {
    if (this.connections.size > 0 || this.#session !== undefined) return
    const { sites } = this.#shared
    if (sites.get(this.#origin.route) === this) sites.delete(this.#origin.route)
  }

  #ask(): void {
    const dial = this.#shared.dialler.dial(
      this.#origin,
      (failure, socket) => {
        if (this.dial !== dial) {
          socket?.destroy()
          return
        }
        this.dial = undefined
        if (failure !== undefined) this.#failed(failure)
        else this.#opened(dial, socket as TLSSocket)
      },
      undefined,
      OFFERED,
    )
    this.dial = dial
  }

  #failed(failure: WireFailure): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const connection of waiting) connection.over({ ...failure })
  }

  #opened(dial: Dial, socket: TLSSocket): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    if (socket.alpnProtocol === 'h2') {
      this.#session = new Http2Session(this.#shared, this, this.#origin, dial, socket)
      for (const connection of waiting) connection.again()
      return
    }
    this.wantsHttp1()
    const [first, ...others] = waiting
    if (first === undefined) socket.destroy()
    else first.goPlain(undefined, { dial, socket })
    for (const connection of others) connection.goPlain()
  }
}

/** A place of the pool: a stream of the origin's session, or a connection of HTTP/1.1 behind it. */
class NegotiatedConnection implements Connection, ConnectionOwner, StreamUser {
  session: Http2Session | undefined
  readonly #shared: Shared
  readonly #origin: Origin
  readonly #owner: ConnectionOwner
  #site: Site | undefined
  #exchange: Exchange | undefined
  #stream: Http2Stream | undefined
  #plain: Connection | undefined
  #served = 0
  #isPaused = false
  #over = false

  constructor(shared: Shared, origin: Origin, owner: ConnectionOwner) {
    this.#shared = shared
    this.#origin = origin
    this.#owner = owner
  }

  get protocol(): Connection['protocol'] {
    return this.#stream === undefined ? 'http/1.1' : 'h2'
  }

  get dial(): Dial | undefined {
    return this.#plain?.dial ?? this.session?.dial ?? this.#site?.dial
  }

  get served(): number {
    return this.#plain?.served ?? this.#served
  }

  start(exchange: Exchange): void {
    if (this.#plain !== undefined) {
      this.#plain.start(exchange)
      return
    }
    this.#exchange = exchange
    this.#stream = undefined
    this.#isPaused = false
    exchange.assigned(this)
    this.again()
  }

  /** Asks for a stream, on whatever the origin has now. */
  again(): void {
    const exchange = this.#exchange
    if (exchange === undefined || this.#over) return
    const { sites } = this.#shared
    let site = sites.get(this.#origin.route)
    if (site === undefined) sites.set(this.#origin.route, (site = new Site(this.#shared, this.#origin)))
    if (this.#site !== site) this.#site?.connections.delete(this)
    this.#site = site
    site.connections.add(this)
    site.start(this, exchange)
  }

  /** From now on it is a connection of HTTP/1.1. */
  goPlain(exchange = this.#exchange, opened?: { readonly dial: Dial; readonly socket: Socket }): void {
    this.#site?.connections.delete(this)
    this.#site = undefined
    this.session = undefined
    this.#exchange = undefined
    const plain = this.#shared.http1.open(this.#origin, this, {
      face: this,
      ...(opened === undefined ? {} : { opened }),
    })
    this.#plain = plain
    if (exchange !== undefined) plain.start(exchange)
  }

  opened(stream: Http2Stream): void {
    this.#stream = stream
    this.#served = this.session?.served ?? 0
    if (this.#isPaused) stream.pause()
  }

  moved(): void {
    this.session = undefined
    this.again()
  }

  over(failure: WireFailure | undefined): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#stream = undefined
    if (exchange === undefined) return
    if (this.session?.takes === true) this.#owner.freed(this)
    else this.#drop()
    if (failure === undefined) exchange.ended(false)
    else exchange.broke(failure)
  }

  /** Its session takes no more: an idle place goes, one that is in use goes with its stream. */
  sessionLeft(session: Http2Session): void {
    if (this.session === session && this.#exchange === undefined) this.#drop()
  }

  pause(): void {
    this.#isPaused = true
    this.#plain?.pause()
    this.#stream?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#plain?.resume()
    this.#stream?.resume()
  }

  destroy(): void {
    if (this.#over) return
    this.#over = true
    const isIdle = this.#exchange === undefined
    this.#exchange = undefined
    this.#plain?.destroy()
    if (this.#stream !== undefined) this.#stream.cancel()
    else this.session?.withdraw(this)
    this.#stream = undefined
    this.#site?.leave(this, isIdle)
    this.#site = undefined
  }

  freed(): void {
    this.#owner.freed(this)
  }

  gone(): void {
    this.#drop()
  }

  #drop(): void {
    if (this.#over) return
    this.destroy()
    this.#owner.gone(this)
  }
}
