/**
 * All requests of a job in columns, for tables over millions of rows: what is filtered, sorted and counted lies in typed
 * arrays (23 bytes a request), what is shown of a page of rows is read from the file. Read-only, live or stopped; brought
 * up to date by reading what was appended since.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import { OUTCOMES } from '../../model/outcome.ts'
import type { OutcomeWord } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import { isCounted } from '../schedule/rows.ts'
import type { RowKind } from '../schedule/rows.ts'
import { storeError } from './errors.ts'
import { readSources } from './restore.ts'
import { RowReader } from './row-reader.ts'
import { checkFormat, DATABASE } from './schema.ts'

/** `left`: known and not settled. */
export type UrlState = OutcomeWord | 'left'

export interface UrlQuery {
  readonly state?: UrlState | undefined
  /** A code (`DNS_NOT_FOUND`); '' for those without one. */
  readonly code?: string | undefined
  /** `404`, or a class: `5xx`. */
  readonly status?: string | undefined
  readonly host?: string | undefined
  /** Part of the URL, ASCII letters in either case. */
  readonly search?: string | undefined
  /** Default `added`. */
  readonly sort?: UrlSort | undefined
  readonly descending?: boolean | undefined
}

/** `added`: in the order the URLs were found; `settled`: in the order they ended, those that wait last. */
export const URL_SORTS = ['added', 'settled', 'host', 'status', 'code', 'attempts'] as const
export type UrlSort = (typeof URL_SORTS)[number]

export interface UrlRow {
  readonly url: string
  readonly host: string
  readonly depth: number
  readonly state: UrlState
  /** Of the settlement that stands. */
  readonly record?: PageRecord
}

export interface UrlPage {
  /** Rows that the query matches. */
  readonly matched: number
  readonly rows: readonly UrlRow[]
}

export interface HostRow {
  readonly host: string
  readonly known: number
  readonly left: number
  readonly done: Readonly<Record<OutcomeWord, number>>
  /** Pace of the store's last commit, ms between requests. */
  readonly intervalMs: number
  readonly blockedUntil: number
  readonly nextAt: number
  /** Consecutive errors. */
  readonly errors: number
}

/** URLs of one host that ended with one code or status. */
export interface ErrorGroup {
  readonly outcome: OutcomeWord
  /** Code, or the status where there is none. */
  readonly code: string
  readonly host: string
  readonly urls: number
  /** Wall-clock ms. */
  readonly firstAt: number
  readonly lastAt: number
  /** One of them. */
  readonly sample: string
}

/** Settlements within one slice of time. */
export interface SeriesPoint {
  /** Wall-clock ms at which the slice begins. */
  readonly at: number
  readonly done: Readonly<Record<OutcomeWord, number>>
}

/** id, next_at, blocked_until, interval, errors. */
type KeyColumns = readonly [number, number, number, number, number]

interface LedgerColumns {
  readonly seq: number
  readonly request: number
  readonly outcome: number
  readonly code: string | null
  readonly status: number | null
  readonly attempts: number
  readonly at: number
}

const LEFT = 255
const SHORTEST_SLICE_MS = 100
/** Rows that a new column has room for. */
const CHUNK = 65_536

/** Grows by half, so that appending costs little. */
class Column<A extends Uint8Array | Uint16Array | Uint32Array | Float64Array> {
  values: A
  readonly #make: (length: number) => A

  constructor(make: (length: number) => A) {
    this.#make = make
    this.values = make(CHUNK)
  }

  reserve(length: number): void {
    if (length <= this.values.length) return
    const grown = this.#make(Math.max(length, Math.ceil(this.values.length * 1.5)))
    grown.set(this.values as never)
    this.values = grown
  }
}

