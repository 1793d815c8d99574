/**
 * What the SQL databases do not agree on: names, types, and which values a column can hold. One object a database; the
 * plans of tables (`page-table.ts`, `item-columns.ts`) are the same for all. Knows no driver.
 */
import type { ItemColumn } from '../../model/item.ts'

/** `key`: a short text that is compared byte by byte; `any`: no schema says, values keep the type they come with. */
export type SqlType = ItemColumn['type'] | 'key' | 'any'

export interface SqlColumn {
  readonly name: string
  readonly type: SqlType
  /** NOT NULL. Default false. */
  readonly required?: boolean
}

export interface SqlDialect {
  /** For messages: `PostgreSQL`. */
  readonly database: string
  /** How a column of the type is declared. */
  readonly types: Readonly<Record<SqlType, string>>
  /** True: a column takes values of any type, `any` needs no guess. */
  readonly untyped: boolean
  /** Most columns that items may have of their own. */
  readonly maxColumns: number
  /** Most characters of a key that can be indexed. */
  readonly longestKey: number
  /** Behind the list of columns of CREATE TABLE. */
  readonly tableOptions: string
  /** How to choose another table, for hints. */
  readonly otherTable: string
  /** Columns of one group give each other's values back. */
  groupOf(column: SqlColumn): string
  /** A name as SQL text, whatever it contains. */
  quoted(name: string): string
  /** Whether a column can have this name without being cut or refused. */
  isColumnName(name: string): boolean
  /** Whether a text comes back as it went in. */
  holdsText(text: string): boolean
  /** The same for a text that rows are told apart by. */
  holdsKey(text: string): boolean
}
