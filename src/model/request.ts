/**
 * A request as it is stored, claimed and fetched: data only, never behaviour. The politeness key and groups are fixed
 * at admission and never computed again (a redirect cannot move a request to another key).
 */
import type { ErrorCode } from './errors.ts'

/** 0 first; FIFO inside a class. */
export type Priority = 0 | 1 | 2 | 3

/** Identity of a listed input: the source's name and the ordinal (0-based) of the line or row in it. */
export interface InputRef {
  readonly source: string
  readonly ordinal: number
}

/** What is known of a request besides its URL; stored as JSON, at most 64 KiB. */
export interface RequestMeta {
  /** URL of the page it was found on. */
  readonly from?: string
  /** How it was found: link kind, `sitemap`, `seed`, `list`. */
  readonly via?: string
  /** 1-based line of the input file, where it has lines. */
  readonly line?: number
  /** The input row's other columns, returned with every record. */
  readonly columns?: Readonly<Record<string, string>>
  /** Validators of the last `ok` answer, for a conditional request. */
  readonly etag?: string
  readonly lastModified?: string
  /** Digest of the last `ok` body: an equal one makes the outcome `unchanged`. */
  readonly digest?: string
  /** Interval after which it was asked for again, ms; absent on a first visit. */
  readonly every?: number
  /** Named behaviour (handler), never a function. */
  readonly handler?: string
  /** How it is asked for where that is not a plain GET; upper case. */
  readonly method?: string
  /** Further header fields, sent to the request's own origin only. */
  readonly headers?: Readonly<Record<string, string>>
  /** Body, sent as UTF-8. */
  readonly body?: string
  /** Proxy of its own: address, and `#` with the number of its login where it has one; or `direct`. */
  readonly proxy?: string
  /** What an extractor called the link it followed; its pages see it again. */
  readonly label?: string
  /** True for a URL the user gave (seed or listed), which decides exit codes. */
  readonly seed?: true
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** True where repeating a request may do something twice (RFC 9110 9.2.1). Default GET. */
export function isUnsafe(method: string | undefined): boolean {
  return method !== undefined && !SAFE.has(method)
}

/** A decision already taken about a request: it is handed out only to be settled and recorded, never fetched. */
export interface Verdict {
  readonly code: ErrorCode
  /** For people: the rule, the limit, the reason. */
  readonly reason?: string
  /** Final URL, where a redirect led to a known one. */
  readonly final?: string
}

export interface NewRequest {
  /** Canonical URL; for a verdict `URL_INVALID` the text as it was given. */
  readonly url: string
  /** Politeness key; '' for verdicts, which wait for nobody. */
  readonly key: string
  /** 64-bit seeded fingerprint of the canonical dedupe key, unsigned. */
  readonly fp: bigint
  readonly priority?: Priority
  readonly depth?: number
  /** Not due before this many milliseconds from now. */
  readonly delayMs?: number
  readonly meta?: RequestMeta
  /**
   * `force`: queue it again although it is known and done (retry, recrawl); `ref` then names the row. `input`: a listed
   * input is fetched although its fingerprint is known (two equal rows are two requests), unless it is `reread`.
   */
  readonly dedupe?: 'once' | 'force' | 'input'
  /** Row of a finished request to queue again, as given by `scan`. Only with `dedupe: 'force'`. */
  readonly ref?: number
  /** robots.txt: goes to the head of its key; requests of its origin wait until it settles. Counted nowhere. */
  readonly gate?: true
  /** Further buckets that gate at once (registrable domain, own pure function). */
  readonly groups?: readonly string[]
  readonly input?: InputRef
  /** A listed input read a second time (its file changed): when known it is only counted, it gets no record. */
  readonly reread?: true
  readonly verdict?: Verdict
}

/** A redirect hop: enters its own key's queue at the head, under `fp` = hash(root fingerprint, hop number). */
export interface HopRequest {
  readonly url: string
  readonly key: string
  readonly fp: bigint
  readonly groups?: readonly string[]
  /** 1 for the first redirect of a chain. */
  readonly hop: number
  /** The redirect turned the method into GET: no method, headers or body of the root from here on. */
  readonly plain?: true
  /** URLs so far, the root's first, this hop's own not included. */
  readonly chain: readonly string[]
  /**
   * Fingerprint of the hop's own URL. Given in a crawl: if that URL is known, the hop is handed out with the verdict
   * `DUPLICATE`, else it is marked seen. Absent in `fetch`: the hop is always fetched.
   */
  readonly target?: bigint
}
