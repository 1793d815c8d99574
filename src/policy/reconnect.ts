/**
 * How long to wait before an endless answer is asked for again: exponential back-off with jitter, never below the pace
 * of the host, never before the server wants it. Pure: chance is an argument. When the count starts anew (after the
 * first good record) is for the caller.
 */

/** First pause, where the server names none (`retry:` of SSE). */
export const RECONNECT_BASE_MS = 1_000
/** Longest pause that back-off alone sets. */
export const RECONNECT_CAP_MS = 120_000
/** Longest Retry-After that is obeyed. */
const RETRY_AFTER_CAP_MS = 3_600_000

export interface Reconnect {
  /** Connections in a row that gave no record, the one that just ended included: 1 or more. */
  readonly failures: number
  /** Of chance, in [0, 1): the upper half of each pause is spread, so that clients of one server do not return at once. */
  readonly fraction: number
  /** Default `RECONNECT_BASE_MS`. */
  readonly baseMs?: number | undefined
  /** Pace of the host, ms. */
  readonly floorMs: number
  /** What the server asked for (Retry-After), ms. */
  readonly retryAfterMs?: number | undefined
}

/** Milliseconds, whole. */
export function reconnectDelay(state: Reconnect): number {
  const { failures, fraction, baseMs = RECONNECT_BASE_MS, floorMs, retryAfterMs = 0 } = state
  const ceiling = Math.min(RECONNECT_CAP_MS, baseMs * 2 ** Math.min(failures - 1, 20))
  const jittered = ceiling / 2 + (fraction * ceiling) / 2
  return Math.ceil(Math.max(jittered, floorMs, Math.min(retryAfterMs, RETRY_AFTER_CAP_MS)))
}
