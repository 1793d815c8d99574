/** One statement that reads a SQLite database, its rows a slice at a time. Knows no table. */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { readingWord, withoutComments } from './sql/only-reads.ts'
import { queryError, SLICE, type SqlAnswer, type SqlQuery } from './sql/query.ts'
import { quoted } from './sql/quoted.ts'
import type { SqlValue } from './sql/cell.ts'
import { isFileTrouble } from './sqlite-code.ts'
import { bound } from './sqlite-schema.ts'

/** Of a statement that is refused. */
const SHOWN = 60

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
  /** What it means that the file cannot be read. Default: `INPUT_UNREADABLE`. */
  readonly fileError?: (error: unknown) => SluiceError
}

/** The file is opened read-only; views and tables of the question are temporary. @throws SluiceError `OPTION_INVALID` */
export async function sqliteRows(query: SqliteQuery): Promise<SqlAnswer> {
  const { path, sql, values, fileError = (error: unknown) => unreadable(path, error) } = query
  readingWord('SQLite', sql)
  const troubled = (error: unknown): SluiceError =>
    isFileTrouble(error) ? fileError(error) : queryError('SQLite', error)
  const open = await openFile(query, fileError)
  try {
    const statement = open.prepare(sql)
    refuseMore(sql, statement.sourceSQL)
    statement.setReturnArrays(true)
    statement.setReadBigInts(true)
    const names = statement.columns().map(({ name }) => name)
    const rows = statement.iterate(...values.map(bound)) as unknown as Iterator<SQLOutputValue[]>
    // The first step finds what is wrong with the statement.
    const first = rows.next()
    return { names, slices: slicesOf(open, rows, first, troubled) }
  } catch (error) {
    open.close()
    throw troubled(error)
  }
}

/** With its views and table, and nothing more to be written. Whatever goes wrong here is no fault of the statement. */
async function openFile(
  { path, views = {}, table }: SqliteQuery,
  fileError: (error: unknown) => SluiceError,
): Promise<DatabaseSync> {
  let db: DatabaseSync | undefined
  try {
    const open = new DatabaseSync(path, { readOnly: true })
    db = open
    open.exec('PRAGMA busy_timeout=5000')
    // The first page: a file that is no database is found now.
    open.prepare('PRAGMA schema_version').get()
    for (const [name, select] of Object.entries(views)) open.exec(`CREATE TEMP VIEW ${quoted(name)} AS ${select}`)
    if (table !== undefined) await fill(open, table)
    open.exec('PRAGMA query_only=ON')
    return open
  } catch (error) {
    db?.close()
    if (error instanceof SluiceError) throw error
    throw fileError(error)
  }
}

/** SQLite compiles the first statement and passes by what follows it. */
function refuseMore(sql: string, compiled: string): void {
  const more = withoutComments('SQLite', sql.slice(compiled.length))
    .replaceAll(/[\s;]+/g, ' ')
    .trim()
  if (more === '') return
  const shown = more.length > SHOWN ? `${more.slice(0, SHOWN)}…` : more
  throw new SluiceError('OPTION_INVALID', `SQLite: a second statement follows the first: ${shown}`, {
    hint: 'ask one statement at a time; nothing was run',
  })
}

function unreadable(path: string, error: unknown): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: ${reasonOf(error)}`, {
    hint: 'check that it is a SQLite database that you may read (PRAGMA integrity_check in sqlite3)',
    cause: error,
  })
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
  troubled: (error: unknown) => SluiceError,
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
    throw troubled(error)
  } finally {
    db.close()
  }
}

/** Whole numbers that JavaScript cannot hold stay exact as text. */
function plain(value: SQLOutputValue): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
