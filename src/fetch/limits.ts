/** How long each part of a request may take and how much may come: made once from the options, for all hosts or for one. */

export interface Limits {
  /** Each of name lookup, TCP, proxy and TLS. */
  readonly connectMs: number
  /** From the request written to the head of the answer. */
  readonly headersMs: number
  /** Without a byte of the body. */
  readonly idleMs: number
  /** From the connection being asked for to the last byte. */
  readonly totalMs: number
  /** Bytes a second below which a body counts as dripping; 0: none does. */
  readonly minRate: number
  /** Over how long the rate is taken. */
  readonly rateWindowMs: number
  /** Decoded bytes. */
  readonly maxBytes: number
}

/** What may be set; the rest follows. */
export interface LimitOptions {
  /** Each wait: name, connection (10 s at most each), head, silence within the body. Default 30,000. */
  readonly timeoutMs?: number | undefined
  /** The whole, from the connection being asked for to the last byte. Default: ten times `timeoutMs`. */
  readonly totalMs?: number | undefined
  /** Bytes a second of a body, over the window. 0: no limit. Default 16. */
  readonly minRate?: number | undefined
  /** Default 60,000. */
  readonly rateWindowMs?: number | undefined
  /** Cap on decoded bytes. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

const TIMEOUT_MS = 30_000
const MAX_CONNECT_MS = 10_000
const TOTAL_TIMES = 10
/** Nobody reads so slowly; a page of 10 kB would take ten minutes. */
const MIN_RATE = 16
const RATE_WINDOW_MS = 60_000
const MAX_BYTES = 64 * 1024 * 1024

export function limitsOf(options: LimitOptions): Limits {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  return {
    connectMs: Math.min(timeoutMs, MAX_CONNECT_MS),
    headersMs: timeoutMs,
    idleMs: timeoutMs,
    totalMs: options.totalMs ?? timeoutMs * TOTAL_TIMES,
    minRate: options.minRate ?? MIN_RATE,
    rateWindowMs: options.rateWindowMs ?? RATE_WINDOW_MS,
    maxBytes: options.maxBytes ?? MAX_BYTES,
  }
}
