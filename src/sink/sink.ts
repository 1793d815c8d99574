/**
 * A sink stores what was settled. The engine writes a batch, then commits the frontier with the positions the sink
 * returned: what a sink holds beyond its last committed position is cut (or overwritten) at the next open, so each
 * settlement is there exactly once. A sink holds page records, or the items that were found on the pages
 * (`JobInfo.items`). It knows no engine and no frontier.
 */
import type { ItemRejected } from '../model/event.ts'
import type { ExtractedItem, ItemColumn } from '../model/item.ts'
import type { PageRecord } from '../model/record.ts'

export interface SinkRecord {
  readonly record: PageRecord
  /** JSON of `record`, made once for all sinks and the ledger. */
  readonly json: string
  /** Stable identity of the row over crashes: hex fingerprint of the URL, or source and ordinal of the input. */
  readonly dedupeKey: string
  /**
   * What the extractor found on the page, where the job has one and it ran to its end: none is an answer, and keyed
   * sinks then drop what the page gave before. Undefined (not fetched, unchanged, failed): they keep it.
   */
  readonly items?: readonly ExtractedItem[] | undefined
  /** Decoded body of an `ok` page, for sinks that declare `wantsBodies`; empty otherwise. */
  readonly body: Uint8Array
  /** Spooled body when it was too large for memory. */
  readonly bodyFile?: string
  /** The answer as it came, for sinks that declare `wantsExchange`: of every outcome with a response. */
  readonly exchange?: Exchange
}

/** One request and its response with all that an archive has to keep. With it `body` and `bodyFile` are there too. */
export interface Exchange {
  readonly method: string
  /** URL that answered. */
  readonly url: string
  /** As sent; flat: name, value, name, value … */
  readonly requestHeaders: readonly string[]
  readonly status: number
  /** Empty with HTTP/2, which has none. */
  readonly statusText: string
  /** Absent: HTTP/1.1. */
  readonly protocol?: 'h2'
  /** In the order and case of the wire, duplicates kept; flat, latin1. */
  readonly rawHeaders: readonly string[]
  /** IP address that answered; empty where it is not known (behind a proxy). */
  readonly address: string
  /** Wall-clock time at which the request was sent, ms. */
  readonly startedAt: number
  /** The body still coded by its Content-Encoding, transfer coding removed; absent where only the decoded one is left. */
  readonly wireBody?: Uint8Array
}

export interface JobInfo {
  /** Job name. */
  readonly name: string
  /** Unique id of the job, stays over restarts. */
  readonly id: string
  readonly run: number
  /** Highest `seq` that the frontier has committed; rows above it are leftovers of a death. */
  readonly committedSeq: number
  /** Names of the input columns known at open (CSV header). */
  readonly columns: readonly string[]
  /** Set: the sink stores the items of the pages instead of their records. */
  readonly items?: ItemsInfo | undefined
  /** Fires when the job stops and its time to drain is over: a server that is away is waited for no longer. */
  readonly signal?: AbortSignal | undefined
  /** Tells the user something once, in a sentence; the job goes on. */
  readonly warn?: ((message: string) => void) | undefined
}

export interface ItemsInfo {
  /** Columns of the schema, in its order; undefined where there is none: the first items decide. */
  readonly columns: readonly ItemColumn[] | undefined
}

/** An item, or a page record (position 0), that a storage does not take. */
export interface RefusedItem extends Omit<ItemRejected, 'code'> {
  /** Number of the settlement it came with. */
  readonly seq: number
}

export interface Sink {
  /** Shown to people and used as the name of its position: `ndjson:/abs/path`. */
  readonly name: string
  /** True: `body` and `bodyFile` of records are needed. */
  readonly wantsBodies: boolean
  /** True: `exchange` of records is needed, with the bodies of every outcome that has one. Default false. */
  readonly wantsExchange?: boolean
  /** Repairs what a death left behind, given the position last committed with the frontier (undefined: none). */
  open(job: JobInfo, position: Uint8Array | undefined): Promise<void>
  /**
   * Position right after `open`. Where none was committed yet, the job commits this one before the first write: only
   * so does a death between the first write and its commit leave the sink knowing which bytes of a file are its own.
   * Absent on sinks that find their leftovers by job and `seq`.
   */
  position?(): Uint8Array | undefined
  /** Resolved = stored so that it survives kill -9. Returns its new position, or undefined if it needs none. */
  write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined>
  /** What the last `write` left out because the storage refuses it, and why; the rest of its batch is stored. */
  refused?(): readonly RefusedItem[]
  close(): Promise<void>
}
