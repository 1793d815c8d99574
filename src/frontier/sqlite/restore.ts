/**
 * The way back: schedule, fingerprints, counters and states rebuilt from the file at open. Requests in flight at an
 * unclean end get one death more; no key starts sooner than its stored time, or after such an end (or a jump of the clock)
 * than now plus its interval.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { FrontierOptions } from '../embedded.ts'
import type { RobotsState } from '../frontier.ts'
import type { Priority } from '../../model/request.ts'
import { originOf } from '../../url/key.ts'
import { PATCHED_CAP, PATCHED_CONNS, PATCHED_DELAY } from '../schedule/bucket-table.ts'
import { Counters } from '../schedule/counters.ts'
import { InputRanges } from '../schedule/input-ranges.ts'
import {
  CRASHED,
  GATE,
  HOP,
  isCounted,
  joinFp,
  newState,
  PLAIN,
  SUSPECT_CRASHES,
  UNDECIDED,
  UNDELIVERED,
  VERDICT,
} from '../schedule/rows.ts'
import type { RowKind, RowState } from '../schedule/rows.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import { Bits } from '../schedule/typed-arrays.ts'
import type { Seen } from '../seen/seen-table.ts'
import { corrupt } from './errors.ts'
import type { JobState } from './job-state.ts'
import type { AddedPack } from './packs.ts'
import { RowReader } from './row-reader.ts'
import { Sources } from './sources.ts'

export interface Restored {
  readonly counters: Counters
  readonly done: Bits
  readonly again: Bits
  readonly inputs: Map<string, InputRanges>
  readonly sources: Sources
  readonly lastRow: number
  /** Rows whose state must be written with the first commit. */
  readonly changed: readonly number[]
  /** Requests that were in flight. */
  readonly requeued: number
  readonly heldFrom: number
}

export function readSources(db: DatabaseSync): { sources: Sources; inputs: Map<string, InputRanges> } {
  const rows = db.prepare('SELECT id,name,ranges FROM source ORDER BY id').all() as {
    id: number
    name: string
    ranges: string
  }[]
  const inputs = new Map<string, InputRanges>()
  for (const { name, ranges } of rows) inputs.set(name, new InputRanges(JSON.parse(ranges) as number[]))
  return { sources: new Sources(rows.map(({ id, name }) => [id, name] as const)), inputs }
}

export function readJobState(db: DatabaseSync): JobState | undefined {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'state'").get()
  return row === undefined ? undefined : (JSON.parse(String(row['value'])) as JobState)
}

export function restore(
  db: DatabaseSync,
  path: string,
  schedule: Scheduler,
  seen: Seen,
  state: JobState | undefined,
  now: number,
  clockJumped: boolean,
  { repeatUnsafe = false, progressed }: Pick<FrontierOptions, 'repeatUnsafe' | 'progressed'>,
): Restored {
  const { sources, inputs } = readSources(db)
  const reader = new RowReader(db, path, sources)
  const clean = state?.clean !== false
  // Over a restart of the machine a wall clock that was set ahead makes every delay look over.
  const heldFrom = clean && !clockJumped ? (state?.heldFrom ?? 0) : now
  restoreBuckets(db, schedule, heldFrom)
  restoreLanes(db, schedule)
  const restoring = new Restoring(db, reader, schedule, seen, now, repeatUnsafe)
  const requeued = clean ? 0 : restoring.countDeaths(progressed?.() ?? new Set())
  restoring.loadRows()
  restoring.placeStates()
  schedule.wakeAll(now)
  const counters = new Counters()
  if (state !== undefined) counters.restore(state.counters)
  counters.following = restoring.following
  checkCounters(path, counters, schedule, restoring)
  return {
    counters,
    done: restoring.done,
    again: restoring.again,
    inputs,
    sources,
    lastRow: restoring.lastRow,
    changed: restoring.changed,
    requeued,
    heldFrom,
  }
}

class Restoring {
  readonly done = new Bits()
  readonly again = new Bits()
  /** Rows whose place in the schedule their state decides. */
  readonly #special = new Bits()
  readonly changed: number[] = []
  readonly #db: DatabaseSync
  readonly #reader: RowReader
  readonly #schedule: Scheduler
  readonly #seen: Seen
  readonly #now: number
  readonly #repeatUnsafe: boolean
  lastRow = 0
  counted = 0
  following = 0
  #hasStates = false

  constructor(
    db: DatabaseSync,
    reader: RowReader,
    schedule: Scheduler,
    seen: Seen,
    now: number,
    repeatUnsafe: boolean,
  ) {
    this.#repeatUnsafe = repeatUnsafe
    this.#db = db
    this.#reader = reader
    this.#schedule = schedule
    this.#seen = seen
    this.#now = now
    this.#readStates()
    this.#readSettled()
  }

