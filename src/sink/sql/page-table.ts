/** Page records as rows of a SQL table: its columns and the cells of a record. Knows no database. */
import type { PageRecord } from '../../model/record.ts'
import { RECORD_FIELDS } from '../page-fields.ts'
import type { SinkRecord } from '../sink.ts'
import { cellOf, type SqlValue } from './cell.ts'
import type { SqlColumn } from './dialect.ts'

/** A row is the latest of its (job, dedupe_key). */
export const PAGE_KEY = ['job', 'dedupe_key'] as const

const REQUIRED = new Set<keyof PageRecord>(['url', 'outcome', 'depth', 'attempt', 't', 'run', 'seq'])

export const PAGE_COLUMNS: readonly SqlColumn[] = [
  ...PAGE_KEY.map((name) => ({ name, type: 'key', required: true }) as const),
  ...RECORD_FIELDS.map(({ name, type }) => ({ name, type, required: REQUIRED.has(name) })),
]

/** In the order of `PAGE_COLUMNS`. `keyOf` makes a key storable. */
export function pageCells(job: string, { record, dedupeKey }: SinkRecord, keyOf: (key: string) => string): SqlValue[] {
  const cells: SqlValue[] = [job, keyOf(dedupeKey)]
  for (const { name, type } of RECORD_FIELDS) cells.push(cellOf(type, record[name]))
  return cells
}

/** The latest record of each key, in the order of the keys: that of the index. */
export function latestPages(batch: readonly SinkRecord[]): SinkRecord[] {
  const latest = new Map(batch.map((page) => [page.dedupeKey, page]))
  return [...latest.values()].toSorted((a, b) => (a.dedupeKey < b.dedupeKey ? -1 : a.dedupeKey > b.dedupeKey ? 1 : 0))
}
