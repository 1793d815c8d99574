/** SQLite as a dialect of the SQL sinks, and what a table of it looks like. Knows no batch. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { SqlValue } from './sql/cell.ts'
import type { SqlDialect, SqlType } from './sql/dialect.ts'
import { quoted } from './sql/quoted.ts'
import type { TableInfo } from './sql/table.ts'

export const SQLITE: SqlDialect = {
  database: 'SQLite',
  // Numbers of integer columns stay exact up to 2^53; booleans are 0 and 1, as in SQLite's own functions.
  types: {
    key: 'TEXT',
    text: 'TEXT',
    integer: 'INTEGER',
    number: 'REAL',
    boolean: 'INTEGER',
    json: 'TEXT',
    any: '',
  },
  untyped: true,
  // SQLite takes 2,000.
  maxColumns: 500,
  longestKey: Infinity,
  tableOptions: '',
  otherTable: 'name another table (--out sqlite:FILE#TABLE) or another file',
  quoted,
  isColumnName: (name) => name.isWellFormed(),
  // UTF-8 has no lone surrogates.
  holdsText: (text) => text.isWellFormed(),
  // SQLite's functions of JSON, by which keys are looked up, end a text at NUL.
  holdsKey: (text) => text.isWellFormed() && !text.includes('\0'),
  groupOf: ({ type }) =>
    type === 'any' ? 'any' : type === 'text' || type === 'json' || type === 'key' ? 'text' : 'number',
}

export function tableInfo(db: DatabaseSync, table: string): TableInfo {
  const columns = db.prepare('SELECT name, type FROM pragma_table_info(?)').all(table)
  const indexes = db.prepare('SELECT name, "unique" AS uniq FROM pragma_index_list(?) WHERE partial = 0').all(table)
  const names = db.prepare('SELECT name FROM pragma_index_info(?) ORDER BY name')
  return {
    columns: columns.map(({ name, type }) => ({
      name: String(name),
      declared: String(type),
      type: typeOf(String(type)),
    })),
    indexes: indexes.map((index) => ({
      columns: names.all(String(index['name'])).map(({ name }) => String(name)),
      unique: index['uniq'] === 1,
    })),
  }
}

/** By what the column does to values (sqlite.org/datatype3.html, 3.1). */
function typeOf(declared: string): SqlType {
  if (/INT/i.test(declared)) return 'number'
  if (/CHAR|CLOB|TEXT/i.test(declared)) return 'text'
  return declared === '' || /BLOB/i.test(declared) ? 'any' : 'number'
}

export type Bind = (cell: SqlValue) => SQLInputValue

/** For a column whose affinity makes 9.0 a 9 by itself (sqlite.org/datatype3.html, 3). */
export function boundNumber(cell: SqlValue): SQLInputValue {
  return typeof cell === 'boolean' ? Number(cell) : cell
}

/** Whole numbers are bound as integers: a column without a type would show 9 as 9.0. */
export function bound(cell: SqlValue): SQLInputValue {
  if (typeof cell === 'number') return Number.isSafeInteger(cell) ? BigInt(cell) : cell
  if (typeof cell === 'boolean') return cell ? 1n : 0n
  return cell
}
