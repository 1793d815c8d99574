/**
 * SQL over what a job has stored: its first SQL output, or else the job itself, which offers two tables whatever its
 * format: `pages`, the latest record of each URL or row, and `items`, those of its NDJSON output. Reads only, the job may
 * run meanwhile, and rows come a slice at a time.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { storeError } from '../frontier/sqlite/errors.ts'
import { DATABASE, STANDING_RECORDS } from '../frontier/sqlite/read.ts'
import { SluiceError } from '../model/errors.ts'
import { cellOf as csvCellOf } from '../sink/csv-layout.ts'
import { ROW_END, withoutFormula } from '../sink/csv-text.ts'
import { columnNames, MORE, moreOf } from '../sink/item-fields.ts'
import { sinkKindOf, type SinkKind } from '../sink/kind.ts'
import { PAGE_FIELDS } from '../sink/page-fields.ts'
import { cellOf, type SqlValue } from '../sink/sql/cell.ts'
import type { SqlAnswer, SqlQuery } from '../sink/sql/query.ts'
import type { PassingTable } from '../sink/sqlite-query.ts'
import { findJob, readStored } from './folder.ts'
import { findItemsFile, itemOf } from './item-file.ts'
import type { QueryOptions } from './job.ts'
import { standingLines } from './standing-items.ts'

export const QUERY_FORMATS = ['table', 'ndjson', 'csv'] as const
export type QueryFormat = (typeof QUERY_FORMATS)[number]

export interface QueryInit extends SqlQuery {
  /** A job, its folder, a SQLite file, or the URL of a database; undefined: the latest job of the directory. */
  readonly target: string | undefined
  readonly cwd: string
  /** The job's own tables, though it has a SQL output. Default false. */
  readonly ledger?: boolean
}

/** @throws SluiceError `OPTION_INVALID` where there is nothing to ask or the statement cannot run */
export async function openQuery({ target, cwd, ledger = false, ...query }: QueryInit): Promise<SqlAnswer> {
  const named = target === undefined ? undefined : databaseOf(target, cwd)
  if (named !== undefined) return askOutput(named, query)
  const folder = findJob(target, cwd)
  const stored = readStored(folder)
  const outs = (stored?.options['out'] as string[] | undefined) ?? []
  const output = outs.map((out) => sinkKindOf(out)).find(isSql)
  if (output === undefined || ledger) return askJob(folder, query)
  return askOutput({ ...output, path: placeOf(output, stored?.cwd ?? cwd) }, query)
}

/** Rows of a job as objects, in the order of the result. */
export async function* queryRows<Row>(
  folder: string,
  query: SqlQuery,
  options: QueryOptions = {},
): AsyncGenerator<Row, undefined> {
  const { names, slices } = await openQuery({ ...query, target: folder, cwd: folder, ledger: options.ledger ?? false })
  const { columns, renamed } = distinctNames(names)
  if (renamed.length > 0 && options.duplicates !== 'number') {
    await slices.return(undefined)
    throw new SluiceError('OPTION_INVALID', `the result has more than one column ${renamed.join(', ')}`, {
      hint: "name them apart (AS), or number them: { duplicates: 'number' }",
    })
  }
  for await (const slice of slices) for (const row of slice) yield rowObject(columns, row) as Row
}

/** Names that are all different: the second `id` is `id_2`. `renamed`: those that were there more than once. */
export function distinctNames(names: readonly string[]): {
  readonly columns: readonly string[]
  readonly renamed: readonly string[]
} {
  const taken = new Set<string>(names)
  const seen = new Set<string>()
  const renamed = new Set<string>()
  const columns = names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name)
      return name
    }
    renamed.add(name)
    let n = 2
    while (taken.has(`${name}_${n}`)) n++
    taken.add(`${name}_${n}`)
    return `${name}_${n}`
  })
  return { columns, renamed: [...renamed] }
}

/** `fromEntries` defines own properties: a column called `__proto__` is a column like any other. */
export function rowObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null]))
}

/** One line of CSV. */
export function csvLine(cells: readonly unknown[], escapeFormulas: boolean): string {
  const shown = escapeFormulas ? withoutFormula : (text: string): string => text
  return cells.map((cell) => csvCellOf(cell, shown)).join(',') + ROW_END
}

function isSql({ kind }: SinkKind): boolean {
  return kind === 'sqlite' || kind === 'postgres' || kind === 'mysql'
}

function placeOf({ kind, path }: SinkKind, cwd: string): string {
  return kind === 'sqlite' ? resolve(cwd, path) : path
}

/** A target that is no job: the URL of a server, or a SQLite file that is there. */
function databaseOf(target: string, cwd: string): SinkKind | undefined {
  if (!/^[a-z]{2,}:/i.test(target) && !/\.(sqlite|db)$/i.test(target)) return undefined
  const kind = sinkKindOf(target)
  if (!isSql(kind)) {
    throw new SluiceError('OPTION_INVALID', `${kind.kind} cannot be asked in SQL`, { hint: 'name a job or a database' })
  }
  const path = placeOf(kind, cwd)
  if (kind.kind === 'sqlite' && !existsSync(path)) {
    throw new SluiceError('OPTION_INVALID', `there is no file ${path}`, { hint: 'name a job or a database' })
  }
  return { ...kind, path }
}

async function askOutput({ kind, path }: SinkKind, query: SqlQuery): Promise<SqlAnswer> {
  if (kind === 'postgres') return (await import('../sink/postgres.ts')).postgresRows(path, query)
  if (kind === 'mysql') return (await import('../sink/mysql.ts')).mysqlRows(path, query)
  return (await import('../sink/sqlite-query.ts')).sqliteRows({ ...query, path })
}

async function askJob(folder: string, query: SqlQuery): Promise<SqlAnswer> {
  const { sqliteRows } = await import('../sink/sqlite-query.ts')
  const fields = [...PAGE_FIELDS.map(({ name }) => name), 'input']
  const columns = fields.map((name) => `json_extract(record, '$.${name}') AS "${name}"`)
  const views = { pages: `SELECT ${columns.join(', ')} FROM (${STANDING_RECORDS})` }
  // Loading them takes a moment: only where the statement speaks of them.
  const table = /\bitems\b/i.test(query.sql) ? await itemTable(folder) : undefined
  const path = join(folder, DATABASE)
  return sqliteRows({ ...query, path, views, table, fileError: (error) => storeError(error, path) })
}

async function itemTable(folder: string): Promise<PassingTable | undefined> {
  const file = findItemsFile(folder)
  if (file === undefined) return undefined
  const path = file
  const names = new Set<string>()
  for await (const lines of standingLines(folder, path))
    for (const line of lines) for (const name of Object.keys(itemOf(line))) names.add(name)
  const columns = columnNames(names)
  const known = new Set(columns)
  async function* rows(): AsyncGenerator<SqlValue[][], undefined> {
    for await (const lines of standingLines(folder, path)) yield lines.map((line) => itemCells(line, columns, known))
  }
  return { name: 'items', columns: [...columns, MORE], rows: rows() }
}

function itemCells(line: string, columns: readonly string[], known: ReadonlySet<string>): SqlValue[] {
  const item = itemOf(line)
  const cells = columns.map((name) => cellOf('any', Object.hasOwn(item, name) ? item[name] : undefined))
  return [...cells, moreOf(item, (name) => known.has(name)) ?? null]
}
