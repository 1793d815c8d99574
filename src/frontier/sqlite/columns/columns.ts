/**
 * All requests of a job in columns, for tables over millions of rows: what is filtered, sorted and counted lies in typed
 * arrays (25 bytes a request), what is shown of a page of rows is read from the file. Read-only, live or stopped; brought
 * up to date by reading what was appended since. What is asked of the columns is in the files beside this one.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { OUTCOMES } from '../../../model/outcome.ts'
import type { OutcomeWord } from '../../../model/outcome.ts'
import type { PageRecord } from '../../../model/record.ts'
import { isCounted } from '../../schedule/rows.ts'
import type { RowKind } from '../../schedule/rows.ts'
import { storeError } from '../errors.ts'
import { readSources } from '../restore.ts'
import { RowReader } from '../row-reader.ts'
import { checkFormat, DATABASE } from '../schema.ts'
import { Column, Names } from './column.ts'

/** `left`: known and not settled. */
export type UrlState = OutcomeWord | 'left'

export interface UrlRow {
  readonly url: string
  readonly host: string
  readonly depth: number
  readonly state: UrlState
  /** Of the settlement that stands. */
  readonly record?: PageRecord
}

/** A row that is known and not settled, in `state`. */
export const LEFT = 255

/** Codes whose messages name the rule that refused a URL; few different ones. */
const REFUSALS = ['ROBOTS_DENIED', 'ROBOTS_UNREACHABLE', 'SCOPE_DENIED', 'LIMIT', 'TRAP_LIMIT']
/** Rows of a step. */
const STEP = 5_000

/** seq, request, outcome, code, status, attempts, at, refusal. */
type Settled = readonly [number, number, number, string | null, number | null, number, number, string | null]

export class JobColumns {
  readonly db: DatabaseSync
  readonly path: string
  readonly lane = new Column((length) => new Uint32Array(length))
  /** Number of the settlement; 0: there was none. */
  readonly seq = new Column((length) => new Uint32Array(length))
  /** Wall-clock ms of the settlement. */
  readonly at = new Column((length) => new Float64Array(length))
  /** Place of the outcome in `OUTCOMES`, or `LEFT`. */
  readonly state = new Column((length) => new Uint8Array(length))
  readonly code = new Column((length) => new Uint16Array(length))
  readonly status = new Column((length) => new Uint16Array(length))
  readonly attempts = new Column((length) => new Uint8Array(length))
  /** 1: counted as known. */
  readonly counted = new Column((length) => new Uint8Array(length))
  /** Which rule refused it. */
  readonly refusal = new Column((length) => new Uint16Array(length))
  /** Key of a lane. */
  readonly keyOf: number[] = [0]
  /** Origin of a lane. */
  readonly originOf: string[] = ['']
  /** Names of the keys. */
  readonly names: string[] = ['']
  readonly codes = new Names(65_536)
  readonly refusals = new Names(65_536)
  readonly #ledger: StatementSync
  #rows = 0
  #lastSeq = 0
  #lastAgain = 0

