/**
 * The page record: one for every settlement, the same fields in NDJSON, CSV, SQLite, the ledger and the event
 * `request.settled`. Optional fields are absent, never null.
 */
import type { ErrorCode } from './errors.ts'
import type { OutcomeWord } from './outcome.ts'

/** Country and network of an address. */
export interface Geo {
  /** ISO 3166-1, two letters. */
  readonly country?: string
  /** Number of the autonomous system. */
  readonly asn?: number
  /** Who runs it. */
  readonly organization?: string
}

/** The page before it that had the same text, or nearly. */
export interface Alike {
  readonly url: string
  /** Bits in which the fingerprints of the texts differ, at most 3; 0 where the bodies are equal. */
  readonly bits: number
}

export interface PageRecord {
  /** Canonical URL of the request (for `URL_INVALID`: the text as given). */
  readonly url: string
  /** URL that answered, when it differs after redirects. */
  readonly final?: string
  readonly outcome: OutcomeWord
  readonly code?: ErrorCode
  /** For people: what happened, in English. */
  readonly message?: string
  readonly status?: number
  /** MIME essence. */
  readonly mime?: string
  readonly charset?: string
  /** Decoded body bytes. */
  readonly bytes?: number
  /** `xxh64:<16 hex>` of the decoded body. */
  readonly digest?: string
  readonly title?: string
  readonly canonical?: string
  /** Directives of meta robots and X-Robots-Tag that were present: `noindex`, `nofollow`, `noai` … */
  readonly robots?: readonly string[]
  readonly depth: number
  /** Page it was found on and how. */
  readonly from?: string
  readonly via?: string
  /** Input line and columns, echoed because results arrive out of order. */
  readonly input?: Readonly<Record<string, string | number>>
  /** Redirect chain: the URLs before `final`. */
  readonly chain?: readonly string[]
  readonly etag?: string
  readonly lastModified?: string
  /** Path of the stored body below the output folder (`dir/` sink). */
  readonly file?: string
  /** Items an extractor gave and that its schema and every output took; absent where none ran to its end. */
  readonly items?: number
  /** Items that the schema or an output did not take; of the outputs, `message` says why. */
  readonly rejected?: number
  readonly attempt: number
  /** Flags: `truncated`, `lenient`, `resumed`, `cached` (no request was made), `revalidated` (kept, confirmed by a 304), `seed`, `tombstone` (gone, and there before) … */
  readonly flags?: readonly string[]
  readonly ip?: string
  /** What the files of `--geo` know of `ip`. */
  readonly geo?: Geo
  /** With `--alike`: the first page of this run with the same text. */
  readonly alike?: Alike
  /** Wall-clock time of the settlement, ISO 8601. */
  readonly t: string
  /** Milliseconds: wait for its turn, dns, connect, tls, first byte, body, total. */
  readonly ms?: Readonly<Record<string, number>>
  readonly run: number
  /** Number of this settlement, strictly increasing over the life of the job, without doubles. */
  readonly seq: number
}
