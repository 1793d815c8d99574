/**
 * The frontier: the durable set of what to fetch and when. Ten members, no driver type, one conformance suite
 * (`testing/frontier-suite.ts`) for every implementation. It decides *when* a request may start; it does not know how
 * requests are fetched, what a policy is, or what happens to pages. All times that cross it are relative milliseconds.
 *
 * The life of a URL:
 *
 *     unknown --add--> queued --claim--> claimed --end--> (slot free, key's clock runs) --settle--> done
 *                        ^                  |                                              |
 *                        +---- release -----+   settle retry -> delayed --due--> queued    |
 *                        +---- process died (crashes + 1) ----+                            |
 *                                               settle follow -> following --hop settles--> done
 *
 * - *known* = every request row (verdicts included, gates and hops not).
 * - known = sum of outcomes + left, where left = queued + delayed + claimed + following. Always.
 * - A claim holds one slot of its key and of each of its groups until `end` (or, when nothing was started, until
 *   `end` with `started: false`, or settle). It stays claimed, and is not handed out again, until settle.
 * - After `end` the key's next start is end + max(its delay, paceMs); a block wins over all; deadlines round up.
 * - An unsafe request (`meta.method`, RFC 9110 9.2.1) is handed out at most once: that it is goes to the store before it
 *   is. In flight at a death (or when its lease ends) it comes back with the verdict `DELIVERY_UNKNOWN`; a release or a
 *   retry queues it again.
 * - Verdict requests (duplicates of listed inputs, invalid lines, out of scope …) wait for no key: they are handed out
 *   at once, only to be settled, so that every record goes the same exactly-once way.
 */
import type { Verdict, HopRequest, InputRef, NewRequest, Priority, RequestMeta } from '../model/request.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { NewEvent } from '../model/event.ts'
import type { OutcomeCounts, OutcomeWord } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'

/** Per request of an `add`: 0 added, 1 duplicate, 2 over the key's cap, 3 over the job's cap, 4 invalid. */
export const ADDED = 0
export const DUPLICATE = 1
export const KEY_CAP = 2
export const JOB_CAP = 3
export const INVALID = 4

export interface AddResult {
  readonly status: Uint8Array
  readonly added: number
  readonly duplicates: number
}

export interface ClaimWant {
  /** At most this many fetchable claims. */
  readonly max: number
  /** At most this many of one key in this call; default: as many as its slots allow. */
  readonly perKey?: number
  /** At most this many verdict claims, over and above `max`. Default 256. */
  readonly verdicts?: number
  readonly leaseMs: number
  readonly worker: string
}

export interface Claim {
  /** Opaque; contains a token that is strictly increasing over restarts: the fencing token. */
  readonly id: string
  readonly url: string
  readonly key: string
  readonly fp: bigint
  readonly priority: Priority
  readonly depth: number
  /** 1 for the first try. A process death is no attempt. */
  readonly attempt: number
  readonly crashes: number
  readonly meta?: RequestMeta
  readonly gate?: true
  readonly groups?: readonly string[]
  readonly input?: InputRef
  readonly verdict?: Verdict
  /** Set on a redirect hop. `rootUrl` is the input's URL, whose row this hop will settle. */
  readonly root?: bigint
  readonly rootUrl?: string
  readonly hop?: number
  readonly chain?: readonly string[]
  /** A hop that is asked for by a plain GET, whatever `meta` says. */
  readonly plain?: true
  /** Current interval of the key: the last pace given to `end`, or 0. Seeds the host state of the policy. */
  readonly intervalMs: number
  /** Failures in a row of its key as last patched; absent: none. */
  readonly errors?: number
  /** How long it had been due before it was claimed, ms. */
  readonly waitedMs: number
}

export interface ClaimResult {
  readonly claims: Claim[]
  /** Sleep this long before asking again; null: only an add, end or settle can make something ready. */
  readonly nextReadyInMs: number | null
  readonly state: 'active' | 'paused' | 'draining' | 'empty'
}

export interface End {
  readonly id: string
  /** Pace the policy wants after this response; the key waits max(its delay, this). */
  readonly paceMs: number
  /** How long ago the last byte (or the error) came. */
  readonly endedAgoMs: number
  /** False: nothing was sent. Frees the slot and leaves the clock alone. Default true. */
  readonly started?: boolean
}

/** What policy.next decided, applied. */
export type Settlement =
  | {
      readonly id: string
      readonly do: 'done'
      readonly outcome: OutcomeWord
      /** The page record; its `seq` and `run` number the ledger row. Not for gates. */
      readonly record: PageRecord
      /** JSON of `record` when the caller has it already: stored as it is. */
      readonly json?: string
    }
  /** The gate is over; the state is stored with its origin in the same transaction. */
  | { readonly id: string; readonly do: 'gate'; readonly robots: RobotsState }
  | { readonly id: string; readonly do: 'retry'; readonly afterMs: number; readonly code: ErrorCode }
  | { readonly id: string; readonly do: 'follow'; readonly hop: HopRequest }
  /** Unstarted, given back to the head, attempt not counted. With `group`: that key or group waits `afterMs`. */
  | { readonly id: string; readonly do: 'release'; readonly afterMs?: number; readonly group?: string }

export interface SettleBatch {
  readonly outcomes: readonly Settlement[]
  /** Discovered links: deduped by fingerprint, silently where known. */
  readonly links?: readonly NewRequest[]
  /** Opaque positions of sinks and sources, by name; the same commit. */
  readonly positions?: ReadonlyMap<string, Uint8Array>
  /** Durable events other than `request.settled`. */
  readonly events?: readonly NewEvent[]
  /** Highest number given to what has no settlement of its own, such as the records of a stream; `stats` names it. */
  readonly seq?: number
}

