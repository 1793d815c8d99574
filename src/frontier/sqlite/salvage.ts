/**
 * What can still be read of a damaged table: all rows but those on pages that SQLite refuses, found by halving the range
 * of row ids that cannot be read. It knows nothing of what the rows mean; their checksums are for the reader to ask.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Column } from './rows.ts'

/** Rows read at once where all is well. */
const SLICE = 1_000
/** Ids that cannot be read, one behind the other, after which nothing more is expected behind them. */
const HOPELESS = 5_000

/** Rows in the order of their ids. One whose id cannot be its own, because its neighbours' contradict it, is left out. */
export function* readableRows(db: DatabaseSync, table: string, columns: string): Generator<Column[]> {
  let last = 0
  let held: Column[] | undefined
  for (const row of inAnyOrder(db, table, columns)) {
    const id = row[0] as number
    if (held !== undefined && (held[0] as number) < id) {
      last = held[0] as number
      yield held.slice(1)
      held = undefined
    }
    if (id > last) held = row
  }
  if (held !== undefined) yield held.slice(1)
}

/** Each row behind its id. An id may come that is not its row's, and rows behind it in another order or twice. */
function* inAnyOrder(db: DatabaseSync, table: string, columns: string): Generator<Column[]> {
  const next = prepared(db, `SELECT rowid,${columns} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${SLICE}`)
  const within = prepared(db, `SELECT rowid,${columns} FROM ${table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid`)
  if (next === undefined || within === undefined) return
  let refused = 0
  for (let from = 0; refused < HOPELESS; ) {
    const rows = attempt(() => next.all(from) as unknown as Column[][])
    if (rows === undefined) {
      for (const range of halves(within, from, from + SLICE)) {
        yield* range
        refused = range.length > 0 ? 0 : refused + 1
      }
      from += SLICE
      continue
    }
    yield* rows
    if (rows.length < SLICE) return
    refused = 0
    // Ids are dense: one that is far off is damaged, and what lies behind it is still to be read.
    const likely = rows.map((row) => row[0] as number).filter((id) => id <= from + 4 * SLICE)
    from = Math.max(from + 1, ...(likely.length > 0 ? likely : rows.map((row) => row[0] as number)))
  }
}

/** The rows of a range in pieces; an empty piece is an id that cannot be read. */
function* halves(within: StatementSync, low: number, high: number): Generator<Column[][]> {
  const rows = attempt(() => within.all(low, high) as unknown as Column[][])
  if (rows !== undefined) {
    if (rows.length > 0) yield rows
  } else if (high - low === 1) yield []
  else {
    const middle = low + ((high - low) >> 1)
    yield* halves(within, low, middle)
    yield* halves(within, middle, high)
  }
}

/** Rows of a small table without ids, up to the first that cannot be read from either end. */
export function namedRows(db: DatabaseSync, table: string, columns: string, key: string): Column[][] {
  const found = new Map<Column, Column[]>()
  for (const order of ['ASC', 'DESC']) {
    attempt(() => {
      const statement = db.prepare(`SELECT ${columns} FROM ${table} ORDER BY ${key} ${order}`)
      statement.setReturnArrays(true)
      for (const row of statement.iterate() as unknown as Iterable<Column[]>) found.set(row[0] as Column, row)
    })
  }
  return [...found.values()]
}

function prepared(db: DatabaseSync, sql: string): StatementSync | undefined {
  const statement = attempt(() => db.prepare(sql))
  statement?.setReturnArrays(true)
  return statement
}

/** Undefined where the database cannot give it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
