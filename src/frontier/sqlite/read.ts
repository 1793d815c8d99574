/**
 * A job seen from outside: read-only, without its lock, live or stopped. What a live owner has not committed yet is not
 * seen; times are those of the last commit unless a clock is given.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { FrontierStats, KeyState, LedgerRow, RobotsState } from '../frontier.ts'
import type { Clock } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'
import type { DurableEvents, DurableEventType } from '../../model/event.ts'
import { emptyCounts } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import { HOP, isCounted, joinFp, PLAIN, split, splitHi, splitLo } from '../schedule/rows.ts'
import type { Row } from '../schedule/rows.ts'
import { Bits } from '../schedule/typed-arrays.ts'
import { storeError } from './errors.ts'
import type { JobState } from './job-state.ts'
import { logicalTime } from './logical-time.ts'
import type { Owner } from './lock.ts'
import { readOwner } from './lock.ts'
import { readPositions } from './positions.ts'
import { readJobState, readSources } from './restore.ts'
import { RowReader, STANDING_RECORDS } from './row-reader.ts'
import { checkFormat, DATABASE } from './schema.ts'

/** A settlement: its row with the record. */
export type SettledRow = LedgerRow & { readonly record: PageRecord }

export { DATABASE, STANDING_RECORDS }

export interface LedgerSlice {
  readonly afterSeq: number
  readonly limit: number
  /** Default false. */
  readonly standing?: boolean
}

export interface StoredEvent {
  readonly id: number
  readonly type: DurableEventType
  /** ISO 8601. */
  readonly t: string
  readonly data: DurableEvents[DurableEventType]
}

export interface KeyLeft {
  readonly key: string
  /** Known requests that are not settled. */
  readonly left: number
}

export interface Reader {
  /** As of the last commit. */
  stats(): FrontierStats
  /** Who has, or last had, the job open. */
  owner(): Owner | undefined
  /** A URL by its fingerprint; without one by comparing all URLs. */
  find(url: string, fp?: bigint): LedgerRow | undefined
  /** How many of these fingerprints are known. Reads all packs, once. */
  countKnown(fps: ReadonlySet<bigint>): number
  /** Settlements in the order of their numbers; superseded ones too, unless only those are wanted that stand. */
  ledger(range: LedgerSlice): SettledRow[]
  events(range: { readonly afterId: number; readonly limit: number }): StoredEvent[]
  /** Greatest number of an event or settlement; 0 where there is none. */
  lastId(): number
  key(name: string): KeyState | undefined
  /** Keys with most left. */
  keys(limit: number): KeyLeft[]
  positions(): Map<string, Uint8Array>
  close(): void
}

export interface ReaderOptions {
  /** Lets times run on since the last commit. */
  readonly clock?: Clock
}

/** @throws SluiceError OPTION_INVALID (no job there), FRONTIER_CORRUPT, FORMAT_UNSUPPORTED. */
export function openReader(folder: string, options: ReaderOptions = {}): Reader {
  const path = join(folder, DATABASE)
  if (!existsSync(path)) {
    throw new SluiceError('OPTION_INVALID', `${folder} holds no job`, { hint: 'name a folder that ends in .sluice' })
  }
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true })
    db.exec('PRAGMA busy_timeout=5000')
    checkFormat(db, path)
    return new JobReader(db, folder, path, options.clock)
  } catch (error) {
    db?.close()
    throw storeError(error, path)
  }
}

interface Counts {
  readonly known: Map<number, number>
  readonly left: Map<number, number>
}

interface KeyRow {
  readonly id: number
  readonly next_at: number
  readonly blocked_until: number
  readonly interval: number
  readonly delay: number | null
  readonly conns: number | null
  readonly cap: number | null
  readonly errors: number
}

class JobReader implements Reader {
  readonly #db: DatabaseSync
  readonly #folder: string
  readonly #path: string
  readonly #clock: Clock | undefined
  #counts: Counts | undefined

  constructor(db: DatabaseSync, folder: string, path: string, clock: Clock | undefined) {
    this.#db = db
    this.#folder = folder
    this.#path = path
    this.#clock = clock
  }

  stats(): FrontierStats {
    const state = this.#state()
    const { counters, live } = state ?? {}
    return {
      known: counters?.known ?? 0,
      queued: live?.queued ?? 0,
      delayed: live?.delayed ?? 0,
      inFlight: live?.inFlight ?? 0,
      following: live?.following ?? 0,
      done: { ...emptyCounts(), ...counters?.done },
      codes: new Map(counters?.codes),
      statuses: new Map(counters?.statuses),
      keys: live?.keys ?? 0,
      gates: live?.gates ?? 0,
      seq: counters?.seq ?? 0,
      recovered: null,
    }
  }

