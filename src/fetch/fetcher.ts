/**
 * The fetcher turns a request into one answer or one classified error, within limits. It knows nothing of politeness,
 * retries, redirects, robots or the frontier: a redirect is an answer like any other. Callbacks instead of promises:
 * this is the hot path, one object a request.
 */
import type { ErrorCode } from '../model/errors.ts'
import type { Response } from '../model/response.ts'

export interface FetchRequest {
  readonly url: string
  /** Default GET. */
  readonly method?: string
  /** Extra headers, name → value; they replace the fetcher's own of the same name (case-insensitive). */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Slots of the key: the fetcher keeps at most this many connections to the origin open. */
  readonly maxConnections?: number
  /** The body is read during `onDone` or `onFailed` alone and empty after it: its memory serves the next one. */
  readonly lendBody?: boolean
  /**
   * Name of the part that a large body is kept in for the next attempt (`PartFolder`); of those that wait, no two have
   * the same. Absent: a body that breaks off is fetched again from its first byte.
   */
  readonly part?: bigint | undefined
  /** Proxy of this request alone, `http://[user:password@]host:port` or another scheme of proxies, or `direct`. */
  readonly proxy?: string | undefined
  /** It may be answered by the HTTP cache, and its answer kept there. Default false. */
  readonly cache?: boolean
  /** Overrides of the fetcher's limits for this request (robots.txt: small). */
  readonly maxBytes?: number
}

export interface FetchFailure {
  readonly code: ErrorCode
  /** For people, English, names the cause. */
  readonly message: string
  readonly cause?: unknown
  /** What had come before it failed (TRUNCATED, TOO_LARGE keep head and bytes). */
  readonly response?: Response
  readonly address?: string
  /** True: the request, or a part of it, was written: the site may have acted on it. */
  readonly sent?: boolean
  /** True: this machine's doing (out of descriptors or ports), not the site's; nothing may be counted against the URL. */
  readonly local?: boolean
  /** True: what an earlier attempt left is no part of what is there now. To be asked again whole; no fault of the URL. */
  readonly again?: boolean
  /**
   * True: worth one more try, whatever the code: the peer closed in the middle of the TLS handshake, as servers do that
   * are being restarted, or broke HTTP/2 and will be asked by HTTP/1.1.
   */
  readonly cut?: boolean
  /** True: the disk of this machine failed after the site had answered. The job is in trouble, not the URL. */
  readonly disk?: boolean
}

/** Called by the fetcher, in this order: `onHead` at most once, then exactly one of `onDone` and `onFailed`. */
export interface FetchObserver {
  /** Status and headers are there (final answer, no 1xx). Return a reason to stop before the body: `CANCELLED`. */
  onHead?(status: number, rawHeaders: readonly string[]): string | undefined
  onDone(response: Response, endedAt: number): void
  /** `endedAt` is the clock's `now()` when the last byte (or the error) came. */
  onFailed(failure: FetchFailure, endedAt: number): void
}

export interface FetchHandle {
  /** Ends it with `CANCELLED`; the observer still gets its one call. No effect once it is over. */
  cancel(reason: string): void
}

/** An answer without an end: its bytes (or messages, by WebSocket) are handed on as they come. */
export interface StreamRequest {
  /** `http:`, `https:`, `ws:` or `wss:`. */
  readonly url: string
  /** As those of `FetchRequest`. */
  readonly headers?: Readonly<Record<string, string>>
  readonly proxy?: string | undefined
  /** Longest silence, ms, keep-alives counted as life; it ends with `TIMEOUT_BODY`. Default: none. */
  readonly stallMs?: number
  /** Longest WebSocket message, bytes (`TOO_LARGE`). Default: the fetcher's `maxBytes`. */
  readonly maxMessageBytes?: number
}

/** Called in this order: `onHead` at most once, data as it comes, then `onEnded` exactly once. */
export interface StreamObserver {
  /** The final head (of a WebSocket: of its handshake, 101 where it is open). Return a reason to stop: `CANCELLED`. */
  onHead(status: number, rawHeaders: readonly string[], address: string): string | undefined
  /** Bytes of the body; the buffer is filled again after the call. */
  onData(chunk: Uint8Array): void
  /** One message of a WebSocket. */
  onMessage(message: Uint8Array, isBinary: boolean): void
  /**
   * @param failure undefined: the server ended it as it should
   * @param isWhole the framing says that nothing is missing (chunked, Content-Length): not where it just closed
   */
  onEnded(failure: FetchFailure | undefined, isWhole: boolean): void
}

export interface StreamHandle extends FetchHandle {
  /** Stops reading, so that the server waits; a few buffers may still come. */
  pause(): void
  resume(): void
}

export interface Fetcher {
  start(request: FetchRequest, observer: FetchObserver): FetchHandle
  /** Only on fetchers that can read without an end. */
  stream?(request: StreamRequest, observer: StreamObserver): StreamHandle
  /** Sockets open now. */
  readonly sockets: number
  /** Address it would connect to for a URL, by its own DNS cache; undefined where the name does not resolve. */
  addressOf?(url: string): Promise<string | undefined>
  /** Live requests end with `CANCELLED`; what has come of parts is written. */
  close(): Promise<void>
}
