/**
 * When what may start. Holds for every key its clock, slots and lanes, the heap of keys by next time, gates by origin,
 * groups, delayed rows, verdicts and live claims: all in memory, all by number. It knows nothing of URLs but their
 * origin, nothing of rows but what schedules them, and no clock: the time is an argument, in logical milliseconds.
 */
import type { KeyDefaults } from '../frontier.ts'
import type { Priority } from '../../model/request.ts'
import { BucketTable } from './bucket-table.ts'
import type { Chains } from './chains.ts'
import { DueHeap } from './due-heap.ts'
import { Gates } from './gates.ts'
import { IndexHeap } from './index-heap.ts'
import { LaneTable, PRIORITIES } from './lane-table.ts'
import { Claims } from './claims.ts'
import type { LiveClaim } from './claims.ts'
import { RowDeque } from './row-deque.ts'
import { GATE, isGate, newState, SUSPECT_CRASHES, VERDICT } from './rows.ts'
import type { RowKind, RowState } from './rows.ts'

/** Queue of the verdicts; lane l, priority p has queue 1 + l * PRIORITIES + p. */
const VERDICTS = 0
/** Claims a key may give where the caller sets no bound. */
const UNBOUNDED = 0x7fffffff

export interface TakeWant {
  readonly max: number
  readonly perKey?: number | undefined
  readonly verdicts: number
  readonly leaseMs: number
}

/** A row that becomes queued: what the schedule must know of it. */
export interface Placement {
  readonly row: number
  readonly kind: RowKind
  readonly lane: number
  readonly priority: Priority
}

export class Scheduler {
  readonly buckets: BucketTable
  readonly lanes: LaneTable
  readonly claims: Claims
  /** Unsettled rows of which more is known than that they are queued. */
  readonly states = new Map<number, RowState>()
  readonly gates = new Gates()
  readonly #chains: Chains
  readonly #ready: IndexHeap
  readonly #delayed = new DueHeap()
  /** Keys that wait for a slot of a group. */
  readonly #waiters = new Map<number, Set<number>>()
  readonly #suspects = new RowDeque()
  #ticket = 0
  /** Counted rows in queues, suspects and verdicts included. */
  queued = 0
  /** Counted rows that wait for a time of their own. */
  delayed = 0
  /** Buckets with something left. */
  keysLeft = 0
  /** A suspect runs alone. */
  #alone = false

