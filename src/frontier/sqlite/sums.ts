/**
 * Checksums of the small tables: what has no checksum of its own in `rows.ts` and `packs.ts`. One function of all columns
 * of a row, in JavaScript where rows are written and as `row_sum` within SQL where they are checked.
 */
import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { corrupt } from './errors.ts'
import type { Column } from './rows.ts'

/** Columns under the sum, in their order. The first ones are the key. */
export const SUMMED = {
  meta: 'name,value',
  key: 'id,name,kind,next_at,blocked_until,interval,delay,conns,cap,errors',
  lane: 'id,key,origin,groups',
  robots: 'key,origin,verdict,status,body,fetched_at,until',
  source: 'id,name,ranges',
  again: 'request,seq,pending,meta',
  state: 'request,attempt,crashes,due,code,flags,root,hop',
  position: 'name,value',
  event: 'id,type,t,data',
} as const

export type SummedTable = keyof typeof SUMMED

export const SUMMED_TABLES = Object.keys(SUMMED) as SummedTable[]

export function rowSum(columns: readonly Column[], from = 0, to = columns.length): number {
  let sum = 0
  for (let i = from; i < to; i++) {
    const column = columns[i] as Column
    // What ends one column begins none: 'ab','c' is not 'a','bc', and NULL is not ''. Bytes of no length are NULL to the
    // SQLite of Node 22.
    if (column === null || (typeof column === 'object' && column.length === 0)) sum = crc32('\0', sum)
    else sum = crc32(typeof column === 'number' ? String(column) : column, crc32('\u0001', sum))
  }
  return sum | 0
}

/** Rows with their sums, one behind the other. @param width columns of a row without its sum */
export function withSums(columns: readonly Column[], width: number): Column[] {
  const all: Column[] = []
  for (let at = 0; at < columns.length; at += width) {
    for (let i = at; i < at + width; i++) all.push(columns[i] as Column)
    all.push(rowSum(columns, at, at + width))
  }
  return all
}

/** `row_sum(column, …)` for statements of this connection. */
export function defineRowSum(db: DatabaseSync): void {
  db.function('row_sum', { varargs: true, deterministic: true }, (...columns) => rowSum(columns as Column[]))
}

/** Rows whose sum is not that of their columns, by what tells them apart. Needs `row_sum`. */
export function damagedRows(db: DatabaseSync, table: SummedTable, limit: number): string[] {
  const columns = SUMMED[table]
  const [key] = columns.split(',')
  return db
    .prepare(`SELECT ${key} AS key FROM ${table} WHERE sum IS NOT row_sum(${columns}) LIMIT ${limit}`)
    .all()
    .map((row) => damageOf(table, String(row['key'])))
}

/** What an open reads must be right; events are only shown. @throws SluiceError FRONTIER_CORRUPT */
export function checkSums(db: DatabaseSync, path: string): void {
  for (const table of SUMMED_TABLES) {
    const [damage] = table === 'event' ? [] : damagedRows(db, table, 1)
    if (damage !== undefined) throw corrupt(path, damage)
  }
}

function damageOf(table: SummedTable, key: string): string {
  return `row ${JSON.stringify(key).slice(0, 200)} of ${table} is damaged: its checksum does not match`
}
