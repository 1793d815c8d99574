/**
 * The seam between an exchange (what one request means to us) and whatever moves its bytes: `http1.ts`, and in front of
 * it `negotiate.ts` where HTTP/2 may be spoken. Nothing here knows of limits, decoding or politeness.
 */
import type { Dial } from './dial.ts'
import type { Origin, WireFailure } from './wire.ts'

/** One request at the seam: what to send, and whom to tell. At most one of `ended` and `broke`, nothing after it. */
export interface Exchange {
  readonly method: string
  /** Origin-form; absolute-form for a plain request through a proxy. */
  readonly target: string
  /** Flat: name, value, name, value … without Host. */
  readonly headers: readonly string[]
  readonly body: Uint8Array | undefined
  /** A connection works for it from now on. */
  assigned(connection: Connection): void
  /** The request is being written. */
  sent(): void
  /** First byte of the reply. */
  answered(): void
  /** Final head (no 1xx). Names and values in the order of the wire, flat, latin1. */
  head(status: number, statusText: string, rawHeaders: string[]): void
  /** Raw body bytes. The buffer is the transport's and filled again after the call: who keeps bytes copies them. */
  data(chunk: Uint8Array): void
  /** @param lenient something was read that the grammar of RFC 9112 does not hold. */
  ended(lenient: boolean): void
  broke(failure: WireFailure): void
}

/**
 * One connection to one origin, or a place on one that carries several; serves one exchange at a time and reopens itself
 * where the peer closes in between.
 */
export interface Connection {
  /** By ALPN, or what is spoken without it. */
  readonly protocol: 'http/1.1' | 'h2'
  /** The dial under way or done last: address, marks of time, phase. */
  readonly dial: Dial | undefined
  /** Exchanges written on the socket that is open now, the current one included. */
  readonly served: number
  start(exchange: Exchange): void
  /** Stops reading the body until `resume`; what was read already still comes. */
  pause(): void
  resume(): void
  /** Ends it at once; the exchange on it hears nothing more. */
  destroy(): void
}

/** Whom a connection tells about itself. */
export interface ConnectionOwner {
  /** Its exchange is over and it can take the next one. Called before the exchange hears of its end. */
  freed(connection: Connection): void
  /** It is gone for good; never called for `destroy`. */
  gone(connection: Connection): void
}

/** How often one request is sent again at once because the peer says that it has not touched it. */
const UNPROCESSED_REPLAYS = 5

/**
 * May the request be sent again at once? A peer that closes an idle connection can do so just as we write: once, where
 * repeating is safe (RFC 9112 9.3.1). One that names the request as not processed: any method, a few times (RFC 9113 8.7).
 * @param replays how often that was done already.
 */
export function mayReplay(failure: WireFailure, method: string, replays: number): boolean {
  if (failure.unprocessed === true) return replays < UNPROCESSED_REPLAYS
  return failure.stale === true && replays === 0 && (method === 'GET' || method === 'HEAD')
}

export type OpenConnection = (origin: Origin, owner: ConnectionOwner) => Connection
