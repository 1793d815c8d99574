/** Questions to a database: what is asked, and rows as they come. Interface, and what all databases share. */
import { SluiceError } from '../../model/errors.ts'
import type { SqlValue } from './cell.ts'

export interface SqlQuery {
  /** One statement that reads. */
  readonly sql: string
  /** Bound to its parameters in their order. */
  readonly values: readonly SqlValue[]
}

export interface SqlAnswer {
  /** Names of the columns as the database gives them, doubles included; empty: a statement without rows. */
  readonly names: readonly string[]
  /** Slices of rows; whoever begins to read has to end it, so that the connection is closed. */
  readonly slices: AsyncGenerator<readonly (readonly unknown[])[], undefined>
}

/** Rows of a slice: few enough for memory, enough for the way to the server. */
export const SLICE = 1000

/** What a database says of a statement that it does not run. */
export function queryError(database: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const isWrite = /read-?\s?only/i.test(reason)
  return new SluiceError('OPTION_INVALID', `${database}: ${reason}`, {
    hint: isWrite ? 'a query only reads' : 'check the statement; names with odd letters are written as "name"',
    cause: error,
  })
}
