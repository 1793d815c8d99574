/**
 * What the embedded frontier keeps its state in: memory, or SQLite. A store writes down what it is told and reads rows
 * back; it decides nothing. Calls take effect in order; what is told before a `flush` becomes durable with it, whole or
 * not at all.
 */
import type { LedgerRow, RobotsState, ScanQuery, Slice } from './frontier.ts'
import type { NewEvent } from '../model/event.ts'
import type { PageRecord } from '../model/record.ts'
import type { RequestMeta } from '../model/request.ts'
import type { Counted } from './schedule/counters.ts'
import type { Row, RowState } from './schedule/rows.ts'

/** A settlement that stands: the latest one of its row, which is not queued again. */
export interface Standing extends Counted {
  readonly row: number
}

/** Where a live row is, for `scan`; undefined: queued. */
export interface LiveState {
  readonly state: LedgerRow['state']
  readonly attempts: number
  readonly crashes: number
  readonly code: string
  readonly dueInMs: number | undefined
}

/** How a store asks for the live state of rows while it scans. */
export type StateOf = (row: number) => LiveState

export interface Store {
  /** Highest row, 0 when there is none. The next one is this plus one. */
  readonly lastRow: number
  /** Why nothing can be stored any more; what is in memory then runs ahead of what is kept. */
  readonly failure: Error | undefined
  append(row: Row): void
  /** In the order of `ids`, all of which exist. */
  rows(ids: readonly number[]): Row[]
  /** By number (`seq`); undefined where it does not stand. */
  standing(seqs: readonly number[]): (Standing | undefined)[]
  /** Number of the settlement that stands for a fingerprint, or 0. Slow: for callers that have no `ref`. */
  findSettled(fpHi: number, fpLo: number): number
  /** What is known of an unsettled row; undefined: nothing more than that it is queued, or it is settled. */
  state(row: number, state: RowState | undefined): void
  /** A bucket or lane is new, or a bucket has changed. */
  laneAdded(lane: number): void
  bucketChanged(bucket: number): void
  robotsChanged(bucket: number, state: RobotsState, until: number): void
  settled(row: number, record: PageRecord, json: string | undefined): void
  /** The settlement `seq` of the row stands no longer; `meta` takes the place of the row's. */
  requeued(row: number, seq: number, meta: RequestMeta | undefined): void
  inputsChanged(source: string): void
  position(name: string, value: Uint8Array): void
  event(event: NewEvent): void
  /** Which rows are in flight has changed; durable soon. */
  claimsChanged(): void
  /** Everything told so far is durable when this returns. */
  flush(): void
  /** Resolves when everything told so far is durable, at the latest after the time of a group. */
  durable(): Promise<void>
  /** Settlements that stand, or rows not settled, after a cursor. */
  scan(query: ScanQuery, stateOf: StateOf): Slice<LedgerRow>
  /** Marks the end as clean. */
  close(): Promise<void>
}
