/** Collects changes between two commits and writes them in one transaction, many rows a statement. */
import type { DatabaseSync } from 'node:sqlite'
import type { RobotsState } from '../frontier.ts'
import type { NewEvent } from '../../model/event.ts'
import type { PageRecord } from '../../model/record.ts'
import type { RequestMeta } from '../../model/request.ts'
import { PATCHED_CAP, PATCHED_CONNS, PATCHED_DELAY } from '../schedule/bucket-table.ts'
import { GATE } from '../schedule/rows.ts'
import type { Row, RowState } from '../schedule/rows.ts'
import { Inserter } from './inserter.ts'
import type { JobState } from './job-state.ts'
import { packAdded, packSettled, packSum } from './packs.ts'
import { infoOf, LEDGER_COLUMNS, putLedger, putRequest, REQUEST_COLUMNS } from './rows.ts'
import type { Column, LedgerItem } from './rows.ts'
import type { StoreParts } from './store-parts.ts'
import { SUMMED } from './sums.ts'
import type { SummedTable } from './sums.ts'

export class Writer {
  readonly #parts: StoreParts
  readonly #db: DatabaseSync
  readonly #insert: Record<
    | 'request'
    | 'added'
    | 'ledger'
    | 'settled'
    | 'key'
    | 'lane'
    | 'robots'
    | 'source'
    | 'again'
    | 'state'
    | 'position'
    | 'event'
    | 'meta',
    Inserter
  >
  #requests: Row[] = []
  #ledger: LedgerItem[] = []
  #pairs: number[] = []
  #newLanes: number[] = []
  readonly #buckets = new Set<number>()
  readonly #robots = new Map<string, Column[]>()
  readonly #states = new Map<number, Column[] | undefined>()
  readonly #again = new Map<number, Column[]>()
  readonly #inputs = new Set<string>()
  readonly #positions = new Map<string, Uint8Array>()
  #events: Column[] = []
  #claimsChanged = false
  #begun = false
  #lastMeta: RequestMeta | undefined
  #lastInfo: string | null = null
  #lastT = ''
  #lastAt = 0

