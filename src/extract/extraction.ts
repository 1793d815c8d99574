/**
 * The seam between the engine and whatever runs extractor modules: pages go in, items and links come out, and nothing
 * an extractor does (throwing, looping, exhausting memory, ending its thread) costs more than its page.
 */
import type { ErrorCode } from '../model/errors.ts'
import type { ExtractedItem, ItemColumn } from '../model/item.ts'

/** One page as it is handed over. Plain data: it crosses threads by structured clone. */
export interface PageInput {
  /** Identity of the page over attempts: hex fingerprint of the request. */
  readonly id: string
  /** Canonical URL of the request. */
  readonly url: string
  /** URL that answered. */
  readonly final: string
  readonly status: number
  /** Names and values in the order of the wire, flat. */
  readonly rawHeaders: readonly string[]
  /** MIME essence. */
  readonly contentType: string
  /** `charset` of the Content-Type header. */
  readonly charset: string | undefined
  /**
   * Decoded body in a buffer of its own, never a slice of a pool. Whoever takes the page may transfer it away, but must
   * be able to run it again (a worker died): the pool keeps or copies what it needs.
   */
  readonly body: Uint8Array
  /** Path of the body where it was too large for memory; `body` is then empty. */
  readonly file: string | undefined
  readonly depth: number
  /** What `follow` said when the link was found. */
  readonly label: string | undefined
  /** Columns of the input row. */
  readonly input: Readonly<Record<string, string | number>> | undefined
}

/** A page that lies somewhere: the thread that works on it reads it there. Plain data. */
export interface StoredPage {
  readonly id: string
  readonly url: string
  /** For the reader of the pool. */
  readonly place: PagePlace
}

export interface PagePlace {
  /** Path. */
  readonly file: string
  readonly offset: number
  /** Bytes in the file. */
  readonly length: number
}

/**
 * Reads stored pages, in the thread that works on them. Undefined: there is no page, nothing is run. Throws `SluiceError`
 * where it cannot be read.
 */
export type PageReader = (page: StoredPage) => Promise<PageInput | undefined>

export type { ExtractedItem, ItemColumn }

/** One complaint of the schema. The item is not stored; the page is not failed by it. */
export interface ItemIssue {
  readonly position: number
  /** Dotted path of the field, '' for the whole item. */
  readonly path: string
  readonly message: string
  /** The value there, as JSON cut to 200 characters. */
  readonly value: string
}

export interface FollowedLink {
  /** As given by the extractor, resolved against the page's base; not yet canonical. */
  readonly url: string
  readonly label: string | undefined
  readonly proxy?: string | undefined
}

export interface ExtractFailure {
  /** `INPUT_UNREADABLE`: of a stored page, which is not where it should be. */
  readonly code: Extract<
    ErrorCode,
    'EXTRACT_THREW' | 'EXTRACT_TIMEOUT' | 'EXTRACT_MEMORY' | 'EXTRACT_CRASHED' | 'INPUT_UNREADABLE'
  >
  /** For people, English. */
  readonly message: string
  /** Place in the extractor, `file:line:column`, the lines around it and where it was called; where it is known. */
  readonly frame: string | undefined
}

export interface Extraction {
  readonly items: readonly ExtractedItem[]
  readonly links: readonly FollowedLink[]
  readonly issues: readonly ItemIssue[]
  /** Set: the page is `failed`; items and links found before are dropped. */
  readonly failure: ExtractFailure | undefined
  /** Time the extractor took, ms. */
  readonly ms: number
  /** False: the extractor's `match` did not want this page, it was not run. */
  readonly matched: boolean
}

/** One extractor thread. */
export interface ThreadFigures {
  /** Pages answered, over the run. */
  readonly pages: number
  /** Pages in its hands. */
  readonly busy: number
  /** Times it ended and was started again. */
  readonly restarts: number
  /** Of its objects and buffers; null: it has not been started. */
  readonly memoryBytes: number | null
  /** How long it has been at the page it is at; 0: at none. */
  readonly stuckMs: number
}

export interface ExtractorPool {
  /** Workers that may run at a time. */
  readonly workers: number
  /** Pages taken and not answered. */
  readonly busy: number
  /**
   * Pages it would take now without growing its queue over its bounds, in pages and in bytes: back-pressure to the
   * engine's claims.
   */
  readonly room: number
  /** Bytes of bodies it would hold beside those it has; negative where it was given more than its bound. */
  readonly roomBytes: number
  /** Columns known from the schema (Standard JSON Schema), in order; undefined where the schema names none. */
  readonly columns: readonly ItemColumn[] | undefined
  /** True where `match` may want this page: asked before a body is copied. */
  wants(url: string, contentType: string, label: string | undefined): boolean
  /** Answers exactly once, never synchronously; never throws. */
  run(page: PageInput, done: (extraction: Extraction) => void): void
  /** Threads as they are; [] where extractors run in the main thread. */
  figures(): Promise<readonly ThreadFigures[]>
  close(): Promise<void>
}

/** A pool whose threads have a `PageReader`. */
export interface StoredPagePool extends ExtractorPool {
  /** As `run`. */
  runStored(page: StoredPage, done: (extraction: Extraction) => void): void
}