  /**
   * Requests in flight at the death: one more each; the one that ran alone has killed us often enough. None for those that
   * got further.
   */
  countDeaths(progressed: ReadonlySet<bigint>): number {
    const row = this.#db.prepare("SELECT value FROM meta WHERE name = 'inflight'").get()
    const value = row?.['value']
    if (!(value instanceof Uint8Array)) return 0
    const rows = new Uint32Array(Uint8Array.from(value).buffer)
    const spared = this.#rowsOf(rows, progressed)
    for (const id of rows) {
      if (this.done.has(id)) continue
      let state = this.#schedule.states.get(id)
      if (spared.has(id)) {
        if (state !== undefined) {
          state.alone = false
          this.changed.push(id)
        }
        continue
      }
      // Lane, kind and priority follow when its pack is read.
      if (state === undefined) this.#schedule.states.set(id, (state = newState(PLAIN, 0, 1)))
      if (state.alone && state.verdict === UNDECIDED) state.verdict = CRASHED
      state.crashes++
      state.alone = false
      this.#mark(id, state)
      this.changed.push(id)
    }
    return rows.length
  }

  /** Those of the rows whose request, or (of a hop) the one that waits for it, has one of the fingerprints. */
  #rowsOf(rows: Uint32Array, fps: ReadonlySet<bigint>): Set<number> {
    if (fps.size === 0) return new Set()
    const waiting = (id: number): number => this.#schedule.states.get(id)?.root || id
    const read = this.#reader.read([...rows].map(waiting))
    return new Set(
      [...rows].filter((id) => {
        const row = read.get(waiting(id))
        return row !== undefined && fps.has(joinFp(row.fpHi, row.fpLo))
      }),
    )
  }

  loadRows(): void {
    this.#reader.eachAdded((pack) => this.#loadPack(pack))
  }

  placeStates(): void {
    const { states } = this.#schedule
    for (const [row, state] of states) {
      const { kind, lane, priority } = state
      if (kind === HOP) this.following++
      if (kind === GATE) this.#openGate(row)
      if (state.hop !== 0) continue
      const place = { row, kind, lane, priority }
      if (state.due > 0) this.#schedule.delay(place, state.due)
      else if (this.#special.has(row)) this.#schedule.requeue(place, 'front', this.#now)
    }
  }

  #loadPack({ first, count, lanes, fps, heads }: AddedPack): void {
    const { done } = this
    const schedule = this.#schedule
    const known = schedule.buckets.known
    const laneKey = schedule.lanes.key
    for (let i = 0; i < count; i++) {
      const row = first + i
      const lane = lanes[i] as number
      const head = heads[i] as number
      const kind = (head & 7) as RowKind
      const lo = fps[2 * i] as number
      const hi = fps[2 * i + 1] as number
      if (lo !== 0 || hi !== 0) this.#seen.add(hi, lo)
      if (isCounted(kind)) {
        this.counted++
        if (kind === PLAIN) known[laneKey[lane] as number] = (known[laneKey[lane] as number] as number) + 1
      }
      if (done.has(row)) continue
      if (this.#hasStates && this.#special.has(row)) this.#complete(row, kind, lane, head)
      else if (kind === PLAIN) schedule.load(row, lane, (head >> 3) & 3)
      else if (kind === VERDICT) schedule.enqueueVerdict(row)
      // A hop or gate without a state is over.
      else done.set(row)
    }
    this.lastRow = first + count - 1
  }

  /** The state of a row was read before its pack. */
  #complete(row: number, kind: RowKind, lane: number, head: number): void {
    const { states } = this.#schedule
    const state = states.get(row) as RowState
    const priority = ((head >> 3) & 3) as Priority
    const { attempt, crashes, code, alone, sent, verdict, root, hop } = state
    const due = state.due > this.#now ? state.due : 0
    states.set(row, { kind, lane, priority, attempt, crashes, due, code, alone, sent, verdict, root, hop })
    // Tried before, nothing else: it keeps its place by age.
    const plain = kind === PLAIN && due === 0 && hop === 0 && verdict === 0 && crashes < SUSPECT_CRASHES
    if (!plain) return
    this.#special.clear(row)
    this.#schedule.load(row, lane, priority)
  }

  #readStates(): void {
    const rows = this.#db
      .prepare('SELECT request,attempt,crashes,due,code,flags,root,hop FROM state')
      .all() as unknown as StateRow[]
    for (const { request, attempt, crashes, due, code, flags, root, hop } of rows) {
      const state = newState(PLAIN, 0, 1, root)
      state.attempt = attempt
      state.crashes = crashes
      state.due = due
      state.code = code
      state.alone = (flags & 1) !== 0
      state.verdict = ((flags >> 1) & 3) as RowState['verdict']
      state.hop = hop
      if ((flags & 8) !== 0) {
        // Nobody can say whether it was delivered, however the last run ended.
        if (!this.#repeatUnsafe) state.verdict = UNDELIVERED
        this.changed.push(request)
      }
      this.#mark(request, state)
    }
  }

  #mark(row: number, state: RowState): void {
    this.#hasStates = true
    this.#schedule.states.set(row, state)
    this.#special.set(row)
  }

  #readSettled(): void {
    this.#reader.eachSettled((_first, words) => {
      const count = words.length / 2
      for (let i = 0; i < count; i++) this.done.set(words[i] as number)
    })
    for (const { request, pending } of this.#db.prepare('SELECT request,pending FROM again').all() as {
      request: number
      pending: number
    }[]) {
      this.again.set(request)
      if (pending === 1) this.done.clear(request)
    }
  }

  #openGate(row: number): void {
    const url = this.#reader.read([row]).get(row)?.url ?? ''
    this.#schedule.openGate(originOf(url), row)
  }
}

