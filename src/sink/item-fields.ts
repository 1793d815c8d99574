/**
 * Items as rows: their fields, their identity and where they come from. Names that begin with `_` and are listed here
 * belong to the sinks; a field of that name is kept in `_more`. Knows no format.
 */
import type { ExtractedItem } from '../model/item.ts'
import type { PageRecord } from '../model/record.ts'
import type { SinkRecord } from './sink.ts'

/** Takes, as JSON, the fields that have no column of their own. */
export const MORE = '_more'

/** Columns that say where an item comes from. */
export const PROVENANCE = ['_url', '_seq', '_run'] as const

const RESERVED: ReadonlySet<string> = new Set([...PROVENANCE, MORE, '_key', '_page', '_job'])

/** Far more than a person reads; SQLite takes 2,000 at most, and a dictionary is no table. */
const MAX_COLUMNS = 500

export type Fields = Readonly<Record<string, unknown>>

/** The fields of an item. A value that is no object has one field, `value`. */
export function fieldsOf(json: string): Fields {
  const value = JSON.parse(json) as unknown
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : { value }
}

/** Stable identity of an item over crashes and runs: its own key, or request and position. */
export function itemKey(page: SinkRecord, item: ExtractedItem): string {
  return item.key ?? `${page.dedupeKey}:${item.position}`
}

/** Names of `names` that can be columns: not reserved, not there yet (letter case aside, as in SQL), at most 500. */
export function columnNames(names: Iterable<string>): string[] {
  const taken = new Map<string, string>()
  for (const name of names) {
    if (taken.size === MAX_COLUMNS) break
    const folded = name.toLowerCase()
    if (!RESERVED.has(folded) && !taken.has(folded) && name !== '' && !name.includes('\0')) taken.set(folded, name)
  }
  return [...taken.values()]
}

/** Columns of items without a schema: the fields of the first batch, in the order in which they turn up. */
export function firstColumns(batch: readonly SinkRecord[]): string[] {
  return columnNames(batch.flatMap(({ items = [] }) => items.flatMap(({ json }) => Object.keys(fieldsOf(json)))))
}

/** The value of a field; what every object inherits is none. */
export function fieldOf(fields: Fields, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(fields, name) ? undefined : fields[name]
}

/** Number of fields. */
export function countOf(fields: Fields): number {
  let count = 0
  for (const _name in fields) count++
  return count
}

/** JSON of the fields that no column holds; undefined where there are none. */
export function moreOf(fields: Fields, isHeld: (name: string, value: unknown) => boolean): string | undefined {
  const rest = Object.entries(fields).filter(([name, value]) => !isHeld(name, value))
  // `fromEntries` defines own properties: a field called `__proto__` is a field like any other.
  return rest.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rest))
}

export function hasItems(batch: readonly SinkRecord[]): boolean {
  return batch.some(({ items = [] }) => items.length > 0)
}

/** The line of an item with `_url`, `_seq` and `_run` of its page; fields of these names give way. */
export function withProvenance(json: string, { url, seq, run }: PageRecord): string {
  const fields = Object.entries(fieldsOf(json)).filter(([name]) => !PROVENANCE.some((own) => own === name))
  return JSON.stringify(Object.fromEntries([...fields, ['_url', url], ['_seq', seq], ['_run', run]]))
}

/** Says once that fields without a column go into `_more`. */
export function warnOfMore(path: string, more: string, warn: ((message: string) => void) | undefined): void {
  const names = Object.keys(JSON.parse(more) as object)
  warn?.(
    `${path} has no column that holds ${names.slice(0, 3).join(', ')}: such values of items go into its column ${MORE}`,
  )
}
