/**
 * A policy is three pure, synchronous functions; time is an argument. Spread `polite()` and override one.
 */
import type { ErrorCode } from '../model/errors.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import type { Priority, RequestMeta } from '../model/request.ts'

/** What a policy sees of a request before it is admitted. */
export interface Candidate {
  readonly url: string
  readonly key: string
  readonly depth: number
  readonly meta: RequestMeta
}

export interface Admit {
  readonly do: 'admit'
  readonly priority: Priority
  /** Proxy of this request alone (`scheme://[user:password@]host:port`), or `direct`. */
  readonly proxy?: string
}

export interface Skip {
  readonly do: 'skip'
  readonly code: ErrorCode
  readonly reason: string
}

/** What is known of a key's health, updated by the engine after each response. */
export interface HostState {
  readonly key: string
  /** Configured delay, Crawl-delay included, ms. */
  readonly delayMs: number
  readonly perHost: number
  /** Interval in force after the last response. */
  readonly intervalMs: number
  /** Moving average of the answer time, ms; 0 before the first. */
  readonly ewmaMs: number
  /** Consecutive answers that ask to slow down (429, 503, timeouts, resets). */
  readonly failures: number
  /** `now` at the last such answer. */
  readonly failedAt: number
  readonly answered: number
  /** True: it has not answered at all for so long that no request is worth a second try. */
  readonly isGivenUp?: boolean
}

export interface Pace {
  /** From the end of a response to the next start, ms. */
  readonly intervalMs: number
  readonly maxInFlight: number
  /** `now` before which the key must not start (0: no extra wait), as after Retry-After. */
  readonly readyAt: number
}

/** One attempt, ended: what `next` decides about. */
export interface Attempt {
  readonly url: string
  readonly attempt: number
  /** 0 when there was no answer. */
  readonly status: number
  readonly code: ErrorCode | undefined
  /** Retry-After in ms, when given and understood. */
  readonly retryAfterMs: number | undefined
  /** True for a robots.txt request. */
  readonly gate: boolean
  /** True: closed in the middle of the TLS handshake, or HTTP/2 that breaks its rules: worth one more try. */
  readonly cut?: boolean
  /** True where repeating the request is safe (GET, HEAD). */
  readonly safe: boolean
}

export interface Done {
  readonly do: 'done'
  readonly outcome: OutcomeWord
  readonly code?: ErrorCode
}

export interface Retry {
  readonly do: 'retry'
  readonly afterMs: number
  readonly code: ErrorCode
}

export interface Drop {
  readonly do: 'drop'
  readonly outcome: OutcomeWord
  readonly code: ErrorCode
}

export interface Policy {
  admit(request: Candidate): Admit | Skip
  pace(host: HostState, now: number): Pace
  next(attempt: Attempt, host: HostState, now: number): Done | Retry | Drop
}