  constructor(parts: StoreParts) {
    this.#parts = parts
    const db = parts.db
    this.#db = db
    const small = (table: SummedTable): Inserter => new Inserter(db, table, SUMMED[table], '', true)
    /** @param key columns by which a row is known; the others are replaced. */
    const upserted = (table: SummedTable, key: string): Inserter => {
      const columns = SUMMED[table]
      const others = [...columns.slice(key.length + 1).split(','), 'sum'].map((name) => `${name}=excluded.${name}`)
      return new Inserter(db, table, columns, ` ON CONFLICT(${key}) DO UPDATE SET ${others.join(',')}`, true)
    }
    this.#insert = {
      request: new Inserter(db, 'request', REQUEST_COLUMNS),
      added: new Inserter(db, 'added', 'first,data,sum'),
      ledger: new Inserter(db, 'ledger', LEDGER_COLUMNS),
      settled: new Inserter(db, 'settled', 'first,data,sum'),
      key: upserted('key', 'id'),
      lane: small('lane'),
      robots: upserted('robots', 'key,origin'),
      source: upserted('source', 'id'),
      again: upserted('again', 'request'),
      state: upserted('state', 'request'),
      position: upserted('position', 'name'),
      event: small('event'),
      meta: upserted('meta', 'name'),
    }
  }

  /** Requests that wait for their commit. */
  get rows(): number {
    return this.#requests.length
  }

  get isEmpty(): boolean {
    return (
      this.#requests.length === 0 &&
      this.#pairs.length === 0 &&
      this.#buckets.size === 0 &&
      !this.#claimsChanged &&
      this.#states.size === 0 &&
      this.#positions.size === 0 &&
      this.#events.length === 0 &&
      this.#newLanes.length === 0 &&
      this.#robots.size === 0 &&
      this.#again.size === 0 &&
      this.#inputs.size === 0 &&
      !this.#begun
    )
  }

  request(row: Row): void {
    this.#requests.push(row)
  }

  settled(row: number, record: PageRecord, json: string): void {
    if (record.t !== this.#lastT) {
      this.#lastT = record.t
      this.#lastAt = Date.parse(record.t)
    }
    this.#ledger.push({ row, record, json, at: this.#lastAt })
    this.#pairs.push(row, record.seq)
    if (this.#parts.again.has(row)) {
      const queued = this.#again.get(row)
      // The meta it was queued again with stays.
      if (queued === undefined) this.#again.set(row, [row, record.seq, 0])
      else this.#again.set(row, [row, record.seq, 0, queued[3] as Column])
    }
  }

  requeued(row: number, seq: number, meta: RequestMeta | undefined): void {
    this.#again.set(row, [row, seq, 1, meta === undefined ? null : JSON.stringify(meta)])
  }

  isRequeued(row: number): boolean {
    return this.#again.has(row)
  }

  state(row: number, state: RowState | undefined): void {
    if (state === undefined) this.#states.set(row, undefined)
    else {
      const { attempt, crashes, due, code, alone, sent, verdict, root, hop } = state
      const flags = (alone ? 1 : 0) | (verdict << 1) | (sent ? 8 : 0)
      this.#states.set(row, [row, attempt, crashes, due, code, flags, root, hop])
    }
  }

  lane(lane: number): void {
    this.#newLanes.push(lane)
  }

  bucket(bucket: number): void {
    this.#buckets.add(bucket)
  }

  robots(bucket: number, state: RobotsState, until: number): void {
    const { origin, verdict, status, body, fetchedAt } = state
    this.#robots.set(`${bucket} ${origin}`, [bucket, origin, verdict, status, body, fetchedAt, until])
  }

  input(source: string): void {
    this.#inputs.add(source)
  }

  position(name: string, value: Uint8Array): void {
    this.#positions.set(name, value)
  }

  event({ id, type, t, data }: NewEvent): void {
    this.#events.push(id, type, t, JSON.stringify(data))
  }

  claims(): void {
    this.#claimsChanged = true
  }

  /** Writes the requests that wait into the open transaction, so that they can be read back; nothing is durable yet. */
  spillRows(): void {
    this.#begin()
    this.#writeRequests()
  }

  /** @param clean nothing follows: the job was closed as it should be. */
  commit(clean: boolean): void {
    this.#begin()
    try {
      this.#write(clean)
      this.#db.exec('COMMIT')
      this.#begun = false
    } catch (error) {
      try {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      } catch {
        // The transaction is gone already; the error that is thrown says why.
      }
      throw error
    }
  }

  #begin(): void {
    if (this.#begun) return
    this.#db.exec('BEGIN IMMEDIATE')
    this.#begun = true
  }

  #write(clean: boolean): void {
    const { counters, time, epoch, heldFrom, inputs, sources, schedule } = this.#parts
    if (this.#newLanes.length > 0) this.#writeLanes()
    if (this.#buckets.size > 0) this.#writeBuckets()
    this.#writeRequests()
    if (this.#pairs.length > 0) this.#writeLedger()
    if (this.#states.size > 0) this.#writeStates()
    if (this.#again.size > 0) this.#writeAgain()
    if (this.#robots.size > 0) {
      this.#insert.robots.insert([...this.#robots.values()].flat())
      this.#robots.clear()
    }
    for (const name of this.#inputs) {
      this.#insert.source.insert([sources.idOf(name), name, JSON.stringify(inputs.get(name)?.bounds ?? [])])
    }
    this.#inputs.clear()
    for (const [name, value] of this.#positions) this.#insert.position.insert([name, value])
    this.#positions.clear()
    if (this.#events.length > 0) this.#insert.event.insert(this.#events)
    this.#events = []
    const state: JobState = {
      epoch,
      heldFrom,
      clean,
      time: time.stored(),
      counters: counters.state(),
      live: {
        queued: schedule.queued,
        delayed: schedule.delayed,
        inFlight: schedule.claims.counted,
        following: counters.following,
        keys: schedule.keysLeft,
        gates: schedule.gates.size,
      },
    }
    this.#insert.meta.insert(['state', JSON.stringify(state)])
    if (this.#claimsChanged || clean)
      this.#insert.meta.insert(['inflight', clean ? new Uint8Array(0) : this.#inFlight()])
    this.#claimsChanged = false
  }

  #writeRequests(): void {
    const rows = this.#requests
    if (rows.length === 0) return
    this.#insert.request.insertEach(rows, (row, columns, at) =>
      putRequest(columns, at, row, this.#infoOf(row), this.#parts.sources),
    )
    const data = packAdded(rows)
    this.#insert.added.insert([(rows[0] as Row).id, data, packSum(data)])
    this.#requests = []
  }

  #writeLedger(): void {
    this.#insert.ledger.insertEach(this.#ledger, putLedger)
    const data = packSettled(this.#pairs)
    this.#insert.settled.insert([this.#pairs[1] as number, data, packSum(data)])
    this.#ledger = []
    this.#pairs = []
  }

  #writeStates(): void {
    const columns: Column[] = []
    for (const [row, state] of this.#states) {
      if (state !== undefined) columns.push(...state)
      else this.#db.prepare('DELETE FROM state WHERE request = ?').run(row)
    }
    this.#insert.state.insert(columns)
    this.#states.clear()
  }

  #writeAgain(): void {
    // The meta it was queued again with stays.
    const settle = this.#db.prepare(
      'UPDATE again SET seq = ?1, pending = 0, sum = row_sum(request, ?1, 0, meta) WHERE request = ?2',
    )
    const columns: Column[] = []
    for (const row of this.#again.values()) {
      if (row.length === 3) settle.run(row[1] as number, row[0] as number)
      else columns.push(...row)
    }
    this.#insert.again.insert(columns)
    this.#again.clear()
  }

  #writeLanes(): void {
    const { lanes } = this.#parts.schedule
    const columns: Column[] = []
    for (const lane of this.#newLanes) {
      const groups = lanes.groups(lane)
      columns.push(
        lane,
        lanes.key[lane] as number,
        lanes.origins[lane] as string,
        groups.length === 0 ? null : JSON.stringify(groups),
      )
    }
    this.#insert.lane.insert(columns)
    this.#newLanes = []
  }

  #writeBuckets(): void {
    const { buckets } = this.#parts.schedule
    const columns: Column[] = []
    for (const id of this.#buckets) {
      const patched = buckets.patched[id] as number
      const cap = buckets.cap[id] as number
      columns.push(
        id,
        buckets.names[id] as string,
        buckets.isGroup[id] as number,
        buckets.nextAt[id] as number,
        buckets.blockedUntil[id] as number,
        buckets.interval[id] as number,
        (patched & PATCHED_DELAY) === 0 ? null : (buckets.delay[id] as number),
        (patched & PATCHED_CONNS) === 0 ? null : (buckets.conns[id] as number),
        // No cap, patched so, is infinity: SQLite keeps it.
        (patched & PATCHED_CAP) === 0 ? null : cap,
        buckets.errors[id] as number,
      )
    }
    this.#insert.key.insert(columns)
    this.#buckets.clear()
  }

  /** Rows whose claims would be lost with this process. */
  #inFlight(): Uint8Array {
    const rows: number[] = []
    for (const claim of this.#parts.schedule.claims.values()) if (claim.holds) rows.push(claim.row)
    return new Uint8Array(Uint32Array.from(rows).buffer)
  }

  #infoOf(row: Row): string | null {
    if (row.verdict !== undefined || row.kind >= GATE) return infoOf(row)
    if (row.meta === undefined) return null
    if (row.meta !== this.#lastMeta) {
      this.#lastMeta = row.meta
      this.#lastInfo = infoOf(row)
    }
    return this.#lastInfo
  }
}