export class JobColumns {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #lane = new Column((length) => new Uint32Array(length))
  readonly #seq = new Column((length) => new Uint32Array(length))
  readonly #at = new Column((length) => new Float64Array(length))
  readonly #state = new Column((length) => new Uint8Array(length))
  readonly #code = new Column((length) => new Uint16Array(length))
  readonly #status = new Column((length) => new Uint16Array(length))
  readonly #attempts = new Column((length) => new Uint8Array(length))
  /** 1: counted as known. */
  readonly #counted = new Column((length) => new Uint8Array(length))
  /** Key of a lane. */
  readonly #keyOf: number[] = [0]
  readonly #names: string[] = ['']
  readonly #codes: string[] = ['']
  readonly #codeIds = new Map<string, number>([['', 0]])
  readonly #ledger: StatementSync
  #rows = 0
  #lastSeq = 0
  #lastAgain = 0
  #search: { readonly text: string; readonly upTo: number; readonly ids: Uint32Array } | undefined

  /** @throws SluiceError FRONTIER_CORRUPT, FORMAT_UNSUPPORTED. */
  constructor(folder: string) {
    this.#path = join(folder, DATABASE)
    let db: DatabaseSync | undefined
    try {
      db = new DatabaseSync(this.#path, { readOnly: true })
      db.exec('PRAGMA busy_timeout=5000')
      checkFormat(db, this.#path)
      this.#ledger = db.prepare(
        'SELECT seq,request,outcome,code,status,attempts,at FROM ledger WHERE seq > ? ORDER BY seq LIMIT 10000',
      )
    } catch (error) {
      db?.close()
      throw storeError(error, this.#path)
    }
    this.#db = db
  }

  /** Number of the last settlement that the tables hold. */
  get seq(): number {
    return this.#lastSeq
  }

  close(): void {
    this.#db.close()
  }

  /**
   * Reads at most about 10,000 rows of what was appended since; true when nothing is left to read. The caller gives way to
   * others between two calls.
   */
  advance(): boolean {
    try {
      this.#db.exec('BEGIN')
      try {
        const added = this.#readAdded()
        const settled = this.#readSettled()
        return added && settled
      } finally {
        this.#db.exec('COMMIT')
      }
    } catch (error) {
      throw storeError(error, this.#path)
    }
  }

  urls(query: UrlQuery, offset: number, limit: number): UrlPage {
    const ids = this.idsOf(query)
    return { matched: ids.length, rows: this.rowsOf(ids.subarray(offset, offset + limit)) }
  }

  /** Rows that a query matches, in its order: those of now, whatever is read later. */
  idsOf(query: UrlQuery): Uint32Array {
    return this.#sorted(this.#matching(query), query)
  }

  /** Rows as they are now. */
  rowsOf(ids: Uint32Array): UrlRow[] {
    const reader = new RowReader(this.#db, this.#path, readSources(this.#db).sources)
    const requests = reader.read([...ids])
    const rows: UrlRow[] = []
    for (const id of ids) {
      const request = requests.get(id)
      if (request === undefined) continue
      const state = this.#state.values[id] as number
      const seq = this.#seq.values[id] as number
      const record = state === LEFT ? undefined : reader.settlement(seq)
      rows.push({
        url: request.url,
        host: this.#names[this.#keyOf[request.lane] as number] ?? '',
        depth: request.depth,
        state: nameOf(state),
        ...(record === undefined ? {} : { record }),
      })
    }
    return rows
  }

  /** Hosts by name, with their counts. */
  hosts(): HostRow[] {
    const known = new Uint32Array(this.#names.length)
    const left = new Uint32Array(this.#names.length)
    const done = OUTCOMES.map(() => new Uint32Array(this.#names.length))
    for (let row = 1; row <= this.#rows; row++) {
      if (this.#counted.values[row] === 0) continue
      const key = this.#keyOf[this.#lane.values[row] as number] as number
      known[key] = (known[key] as number) + 1
      const state = this.#state.values[row] as number
      const counts = state === LEFT ? left : (done[state] as Uint32Array)
      counts[key] = (counts[key] as number) + 1
    }
    const counted = (word: OutcomeWord): Uint32Array => done[OUTCOMES.indexOf(word)] as Uint32Array
    const [ok, unchanged, gone] = [counted('ok'), counted('unchanged'), counted('gone')]
    const [denied, failed, skipped] = [counted('denied'), counted('failed'), counted('skipped')]
    const statement = this.#db.prepare('SELECT id,next_at,blocked_until,interval,errors FROM key WHERE kind = 0')
    statement.setReturnArrays(true)
    const rows: HostRow[] = []
    for (const [key, nextAt, blockedUntil, intervalMs, errors] of statement.all() as unknown as KeyColumns[]) {
      // The key is newer than the rows that were read.
      if (key >= known.length) continue
      rows.push({
        host: this.#names[key] as string,
        known: known[key] as number,
        left: left[key] as number,
        done: {
          ok: ok[key] as number,
          unchanged: unchanged[key] as number,
          gone: gone[key] as number,
          denied: denied[key] as number,
          failed: failed[key] as number,
          skipped: skipped[key] as number,
        },
        intervalMs,
        blockedUntil,
        nextAt,
        errors,
      })
    }
    return rows
  }

  /** What did not end well, grouped by cause and host. */
  errors(): ErrorGroup[] {
    const groups = new Map<
      number,
      { state: number; code: string; key: number; urls: number; first: number; last: number; row: number }
    >()
    const bad = new Set(['failed', 'denied', 'skipped', 'gone'].map((word) => OUTCOMES.indexOf(word as OutcomeWord)))
    for (let row = 1; row <= this.#rows; row++) {
      const state = this.#state.values[row] as number
      if (this.#counted.values[row] === 0 || !bad.has(state)) continue
      const key = this.#keyOf[this.#lane.values[row] as number] as number
      const code = this.#code.values[row] as number
      const status = code === 0 ? (this.#status.values[row] as number) : 0
      const group = ((key * 8 + state) * 65_536 + code) * 1024 + status
      const at = this.#at.values[row] as number
      const found = groups.get(group)
      if (found === undefined) {
        const name = code === 0 ? String(status) : (this.#codes[code] as string)
        groups.set(group, { state, code: name, key, urls: 1, first: at, last: at, row })
      } else {
        found.urls++
        if (at < found.first) found.first = at
        if (at > found.last) found.last = at
      }
    }
    const most = [...groups.values()].sort((a, b) => b.urls - a.urls)
    const samples = this.#urlsOf(most.map(({ row }) => row))
    return most.map(({ state, code, key, urls, first, last, row }) => ({
      outcome: OUTCOMES[state] as OutcomeWord,
      code,
      host: this.#names[key] ?? '',
      urls,
      firstAt: first,
      lastAt: last,
      sample: samples.get(row) ?? '',
    }))
  }

  /** Settlements that stand, by time, in at most `points` slices of equal length. */
  series(points: number): { readonly sliceMs: number; readonly points: SeriesPoint[] } {
    let first = Number.POSITIVE_INFINITY
    let last = 0
    for (let row = 1; row <= this.#rows; row++) {
      if (this.#counted.values[row] === 0 || this.#state.values[row] === LEFT) continue
      const at = this.#at.values[row] as number
      if (at < first) first = at
      if (at > last) last = at
    }
    if (last === 0) return { sliceMs: SHORTEST_SLICE_MS, points: [] }
    const sliceMs = Math.ceil((last - first + 1) / points / SHORTEST_SLICE_MS) * SHORTEST_SLICE_MS
    const counts = Array.from(
      { length: Math.floor((last - first) / sliceMs) + 1 },
      () => new Uint32Array(OUTCOMES.length),
    )
    for (let row = 1; row <= this.#rows; row++) {
      const state = this.#state.values[row] as number
      if (this.#counted.values[row] === 0 || state === LEFT) continue
      const slice = counts[Math.floor(((this.#at.values[row] as number) - first) / sliceMs)] as Uint32Array
      slice[state] = (slice[state] as number) + 1
    }
    return {
      sliceMs,
      points: counts.map((slice, i) => ({
        at: first + i * sliceMs,
        done: Object.fromEntries(OUTCOMES.map((word, n) => [word, slice[n]])) as Record<OutcomeWord, number>,
      })),
    }
  }

  /** How many rows each value of a facet has among those that match without it. */
  facets(query: UrlQuery): { readonly states: Record<string, number>; readonly codes: Record<string, number> } {
    const states: Record<string, number> = {}
    for (const row of this.#matching({ ...query, state: undefined })) {
      const state = nameOf(this.#state.values[row] as number)
      states[state] = (states[state] ?? 0) + 1
    }
    const codes: Record<string, number> = {}
    for (const row of this.#matching({ ...query, code: undefined })) {
      const code = this.#codes[this.#code.values[row] as number] as string
      if (code !== '') codes[code] = (codes[code] ?? 0) + 1
    }
    return { states, codes }
  }

  #readAdded(): boolean {
    const lanes = this.#db.prepare('SELECT id,key FROM lane WHERE id >= ?').all(this.#keyOf.length)
    for (const { id, key } of lanes as unknown as { id: number; key: number }[]) this.#keyOf[id] = key
    const keys = this.#db.prepare('SELECT id,name FROM key WHERE id >= ?').all(this.#names.length)
    for (const { id, name } of keys as unknown as { id: number; name: string }[]) this.#names[id] = name
    let read = 0
    const reader = new RowReader(this.#db, this.#path, readSources(this.#db).sources)
    let complete = true
    reader.eachAdded(({ first, count, lanes: laneOf, heads }) => {
      if (read > 10_000) {
        complete = false
        return true
      }
      this.#reserve(first + count)
      for (let i = 0; i < count; i++) {
        const row = first + i
        this.#lane.values[row] = laneOf[i] as number
        this.#counted.values[row] = isCounted(((heads[i] as number) & 7) as RowKind) ? 1 : 0
        this.#state.values[row] = LEFT
      }
      this.#rows = first + count - 1
      read += count
      return false
    }, this.#rows)
    return complete
  }

  #readSettled(): boolean {
    const rows = this.#ledger.all(this.#lastSeq) as unknown as LedgerColumns[]
    for (const { seq, request, outcome, code, status, attempts, at } of rows) {
      // Settled after the rows were read: it comes with the next ones.
      if (request > this.#rows) return false
      this.#lastSeq = seq
      this.#seq.values[request] = seq
      this.#state.values[request] = outcome
      this.#code.values[request] = this.#codeId(code ?? '')
      this.#status.values[request] = status ?? 0
      this.#attempts.values[request] = Math.min(255, attempts)
      this.#at.values[request] = at
    }
    this.#readAgain()
    return rows.length < 10_000
  }

  /** Rows that were queued again are left once more, until their new settlement is read. */
  #readAgain(): void {
    const again = this.#db.prepare('SELECT request,seq FROM again WHERE pending = 1').all()
    if (again.length === 0 && this.#lastAgain === 0) return
    this.#lastAgain = again.length
    for (const { request, seq } of again as unknown as { request: number; seq: number }[]) {
      if (request <= this.#rows && (this.#seq.values[request] as number) <= seq) this.#state.values[request] = LEFT
    }
  }

  #reserve(length: number): void {
    for (const column of [
      this.#lane,
      this.#seq,
      this.#at,
      this.#state,
      this.#code,
      this.#status,
      this.#attempts,
      this.#counted,
    ])
      column.reserve(length + 1)
  }

  #codeId(code: string): number {
    const known = this.#codeIds.get(code)
    if (known !== undefined) return known
    this.#codes.push(code)
    this.#codeIds.set(code, this.#codes.length - 1)
    return this.#codes.length - 1
  }

  #matching(query: UrlQuery): Uint32Array {
    const { state, code, status, host, search } = query
    const wantedState = state === undefined ? undefined : state === 'left' ? LEFT : OUTCOMES.indexOf(state)
    const wantedCode = code === undefined ? undefined : (this.#codeIds.get(code) ?? -1)
    const wantedKey = host === undefined ? undefined : this.#names.indexOf(host)
    const [from, to] = statusRange(status)
    const searched = search === undefined || search === '' ? undefined : this.#searched(search)
    const total = searched === undefined ? this.#rows : searched.length
    const ids = new Uint32Array(total)
    let count = 0
    for (let i = 0; i < total; i++) {
      const row = searched === undefined ? i + 1 : (searched[i] as number)
      if (this.#counted.values[row] === 0) continue
      const rowState = this.#state.values[row] as number
      if (wantedState !== undefined && rowState !== wantedState) continue
      // What is left has no code and status yet, whatever an earlier try said.
      if (wantedCode !== undefined && (rowState === LEFT || this.#code.values[row] !== wantedCode)) continue
      if (from > 0) {
        const found = rowState === LEFT ? 0 : (this.#status.values[row] as number)
        if (found < from || found > to) continue
      }
      if (wantedKey !== undefined && this.#keyOf[this.#lane.values[row] as number] !== wantedKey) continue
      ids[count++] = row
    }
    return ids.subarray(0, count)
  }

  #searched(text: string): Uint32Array {
    if (this.#search?.text === text && this.#search.upTo === this.#rows) return this.#search.ids
    const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
    const statement = this.#db.prepare("SELECT id FROM request WHERE id <= ? AND url LIKE ? ESCAPE '\\' ORDER BY id")
    statement.setReturnArrays(true)
    const found = statement.all(this.#rows, pattern) as unknown as [number][]
    const ids = Uint32Array.from(found, ([id]) => id)
    this.#search = { text, upTo: this.#rows, ids }
    return ids
  }

  #sorted(ids: Uint32Array, { sort = 'added', descending = false }: UrlQuery): Uint32Array {
    const rank = this.#rankOf(sort)
    if (rank !== undefined) {
      // Ties stay in the order of the adds, whichever way is up.
      const sign = descending ? -1 : 1
      return ids.slice().sort((a, b) => sign * (rank(a) - rank(b)) || a - b)
    }
    return descending ? ids.slice().reverse() : ids
  }

  #rankOf(sort: UrlSort): ((row: number) => number) | undefined {
    switch (sort) {
      case 'settled':
        return (row) => (this.#state.values[row] === LEFT ? 2 ** 32 : (this.#seq.values[row] as number))
      case 'status':
        return (row) => this.#status.values[row] as number
      case 'attempts':
        return (row) => this.#attempts.values[row] as number
      case 'code':
        return ranked(this.#codes, (row) => this.#code.values[row] as number)
      case 'host':
        return ranked(this.#names, (row) => this.#keyOf[this.#lane.values[row] as number] as number)
      default:
        return undefined
    }
  }

  #urlsOf(ids: readonly number[]): Map<number, string> {
    const reader = new RowReader(this.#db, this.#path, readSources(this.#db).sources)
    return new Map([...reader.read(ids)].map(([id, { url }]) => [id, url]))
  }
}

function nameOf(state: number): UrlState {
  return state === LEFT ? 'left' : (OUTCOMES[state] as OutcomeWord)
}

/** Compares names by their place in the alphabet, found once. */
function ranked(names: readonly string[], idOf: (row: number) => number): (row: number) => number {
  const places = new Uint32Array(names.length)
  names
    .map((name, id) => ({ name, id }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .forEach(({ id }, place) => (places[id] = place))
  return (row) => places[idOf(row)] as number
}

/** [0, 0]: any. What is neither a status nor a class matches nothing. */
function statusRange(status: string | undefined): readonly [number, number] {
  if (status === undefined || status === '') return [0, 0]
  const kind = /^([1-9])xx$/i.exec(status)
  if (kind !== null) return [Number(kind[1]) * 100, Number(kind[1]) * 100 + 99]
  const exact = Number(status)
  return Number.isInteger(exact) && exact > 0 ? [exact, exact] : [65_535, 0]
}