interface StateRow {
  readonly request: number
  readonly attempt: number
  readonly crashes: number
  readonly due: number
  readonly code: string
  readonly flags: number
  readonly root: number
  readonly hop: number
}

interface KeyRow {
  readonly id: number
  readonly name: string
  readonly kind: number
  readonly next_at: number
  readonly blocked_until: number
  readonly interval: number
  readonly delay: number | null
  readonly conns: number | null
  readonly cap: number | null
  readonly errors: number
}

function restoreBuckets(db: DatabaseSync, schedule: Scheduler, heldFrom: number): void {
  const { buckets } = schedule
  for (const row of db.prepare('SELECT * FROM key ORDER BY id').all() as unknown as KeyRow[]) {
    const id = row.kind === 1 ? buckets.addGroup(row.name) : buckets.addKey(row.name)
    buckets.blockedUntil[id] = row.blocked_until
    buckets.interval[id] = row.interval
    buckets.errors[id] = row.errors
    let patched = 0
    if (row.delay !== null) {
      patched |= PATCHED_DELAY
      buckets.delay[id] = row.delay
    }
    if (row.conns !== null) {
      patched |= PATCHED_CONNS
      buckets.conns[id] = row.conns
    }
    if (row.cap !== null) {
      patched |= PATCHED_CAP
      buckets.cap[id] = row.cap
    }
    buckets.patched[id] = patched
    // Whatever was started last, and not written down any more, may have ended just now.
    const wait = Math.max(buckets.delay[id] as number, row.interval)
    buckets.nextAt[id] = heldFrom === 0 || wait <= 0 ? row.next_at : Math.max(row.next_at, Math.ceil(heldFrom + wait))
  }
  const robots = db
    .prepare('SELECT key,origin,verdict,status,body,fetched_at,until FROM robots')
    .all() as unknown as RobotsRow[]
  for (const { key, origin, verdict, status, body, fetched_at: fetchedAt, until } of robots) {
    let known = buckets.robots.get(key)
    if (known === undefined) buckets.robots.set(key, (known = new Map()))
    known.set(origin, { state: { origin, verdict, status, body, fetchedAt, validForMs: 0 }, until })
  }
}

interface RobotsRow {
  readonly key: number
  readonly origin: string
  readonly verdict: RobotsState['verdict']
  readonly status: number
  readonly body: string
  readonly fetched_at: string
  readonly until: number
}

function restoreLanes(db: DatabaseSync, schedule: Scheduler): void {
  const rows = db.prepare('SELECT key,origin,groups FROM lane ORDER BY id').all() as {
    key: number
    origin: string
    groups: string | null
  }[]
  for (const { key, origin, groups } of rows)
    schedule.addLane(key, origin, groups === null ? [] : (JSON.parse(groups) as number[]))
}

/** What was counted while it happened must be what is there. */
function checkCounters(path: string, counters: Counters, schedule: Scheduler, { counted, following }: Restoring): void {
  let done = 0
  for (const count of Object.values(counters.done)) done += count
  const left = schedule.queued + schedule.delayed + following
  if (counters.known === counted && counted === done + left) return
  throw corrupt(
    path,
    `${counted} requests are stored, ${done} settled and ${left} left; ${counters.known} were counted`,
  )
}
