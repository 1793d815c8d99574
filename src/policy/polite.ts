/**
 * The policy everybody gets: one connection and one second per host, Crawl-delay and Retry-After obeyed, slower where a
 * site is slow or asks for it, retries with exponential back-off and full jitter. Pure: time is an argument, and the
 * jitter comes from the URL and the attempt.
 */
import { CODES, codeRow } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import type { Attempt, Done, Drop, HostState, Pace, Policy, Retry } from './policy.ts'

export interface PoliteOptions {
  /** Tries after the first, per URL. Default 3. */
  readonly retries?: number
  /** Slow down where answers are slow or ask for it. Default true. Keys with delay 0 are never slowed. */
  readonly adaptive?: boolean
  /** First back-off, ms. Default 1,000; doubles per attempt up to `retryCapMs`. */
  readonly retryBaseMs?: number
  /** Default 300,000 (5 min). */
  readonly retryCapMs?: number
  /** Longest Retry-After that is obeyed, ms. Default 3,600,000 (1 h). */
  readonly retryAfterCapMs?: number
}

/** Longest interval that slow-down alone sets, ms. */
const ADAPTIVE_CAP_MS = 60_000
/** Answers slower than this make the pause twice the answer time (the law of AutoThrottle, from one second on). */
const SLOW_ANSWER_MS = 1_000

/**
 * Interval in force for a key: the largest of its configured delay (Crawl-delay included), twice a slow answer time,
 * and the delay doubled per consecutive complaint.
 */
export function adaptiveInterval(host: HostState): number {
  if (host.delayMs === 0) return 0
  let interval = host.delayMs
  if (host.ewmaMs > SLOW_ANSWER_MS) interval = Math.max(interval, Math.min(ADAPTIVE_CAP_MS, 2 * host.ewmaMs))
  if (host.failures > 0) {
    const doubled = host.delayMs * 2 ** Math.min(host.failures, 16)
    interval = Math.max(interval, Math.min(Math.max(ADAPTIVE_CAP_MS, host.delayMs), doubled))
  }
  return interval
}

/** Answers that ask for a slower pace of the whole key. */
export function asksToSlowDown(status: number, code: ErrorCode | undefined): boolean {
  if (status === 429 || status === 503 || status === 999) return true
  switch (code) {
    case 'TIMEOUT_CONNECT':
    case 'TIMEOUT_HEADERS':
    case 'TIMEOUT_BODY':
    case 'TIMEOUT_TOTAL':
    case 'CONNECT_FAILED':
    case 'CONNECTION_RESET':
      return true
    default:
      return false
  }
}

/** Final outcome of an answer that is not retried. */
export function outcomeOfStatus(status: number): { outcome: OutcomeWord; code?: ErrorCode } {
  if (status === 206) return { outcome: 'failed', code: 'PARTIAL_CONTENT' }
  if (status >= 200 && status < 300) return { outcome: 'ok' }
  if (status === 304) return { outcome: 'unchanged' }
  if (status === 404 || status === 410) return { outcome: 'gone' }
  if (status === 401 || status === 403 || status === 451) return { outcome: 'denied' }
  return { outcome: 'failed', code: 'HTTP_STATUS' }
}

/** Statuses that are worth another try: overload, time-outs and trouble of the server (RFC 9110 15, RFC 6585). */
export function retryableStatus(status: number): boolean {
  return status !== 999 && (status === 408 || status === 425 || status === 429 || status >= 500)
}

/** Uniform in [0, 1), the same for the same text: FNV-1a over the characters. */
function jitter(text: string, attempt: number): number {
  let hash = 0x811c9dc5 ^ attempt
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash ^= hash >>> 15
  return (hash >>> 0) / 0x1_0000_0000
}

/** The default policy. Spread it and override one function for your own. */
export function polite(options: PoliteOptions = {}): Policy {
  const attempts = (options.retries ?? 3) + 1
  const adaptive = options.adaptive ?? true
  const baseMs = options.retryBaseMs ?? 1_000
  const capMs = options.retryCapMs ?? 300_000
  const retryAfterCapMs = options.retryAfterCapMs ?? 3_600_000

  const retryIn = (attempt: Attempt): number => {
    const ceiling = Math.min(capMs, baseMs * 2 ** (attempt.attempt - 1))
    const backOff = Math.ceil(ceiling * (0.5 + jitter(attempt.url, attempt.attempt) / 2))
    return Math.max(backOff, Math.min(retryAfterCapMs, attempt.retryAfterMs ?? 0))
  }

  return {
    admit: () => ({ do: 'admit', priority: 1 }),

    pace(host: HostState): Pace {
      return { intervalMs: adaptive ? adaptiveInterval(host) : host.delayMs, maxInFlight: host.perHost, readyAt: 0 }
    },

    next(attempt: Attempt, host: HostState): Done | Retry | Drop {
      const { code, status } = attempt
      if (code !== undefined) {
        const row = codeRow(code)
        const isCut = attempt.cut === true
        const most = host.isGivenUp === true ? 1 : attempts
        const allowed = Math.min(most, isCut ? 2 : (row.maxAttempts ?? attempts))
        if ((isCut || row.disposition === 'retry') && attempt.safe && attempt.attempt < allowed) {
          return { do: 'retry', afterMs: retryIn(attempt), code }
        }
        return { do: 'drop', outcome: CODES[code].outcome ?? 'failed', code }
      }
      if (retryableStatus(status) && attempt.safe && attempt.attempt < attempts) {
        return { do: 'retry', afterMs: retryIn(attempt), code: 'HTTP_STATUS' }
      }
      return { do: 'done', ...outcomeOfStatus(status) }
    },
  }
}

/** `Retry-After` of an overloaded key, capped: the key itself waits, not the worker. */
export function blockFor(retryAfterMs: number | undefined, capMs = 3_600_000): number {
  return retryAfterMs === undefined ? 0 : Math.min(capMs, retryAfterMs)
}
