/**
 * A job's database read from its first row to its last: every checksum, and whether the rows add up to what the counters
 * say. Read-only, without the lock, as of one moment of a live job.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { emptyCounts, OUTCOMES } from '../../model/outcome.ts'
import type { OutcomeCounts, OutcomeWord } from '../../model/outcome.ts'
import type { PageRecord } from '../../model/record.ts'
import { isCounted } from '../schedule/rows.ts'
import { corrupt, storeError } from './errors.ts'
import { readJobState, readSources } from './restore.ts'
import { RowReader } from './row-reader.ts'
import { kindOf, readLedger, readRequest, REQUEST_COLUMNS } from './rows.ts'
import type { Column } from './rows.ts'
import { checkFormat, DATABASE } from './schema.ts'
import { damagedRows, defineRowSum, SUMMED_TABLES } from './sums.ts'

export interface StoreAudit {
  readonly requests: number
  readonly settlements: number
  /** Counted from the rows. */
  readonly known: number
  readonly done: OutcomeCounts
  readonly left: number
  /** What is wrong, a sentence each; the first hundred. */
  readonly problems: readonly string[]
}

const SLICE = 2_000
const MOST_PROBLEMS = 100

/** @throws SluiceError where the file cannot be opened as a job at all */
export function auditStore(folder: string): StoreAudit {
  const path = join(folder, DATABASE)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true })
    db.exec('PRAGMA busy_timeout=5000; BEGIN')
    const isSummed = checkFormat(db, path) > 1
    return new Audit(db, path).run(isSummed)
  } catch (error) {
    throw storeError(error, path)
  } finally {
    db?.close()
  }
}

class Audit {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #problems: string[] = []

  constructor(db: DatabaseSync, path: string) {
    this.#db = db
    this.#path = path
  }

  /** @param isSummed the small tables have checksums */
  run(isSummed: boolean): StoreAudit {
    this.#guard(() => {
      for (const { quick_check: found } of this.#db.prepare('PRAGMA quick_check(10)').all()) {
        if (found !== 'ok') this.#tell(`${this.#path}: ${String(found)}`)
      }
    })
    if (isSummed) this.#smallTables()
    const { sources } = readSources(this.#db)
    let requests = 0
    let last = 0
    let known = 0
    this.#each(`SELECT ${REQUEST_COLUMNS} FROM request WHERE id > ? ORDER BY id LIMIT ${SLICE}`, (columns) => {
      requests++
      last = columns[0] as number
      if (isCounted(kindOf(columns[2] as number))) known++
      readRequest(columns, sources, this.#path)
    })
    const done = emptyCounts()
    let settlements = 0
    this.#each(
      `SELECT l.seq,l.request,l.outcome,l.record,l.sum, a.request IS NULL OR (a.pending = 0 AND a.seq = l.seq),
         l.code,l.status,l.attempts,l.run,l.at
       FROM ledger l LEFT JOIN again a ON a.request = l.request WHERE l.seq > ? ORDER BY l.seq LIMIT ${SLICE}`,
      (columns) => {
        settlements++
        if (columns[5] === 1) done[OUTCOMES[columns[2] as number] as OutcomeWord]++
        this.#compareColumns(readLedger(columns, this.#path).record, columns.slice(6))
      },
    )
    const reader = new RowReader(this.#db, this.#path, sources)
    const packed = { count: 0, last: 0 }
    this.#guard(() =>
      reader.eachAdded(({ first, count }) => {
        packed.count += count
        packed.last = first + count - 1
      }),
    )
    if (packed.count !== requests || packed.last !== last)
      this.#tell(
        `${this.#path}: ${requests} requests up to ${last} are stored, ${packed.count} up to ${packed.last} were added`,
      )
    this.#guard(() => reader.eachSettled(() => {}))
    const left = known - OUTCOMES.reduce((sum, word) => sum + done[word], 0)
    this.#guard(() => this.#compare(known, done))
    return { requests, settlements, known, done, left, problems: this.#problems }
  }

  #smallTables(): void {
    defineRowSum(this.#db)
    for (const table of SUMMED_TABLES)
      this.#guard(() => {
        for (const damage of damagedRows(this.#db, table, MOST_PROBLEMS)) this.#tell(`${this.#path}: ${damage}`)
      })
  }

  #compare(known: number, done: OutcomeCounts): void {
    const counters = readJobState(this.#db)?.counters
    if (counters === undefined) return
    if (counters.known !== known) this.#tell(`the counters know ${counters.known} URLs, the rows are ${known}`)
    for (const word of OUTCOMES) {
      if (counters.done[word] === done[word]) continue
      this.#tell(`the counters have ${counters.done[word]} ${word}, the ledger ${done[word]}`)
    }
  }

  /** What is searched by repeats what the record says. */
  #compareColumns({ seq, code, status, attempt, run, t }: PageRecord, columns: readonly Column[]): void {
    const expected = [code ?? null, status ?? null, attempt, run, Date.parse(t)]
    if (expected.every((value, i) => value === columns[i])) return
    throw corrupt(this.#path, `row ${seq} of the ledger is damaged: its columns are not what its record says`)
  }

  /** Rows by their first column, ascending; one that is damaged is told, and those behind it are read. */
  #each(sql: string, visit: (columns: Column[]) => void): void {
    this.#guard(() => {
      const statement = this.#db.prepare(sql)
      statement.setReturnArrays(true)
      let after = 0
      for (;;) {
        const rows = statement.all(after) as unknown as Column[][]
        for (const columns of rows) this.#guard(() => visit(columns))
        if (rows.length < SLICE) return
        after = (rows.at(-1) as Column[])[0] as number
      }
    })
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      const { message, code } = storeError(error, this.#path)
      if (code !== 'FRONTIER_CORRUPT') throw error
      this.#tell(message)
    }
  }

  #tell(problem: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem)
  }
}
