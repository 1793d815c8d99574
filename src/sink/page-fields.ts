/**
 * The fields of the page record as columns: their order and type in CSV and SQL. The compiler refuses this file when a
 * field of the record is missing here. Knows no format.
 */
import type { PageRecord } from '../model/record.ts'

/** `json`: nested, stored as its JSON text. */
export type FieldType = 'text' | 'integer' | 'json'

export interface PageField {
  readonly name: keyof PageRecord
  readonly type: FieldType
}

/** Everything but `input`, which each format lays out in its own way. */
const TYPES = {
  url: 'text',
  final: 'text',
  outcome: 'text',
  code: 'text',
  message: 'text',
  status: 'integer',
  mime: 'text',
  charset: 'text',
  bytes: 'integer',
  digest: 'text',
  title: 'text',
  canonical: 'text',
  robots: 'json',
  depth: 'integer',
  from: 'text',
  via: 'text',
  chain: 'json',
  etag: 'text',
  lastModified: 'text',
  file: 'text',
  items: 'integer',
  rejected: 'integer',
  attempt: 'integer',
  flags: 'json',
  ip: 'text',
  geo: 'json',
  alike: 'json',
  t: 'text',
  ms: 'json',
  run: 'integer',
  seq: 'integer',
} as const satisfies Record<Exclude<keyof PageRecord, 'input'>, FieldType>

/** In the order of their columns, `input` excepted. */
export const PAGE_FIELDS: readonly PageField[] = Object.entries(TYPES).map(([name, type]) => ({
  name: name as keyof typeof TYPES,
  type,
}))

/** The same with `input` as one nested value at the end: for formats that have no columns for those of the input. */
export const RECORD_FIELDS: readonly PageField[] = [...PAGE_FIELDS, { name: 'input', type: 'json' }]
