/** Values on their way into SQL columns: which column can hold which value, and keys that no database refuses. Pure. */
import { createHash } from 'node:crypto'
import type { SqlDialect, SqlType } from './dialect.ts'

/** What is bound to a parameter. */
export type SqlValue = string | number | boolean | null

/** Characters of a long key that stay readable before its hash. */
const READABLE = 100

/** Whether a column of this type gives the value back as it is; what it cannot hold goes into `_more`. */
export function holds(dialect: SqlDialect, type: SqlType, value: unknown): boolean {
  if (value === undefined || value === null || type === 'json') return true
  if (dialect.untyped || type === 'any') return typeof value !== 'string' || dialect.holdsText(value)
  switch (typeof value) {
    case 'string':
      return type === 'text' && dialect.holdsText(value)
    case 'number':
      return type === 'number' || (type === 'integer' && Number.isSafeInteger(value))
    case 'boolean':
      return type === 'boolean'
    default:
      return false
  }
}

/** The value as it is bound. JSON text escapes NUL and lone surrogates, so every database takes it. */
export function cellOf(type: SqlType, value: unknown): SqlValue {
  if (value === undefined || value === null) return null
  if (type === 'json' || typeof value === 'object') return JSON.stringify(value)
  return value as string | number | boolean
}

/** A type that holds these values; for columns that no schema names. */
export function typeOfValues(values: readonly unknown[]): SqlType {
  const types = new Set(values.filter((value) => value !== undefined && value !== null).map((value) => typeof value))
  const [only] = types
  if (types.size !== 1) return 'json'
  return only === 'string' ? 'text' : only === 'number' || only === 'boolean' ? only : 'json'
}

/** The key as it is stored: itself, or where the database could not hold it or index it, its beginning and its SHA-256. */
export function storableKey(dialect: SqlDialect, key: string): string {
  if (key.length <= dialect.longestKey && dialect.holdsKey(key)) return key
  const hash = createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('hex')
  const readable = key.slice(0, READABLE).toWellFormed().replaceAll('\0', '\ufffd')
  return `${readable}~${hash}`
}
