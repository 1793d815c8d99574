/** What the SQL sink needs of a database server and its driver (`postgres.ts`, `mysql.ts`). No implementation. */
import type { SqlValue } from './cell.ts'
import type { Cells } from './rows.ts'
import type { SqlDialect } from './dialect.ts'
import type { PresentColumn, TableInfo } from './table.ts'

/**
 * What an error of the driver means for a batch.
 * - `away`: the server is gone, not ready or undid the transaction for reasons of its own: the same again, later;
 * - `value`: one of the rows is refused, the connection is fine;
 * - `full`: no room left; `denied`: who we are or what the URL names; `shape`: a table or column is not there (any more);
 * - `other`: none of these.
 */
export type SqlTrouble = 'away' | 'value' | 'full' | 'denied' | 'shape' | 'other'

/** Rows to write into one table. */
export interface Insert {
  readonly table: string
  readonly columns: readonly PresentColumn[]
  /** A row with the values of these columns is replaced. */
  readonly key: readonly string[]
}

export interface SqlConnection {
  /** Number of rows it changed. `values` stand for `dialect.mark(1)` … */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>
  rows(sql: string, values?: readonly SqlValue[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * A statement with a list of any length: `sql` is made with the text of the condition "column is one of them".
   * @returns number of rows changed in all
   */
  runAmong(
    sql: (among: string) => string,
    column: string,
    list: readonly string[],
    values: readonly SqlValue[],
  ): Promise<number>
  /** @param replaces a row of the same key is replaced; else there is none */
  insert(insert: Insert, rows: readonly Cells[], replaces: boolean): Promise<void>
  /** Why the server could never take this row, so that it is not sent; undefined: it may. */
  tooLarge(cells: Cells): string | undefined
  table(name: string): Promise<TableInfo>
  /** Held until `unlock` or the end of the connection: two jobs make their tables one after the other. */
  lock(): Promise<void>
  unlock(): Promise<void>
  close(): Promise<void>
}

export interface ServerDialect extends SqlDialect {
  isTableName(name: string): boolean
  /** The nearest text that the database holds; for page records, which are never refused for their text. */
  nearest(text: string): string
  /** Parameter number `n` of a statement, from 1. */
  mark(n: number): string
}

export interface SqlServer {
  /** Name of the output: scheme, host and database, never user or password. */
  readonly name: string
  readonly dialect: ServerDialect
  /** Ends by a time limit of its own, as every operation of the connection does. */
  connect(): Promise<SqlConnection>
  troubleOf(error: unknown): SqlTrouble
}
