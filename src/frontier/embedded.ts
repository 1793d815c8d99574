/**
 * The frontier inside this process: schedule, memory of fingerprints and store joined behind the interface. Everything
 * happens synchronously between two turns of the event loop, which is what makes a claim atomic. Knows no driver: the
 * store does; memory and SQLite differ in nothing else.
 */
import type {
  AddResult,
  Claim,
  ClaimResult,
  ClaimWant,
  End,
  Frontier,
  FrontierStats,
  KeyDefaults,
  KeyPatch,
  KeyState,
  LedgerRow,
  ScanQuery,
  SettleBatch,
  Slice,
} from './frontier.ts'
import { SluiceError } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import { isUnsafe } from '../model/request.ts'
import type { NewRequest } from '../model/request.ts'
import { Adder } from './adder.ts'
import { buildClaims } from './claim-view.ts'
import { patchBucket, stateOfBucket } from './key-view.ts'
import type { LiveClaim } from './schedule/claims.ts'
import { isGate } from './schedule/rows.ts'
import type { Scheduler } from './schedule/scheduler.ts'
import { Settler } from './settler.ts'
import type { Parts } from './parts.ts'
import type { LiveState } from './store.ts'

/** What every embedded frontier is opened with. */
export interface FrontierOptions {
  readonly clock: Clock
  /** Delay, slots and cap of a key (or group) that was not patched. */
  readonly defaults: (key: string) => KeyDefaults
  /** Fingerprint of a listed input by its identity. */
  readonly inputFp: (source: string, ordinal: number) => bigint
  /** At most this many known URLs. */
  readonly jobCap?: number
  /** Memory for fingerprints and queues, bytes; more goes to disk where there is one. Default 256 MiB. */
  readonly seenBudgetBytes?: number
  /** Queue unsafe requests again that were in flight at a death, instead of ending them as `DELIVERY_UNKNOWN`. Default false. */
  readonly repeatUnsafe?: boolean
  /**
   * Fingerprints of requests that got further in the process that died: its death is not held against them. Asked once,
   * at open after an unclean end, when the store is locked. Default: none.
   */
  readonly progressed?: () => ReadonlySet<bigint>
}

/** Rows an `add` stores before it lets the event loop turn. */
const CHUNK = 1_000
const VERDICTS = 256

export class EmbeddedFrontier implements Frontier {
  readonly #parts: Parts
  readonly #schedule: Scheduler
  readonly #adder: Adder
  readonly #settler: Settler
  readonly #recovered: FrontierStats['recovered']
  #mode: 'active' | 'paused' | 'draining' = 'active'
  #closed: Promise<void> | undefined

  constructor(parts: Parts, recovered: FrontierStats['recovered']) {
    this.#parts = parts
    this.#schedule = parts.schedule
    this.#adder = new Adder(parts)
    this.#settler = new Settler(parts, this.#adder)
    this.#recovered = recovered
  }

  async add(requests: readonly NewRequest[], positions?: ReadonlyMap<string, Uint8Array>): Promise<AddResult> {
    this.#open()
    const { store } = this.#parts
    const status = new Uint8Array(requests.length)
    const result = { status, added: 0, duplicates: 0 }
    for (let at = 0; at < requests.length; at += CHUNK) {
      if (at > 0) {
        store.flush()
        await new Promise((resolve) => setImmediate(resolve))
        this.#open()
      }
      this.#adder.add(requests, at, Math.min(requests.length, at + CHUNK), result)
    }
    if (positions !== undefined) for (const [name, value] of positions) store.position(name, value)
    await store.durable()
    return result
  }

