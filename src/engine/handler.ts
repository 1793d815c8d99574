/**
 * Lifecycle hooks of a request (Downpour's contract): what a program may be told of each attempt, and how it says no.
 * Hooks run on the main thread; what needs the CPU belongs into an extractor.
 */
import type { ErrorCode } from '../model/errors.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'

/** The attempt that a hook is told of. */
export interface HookRequest {
  readonly url: string
  /** URL of the input, where redirects have led from it to `url`. */
  readonly root: string
  /** 1 for the first. */
  readonly attempt: number
  readonly depth: number
  readonly label: string | undefined
  /** Columns of the input row, and its line. */
  readonly input: PageRecord['input']
}

export interface HookHead {
  readonly status: number
  /** Names and values in the order of the wire, flat. */
  readonly rawHeaders: readonly string[]
  /** First value by case-insensitive name (all joined by ', ' except set-cookie). */
  header(name: string): string | undefined
}

export interface HookError {
  readonly code: ErrorCode
  readonly message: string
  /** True: the request waits for another attempt. */
  readonly willRetry: boolean
}

/** Ends the request before its body: it is recorded as `skipped` `CANCELLED` with the reason. */
export interface Cancel {
  readonly cancel: string
}

/**
 * Called in this order for each attempt: `onRedirect` alone where the answer leads elsewhere; else `onStatus`,
 * `onHeaders`, then exactly one of `onSuccess` and `onError`, and `onDone` once, whatever came before. The request is
 * settled when the last has resolved. A hook that throws or rejects costs its request a `HANDLER_THREW` and nothing else.
 */
export interface Handler {
  /** Requests it is for: glob of path or URL. Default: all that no other handler is for. */
  readonly match?: string | readonly string[]
  /** An answer led from `request.url` to `to`. */
  onRedirect?(request: HookRequest, hop: { readonly status: number; readonly to: string }): Hooked
  onStatus?(request: HookRequest, status: number): Cancel | void
  /** A promise is not waited for: the body goes on coming until it resolves with a `cancel`. */
  onHeaders?(request: HookRequest, head: HookHead): Cancel | void | Promise<Cancel | void>
  onSuccess?(request: HookRequest, response: Response): Hooked
  onError?(request: HookRequest, error: HookError, response: Response | undefined): Hooked
  /** `outcome` is undefined where another attempt or a redirect follows. */
  onDone?(request: HookRequest, outcome: OutcomeWord | undefined): Hooked
}

type Hooked = void | Promise<void>
