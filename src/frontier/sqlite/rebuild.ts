/**
 * The rows of a damaged database put into a new one: those whose checksums are right, and packs, counters and ranges of
 * lines computed from them. Where a row is lost, what hangs on it begins again; nothing is made up.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../model/clock.ts'
import { isUnsafe } from '../../model/request.ts'
import { Counters } from '../schedule/counters.ts'
import { InputRanges } from '../schedule/input-ranges.ts'
import { isCounted, PLAIN } from '../schedule/rows.ts'
import type { Row } from '../schedule/rows.ts'
import { hostOf, originOf, registrableDomain } from '../../url/key.ts'
import { corrupt, storeError } from './errors.ts'
import { Inserter } from './inserter.ts'
import type { JobState } from './job-state.ts'
import { rowsOfLeaves } from './leaves.ts'
import { logicalTime } from './logical-time.ts'
import { packAdded, packSettled, packSum } from './packs.ts'
import { LEDGER_COLUMNS, readLedger, readRequest, REQUEST_COLUMNS } from './rows.ts'
import type { Column, LedgerEntry } from './rows.ts'
import { namedRows, readableRows } from './salvage.ts'
import { checkFormat } from './schema.ts'
import { Sources } from './sources.ts'
import { rowSum, SUMMED } from './sums.ts'
import type { SummedTable } from './sums.ts'

export interface Rebuilt {
  /** URLs and settlements in the new database. */
  readonly known: number
  readonly settlements: number
  /** Known URLs without a settlement that stands: they are fetched with the next run. */
  readonly left: number
  /** URLs that can be read but not kept, because what belongs to them is lost. */
  readonly lostUrls: readonly string[]
}

/** Above that of any opening before, and below the most that can be counted (`Claims`). */
const LATER_EPOCH = 1_000_000
/** Rows a pack. */
const PACK = 1_000
/** Flag of a state: handed out, and never to be a second time. */
const SENT = 8

export class Rebuilding {
  readonly #old: DatabaseSync
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #clock: Clock
  readonly #isSummed: boolean
  /** A row of this table could not be taken over. */
  readonly #incomplete = new Set<string>()
  readonly #lostUrls: string[] = []
  #sources = new Sources([])

  constructor(old: DatabaseSync, db: DatabaseSync, path: string, clock: Clock) {
    this.#old = old
    this.#db = db
    this.#path = path
    this.#clock = clock
    this.#isSummed = checkFormat(old, path) > 1
  }

