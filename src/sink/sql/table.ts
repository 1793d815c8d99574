/** Tables of the SQL sinks: what one has to be, the statements that make it so, and what is refused. Pure. */
import { SluiceError } from '../../model/errors.ts'
import { changed, DATA_HINT } from '../store-error.ts'
import type { SqlColumn, SqlDialect } from './dialect.ts'

/** A column as the database describes it. */
export interface PresentColumn extends SqlColumn {
  /** Its SQL type, for messages and casts. */
  readonly declared: string
}

export interface TableInfo {
  /** Empty: there is no such table. */
  readonly columns: readonly PresentColumn[]
  /** Columns of each index over whole columns and all rows, in the order of their names. */
  readonly indexes: readonly { readonly columns: readonly string[]; readonly unique: boolean }[]
}

export interface WantedTable {
  readonly name: string
  readonly columns: readonly SqlColumn[]
  /** Unique together. */
  readonly key: readonly string[]
  /** Looked up together: indexed; absent where nothing is. */
  readonly lookup?: readonly string[]
  /** Columns whose absence means that the table is not one of ours. */
  readonly own: readonly SqlColumn[]
  /** This job has stored in it before. */
  readonly usedBefore: boolean
}

/**
 * Statements that make the table what is wanted.
 * @param output name of the output, for messages
 * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where what this job stored is gone
 */
export function tableStatements(
  dialect: SqlDialect,
  output: string,
  wanted: WantedTable,
  { columns, indexes }: TableInfo,
): string[] {
  const { name, lookup, usedBefore } = wanted
  const statements: string[] = []
  if (columns.length === 0) {
    if (usedBefore) throw changed(output, `has no table ${name} any more`, DATA_HINT)
    statements.push(createText(dialect, wanted))
  } else {
    checkOwn(dialect, output, { columns, indexes }, wanted)
    const present = new Map(columns.map((column) => [column.name.toLowerCase(), column]))
    for (const column of wanted.columns) {
      const found = present.get(column.name.toLowerCase())
      if (found === undefined) statements.push(addText(dialect, name, column))
      else checkType(dialect, output, name, column, found)
    }
  }
  if (lookup !== undefined && !indexes.some((index) => index.columns.join() === lookup.toSorted().join())) {
    const list = lookup.map((column) => dialect.quoted(column)).join(', ')
    statements.push(`CREATE INDEX ${dialect.quoted(`_sluice_page_${name}`)} ON ${dialect.quoted(name)} (${list})`)
  }
  return statements
}

/** Statements that make the undo table of a table. @param table as it is now */
export function undoStatements(
  dialect: SqlDialect,
  table: string,
  columns: readonly PresentColumn[],
  undo: TableInfo,
): string[] {
  const name = dialect.quoted(undoName(table))
  if (undo.columns.length === 0) {
    return [`CREATE TABLE ${name} ${dialect.tableOptions} AS SELECT * FROM ${dialect.quoted(table)} WHERE 1 = 0`]
  }
  const present = new Set(undo.columns.map((column) => column.name))
  return columns
    .filter((column) => !present.has(column.name))
    .map((column) => `ALTER TABLE ${name} ADD COLUMN ${dialect.quoted(column.name)} ${column.declared}`)
}

export function undoName(table: string): string {
  return `_sluice_undo_${table}`
}

/** INSERT of `source` as SQLite and PostgreSQL know it; with `key` a row of the same key is replaced. */
export function upsertText(
  dialect: SqlDialect,
  table: string,
  columns: readonly SqlColumn[],
  key: readonly string[] | undefined,
  source: string,
): string {
  const names = columns.map(({ name }) => dialect.quoted(name))
  const text = `INSERT INTO ${dialect.quoted(table)} (${names.join(', ')}) ${source}`
  if (key === undefined) return text
  const updates = names.map((name) => `${name} = excluded.${name}`).join(', ')
  const conflict = key.map((name) => dialect.quoted(name)).join(', ')
  return `${text} ON CONFLICT (${conflict}) DO UPDATE SET ${updates}`
}

function checkOwn(
  dialect: SqlDialect,
  output: string,
  { columns, indexes }: TableInfo,
  { name, own, key, usedBefore }: WantedTable,
): void {
  const names = new Set(columns.map((column) => column.name))
  const missing = own.filter((column) => !names.has(column.name)).map((column) => column.name)
  const sorted = key.toSorted().join()
  if (missing.length === 0 && indexes.some((index) => index.unique && index.columns.join() === sorted)) return
  const what = missing.length > 0 ? `lacks the columns ${missing.join(', ')}` : `has no unique key (${key.join(', ')})`
  if (usedBefore) throw changed(output, `has a table ${name} that ${what}`, DATA_HINT)
  throw refusal(dialect, output, name, `of another shape: it ${what}`)
}

function checkType(dialect: SqlDialect, output: string, table: string, column: SqlColumn, found: PresentColumn): void {
  const groups = [dialect.groupOf(column), dialect.groupOf(found)]
  if (groups.includes('any') || groups[0] === groups[1]) return
  const what = `whose column ${column.name} is ${found.declared}, and the items have ${dialect.types[column.type]} there`
  throw refusal(dialect, output, table, what)
}

function refusal(dialect: SqlDialect, output: string, table: string, what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${output} has a table ${table} ${what}`, { hint: dialect.otherTable })
}

function createText(dialect: SqlDialect, { name, columns, key }: WantedTable): string {
  const list = columns.map((column) => declaration(dialect, column))
  list.push(`UNIQUE (${key.map((column) => dialect.quoted(column)).join(', ')})`)
  return `CREATE TABLE ${dialect.quoted(name)} (${list.join(', ')}) ${dialect.tableOptions}`
}

function addText(dialect: SqlDialect, table: string, column: SqlColumn): string {
  return `ALTER TABLE ${dialect.quoted(table)} ADD COLUMN ${declaration(dialect, column)}`
}

function declaration(dialect: SqlDialect, { name, type, required }: SqlColumn): string {
  return `${dialect.quoted(name)} ${dialect.types[type]}${required === true ? ' NOT NULL' : ''}`
}
