/**
 * What a job looks like from outside: the library, the command line and (later) the server speak only to this.
 */
import type { ExtractionFigures } from '../engine/extraction-report.ts'
import type { ThreadFigures } from '../extract/extraction.ts'
import type { BusEvents, EventType } from '../model/event.ts'
import type { OutcomeCounts } from '../model/outcome.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import type { RunFigures } from './run-tally.ts'

export type JobKind = 'fetch' | 'crawl' | 'tail'
/** Kinds that fetch pages; a tail reads one endless source. */
export type PageJobKind = Exclude<JobKind, 'tail'>

/** How a run ended; decides the exit code (UX.md 3.7). */
export type RunEnd = 'finished' | 'limit' | 'guard' | 'interrupted' | 'terminated' | 'paused' | 'halted'

/** State of the job right now, cheap to take: counters only. */
export interface Snapshot {
  readonly job: string
  readonly kind: JobKind
  readonly folder: string
  readonly run: number
  readonly status: 'running' | 'paused' | 'draining' | 'interrupted' | 'finished' | 'limit' | 'crashed'
  /** Every URL known; known = done + left, always. */
  readonly known: number
  readonly done: OutcomeCounts
  readonly doneTotal: number
  readonly left: {
    readonly total: number
    readonly queued: number
    readonly delayed: number
    readonly inFlight: number
    readonly following: number
  }
  /** Inputs in all, where the sources can say (or `--total`); null while unknown. */
  readonly total: number | null
  /** True while a source has more to give. */
  readonly reading: boolean
  readonly hosts: number
  readonly codes: Readonly<Record<string, number>>
  readonly statuses: Readonly<Record<string, number>>
  /** Of the last seconds: requests and decoded bytes per second. */
  readonly perSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly sockets: number
  /** Of this process, ms. */
  readonly elapsedMs: number
  /** Projected time to the end, and the key that sets it; null while nothing can be said. */
  readonly eta: { readonly ms: number; readonly key: string | null; readonly othersMs: number | null } | null
  /** Over the life of the job; null where it has no extractor. */
  readonly extraction: ExtractionFigures | null
  /** One-line diagnoses: code and the command that helps. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Written to `summary.json` (with `status` from the first commit on) and printed at the end. */
export interface Summary extends Snapshot {
  readonly v: 1
  readonly end: RunEnd | null
  readonly startedAt: string
  readonly endedAt: string | null
  /** Run time of the fastest polite run over the time taken, 0..1; null where nothing was fetched. */
  readonly politeness: { readonly efficiency: number; readonly boundMs: number; readonly key: string } | null
  /** ms by phase: total, wait, dns, connect, firstByte. */
  readonly times: Readonly<Record<string, Percentiles>>
  /** Most frequent reasons of an outcome: code (or `503`), URLs, hosts. */
  readonly why: Readonly<
    Record<
      'failed' | 'skipped' | 'denied',
      readonly { readonly code: string; readonly urls: number; readonly hosts: number }[]
    >
  >
  readonly slowest: readonly {
    readonly key: string
    readonly intervalMs: number
    readonly p95Ms: number
    readonly done: number
  }[]
  readonly outputs: readonly string[]
  /** Of a run with `--if-due`: pages asked again, pages whose time has not come, and when the first of those is due. */
  /** With `--cache`: answers that cost no request, and those that their sites confirmed. */
  readonly cache?: { readonly fresh: number; readonly revalidated: number }
  readonly revisits?:
    | { readonly queued: number; readonly waiting: number; readonly nextInMs: number | null }
    | undefined
  /** What halted the run; absent where it ended otherwise. */
  readonly halted?: { readonly code: string; readonly message: string }
  /** Of this run alone, where there were runs before it: `done`, `extraction` and the like are of the whole job. Else null. */
  readonly thisRun: RunFigures | null
  /** `--fail-if` expressions that were true. */
  readonly failed: readonly string[]
  readonly exitCode: number
  readonly bytes: number
}

/** Said once when a job is opened: new, continued, recovered, finished already. */
export interface Opening {
  readonly how: 'new' | 'continued' | 'recovered' | 'finished'
  readonly doneTotal: number
  readonly left: number
  /** Of the stop before this one; null for a new job. */
  readonly stopped: { readonly agoMs: number; readonly reason: string } | null
  readonly requeued: number
  readonly lastCommitAgoMs: number
  /** Settings that differ from the stored ones: name, before, now. */
  readonly changes: readonly { readonly name: string; readonly from: string; readonly to: string }[]
}

export type JobEvent<Type extends EventType = EventType> = Type extends EventType
  ? { readonly type: Type; readonly id?: number; readonly t: string } & BusEvents[Type]
  : never

export interface Job extends AsyncDisposable {
  readonly name: string
  readonly folder: string
  readonly kind: JobKind
  /** Opens (locks, recovers) without starting; `run` does it too. */
  open(): Promise<Opening>
  /** Runs to the end (or to a stop) and resolves with the summary. Rejects with `SluiceError` where we failed. */
  run(): Promise<Summary>
  /** Every settlement from now on, as it is committed; a slow consumer slows fetching. Starts the run if need be. */
  pages(): AsyncIterableIterator<PageRecord>
  /** Every item from now on, as it was stored; otherwise as `pages`. */
  items<Item = unknown>(): AsyncIterableIterator<Item>
  /** Graceful: nothing new starts, requests in flight get `drainMs`; then they go back into the queue. */
  stop(reason: string, drainMs?: number): Promise<void>
  /**
   * Rows of one SQL statement that reads what the job has stored, as objects by column name: of its first SQL output, or of
   * the job's own tables `pages` and `items`. `values` are bound to its parameters. The job may run meanwhile.
   */
  query<Row = Record<string, unknown>>(
    sql: string,
    values?: readonly (string | number | boolean | null)[],
    options?: QueryOptions,
  ): AsyncIterableIterator<Row>
  /** Nothing new starts. A state, not a count: however often it is paused, one `resume` ends it. */
  pause(by: string): Promise<void>
  /** Of a running job: nothing happens. */
  resume(by: string): Promise<void>
  snapshot(): Promise<Snapshot>
  /**
   * Live settings: the same names as options (`delay`, `perHost`, `rate`, `concurrency`, `limit`, `bandwidth`). With a host:
   * `delay`, `perHost` and `block` of that host alone. Kept with the job.
   */
  set(name: string, value: unknown, by: string, host?: string): Promise<void>
  retry(query: RetryQuery, dryRun?: boolean): Promise<number>
  /** Queues URLs as inputs of the job, each with an outcome of its own; they are known to it once this resolves. */
  add(urls: readonly string[], by: string): Promise<AddedUrls>
  /** What this process is doing, for people who watch it. */
  workers(): Promise<WorkersFigures>
  on<Type extends EventType>(type: Type, listener: (event: JobEvent<Type>) => void): () => void
  onAny(listener: (event: JobEvent) => void): () => void
  close(): Promise<void>
}

export interface AddedUrls {
  /** Queued, or decided at once where the job's scope leaves them out. */
  readonly added: number
  /** Known before: recorded as `skipped`, `DUPLICATE`. */
  readonly duplicates: number
}

export interface WorkersFigures {
  readonly pid: number
  readonly uptimeMs: number
  /** Memory of the process: all of it, and V8's objects. */
  readonly rssBytes: number
  readonly heapBytes: number
  /** Time on processors since it began. */
  readonly cpuMs: number
  /** How late the event loop came to its timers since this was asked first, ms. */
  readonly loopDelay: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  readonly sockets: number
  /** Claimed and not settled: in flight, in the hands of extractors or hooks, waiting for the commit. */
  readonly inFlight: number
  /** Pages waiting for an extractor or with one. */
  readonly extracting: number
  readonly threads: readonly ThreadFigures[]
}

export interface QueryOptions {
  /** The job's own tables, though it has a SQL output. Default false. */
  readonly ledger?: boolean
  /** Columns of one name: `error` (the default), or `number`: `id`, `id_2`. */
  readonly duplicates?: 'error' | 'number'
}

export interface RetryQuery {
  readonly outcome?: string
  readonly code?: string
  readonly status?: string
  readonly host?: string
  readonly since?: string
  /** Unsafe requests too that may have been delivered (`--retry-unsafe`). Default false. */
  readonly unsafe?: boolean
}

/** The answer to `why`: facts for a person, in order; the CLI renders it. */
export interface Why {
  readonly url: string
  readonly state: string
  readonly outcome?: string
  readonly code?: ErrorCode | undefined
  readonly trail: readonly { readonly topic: string; readonly text: string }[]
  readonly record?: PageRecord
}