  run(): Rebuilt {
    const sources = this.#small('source')
    this.#sources = new Sources(sources.map(([id, name]) => [id as number, name as string] as const))
    const keys = new Map(this.#small('key').map((row) => [row[0] as number, row]))
    const lanes = new Map(this.#small('lane').map((row) => [row[0] as number, row]))
    if (this.#incomplete.has('key')) this.#nameKeys(keys, lanes)
    if (this.#incomplete.has('lane')) this.#placeLanes(keys, lanes)
    this.#numbered('key', keys, (id) => newKey(id, `damaged:${id}`))
    this.#numbered('lane', lanes, (id) => [id, 1, '', null])
    this.#insert('source', sources)
    this.#insert(
      'robots',
      this.#small('robots').filter(([key]) => keys.has(key as number)),
    )
    this.#insert('event', this.#small('event'))
    const isPlaced = (lane: number): boolean => lane === 0 || keys.has(lanes.get(lane)?.[1] as number)
    const requests = this.#requests(isPlaced)
    if (requests === 0) throw corrupt(this.#path, 'none of its requests can be read')
    this.#ledger()
    this.#again()
    this.#settledPacks()
    this.#ranges(sources)
    this.#states()
    this.#positions(sources)
    return this.#state()
  }

  /** Rows of a small table that are as they were written. */
  #small(table: SummedTable): Column[][] {
    const columns = SUMMED[table]
    const width = columns.split(',').length
    const all = this.#isSummed || table === 'robots' ? `${columns},sum` : columns
    const named = table === 'meta' || table === 'position'
    const rows = named ? namedRows(this.#old, table, all, 'name') : [...readableRows(this.#old, table, all)]
    this.#compare(table, rows.length)
    return rows.flatMap((row) => {
      if (!this.#isSummed || rowSum(row, 0, width) === row[width]) return [row.slice(0, width)]
      this.#incomplete.add(table)
      return []
    })
  }

  /** Rows on pages that cannot be read are not among those that were. */
  #compare(table: string, read: number): void {
    if (this.#rowsSaid(table) !== read) this.#incomplete.add(table)
  }

  /** Undefined where not all of its pages can be read. */
  #rowsSaid(table: string): number | undefined {
    return this.#read(() => Number(this.#old.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']))
  }

  #insert(table: SummedTable, rows: readonly (readonly Column[])[]): void {
    new Inserter(this.#db, table, SUMMED[table], '', true).insert(rows.flat())
  }

  /** A key that is lost, by the one host of its lanes. Its clock begins again. */
  #nameKeys(keys: Map<number, Column[]>, lanes: ReadonlyMap<number, Column[]>): void {
    const hosts = new Map<number, Set<string>>()
    for (const [, key, origin] of lanes.values()) {
      if (keys.has(key as number)) continue
      hosts.set(key as number, (hosts.get(key as number) ?? new Set()).add(hostOf(`${String(origin)}/`)))
    }
    for (const [id, names] of hosts) {
      const [name = ''] = names
      const isTaken = [...keys.values()].some((row) => row[1] === name)
      if (names.size === 1 && name !== '' && !isTaken) keys.set(id, newKey(id, name))
    }
  }

  /** A lane that is lost, by the URLs in it; not where groups gate as well, which nothing else knows. */
  #placeLanes(keys: Map<number, Column[]>, lanes: Map<number, Column[]>): void {
    if ([...keys.values()].some((row) => row[2] === 1)) return
    const byName = new Map([...keys].map(([id, row]) => [row[1] as string, id]))
    let last = 0
    for (const id of keys.keys()) last = Math.max(last, id)
    for (const [, key] of lanes.values()) last = Math.max(last, key as number)
    for (const columns of this.#unchanging('request', REQUEST_COLUMNS, (row) => this.#requestOf(row))) {
      const row = this.#read(() => this.#requestOf(columns))
      if (row === undefined || row.lane === 0 || lanes.has(row.lane)) continue
      const origin = originOf(row.url)
      const host = hostOf(row.url)
      let key = byName.get(host) ?? byName.get(registrableDomain(host))
      if (key === undefined) {
        key = ++last
        byName.set(host, key)
        keys.set(key, newKey(key, host))
      }
      lanes.set(row.lane, [row.lane, key, origin, null])
    }
  }

  #requestOf(columns: readonly Column[]): Row {
    return readRequest(columns, this.#sources, this.#path)
  }

  /** Keys and lanes are known by their place: what is lost leaves one that nothing waits in. */
  #numbered(table: 'key' | 'lane', rows: ReadonlyMap<number, Column[]>, empty: (id: number) => Column[]): void {
    let last = 0
    for (const id of rows.keys()) last = Math.max(last, id)
    const all: Column[][] = []
    for (let id = 1; id <= last; id++) {
      const row = rows.get(id)
      if (row === undefined) this.#incomplete.add(table)
      all.push(row ?? empty(id))
    }
    this.#insert(table, all)
  }

  /**
   * Rows of a table that are never changed, in the order of their ids. Where not all can be reached, those on its pages
   * are looked for in the file itself. @param check throws for a row that is damaged, or of another table
   */
  *#unchanging(table: string, columns: string, check: (row: Column[]) => unknown): Generator<Column[]> {
    let read = 0
    for (const _row of readableRows(this.#old, table, 'NULL')) read++
    if (read === this.#rowsSaid(table)) {
      yield* readableRows(this.#old, table, columns)
      return
    }
    const found = new Map<number, Column[]>()
    for (const row of readableRows(this.#old, table, columns)) found.set(row[0] as number, row)
    for (const row of rowsOfLeaves(this.#path, columns.split(',').length)) {
      const id = row[0] as number
      if (!found.has(id) && this.#read(() => check(row)) !== undefined) found.set(id, row)
    }
    for (const id of [...found.keys()].toSorted((a, b) => a - b)) yield found.get(id) as Column[]
  }

  #requests(isPlaced: (lane: number) => boolean): number {
    const insert = new Inserter(this.#db, 'request', REQUEST_COLUMNS)
    const packs = new Inserter(this.#db, 'added', 'first,data,sum')
    let pack: Row[] = []
    let count = 0
    const flush = (): void => {
      if (pack.length === 0) return
      const data = packAdded(pack)
      packs.insert([(pack[0] as Row).id, data, packSum(data)])
      pack = []
    }
    for (const columns of this.#unchanging('request', REQUEST_COLUMNS, (row) => this.#requestOf(row))) {
      const row = this.#read(() => this.#requestOf(columns))
      if (row === undefined) continue
      if (!isPlaced(row.lane)) {
        if (isCounted(row.kind)) this.#lostUrls.push(row.url)
        continue
      }
      if (pack.length >= PACK || (pack.at(-1)?.id ?? row.id - 1) !== row.id - 1) flush()
      insert.insert(columns)
      pack.push(row)
      count++
    }
    flush()
    this.#compare('request', count)
    return count
  }

  #ledger(): void {
    const insert = new Inserter(this.#db, 'ledger', LEDGER_COLUMNS)
    const known = this.#db.prepare('SELECT 1 FROM request WHERE id = ?')
    const entryOf = (columns: readonly Column[]): LedgerEntry =>
      readLedger(
        [0, 1, 2, 8, 9].map((i) => columns[i] as Column),
        this.#path,
      )
    for (const columns of this.#unchanging('ledger', LEDGER_COLUMNS, entryOf)) {
      const entry = this.#read(() => entryOf(columns))
      if (entry === undefined) continue
      const { record, row } = entry
      if (known.get(row) === undefined) {
        this.#lostUrls.push(record.url)
        continue
      }
      const { code, status, attempt, run, t } = record
      insert.insert([
        ...columns.slice(0, 3),
        code ?? null,
        status ?? null,
        attempt,
        run,
        Date.parse(t),
        ...columns.slice(8),
      ])
    }
  }

  /** What stands of requests that were settled more than once, or queued again. */
  #again(): void {
    this.#insert('again', this.#small('again'))
    this.#db.exec(`
      DELETE FROM again WHERE request NOT IN (SELECT id FROM request);
      INSERT INTO again(request,seq,pending,meta,sum) SELECT request, max(seq), 0, NULL, 0 FROM ledger
        WHERE request NOT IN (SELECT request FROM again) GROUP BY request HAVING count(*) > 1;
      UPDATE again SET pending = 1 WHERE seq NOT IN (SELECT seq FROM ledger);
      UPDATE again SET sum = row_sum(${SUMMED.again})`)
  }

  #settledPacks(): void {
    const insert = new Inserter(this.#db, 'settled', 'first,data,sum')
    const statement = this.#db.prepare('SELECT request,seq FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?')
    let after = -1
    for (;;) {
      const rows = statement.all(after, PACK) as { request: number; seq: number }[]
      const [first] = rows
      if (first === undefined) return
      const data = packSettled(rows.flatMap(({ request, seq }) => [request, seq]))
      insert.insert([first.seq, data, packSum(data)])
      after = (rows.at(-1) as { seq: number }).seq
    }
  }

  /** Lines of lists whose requests are lost are taken as new ones. */
  #ranges(sources: readonly Column[][]): void {
    const ordinals = this.#db.prepare('SELECT ordinal FROM request WHERE source = ? ORDER BY ordinal')
    const update = this.#db.prepare('UPDATE source SET ranges = ?1, sum = row_sum(id, name, ?1) WHERE id = ?2')
    for (const [id] of sources) {
      const ranges = new InputRanges()
      for (const row of ordinals.all(id as number)) ranges.add(Number(row['ordinal']))
      update.run(JSON.stringify(ranges.bounds), id as number)
    }
  }

  /**
   * Tries and deaths of requests that wait. Redirects under way begin again at their first URL; a request that may do
   * something twice counts as sent where nobody can say any more that it was not.
   */
  #states(): void {
    const kept = this.#small('state').filter(
      ([request, , , , , , root]) => root === 0 && this.#waits(request as number),
    )
    const rows = new Map(kept.map((row) => [row[0] as number, [...row.slice(0, 7), 0]]))
    if (this.#incomplete.has('state')) {
      const waiting = this.#db.prepare(`SELECT ${REQUEST_COLUMNS} FROM request WHERE info LIKE '%"method"%'`)
      waiting.setReturnArrays(true)
      for (const columns of waiting.all() as unknown as Column[][]) {
        const { id, meta } = readRequest(columns, this.#sources, this.#path)
        if (isUnsafe(meta?.method) && !rows.has(id) && this.#waits(id)) rows.set(id, [id, 0, 0, 0, '', SENT, 0, 0])
      }
    }
    this.#insert('state', [...rows.values()])
  }

  /** A request of its own that no settlement stands for. */
  #waits(id: number): boolean {
    const row = this.#db
      .prepare(
        `SELECT r.head AS head, r.id IN (SELECT request FROM ledger) AS settled, a.pending AS pending
         FROM request r LEFT JOIN again a ON a.request = r.id WHERE r.id = ?`,
      )
      .get(id)
    if (row === undefined || (Number(row['head']) & 7) !== PLAIN) return false
    return row['pending'] === 1 || row['settled'] === 0
  }

  /** Sinks go on where they were. Lists are read again from their start where something of them is lost. */
  #positions(sources: readonly Column[][]): void {
    const again = new Set(
      this.#incomplete.has('request') || this.#incomplete.has('source')
        ? sources.map(([, name]) => `source:${String(name)}`)
        : [],
    )
    this.#insert(
      'position',
      this.#small('position').filter(([name]) => !again.has(name as string)),
    )
  }

  #state(): Rebuilt {
    const meta = new Map(this.#small('meta').map(([name, value]) => [name, value]))
    const last = this.#read(() => JSON.parse(String(meta.get('state'))) as JobState)
    const counters = new Counters()
    counters.known = this.#count('SELECT count(*) AS n FROM request WHERE (head & 7) < 2')
    counters.seq = Math.max(
      last?.counters.seq ?? 0,
      this.#count('SELECT max(seq) AS n FROM ledger'),
      this.#count('SELECT max(id) AS n FROM event'),
    )
    const standing = this.#db.prepare(
      `SELECT l.seq,l.request,l.outcome,l.record,l.sum FROM ledger l LEFT JOIN again a ON a.request = l.request
       WHERE a.request IS NULL OR (a.pending = 0 AND a.seq = l.seq)`,
    )
    standing.setReturnArrays(true)
    let done = 0
    for (const columns of standing.iterate() as unknown as Iterable<Column[]>) {
      const { outcome, code, status } = readLedger(columns, this.#path).record
      counters.settle({ outcome, code: code ?? '', status: status ?? 0 })
      done++
    }
    const state: JobState = {
      epoch: last?.epoch ?? LATER_EPOCH,
      // Nobody knows what was in flight, or how long ago: every key waits its interval.
      clean: false,
      heldFrom: last?.heldFrom ?? 0,
      time: last?.time ?? logicalTime(this.#clock, undefined).stored(),
      counters: counters.state(),
      live: { queued: 0, delayed: 0, inFlight: 0, following: 0, keys: 0, gates: 0 },
    }
    this.#insert('meta', [
      ['state', JSON.stringify(state)],
      ['inflight', new Uint8Array(0)],
    ])
    return {
      known: counters.known,
      settlements: this.#count('SELECT count(*) AS n FROM ledger'),
      left: counters.known - done,
      lostUrls: [...new Set(this.#lostUrls)],
    }
  }

  #count(sql: string): number {
    return Number(this.#db.prepare(sql).get()?.['n'] ?? 0)
  }

  /** Undefined where it is damaged. */
  #read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (storeError(error, this.#path).code !== 'FRONTIER_CORRUPT') throw error
      return undefined
    }
  }
}

function newKey(id: number, name: string): Column[] {
  return [id, name, 0, 0, 0, 0, null, null, null, 0]
}
