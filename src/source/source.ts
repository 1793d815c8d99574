/**
 * A source says where requests come from: lists, CSV, ranges, sitemaps, stdin, iterables. It is lazy: a million-line
 * file is read as the frontier takes it. A source yields texts as it found them; the engine makes requests of them.
 */
export interface SourceItem {
  /** The URL as written in the input. */
  readonly url: string
  /** 0-based position in this source: with the source's name its identity. */
  readonly ordinal: number
  /** 1-based line, where the source has lines. */
  readonly line?: number
  readonly columns?: Readonly<Record<string, string>>
  /** How it is asked for, where that is not a plain GET. */
  readonly ask?: Ask
  /** Set on rows of a table that fill a template. */
  readonly row?: {
    /** What makes it the same row again when the input is read a second time: the values it fills in. */
    readonly identity: string
    /** Why no request can be made of it, for people: `ROW_INCOMPLETE`. */
    readonly problem?: string
  }
}

export interface Ask {
  /** Upper case. Default GET. */
  readonly method?: string
  /** Sent to the origin of the URL only. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Proxy of its own, as it was given, login and all: never stored so. */
  readonly proxy?: string
}

export interface SourceBatch {
  readonly items: readonly SourceItem[]
  /** Position after this batch: handed back to `open` to continue. */
  readonly cursor: Uint8Array
  /** True: read again from the start because the input changed; known items are then only counted. */
  readonly reread?: boolean
}

export interface Source {
  /** Identity over restarts: kind and absolute path or text, `list:/abs/urls.txt`. */
  readonly name: string
  /** How the items were found, for their records: `seed`, `url`; undefined for lists (said by the line). */
  readonly via?: string
  /** True: pulled only as fast as it is fetched (iterables of user code); others are read ahead. */
  readonly lazy?: boolean
  /** How many items there are, when it is cheap to say. */
  readonly total?: number
  /**
   * Names of its columns, found without a batch being read: of a table those of its header, of NDJSON those of its first
   * lines. Absent, and undefined, where nobody can say. Throws `INPUT_UNREADABLE`.
   *
   * @param signal Ends the wait for a pipe, whose columns are then not known.
   */
  columns?(signal?: AbortSignal): Promise<readonly string[] | undefined>
  /** Its columns are known once its first line has come, which may take any time. */
  readonly isPipe?: true
  /**
   * Batches of at most 1,000 items from a cursor on (undefined: from the start). Throws `INPUT_UNREADABLE`.
   * Ending the iteration closes what it holds open.
   */
  batches(cursor: Uint8Array | undefined, signal: AbortSignal): AsyncIterable<SourceBatch>
}
