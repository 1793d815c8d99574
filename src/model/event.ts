/**
 * Events: past-participle names, small, JSON, numbered where durable. `request.settled` is a view of a ledger row; the
 * other durable ones are rows of their own, committed with the settle they belong to.
 */
import type { PageRecord } from './record.ts'

export interface DurableEvents {
  'job.started': { readonly job: string; readonly run: number; readonly pid: number }
  'job.recovered': { readonly requeued: number; readonly lastCommitAgoMs: number }
  'job.paused': { readonly by: string }
  'job.resumed': { readonly by: string }
  'job.stopped': { readonly reason: string }
  'job.finished': { readonly reason: string }
  'key.changed': { readonly key: string; readonly what: string; readonly value: string | number }
  'warning.raised': { readonly code: string; readonly message: string }
}

/** One complaint about an item: of its schema, or of the storage of a sink. */
export interface ItemRejected {
  readonly url: string
  readonly code: 'ITEM_INVALID' | 'SINK_REJECTED'
  readonly position: number
  /** Dotted path of the field, '' for the whole item. */
  readonly path: string
  readonly message: string
  readonly value: string
}

export interface BusEvents extends DurableEvents {
  'request.settled': PageRecord
  /** `position` among the items of its page, 0-based; `json`: the item as it was stored. */
  'item.stored': { readonly url: string; readonly position: number; readonly json: string }
  'item.rejected': ItemRejected
  'request.claimed': { readonly url: string; readonly key: string; readonly attempt: number }
  'request.retried': { readonly url: string; readonly code: string; readonly attempt: number; readonly afterMs: number }
  'response.received': { readonly url: string; readonly status: number; readonly key: string }
  'robots.received': { readonly origin: string; readonly status: number; readonly verdict: string }
  'commit.written': { readonly seq: number; readonly settled: number }
  'progress.reported': Readonly<Record<string, unknown>>
  'summary.written': { readonly path: string }
}

export type DurableEventType = keyof DurableEvents
export type EventType = keyof BusEvents

/** A durable event before the store has numbered it. */
export interface NewEvent {
  readonly type: DurableEventType
  readonly data: DurableEvents[DurableEventType]
  /** Number of the event: from the same counter as `seq` of settlements. */
  readonly id: number
  /** ISO 8601 wall-clock time. */
  readonly t: string
}

/** The printed form (`--json`), one line each; `v` is the version of the schema. */
export interface PrintedEvent {
  readonly v: 1
  readonly id?: number
  readonly type: EventType
  readonly t: string
  readonly job: string
  readonly [field: string]: unknown
}
