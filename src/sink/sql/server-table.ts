/** Tables on a server: made where they are missing, widened, or refused where they are not what the sink needs. */
import { SluiceError } from '../../model/errors.ts'
import { changed } from '../store-error.ts'
import type { SqlColumn } from './dialect.ts'
import type { PresentColumn, ServerDialect, SqlConnection, TableInfo } from './server.ts'

export interface WantedTable {
  readonly name: string
  readonly columns: readonly SqlColumn[]
  /** Unique together; empty for none. */
  readonly key: readonly string[]
  /** Looked up together: indexed; absent where nothing is. */
  readonly lookup?: readonly string[]
  /** Columns whose absence means that the table is not one of ours. */
  readonly own: readonly SqlColumn[]
  /** This job has stored in it before. */
  readonly usedBefore: boolean
}

/**
 * Makes the table or adds the columns it lacks, and describes its columns.
 * @param output name of the output, for messages
 * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where what this job stored is gone
 */
export async function ensureTable(
  connection: SqlConnection,
  dialect: ServerDialect,
  output: string,
  wanted: WantedTable,
): Promise<readonly PresentColumn[]> {
  const { name, columns, key, usedBefore } = wanted
  const info = await connection.table(name)
  if (info.columns.length === 0) {
    if (usedBefore) throw changed(output, `has no table ${name} any more`)
    await connection.run(createText(dialect, name, columns, key))
  } else {
    checkOwn(output, info, wanted)
    const present = new Map(info.columns.map((column) => [column.name.toLowerCase(), column]))
    for (const column of columns) {
      const found = present.get(column.name.toLowerCase())
      if (found === undefined) await connection.run(addText(dialect, name, column))
      else checkType(dialect, output, name, column, found)
    }
  }
  const made = await connection.table(name)
  if (wanted.lookup !== undefined && !made.indexes.some((index) => index.columns.join() === lookedUp(wanted))) {
    const list = wanted.lookup.map((column) => dialect.quoted(column)).join(', ')
    const index = dialect.quoted(`_sluice_page_${name}`)
    await connection.run(`CREATE INDEX ${index} ON ${dialect.quoted(name)} (${list})`)
  }
  return made.columns
}

function lookedUp({ lookup = [] }: WantedTable): string {
  return lookup.toSorted().join()
}

function checkOwn(output: string, { columns, indexes }: TableInfo, { name, own, key, usedBefore }: WantedTable): void {
  const names = new Set(columns.map((column) => column.name))
  const missing = own.filter((column) => !names.has(column.name)).map((column) => column.name)
  const sorted = key.toSorted().join()
  if (
    missing.length === 0 &&
    (key.length === 0 || indexes.some((index) => index.unique && index.columns.join() === sorted))
  )
    return
  const what = missing.length > 0 ? `lacks the columns ${missing.join(', ')}` : `has no unique key (${key.join(', ')})`
  if (usedBefore) throw changed(output, `has a table ${name} that ${what}`)
  throw refusal(output, name, `of another shape: it ${what}`)
}

function checkType(
  dialect: ServerDialect,
  output: string,
  table: string,
  column: SqlColumn,
  found: PresentColumn,
): void {
  const groups = [dialect.groupOf(column), dialect.groupOf(found)]
  if (groups.includes('any') || groups[0] === groups[1]) return
  const what = `whose column ${column.name} is ${found.declared}, and the items have ${dialect.types[column.type]} there`
  throw refusal(output, table, what)
}

function refusal(output: string, table: string, what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${output} has a table ${table} ${what}`, {
    hint: 'name another table behind # at the end of the URL',
  })
}

function createText(
  dialect: ServerDialect,
  table: string,
  columns: readonly SqlColumn[],
  key: readonly string[],
): string {
  const list = columns.map((column) => declaration(dialect, column))
  if (key.length > 0) list.push(`UNIQUE (${key.map((name) => dialect.quoted(name)).join(', ')})`)
  return `CREATE TABLE ${dialect.quoted(table)} (${list.join(', ')}) ${dialect.tableOptions}`
}

function addText(dialect: ServerDialect, table: string, column: SqlColumn): string {
  return `ALTER TABLE ${dialect.quoted(table)} ADD COLUMN ${declaration(dialect, column)}`
}

function declaration(dialect: ServerDialect, { name, type, required }: SqlColumn): string {
  return `${dialect.quoted(name)} ${dialect.types[type]}${required === true ? ' NOT NULL' : ''}`
}