  claim(want: ClaimWant): Promise<ClaimResult> {
    return attempt(() => this.#claim(want))
  }

  end(ended: readonly End[]): Promise<void> {
    return attempt(() => {
      this.#open()
      const { store, now } = this.#parts
      const at = now()
      for (const { id, paceMs, endedAgoMs, started } of ended) {
        const claim = this.#schedule.claims.get(id)
        if (claim === undefined || !claim.holding) continue
        if (started === false) {
          this.#schedule.free(claim, at)
          continue
        }
        if (!this.#schedule.free(claim, at, at - endedAgoMs, paceMs)) continue
        store.bucketChanged(this.#schedule.lanes.key[claim.lane] as number)
        for (const group of this.#schedule.lanes.groups(claim.lane)) store.bucketChanged(group)
      }
    })
  }

  settle(batch: SettleBatch): Promise<{ readonly stale: string[] }> {
    return attempt(() => {
      this.#open()
      const stale = this.#settler.settle(batch)
      this.#parts.store.flush()
      return { stale }
    })
  }

  extend(claims: readonly string[], leaseMs: number): Promise<{ readonly lost: string[] }> {
    return attempt(() => {
      this.#open()
      const now = this.#parts.now()
      this.#expire(now)
      const lost: string[] = []
      for (const id of claims) {
        const claim = this.#schedule.claims.get(id)
        if (claim === undefined) lost.push(id)
        else claim.until = now + leaseMs
      }
      return { lost }
    })
  }

  key(key: string, patch?: KeyPatch): Promise<KeyState> {
    return attempt(() => {
      this.#open()
      if (patch !== undefined) patchBucket(this.#parts, key, patch)
      return stateOfBucket(this.#parts, key)
    })
  }

  stats(): Promise<FrontierStats> {
    return attempt(() => {
      const { counters } = this.#parts
      const schedule = this.#schedule
      return {
        known: counters.known,
        queued: schedule.queued,
        delayed: schedule.delayed,
        inFlight: schedule.claims.counted,
        following: counters.following,
        done: { ...counters.done },
        codes: new Map(counters.codes),
        statuses: new Map(counters.statuses),
        keys: schedule.keysLeft,
        gates: schedule.gates.size,
        seq: counters.seq,
        recovered: this.#recovered,
      }
    })
  }

  scan(query: ScanQuery): Promise<Slice<LedgerRow>> {
    return attempt(() => {
      this.#open()
      if (query.what === 'keys') return this.#scanKeys(query)
      const now = this.#parts.now()
      return this.#parts.store.scan(query, (row) => this.#stateOf(row, now))
    })
  }

  control(command: 'pause' | 'resume' | 'drain'): Promise<void> {
    return attempt(() => {
      this.#open()
      this.#mode = command === 'pause' ? 'paused' : command === 'drain' ? 'draining' : 'active'
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#parts.store.close().finally(() => this.#parts.seen.close())
    return this.#closed
  }

  #open(): void {
    if (this.#closed !== undefined) throw new SluiceError('FRONTIER_UNREACHABLE', 'the frontier is closed')
    const { failure } = this.#parts.store
    if (failure !== undefined) throw failure
  }

  #claim(want: ClaimWant): ClaimResult {
    this.#open()
    if (this.#mode !== 'active') return { claims: [], nextReadyInMs: null, state: this.#mode }
    const { now, store } = this.#parts
    const at = now()
    const schedule = this.#schedule
    this.#expire(at)
    schedule.promote(at)
    const { max, perKey, leaseMs, verdicts = VERDICTS } = want
    const all = schedule.take({ max, perKey, verdicts, leaseMs }, at)
    const taken = this.#withoutDeadGates(all, at)
    if (taken.length === 0 && all.length > 0) return this.#claim(want)
    let claims: Claim[] = []
    if (taken.length > 0) {
      claims = buildClaims(this.#parts, taken)
      // Whatever it does to this process, the store must say beforehand that it ran alone.
      const alone = taken.find((claim) => claim.alone)
      if (alone !== undefined) store.state(alone.row, schedule.states.get(alone.row))
      // And that an unsafe request was handed out: it must not be a second time.
      const isSent = this.#markSent(taken, claims)
      if (alone !== undefined || isSent) {
        store.claimsChanged()
        store.flush()
      } else if (taken.some((claim) => claim.holds)) store.claimsChanged()
    }
    const next = schedule.nextTime()
    return {
      claims,
      nextReadyInMs: schedule.hasVerdicts ? 0 : next === Number.POSITIVE_INFINITY ? null : Math.max(0, next - at),
      state: this.#isEmpty() ? 'empty' : 'active',
    }
  }

  #markSent(taken: readonly LiveClaim[], claims: readonly Claim[]): boolean {
    let isAny = false
    for (let i = 0; i < taken.length; i++) {
      const live = taken[i] as LiveClaim
      const { meta, plain } = claims[i] as Claim
      if (!live.holds || plain === true || !isUnsafe(meta?.method)) continue
      isAny = true
      const state = this.#schedule.stateOf(live)
      state.sent = true
      this.#parts.store.state(live.row, state)
    }
    return isAny
  }

  /** A robots.txt that killed the process while it ran alone: nothing of its origin may be fetched for now. */
  #withoutDeadGates(taken: readonly LiveClaim[], now: number): readonly LiveClaim[] {
    if (!taken.some((claim) => !claim.holds && isGate(claim.kind))) return taken
    const { clock } = this.#parts
    for (const claim of taken) if (!claim.holds && isGate(claim.kind)) this.#settler.denyGate(claim, clock.wall(), now)
    return taken.filter((claim) => claim.holds || !isGate(claim.kind))
  }

  #isEmpty(): boolean {
    const { queued, delayed, claims, gates } = this.#schedule
    return (
      queued === 0 && delayed === 0 && claims.size === 0 && gates.size === 0 && this.#parts.counters.following === 0
    )
  }

  /** A claim nobody spoke of for too long: back to the head, one death more, its key as if it had just ended. */
  #expire(now: number): void {
    const over = this.#schedule.claims.expired(now)
    for (let i = over.length - 1; i >= 0; i--) this.#settler.expire(over[i] as (typeof over)[number], now)
  }

  #stateOf(row: number, now: number): LiveState {
    const { schedule } = this.#parts
    const state = schedule.states.get(row)
    const claimed = schedule.claims.ofRow(row) !== undefined
    const delayed = state !== undefined && state.due > 0
    return {
      state: claimed
        ? 'claimed'
        : state !== undefined && state.hop !== 0
          ? 'following'
          : delayed
            ? 'delayed'
            : 'queued',
      attempts: state?.attempt ?? 0,
      crashes: state?.crashes ?? 0,
      code: state?.code ?? '',
      dueInMs: delayed ? Math.max(0, state.due - now) : undefined,
    }
  }

  /** Keys with most left first; the cursor is a rank. */
  #scanKeys({ after = 0, limit = 100, key }: ScanQuery): Slice<LedgerRow> {
    const { buckets } = this.#schedule
    const ids: number[] = []
    for (let id = 1; id <= buckets.count; id++) {
      if (buckets.isGroup[id] === 1 || (buckets.left[id] as number) === 0) continue
      if (key === undefined || buckets.names[id] === key) ids.push(id)
    }
    ids.sort((a, b) => (buckets.left[b] as number) - (buckets.left[a] as number) || a - b)
    const rows = ids.slice(after, after + limit).map((id): LedgerRow => {
      const name = buckets.names[id] as string
      return { ref: 0, url: '', key: name, fp: 0n, state: 'queued', depth: 0, attempts: 0, crashes: 0 }
    })
    return { rows, next: after + limit < ids.length ? after + limit : null }
  }
}

/** Errors of synchronous work as rejections. */
function attempt<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error as Error)
  }
}
