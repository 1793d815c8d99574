/**
 * The columns of a table of items, and the cells of an item.
 *
 *     <columns of the items> | _key  _url  _run  _seq | _page  _job  _more
 *
 * `_more` takes, as JSON, the fields that have no column and the values that their column could not give back. Knows no
 * connection.
 */
import { columnNames, countOf, fieldOf, type Fields, fieldsOf, MORE, moreOf, warnOfMore } from '../item-fields.ts'
import type { ItemColumn } from '../../model/item.ts'
import type { JobInfo, SinkRecord } from '../sink.ts'
import { cellOf, holds, type SqlValue, storableKey, typeOfValues } from './cell.ts'
import type { SqlColumn, SqlDialect } from './dialect.ts'
import type { ItemRow } from './item-batch.ts'

/** A row is the latest of its (_job, _key). */
export const ITEM_KEY = ['_job', '_key'] as const

/** Rows of a page are looked up by these. */
export const ITEM_LOOKUP = ['_job', '_page'] as const

/** Columns of the sink's own, behind those of the items. */
export const OWN_COLUMNS: readonly SqlColumn[] = [
  { name: '_key', type: 'key', required: true },
  { name: '_url', type: 'text', required: true },
  { name: '_run', type: 'integer', required: true },
  { name: '_seq', type: 'integer', required: true },
  { name: '_page', type: 'key', required: true },
  { name: '_job', type: 'key', required: true },
  { name: MORE, type: 'json' },
]

const OWN_NAMES: ReadonlySet<string> = new Set(OWN_COLUMNS.map(({ name }) => name))

/** Those of the schema that can be columns. */
export function schemaColumns(dialect: SqlDialect, columns: readonly ItemColumn[]): SqlColumn[] {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return usableNames(dialect, types.keys()).map((name) => ({ name, type: types.get(name) ?? 'any' }))
}

/** Columns of items without a schema: the fields of the first batch, in the order in which they turn up. */
export function guessedColumns(dialect: SqlDialect, batch: readonly SinkRecord[]): SqlColumn[] {
  const items = batch.flatMap(({ items: found = [] }) => found.map(({ json }) => fieldsOf(json)))
  const names = usableNames(dialect, new Set(items.flatMap((fields) => Object.keys(fields))))
  return names.map((name) => {
    const values = items.map((fields) => (Object.hasOwn(fields, name) ? fields[name] : undefined))
    return { name, type: dialect.untyped ? 'any' : typeOfValues(values) }
  })
}

/** Of the columns that a table has, those for the items. */
export function itemColumnsOf(present: readonly SqlColumn[]): SqlColumn[] {
  return present.filter(({ name }) => !OWN_NAMES.has(name))
}

function usableNames(dialect: SqlDialect, names: Iterable<string>): string[] {
  return columnNames([...names].filter((name) => dialect.isColumnName(name))).slice(0, dialect.maxColumns)
}

/** Makes rows of items; says once that some fields go into `_more`. */
export class ItemCells {
  /** Of the rows that `cells` makes, in its order. */
  readonly columns: readonly SqlColumn[]
  readonly #dialect: SqlDialect
  readonly #table: string
  readonly #job: JobInfo
  readonly #jobKey: string
  readonly #fields: readonly SqlColumn[]
  readonly #types: ReadonlyMap<string, SqlColumn['type']>
  #warned = false

  /** @param table as it is shown to people */
  constructor(dialect: SqlDialect, table: string, job: JobInfo, fields: readonly SqlColumn[]) {
    this.#dialect = dialect
    this.#table = table
    this.#job = job
    this.#jobKey = storableKey(dialect, job.id)
    this.#fields = fields
    this.#types = new Map(fields.map(({ name, type }) => [name, type]))
    this.columns = [...fields, ...OWN_COLUMNS]
  }

  cells({ key, page, pageKey, item }: ItemRow): SqlValue[] {
    const fields = fieldsOf(item.json)
    const dialect = this.#dialect
    const cells: SqlValue[] = []
    let held = 0
    for (const { name, type } of this.#fields) {
      const value = fieldOf(fields, name)
      const isHeld = value !== undefined && holds(dialect, type, value)
      if (isHeld) held++
      cells.push(isHeld ? cellOf(type, value) : null)
    }
    const { record } = page
    cells.push(key, record.url, record.run, record.seq, pageKey, this.#jobKey, this.#more(fields, held))
    return cells
  }

  /** JSON of what the columns do not hold. @param held number of fields that they do */
  #more(fields: Fields, held: number): string | null {
    const more = held === countOf(fields) ? undefined : moreOf(fields, (name, value) => this.#isHeld(name, value))
    if (more !== undefined && !this.#warned) {
      this.#warned = true
      warnOfMore(this.#table, more, this.#job.warn)
    }
    return more ?? null
  }

  #isHeld(name: string, value: unknown): boolean {
    const type = this.#types.get(name)
    return type !== undefined && holds(this.#dialect, type, value)
  }
}