  /** @throws SluiceError FRONTIER_CORRUPT, FORMAT_UNSUPPORTED. */
  constructor(folder: string) {
    this.path = join(folder, DATABASE)
    let db: DatabaseSync | undefined
    try {
      db = new DatabaseSync(this.path, { readOnly: true })
      db.exec('PRAGMA busy_timeout=5000')
      checkFormat(db, this.path)
      const codes = REFUSALS.map((code) => `'${code}'`).join(',')
      this.#ledger = db.prepare(
        `SELECT seq,request,outcome,code,status,attempts,at,
         CASE WHEN code IN (${codes}) THEN json_extract(record,'$.message') END
         FROM ledger WHERE seq > ? ORDER BY seq LIMIT ${STEP}`,
      )
      this.#ledger.setReturnArrays(true)
    } catch (error) {
      db?.close()
      throw storeError(error, this.path)
    }
    this.db = db
  }

  /** Requests that were read; their numbers are 1 to this. */
  get rows(): number {
    return this.#rows
  }

  /** Number of the last settlement that the tables hold. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Changes whenever anything that the columns say may have. */
  get version(): string {
    return `${this.#rows} ${this.#lastSeq} ${this.#lastAgain}`
  }

  get isOpen(): boolean {
    return this.db.isOpen
  }

  close(): void {
    this.db.close()
  }

  /**
   * Reads at most about 5,000 rows of what was appended since; true when nothing is left to read. The caller gives way to
   * others between two calls.
   */
  advance(): boolean {
    try {
      this.db.exec('BEGIN')
      try {
        const added = this.#readAdded()
        const settled = this.#readSettled()
        return added && settled
      } finally {
        this.db.exec('COMMIT')
      }
    } catch (error) {
      throw storeError(error, this.path)
    }
  }

  /** Key of a row. */
  key(row: number): number {
    return this.keyOf[this.lane.values[row] as number] as number
  }

  hostOf(row: number): string {
    return this.names[this.key(row)] ?? ''
  }

  /** Rows as they are now, in the order of the ids. */
  rowsOf(ids: Uint32Array): UrlRow[] {
    const reader = this.#reader()
    const requests = reader.read([...ids])
    const rows: UrlRow[] = []
    for (const id of ids) {
      const request = requests.get(id)
      if (request === undefined) continue
      const state = this.state.values[id] as number
      const record = state === LEFT ? undefined : reader.settlement(this.seq.values[id] as number)
      rows.push({
        url: request.url,
        host: this.hostOf(id),
        depth: request.depth,
        state: stateName(state),
        ...(record === undefined ? {} : { record }),
      })
    }
    return rows
  }

  urlsOf(ids: readonly number[]): Map<number, string> {
    return new Map([...this.#reader().read(ids)].map(([id, { url }]) => [id, url]))
  }

  #reader(): RowReader {
    return new RowReader(this.db, this.path, readSources(this.db).sources)
  }

  #readAdded(): boolean {
    const lanes = this.db.prepare('SELECT id,key,origin FROM lane WHERE id >= ?').all(this.keyOf.length)
    for (const { id, key, origin } of lanes as unknown as { id: number; key: number; origin: string }[]) {
      this.keyOf[id] = key
      this.originOf[id] = origin
    }
    const keys = this.db.prepare('SELECT id,name FROM key WHERE id >= ?').all(this.names.length)
    for (const { id, name } of keys as unknown as { id: number; name: string }[]) this.names[id] = name
    let read = 0
    let complete = true
    this.#reader().eachAdded(({ first, count, lanes: laneOf, heads }) => {
      if (read > STEP) {
        complete = false
        return true
      }
      this.#reserve(first + count)
      for (let i = 0; i < count; i++) {
        const row = first + i
        this.lane.values[row] = laneOf[i] as number
        this.counted.values[row] = isCounted(((heads[i] as number) & 7) as RowKind) ? 1 : 0
        this.state.values[row] = LEFT
      }
      this.#rows = first + count - 1
      read += count
      return false
    }, this.#rows)
    return complete
  }

  #readSettled(): boolean {
    const rows = this.#ledger.all(this.#lastSeq) as unknown as Settled[]
    for (const [seq, request, outcome, code, status, attempts, at, refusal] of rows) {
      // Settled after the rows were read: it comes with the next ones.
      if (request > this.#rows) return false
      this.#lastSeq = seq
      this.seq.values[request] = seq
      this.state.values[request] = outcome
      this.code.values[request] = this.codes.idOf(code ?? '')
      this.status.values[request] = status ?? 0
      this.attempts.values[request] = Math.min(255, attempts)
      this.at.values[request] = at
      this.refusal.values[request] = this.refusals.idOf(refusal ?? '')
    }
    this.#readAgain()
    return rows.length < STEP
  }

  /** Rows that were queued again are left once more, until their new settlement is read. */
  #readAgain(): void {
    const again = this.db.prepare('SELECT request,seq FROM again WHERE pending = 1').all()
    if (again.length === 0 && this.#lastAgain === 0) return
    this.#lastAgain = again.length
    for (const { request, seq } of again as unknown as { request: number; seq: number }[]) {
      if (request <= this.#rows && (this.seq.values[request] as number) <= seq) this.state.values[request] = LEFT
    }
  }

  #reserve(length: number): void {
    const { lane, seq, at, state, code, status, attempts, counted, refusal } = this
    for (const column of [lane, seq, at, state, code, status, attempts, counted, refusal]) column.reserve(length + 1)
  }
}

export function stateName(state: number): UrlState {
  return state === LEFT ? 'left' : (OUTCOMES[state] as OutcomeWord)
}