  owner(): Owner | undefined {
    return readOwner(this.#folder)
  }

  find(url: string, fp?: bigint): LedgerRow | undefined {
    return this.#guard(() => {
      const rows = this.#rows()
      const id = fp === undefined ? this.#findUrl(url) : findFp(rows, fp)
      const row = id === 0 ? undefined : rows.read([id]).get(id)
      if (row === undefined || row.url !== url) return undefined
      const seq = rows.findSeq(row.id)
      const entry =
        seq === 0 || rows.standing([seq])[0] === undefined
          ? undefined
          : rows.ledger({ ...EVERYTHING, after: seq - 1, limit: 1 })[0]
      return entry === undefined ? this.#unsettled(row) : settledRow(this.#base(row, entry.seq), entry.record)
    })
  }

  ledger({ afterSeq, limit, standing = false }: LedgerSlice): SettledRow[] {
    return this.#guard(() => {
      const rows = this.#rows()
      const entries = rows.ledger({ ...EVERYTHING, after: afterSeq, limit, standing })
      const requests = rows.read(entries.map((entry) => entry.row))
      return entries.map(({ row, seq, record }) => settledRow(this.#base(requests.get(row) as Row, seq), record))
    })
  }

  events({ afterId, limit }: { readonly afterId: number; readonly limit: number }): StoredEvent[] {
    return this.#guard(() => {
      const rows = this.#db
        .prepare('SELECT id,type,t,data FROM event WHERE id > ? ORDER BY id LIMIT ?')
        .all(afterId, limit)
      return (rows as unknown as (Omit<StoredEvent, 'data'> & { data: string })[]).map(({ id, type, t, data }) => ({
        id,
        type,
        t,
        data: JSON.parse(data) as StoredEvent['data'],
      }))
    })
  }

  countKnown(fps: ReadonlySet<bigint>): number {
    return this.#guard(() => {
      // Low halves first: almost all rows are told apart by a number.
      const halves = new Map<number, Set<number>>()
      for (const fp of fps) {
        split(fp)
        const highs = halves.get(splitLo()) ?? new Set()
        halves.set(splitLo(), highs.add(splitHi()))
      }
      let known = 0
      this.#rows().eachAdded(({ count, fps: words, heads }) => {
        for (let i = 0; i < count; i++) {
          const highs = halves.get(words[2 * i] as number)
          if (highs?.delete(words[2 * i + 1] as number) === true && isCounted(((heads[i] as number) & 7) as 0)) known++
        }
      })
      return known
    })
  }

  lastId(): number {
    return this.#guard(() => {
      const row = this.#db
        .prepare('SELECT max(ifnull((SELECT max(id) FROM event), 0), ifnull((SELECT max(seq) FROM ledger), 0)) AS id')
        .get()
      return Number(row?.['id'] ?? 0)
    })
  }

  key(name: string): KeyState | undefined {
    return this.#guard(() => {
      const row = this.#db.prepare('SELECT * FROM key WHERE name = ? ORDER BY kind LIMIT 1').get(name) as unknown as
        | KeyRow
        | undefined
      if (row === undefined) return undefined
      const now = this.#now()
      const { known, left } = this.#count()
      const inFlight = this.#inFlightOf(row.id)
      return {
        delayMs: row.delay ?? 0,
        conns: row.conns ?? 1,
        intervalMs: row.interval,
        readyInMs: Math.max(0, Math.max(row.next_at, row.blocked_until) - now),
        blockedForMs: Math.max(0, row.blocked_until - now),
        cap: row.cap === null || row.cap === Number.POSITIVE_INFINITY ? null : row.cap,
        queued: Math.max(0, (left.get(row.id) ?? 0) - inFlight),
        inFlight,
        known: known.get(row.id) ?? 0,
        errors: row.errors,
        robots: this.#robots(row.id, now),
      }
    })
  }

  keys(limit: number): KeyLeft[] {
    return this.#guard(() => {
      const most = [...this.#count().left].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, limit)
      const name = this.#db.prepare('SELECT name FROM key WHERE id = ?')
      return most.map(([id, left]) => ({ key: String(name.get(id)?.['name']), left }))
    })
  }

  positions(): Map<string, Uint8Array> {
    return this.#guard(() => readPositions(this.#db))
  }

  close(): void {
    this.#db.close()
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storeError(error, this.#path)
    }
  }

  #state(): JobState | undefined {
    return this.#guard(() => readJobState(this.#db))
  }

  /** Sources may have been added since the last call. */
  #rows(): RowReader {
    return new RowReader(this.#db, this.#path, readSources(this.#db).sources)
  }

  #now(): number {
    const last = this.#state()?.time
    if (this.#clock === undefined) return last?.now ?? 0
    return logicalTime(this.#clock, last).now()
  }

  #findUrl(url: string): number {
    const row = this.#db.prepare('SELECT id FROM request WHERE url = ? AND (head & 7) < 2 ORDER BY id LIMIT 1').get(url)
    return row === undefined ? 0 : Number(row['id'])
  }

  #unsettled(row: Row): LedgerRow {
    const state = this.#db.prepare('SELECT attempt,crashes,due,code,hop FROM state WHERE request = ?').get(row.id) as
      | { attempt: number; crashes: number; due: number; code: string; hop: number }
      | undefined
    const dueInMs = state === undefined ? 0 : Math.max(0, state.due - this.#now())
    const claimed = this.#inFlight().includes(row.id)
    return {
      ...this.#base(row, -row.id),
      state: claimed ? 'claimed' : (state?.hop ?? 0) !== 0 ? 'following' : dueInMs > 0 ? 'delayed' : 'queued',
      attempts: state?.attempt ?? 0,
      crashes: state?.crashes ?? 0,
      ...(state === undefined || state.code === '' ? {} : { code: state.code as ErrorCode }),
      ...(dueInMs > 0 ? { dueInMs } : {}),
    }
  }

  #base(row: Row, ref: number): Pick<LedgerRow, 'ref' | 'url' | 'key' | 'fp' | 'depth' | 'meta' | 'input' | 'groups'> {
    const lane = this.#db
      .prepare('SELECT k.name, l.groups FROM lane l JOIN key k ON k.id = l.key WHERE l.id = ?')
      .get(row.lane) as { name: string; groups: string | null } | undefined
    const groups = lane?.groups == null ? undefined : this.#names(JSON.parse(lane.groups) as number[])
    return {
      ref,
      url: row.url,
      key: lane?.name ?? '',
      fp: joinFp(row.fpHi, row.fpLo),
      depth: row.depth,
      ...(row.meta === undefined ? {} : { meta: row.meta }),
      ...(row.input === undefined ? {} : { input: row.input }),
      ...(groups === undefined ? {} : { groups }),
    }
  }

  #names(ids: readonly number[]): string[] {
    const name = this.#db.prepare('SELECT name FROM key WHERE id = ?')
    return ids.map((id) => String(name.get(id)?.['name']))
  }

  #robots(key: number, now: number): Map<string, RobotsState> {
    const rows = this.#db
      .prepare('SELECT origin,verdict,status,body,fetched_at,until FROM robots WHERE key = ?')
      .all(key)
    const robots = new Map<string, RobotsState>()
    for (const row of rows as unknown as (Omit<RobotsState, 'fetchedAt' | 'validForMs'> & {
      fetched_at: string
      until: number
    })[]) {
      const { origin, verdict, status, body, fetched_at: fetchedAt, until } = row
      robots.set(origin, { origin, verdict, status, body, fetchedAt, validForMs: Math.max(0, until - now) })
    }
    return robots
  }

  #inFlight(): number[] {
    const value = this.#db.prepare("SELECT value FROM meta WHERE name = 'inflight'").get()?.['value']
    return value instanceof Uint8Array ? [...new Uint32Array(Uint8Array.from(value).buffer)] : []
  }

  #inFlightOf(key: number): number {
    const keyOf = this.#db.prepare('SELECT l.key FROM request r JOIN lane l ON l.id = r.lane WHERE r.id = ?')
    return this.#inFlight().filter((row) => keyOf.get(row)?.['key'] === key).length
  }

  /** Known and left of all keys; from the packs, once. */
  #count(): Counts {
    if (this.#counts !== undefined) return this.#counts
    const rows = this.#rows()
    const done = new Bits()
    rows.eachSettled((_first, words) => {
      for (let i = 0; i < words.length / 2; i++) done.set(words[i] as number)
    })
    for (const { request } of this.#db.prepare('SELECT request FROM again WHERE pending = 1').all())
      done.clear(request as number)
    const hops = new Bits()
    for (const { request } of this.#db.prepare('SELECT request FROM state').all()) hops.set(request as number)
    const keyOf: number[] = []
    for (const { id, key } of this.#db.prepare('SELECT id,key FROM lane').all()) keyOf[id as number] = key as number
    const known = new Map<number, number>()
    const left = new Map<number, number>()
    rows.eachAdded(({ first, count, lanes, heads }) => {
      for (let i = 0; i < count; i++) {
        const key = keyOf[lanes[i] as number]
        if (key === undefined) continue
        const kind = (heads[i] as number) & 7
        if (kind === PLAIN) known.set(key, (known.get(key) ?? 0) + 1)
        const waits = isCounted(kind as 0) ? !done.has(first + i) : kind >= HOP && hops.has(first + i)
        if (waits) left.set(key, (left.get(key) ?? 0) + 1)
      }
    })
    this.#counts = { known, left }
    return this.#counts
  }
}

const EVERYTHING = { outcome: undefined, code: undefined, statusFrom: 0, statusTo: 0, standing: false } as const

function findFp(rows: RowReader, fp: bigint): number {
  split(fp)
  return rows.findRow(splitHi(), splitLo())
}

function settledRow(base: Pick<LedgerRow, 'ref' | 'url' | 'key' | 'fp' | 'depth'>, record: PageRecord): SettledRow {
  return { ...base, state: 'done', attempts: record.attempt, crashes: 0, record }
}
