/** One statement that reads a SQLite database, its rows a slice at a time. Knows no table. */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { readingWord } from './sql/only-reads.ts'
import { queryError, SLICE, type SqlAnswer, type SqlQuery } from './sql/query.ts'
import { quoted } from './sql/quoted.ts'
import type { SqlValue } from './sql/cell.ts'
import { bound } from './sqlite-schema.ts'

/** A table that exists for one question: rows of a file that is no database. */
export interface PassingTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<readonly (readonly SqlValue[])[]>
}

export interface SqliteQuery extends SqlQuery {
  readonly path: string
  /** Views that exist for this question: name and SELECT. */
  readonly views?: Readonly<Record<string, string>>
  readonly table?: PassingTable | undefined
}

/** The file is opened read-only; views and tables of the question are temporary. @throws SluiceError `OPTION_INVALID` */
export async function sqliteRows({ path, sql, values, views = {}, table }: SqliteQuery): Promise<SqlAnswer> {
  readingWord('SQLite', sql)
  let db: DatabaseSync | undefined
  try {
    const open = new DatabaseSync(path, { readOnly: true })
    db = open
    open.exec('PRAGMA busy_timeout=5000')
    for (const [name, select] of Object.entries(views)) open.exec(`CREATE TEMP VIEW ${quoted(name)} AS ${select}`)
    if (table !== undefined) await fill(open, table)
    open.exec('PRAGMA query_only=ON')
    const statement = open.prepare(sql)
    statement.setReturnArrays(true)
    statement.setReadBigInts(true)
    const names = statement.columns().map(({ name }) => name)
    const rows = statement.iterate(...values.map(bound)) as unknown as Iterator<SQLOutputValue[]>
    // The first step finds what is wrong with the statement.
    const first = rows.next()
    return { names, slices: slicesOf(open, rows, first) }
  } catch (error) {
    db?.close()
    throw queryError('SQLite', error)
  }
}

async function fill(db: DatabaseSync, { name, columns, rows }: PassingTable): Promise<void> {
  const list = columns.length === 0 ? '"value"' : columns.map(quoted).join(', ')
  db.exec(`CREATE TEMP TABLE ${quoted(name)} (${list})`)
  if (columns.length === 0) return
  const insert = db.prepare(`INSERT INTO temp.${quoted(name)} VALUES (${columns.map(() => '?').join(', ')})`)
  for await (const slice of rows) {
    db.exec('BEGIN')
    for (const row of slice) insert.run(...row.map(bound))
    db.exec('COMMIT')
  }
}

async function* slicesOf(
  db: DatabaseSync,
  rows: Iterator<SQLOutputValue[]>,
  first: IteratorResult<SQLOutputValue[]>,
): AsyncGenerator<readonly (readonly unknown[])[], undefined> {
  try {
    let slice: unknown[][] = []
    for (let step = first; step.done !== true; step = rows.next()) {
      slice.push(step.value.map(plain))
      if (slice.length < SLICE) continue
      yield slice
      slice = []
    }
    if (slice.length > 0) yield slice
  } catch (error) {
    throw queryError('SQLite', error)
  } finally {
    db.close()
  }
}

/** Whole numbers that JavaScript cannot hold stay exact as text. */
function plain(value: SQLOutputValue): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