  constructor(defaults: (name: string) => KeyDefaults, chains: Chains, epoch: number) {
    const buckets = new BucketTable(defaults)
    this.buckets = buckets
    this.lanes = new LaneTable(buckets)
    this.claims = new Claims(epoch)
    this.#chains = chains
    chains.reserve(1 + PRIORITIES)
    this.#ready = new IndexHeap((a, b) => {
      const timeA = buckets.readyAt[a] as number
      const timeB = buckets.readyAt[b] as number
      return timeA < timeB || (timeA === timeB && (buckets.ticket[a] as number) < (buckets.ticket[b] as number))
    })
  }

  addLane(key: number, origin: string, groups: readonly number[]): number {
    const lane = this.lanes.add(key, origin, groups)
    this.#chains.reserve(1 + (lane + 1) * PRIORITIES)
    if (this.gates.has(origin)) this.lanes.gated[lane] = 1
    return lane
  }

  // Rows in.

  /** Behind all others of its priority. */
  enqueue(row: number, lane: number, priority: Priority, now: number): void {
    this.#chains.pushTail(1 + lane * PRIORITIES + priority, row)
    this.queued++
    this.#fill(lane, priority, now)
  }

  /** As `enqueue` for many rows at open: keys are made ready afterwards, by `wakeAll`. */
  load(row: number, lane: number, priority: number): void {
    this.#chains.pushTail(1 + lane * PRIORITIES + priority, row)
    this.queued++
    this.lanes.filled[lane] = (this.lanes.filled[lane] as number) | (1 << priority)
    const key = this.lanes.key[lane] as number
    this.buckets.queued[key] = (this.buckets.queued[key] as number) + 1
    this.#more(key)
  }

  enqueueVerdict(row: number): void {
    this.#chains.pushTail(VERDICTS, row)
    this.queued++
  }

  /** Before all others (`head`), or behind those put there, before the rest (`front`). Suspects wait aside. */
  requeue(place: Placement, at: 'head' | 'front', now: number): void {
    const { row, kind, lane, priority } = place
    const state = this.states.get(row)
    if (kind === VERDICT || (state !== undefined && state.verdict !== 0)) {
      // Only plain rows and verdicts are counted; a hop that led to a known URL is not.
      if (at === 'head') this.#chains.pushHead(VERDICTS, row)
      else this.#chains.pushFront(VERDICTS, row)
      if (kind <= VERDICT) this.queued++
      return
    }
    const key = this.lanes.key[lane] as number
    if (kind <= VERDICT) this.queued++
    if (state !== undefined && state.crashes >= SUSPECT_CRASHES) {
      this.#suspects.pushTail(row)
      this.buckets.queued[key] = (this.buckets.queued[key] as number) + 1
      this.#more(key)
      return
    }
    if (isGate(kind)) {
      this.gates.push(key, row, kind === GATE && at === 'front' ? 'tail' : 'head')
      this.buckets.queued[key] = (this.buckets.queued[key] as number) + 1
      this.#more(key)
      this.refresh(key, now)
      return
    }
    const queue = 1 + lane * PRIORITIES + priority
    if (at === 'head') this.#chains.pushHead(queue, row)
    else this.#chains.pushFront(queue, row)
    this.#fill(lane, priority, now)
  }

  /** Not before its own time (`due` of its state). */
  delay(place: Placement, due: number): void {
    this.stateOf(place).due = due
    this.#delayed.push(due, place.row)
    if (place.kind <= VERDICT) this.delayed++
    this.#more(this.lanes.key[place.lane] as number)
  }

  stateOf(place: Placement): RowState {
    let state = this.states.get(place.row)
    if (state === undefined) this.states.set(place.row, (state = newState(place.kind, place.lane, place.priority)))
    return state
  }

  // Gates.

  openGate(origin: string, row: number): void {
    this.gates.open(origin, row)
    for (const lane of this.lanes.lanesOf(origin)) {
      this.lanes.gated[lane] = 1
      this.#close(lane)
    }
  }

  closeGate(row: number, now: number): void {
    const origin = this.gates.close(row)
    if (origin === undefined) return
    for (const lane of this.lanes.lanesOf(origin)) {
      this.lanes.gated[lane] = 0
      this.lanes.linkIf(lane)
      this.refresh(this.lanes.key[lane] as number, now)
    }
  }

  // Claims.

  /** Puts what has become due into its queue. */
  promote(now: number): void {
    while (this.#delayed.first <= now) {
      const row = this.#delayed.pop()
      const state = this.states.get(row) as RowState
      state.due = 0
      const { kind, lane, priority } = state
      if (kind <= VERDICT) this.delayed--
      this.#less(this.lanes.key[lane] as number)
      this.requeue({ row, kind, lane, priority }, 'front', now)
    }
  }

  /** Claims what may start at `now`: verdicts first, then keys in the order in which they became ready. */
  take(want: TakeWant, now: number): LiveClaim[] {
    const taken: LiveClaim[] = []
    while (taken.length < want.verdicts) {
      const row = this.#chains.shift(VERDICTS)
      if (row === 0) break
      const state = this.states.get(row)
      if (state === undefined || state.kind <= VERDICT) this.queued--
      taken.push(
        this.claims.add(
          row,
          state?.kind ?? VERDICT,
          state?.lane ?? 0,
          state?.priority ?? 1,
          state,
          now,
          want.leaseMs,
          0,
          false,
          false,
        ),
      )
    }
    if (want.max > 0 && !this.#alone) {
      const fetchable = this.#takeReady(want, now, taken)
      if (fetchable === 0 && this.claims.size === 0) this.#takeSuspect(want, now, taken)
    }
    return taken
  }

  /** When something becomes ready by time alone, or Infinity. */
  nextTime(): number {
    if (this.#alone) return this.claims.nextExpiry
    const first = this.#ready.peek()
    let next = Math.min(this.#delayed.first, this.claims.nextExpiry)
    if (first > 0) next = Math.min(next, this.buckets.readyAt[first] as number)
    else if (this.#suspects.size > 0 && this.claims.size === 0 && this.#delayed.size === 0) {
      next = Math.min(next, this.#dueWithGroups((this.states.get(this.#suspects.first) as RowState).lane))
    }
    return next
  }

  #dueWithGroups(lane: number): number {
    let due = this.buckets.dueAt(this.lanes.key[lane] as number)
    for (const group of this.lanes.groups(lane)) due = Math.max(due, this.buckets.dueAt(group))
    return due
  }

  get hasVerdicts(): boolean {
    return !this.#chains.isEmpty(VERDICTS)
  }

  /**
   * The slots of a claim are free. With `waitMs` the clocks of its key and groups run from `endedAt`; without (nothing
   * was started) they stay. Deadlines round up to the next millisecond; nothing to wait for needs none. True where a
   * clock or interval has changed.
   */
  free(claim: LiveClaim, now: number, endedAt?: number, paceMs = 0): boolean {
    if (!claim.holding) return false
    let changed = false
    claim.holding = false
    const { buckets } = this
    const key = this.lanes.key[claim.lane] as number
    buckets.inFlight[key] = (buckets.inFlight[key] as number) - 1
    if (endedAt !== undefined) {
      changed = buckets.interval[key] !== paceMs
      buckets.interval[key] = paceMs
      if (this.#clock(key, endedAt, Math.max(buckets.delay[key] as number, paceMs))) changed = true
    }
    const groups = this.lanes.groups(claim.lane)
    for (const group of groups) {
      buckets.inFlight[group] = (buckets.inFlight[group] as number) - 1
      if (endedAt !== undefined && this.#clock(group, endedAt, buckets.delay[group] as number)) changed = true
      this.#wakeWaiters(group, now)
    }
    this.refresh(key, now)
    return changed
  }

  /** The claim is over, whatever came of it. */
  drop(claim: LiveClaim, now: number): void {
    this.free(claim, now)
    this.claims.remove(claim)
    if (claim.alone) this.#alone = false
    if (claim.lane !== 0 && claim.holds) this.#less(this.lanes.key[claim.lane] as number)
  }

  /** The bucket may not be started from before `until`. */
  postpone(bucket: number, until: number, now: number): void {
    this.buckets.nextAt[bucket] = Math.max(this.buckets.nextAt[bucket] as number, until)
    if (this.buckets.isGroup[bucket] === 1) this.#wakeWaiters(bucket, now)
    else this.refresh(bucket, now)
  }

  /** Makes all keys ready that have something, after `load`. */
  wakeAll(now: number): void {
    for (let lane = 1; lane <= this.lanes.count; lane++) this.lanes.linkIf(lane)
    for (let bucket = 1; bucket <= this.buckets.count; bucket++) this.refresh(bucket, now)
  }

  /** Puts a key where its clock, slots and lanes say: into the ready heap at its time, or out of it. */
  refresh(key: number, now: number): void {
    const { buckets } = this
    const claimable =
      (buckets.openLane[key] !== 0 || this.gates.waits(key)) &&
      (buckets.inFlight[key] as number) < (buckets.conns[key] as number)
    if (!claimable) {
      this.#ready.remove(key)
      return
    }
    const due = buckets.dueAt(key)
    if (this.#ready.has(key)) {
      const readyAt = buckets.readyAt[key] as number
      // Ready already and still so: it keeps its turn.
      if (due <= now && readyAt <= now) return
      buckets.readyAt[key] = Math.max(due, Math.min(readyAt, now))
    } else {
      buckets.readyAt[key] = Math.max(due, now)
      buckets.ticket[key] = ++this.#ticket
    }
    this.#ready.put(key)
  }

  #takeReady(want: TakeWant, now: number, taken: LiveClaim[]): number {
    const { buckets } = this
    const perKey = want.perKey ?? UNBOUNDED
    const counts = perKey === UNBOUNDED ? undefined : new Map<number, number>()
    const held: number[] = []
    let count = 0
    while (count < want.max) {
      const key = this.#ready.peek()
      if (key < 0 || (buckets.readyAt[key] as number) > now) break
      const claim = this.#takeFrom(key, now, want.leaseMs)
      if (claim === undefined) continue
      taken.push(claim)
      count++
      const soFar = (counts?.get(key) ?? 0) + 1
      counts?.set(key, soFar)
      if (soFar >= perKey) {
        this.#ready.remove(key)
        held.push(key)
      } else this.#serve(key, now)
    }
    for (const key of held) this.#serve(key, now)
    return count
  }

  /** A key that was served goes behind all others that are ready. */
  #serve(key: number, now: number): void {
    this.#ready.remove(key)
    this.refresh(key, now)
  }

  /** A claim of a ready key; undefined where its groups hold it: it then has a later time or is out of the heap. */
  #takeFrom(key: number, now: number, leaseMs: number): LiveClaim | undefined {
    const { buckets, lanes } = this
    const waitedMs = now - (buckets.readyAt[key] as number)
    const gate = this.gates.first(key)
    if (gate !== 0) {
      const gateLane = (this.states.get(gate) as RowState).lane
      const time = this.#groupsReadyAt(gateLane, key)
      if (time > now) {
        this.#hold(key, time)
        return undefined
      }
      this.gates.shift(key)
      return this.#claim(gate, gateLane, 0, key, now, leaseMs, waitedMs)
    }
    const lane = this.#bestLane(key, now)
    if (lane === 0) return undefined
    const filled = lanes.filled[lane] as number
    const priority = (31 - Math.clz32(filled & -filled)) as Priority
    const queue = 1 + lane * PRIORITIES + priority
    const row = this.#chains.shift(queue)
    if (this.#chains.isEmpty(queue)) {
      lanes.filled[lane] = filled & ~(1 << priority)
      if (lanes.filled[lane] === 0) this.#close(lane)
    }
    return this.#claim(row, lane, priority, key, now, leaseMs, waitedMs)
  }

  /** The open lane whose first row comes first by priority, then by age; 0 where groups hold them all. */
  #bestLane(key: number, now: number): number {
    const { lanes, buckets } = this
    const first = buckets.openLane[key] as number
    const second = lanes.nextOpen[first] as number
    if (second === 0 && lanes.groups(first).length === 0) return first
    let best = 0
    let bestPriority = PRIORITIES
    let bestRow = 0
    let wait = Number.POSITIVE_INFINITY
    for (let lane = first; lane !== 0; lane = lanes.nextOpen[lane] as number) {
      const time = this.#groupsReadyAt(lane, key)
      if (time > now) {
        if (time < wait) wait = time
        continue
      }
      const filled = lanes.filled[lane] as number
      const priority = 31 - Math.clz32(filled & -filled)
      if (priority > bestPriority) continue
      const queue = 1 + lane * PRIORITIES + priority
      const row = this.#chains.hasFront(queue) ? 0 : this.#chains.peek(queue)
      if (priority < bestPriority || row < bestRow) {
        best = lane
        bestPriority = priority
        bestRow = row
      }
    }
    if (best === 0) this.#hold(key, wait)
    return best
  }

  /** Groups hold the key until a time, or (Infinity) until one of them has a slot again. */
  #hold(key: number, until: number): void {
    if (until === Number.POSITIVE_INFINITY) {
      this.#ready.remove(key)
      return
    }
    this.buckets.readyAt[key] = until
    this.#ready.put(key)
  }

  /** When the groups of a lane let it go; Infinity, and the key among the waiters, while a group has no slot. */
  #groupsReadyAt(lane: number, key: number): number {
    const { buckets } = this
    let time = 0
    for (const group of this.lanes.groups(lane)) {
      if ((buckets.inFlight[group] as number) >= (buckets.conns[group] as number)) {
        this.#wait(group, key)
        return Number.POSITIVE_INFINITY
      }
      const due = buckets.dueAt(group)
      if (due > time) time = due
    }
    return time
  }

  #claim(
    row: number,
    lane: number,
    priority: Priority,
    key: number,
    now: number,
    leaseMs: number,
    waitedMs: number,
  ): LiveClaim {
    const { buckets } = this
    const state = this.states.get(row)
    const kind = state?.kind ?? 0
    if (kind <= VERDICT) this.queued--
    buckets.queued[key] = (buckets.queued[key] as number) - 1
    buckets.refresh(key)
    buckets.inFlight[key] = (buckets.inFlight[key] as number) + 1
    for (const group of this.lanes.groups(lane)) {
      buckets.refresh(group)
      buckets.inFlight[group] = (buckets.inFlight[group] as number) + 1
    }
    return this.claims.add(row, kind, lane, priority, state, now, leaseMs, waitedMs, true, false)
  }

  /** Only when nothing else is left that could be fetched, and nothing is in flight. */
  #takeSuspect(want: TakeWant, now: number, taken: LiveClaim[]): void {
    if (this.#suspects.size === 0 || this.#ready.size > 0 || this.#delayed.size > 0 || taken.length > 0) return
    const row = this.#suspects.first
    const state = this.states.get(row) as RowState
    const key = this.lanes.key[state.lane] as number
    if (this.#dueWithGroups(state.lane) > now) return
    this.#suspects.shift()
    state.alone = true
    this.#alone = true
    const { buckets } = this
    if (state.kind <= VERDICT) this.queued--
    buckets.queued[key] = (buckets.queued[key] as number) - 1
    buckets.inFlight[key] = (buckets.inFlight[key] as number) + 1
    for (const group of this.lanes.groups(state.lane)) buckets.inFlight[group] = (buckets.inFlight[group] as number) + 1
    taken.push(this.claims.add(row, state.kind, state.lane, state.priority, state, now, want.leaseMs, 0, true, true))
  }

  #clock(bucket: number, endedAt: number, waitMs: number): boolean {
    if (waitMs <= 0) return false
    const next = Math.ceil(endedAt + waitMs)
    if (next <= (this.buckets.nextAt[bucket] as number)) return false
    this.buckets.nextAt[bucket] = next
    return true
  }

  #wait(group: number, key: number): void {
    const waiters = this.#waiters.get(group)
    if (waiters === undefined) this.#waiters.set(group, new Set([key]))
    else waiters.add(key)
  }

  #wakeWaiters(group: number, now: number): void {
    const waiters = this.#waiters.get(group)
    if (waiters === undefined) return
    this.#waiters.delete(group)
    for (const key of waiters) this.refresh(key, now)
  }

  #fill(lane: number, priority: number, now: number): void {
    const { lanes, buckets } = this
    const key = lanes.key[lane] as number
    lanes.filled[lane] = (lanes.filled[lane] as number) | (1 << priority)
    buckets.queued[key] = (buckets.queued[key] as number) + 1
    this.#more(key)
    if (lanes.open[lane] === 1) return
    this.lanes.linkIf(lane)
    this.refresh(key, now)
  }

  #close(lane: number): void {
    this.lanes.unlink(lane)
    const key = this.lanes.key[lane] as number
    if (this.buckets.openLane[key] === 0 && !this.gates.waits(key)) this.#ready.remove(key)
  }

  #more(key: number): void {
    const left = (this.buckets.left[key] as number) + 1
    this.buckets.left[key] = left
    if (left === 1) this.keysLeft++
  }

  #less(key: number): void {
    const left = (this.buckets.left[key] as number) - 1
    this.buckets.left[key] = left
    if (left === 0) this.keysLeft--
  }
}