export interface RobotsState {
  readonly origin: string
  /** `rules`: obey `body`; `allow`: no restriction (4xx); `deny`: unreachable, nothing may be fetched. */
  readonly verdict: 'rules' | 'allow' | 'deny'
  /** HTTP status, or 0 when there was none. */
  readonly status: number
  /** robots.txt text of `rules`, at most 500 KiB; of `deny` after a network fault `CODE message`; else ''. */
  readonly body: string
  /** Wall-clock ISO time it was fetched; for people. */
  readonly fetchedAt: string
  /** Valid for this long from now (given) or still (returned); 0 = expired. */
  readonly validForMs: number
}

export interface KeyState {
  /** Delay every end observes at least, ms: default of the job unless patched. */
  readonly delayMs: number
  /** Slots. */
  readonly conns: number
  /** Last pace given to `end`. */
  readonly intervalMs: number
  /** Until its next start is allowed, block included, ms. */
  readonly readyInMs: number
  readonly blockedForMs: number
  /** At most this many known URLs; null = none. */
  readonly cap: number | null
  readonly queued: number
  readonly inFlight: number
  readonly known: number
  /** Failures to reach it in a row, as last patched; the caller's. */
  readonly errors: number
  readonly robots: ReadonlyMap<string, RobotsState>
}

/** Patched fields are durable and win over the defaults. `robots` entries are merged by origin. */
export type KeyPatch = Partial<Pick<KeyState, 'delayMs' | 'conns' | 'blockedForMs' | 'cap' | 'errors' | 'robots'>>

/** What a key starts with; asked again at each open, so a changed option holds from then on. */
export interface KeyDefaults {
  readonly delayMs: number
  readonly conns: number
  readonly cap?: number | null
}

export interface FrontierStats {
  readonly known: number
  /** Fetchable or waiting for their key, verdicts included. */
  readonly queued: number
  /** Retries not yet due. */
  readonly delayed: number
  readonly inFlight: number
  readonly following: number
  readonly done: OutcomeCounts
  /** Settlements by `outcome/CODE` (`failed/TIMEOUT_BODY`, `ok/`); latest per URL. */
  readonly codes: ReadonlyMap<string, number>
  /** Settlements by HTTP status; latest per URL. */
  readonly statuses: ReadonlyMap<number, number>
  /** Keys with something left. */
  readonly keys: number
  /** Live gates (robots.txt on their way); counted in nothing else. */
  readonly gates: number
  /** Highest `seq` (of settlements and of batches) or event id committed. */
  readonly seq: number
  /** Last death: requests that were in flight and went back into the queue at this open, and how old the last commit was. */
  readonly recovered: { readonly requeued: number; readonly lastCommitAgoMs: number } | null
}

export interface ScanQuery {
  readonly what: 'ledger' | 'left' | 'keys'
  /** Continue after this cursor (`next` of the last slice). */
  readonly after?: number
  readonly limit?: number
  readonly outcome?: OutcomeWord
  readonly code?: string
  /** A status, or a class as '5xx'. */
  readonly status?: string
  readonly key?: string
  readonly url?: string
  /** Wall-clock ms: settled at or after. */
  readonly since?: number
}

export interface LedgerRow {
  /** Names the row: what `NewRequest.ref` takes. Opaque; a settled row has another one after its next settlement. */
  readonly ref: number
  readonly url: string
  readonly key: string
  readonly fp: bigint
  readonly state: 'queued' | 'delayed' | 'claimed' | 'following' | 'done'
  readonly depth: number
  readonly attempts: number
  readonly crashes: number
  readonly meta?: RequestMeta
  readonly input?: InputRef
  readonly groups?: readonly string[]
  /** Latest settlement, when done. */
  readonly record?: PageRecord
  /** When delayed: code of the last try and how long until it is due. */
  readonly code?: ErrorCode
  readonly dueInMs?: number
}

export interface Slice<Row> {
  readonly rows: Row[]
  /** Cursor for the next slice; null at the end. */
  readonly next: number | null
}

export interface Frontier {
  /** Resolved = durable; the source cursors in `positions` commit with it. Usable by `claim` at once. */
  add(requests: readonly NewRequest[], positions?: ReadonlyMap<string, Uint8Array>): Promise<AddResult>
  claim(want: ClaimWant): Promise<ClaimResult>
  /** The response is over: slot free, key's clock set. Takes effect at once, is durable with the next commit. */
  end(ended: readonly End[]): Promise<void>
  /** One transaction. `stale` lists claim ids that were lost; those outcomes changed nothing. */
  settle(batch: SettleBatch): Promise<{ readonly stale: string[] }>
  extend(claims: readonly string[], leaseMs: number): Promise<{ readonly lost: string[] }>
  key(key: string, patch?: KeyPatch): Promise<KeyState>
  /** From counters, never a scan. */
  stats(): Promise<FrontierStats>
  scan(query: ScanQuery): Promise<Slice<LedgerRow>>
  /** `pause`: claims stop, everything else goes on. `drain`: nothing new is claimed until `resume`; state says so. */
  control(command: 'pause' | 'resume' | 'drain'): Promise<void>
  /** Commits what is buffered and marks the close as clean. */
  close(): Promise<void>
}

/** What opening a frontier gives besides it. */
export interface OpenedFrontier {
  readonly frontier: Frontier
  /** Positions as last committed, by name. */
  readonly positions: ReadonlyMap<string, Uint8Array>
  /** True when the store held a job already. */
  readonly existed: boolean
  /** The machine was booted since, and its wall clock is off by this much from the job's; absent up to an hour. */
  readonly clockJumpMs?: number
}
