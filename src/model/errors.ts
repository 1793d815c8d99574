/**
 * The closed union of codes and what each one means for a URL or for the job. One table serves records, metrics, docs
 * and exit codes; the compiler keeps it exhaustive. Codes are stable and never translated; sentences live in `locales`.
 */
import type { OutcomeWord } from './outcome.ts'

/**
 * What a code does by default.
 * - `done`: final at once, the response is kept; `retry`: tried again while attempts are left, then final;
 * - `drop`: final at once, no response worth keeping; `halt`: the job stops with its state intact;
 * - `throw`: a bad option, thrown at construction; `item`: about an item, the URL keeps its own outcome;
 * - `discard`: our own late result is thrown away.
 */
export type Disposition = 'done' | 'retry' | 'drop' | 'halt' | 'throw' | 'item' | 'discard'

interface CodeRow {
  readonly outcome: OutcomeWord | null
  readonly disposition: Disposition
  /** Attempts in all when smaller than the job's own limit (`--retries` + 1). */
  readonly maxAttempts?: number
  /** Process exit code when this code ends the run (UX.md 3.7). */
  readonly exit?: number
}

export const CODES = {
  HTTP_STATUS: { outcome: 'failed', disposition: 'done' },
  DNS_NOT_FOUND: { outcome: 'failed', disposition: 'retry', maxAttempts: 2 },
  DNS_FAILED: { outcome: 'failed', disposition: 'retry' },
  CONNECT_FAILED: { outcome: 'failed', disposition: 'retry' },
  CONNECTION_RESET: { outcome: 'failed', disposition: 'retry' },
  EMPTY_REPLY: { outcome: 'failed', disposition: 'retry' },
  STREAM_ENDED: { outcome: 'failed', disposition: 'retry' },
  PROXY_FAILED: { outcome: 'failed', disposition: 'retry' },
  TLS_FAILED: { outcome: 'failed', disposition: 'drop' },
  TIMEOUT_DNS: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_CONNECT: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_TLS: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_HEADERS: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_BODY: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_TOTAL: { outcome: 'failed', disposition: 'retry' },
  TIMEOUT_SLOW: { outcome: 'failed', disposition: 'retry' },
  TRUNCATED: { outcome: 'failed', disposition: 'retry' },
  NOT_HTTP: { outcome: 'failed', disposition: 'drop' },
  BAD_FRAMING: { outcome: 'failed', disposition: 'drop' },
  HEADERS_TOO_LARGE: { outcome: 'failed', disposition: 'drop' },
  TOO_LARGE: { outcome: 'failed', disposition: 'drop' },
  BOMB: { outcome: 'failed', disposition: 'drop' },
  BAD_ENCODING: { outcome: 'failed', disposition: 'drop' },
  REDIRECT_LOOP: { outcome: 'failed', disposition: 'drop' },
  TOO_MANY_REDIRECTS: { outcome: 'failed', disposition: 'drop' },
  BAD_REDIRECT: { outcome: 'failed', disposition: 'drop' },
  PARTIAL_CONTENT: { outcome: 'failed', disposition: 'drop' },
  UNEXPECTED_STATUS: { outcome: 'failed', disposition: 'retry', maxAttempts: 2 },
  PROCESS_CRASHED: { outcome: 'failed', disposition: 'drop' },
  DELIVERY_UNKNOWN: { outcome: 'failed', disposition: 'drop' },
  HANDLER_THREW: { outcome: 'failed', disposition: 'drop' },
  EXTRACT_THREW: { outcome: 'failed', disposition: 'drop' },
  EXTRACT_TIMEOUT: { outcome: 'failed', disposition: 'drop' },
  EXTRACT_MEMORY: { outcome: 'failed', disposition: 'drop' },
  EXTRACT_CRASHED: { outcome: 'failed', disposition: 'drop' },
  ITEM_INVALID: { outcome: null, disposition: 'discard' },
  SINK_REJECTED: { outcome: null, disposition: 'discard' },
  ROBOTS_DENIED: { outcome: 'skipped', disposition: 'drop' },
  ROBOTS_UNREACHABLE: { outcome: 'skipped', disposition: 'drop' },
  SCOPE_DENIED: { outcome: 'skipped', disposition: 'drop' },
  ADDRESS_DENIED: { outcome: 'skipped', disposition: 'drop' },
  DUPLICATE: { outcome: 'skipped', disposition: 'drop' },
  LIMIT: { outcome: 'skipped', disposition: 'drop' },
  TRAP_LIMIT: { outcome: 'skipped', disposition: 'drop' },
  HOST_BLOCKED: { outcome: 'skipped', disposition: 'drop' },
  CANCELLED: { outcome: 'skipped', disposition: 'drop' },
  URL_INVALID: { outcome: 'skipped', disposition: 'drop' },
  URL_TOO_LONG: { outcome: 'skipped', disposition: 'drop' },
  ROW_INCOMPLETE: { outcome: 'skipped', disposition: 'drop' },
  SINK_FULL: { outcome: null, disposition: 'halt', exit: 6 },
  SINK_UNREACHABLE: { outcome: null, disposition: 'halt', exit: 6 },
  SINK_CHANGED: { outcome: null, disposition: 'halt', exit: 6 },
  MACHINE_EXHAUSTED: { outcome: null, disposition: 'halt', exit: 6 },
  FRONTIER_LOCKED: { outcome: null, disposition: 'halt', exit: 7 },
  FRONTIER_CORRUPT: { outcome: null, disposition: 'halt', exit: 8 },
  FRONTIER_UNREACHABLE: { outcome: null, disposition: 'halt', exit: 8 },
  FORMAT_UNSUPPORTED: { outcome: null, disposition: 'halt', exit: 8 },
  CLAIM_STALE: { outcome: null, disposition: 'discard' },
  OPTION_UNKNOWN: { outcome: null, disposition: 'throw', exit: 2 },
  OPTION_INVALID: { outcome: null, disposition: 'throw', exit: 2 },
  DEPENDENCY_MISSING: { outcome: null, disposition: 'throw', exit: 2 },
  CONTACT_MISSING: { outcome: null, disposition: 'throw', exit: 2 },
  JOB_MISMATCH: { outcome: null, disposition: 'throw', exit: 2 },
  LOGIN_REFUSED: { outcome: 'denied', disposition: 'drop', exit: 2 },
  INPUT_UNREADABLE: { outcome: null, disposition: 'halt', exit: 2 },
  LEDGER_MISMATCH: { outcome: null, disposition: 'halt', exit: 1 },
} as const satisfies Record<string, CodeRow>

export type ErrorCode = keyof typeof CODES

export function codeRow(code: ErrorCode): CodeRow {
  return CODES[code]
}

export interface SluiceErrorInit {
  /** What to do about it: a sentence or the next command. */
  readonly hint?: string
  readonly cause?: unknown
  readonly url?: string
  /** Exit code of a run that ends with it, where it differs from the code's own. */
  readonly exit?: number
}

/**
 * The one error class. A bad option throws it at construction; trouble with us (disk full, store damaged) rejects
 * `run()` with it. Trouble with one URL is never thrown: it is an outcome that carries the same codes.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly url: string | undefined
  /** True where trying the same thing again later may work. */
  readonly retryable: boolean
  /** Exit code of a process that ends with it (UX.md 3.7). */
  readonly exitCode: number

  constructor(code: ErrorCode, message: string, init: SluiceErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = code
    this.hint = init.hint
    this.url = init.url
    this.retryable = codeRow(code).disposition === 'retry'
    this.exitCode = init.exit ?? codeRow(code).exit ?? 1
  }
}

/** What was thrown, in words; errors of several addresses (`AggregateError`) have none of their own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
