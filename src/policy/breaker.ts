/**
 * What to do with a host that does not answer at all: after a few failures in a row it rests, each time longer, and one
 * request looks whether it is back. Pure: counts and times are arguments. Nothing is ever called failed that was not tried.
 */
import type { ErrorCode } from '../model/errors.ts'

/** Failures in a row after which a host rests. */
export const REST_AFTER = 5
const FIRST_REST_MS = 5_000
/** A host that comes back is noticed this late at worst. */
const LONGEST_REST_MS = 300_000
/** Without a sign of life for so long a host is given up: what is left of it is tried once each, without further rests. */
const GIVE_UP_MS = 900_000

/** Trouble before any answer that may pass. A name that does not exist or a certificate that is wrong does not. */
const UNREACHED: ReadonlySet<ErrorCode> = new Set([
  ...(['DNS_FAILED', 'CONNECT_FAILED', 'CONNECTION_RESET', 'EMPTY_REPLY'] as const),
  ...(['TIMEOUT_DNS', 'TIMEOUT_CONNECT', 'TIMEOUT_TLS', 'TIMEOUT_HEADERS'] as const),
])

/** The host was not reached. @param status 0: no head of an answer came. */
export function isUnreached(status: number, code: ErrorCode | undefined): boolean {
  return status === 0 && code !== undefined && UNREACHED.has(code)
}

/** @param failures in a row, the last one included. 0: it goes on. */
export function restMs(failures: number): number {
  if (failures < REST_AFTER) return 0
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - REST_AFTER, 16))
}

/** @param downMs since the first of the failures in a row. */
export function isGivenUp(failures: number, downMs: number): boolean {
  return failures >= REST_AFTER && downMs >= GIVE_UP_MS
}
