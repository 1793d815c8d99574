/** Questions to a database: what is asked, and rows as they come. Interface, and what all databases share. */
import { reasonOf, SluiceError } from '../../model/errors.ts'
import type { SqlValue } from './cell.ts'
import type { SqlTrouble } from './server.ts'

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

/** What a server says when it is not there, or lets nobody in: no fault of the statement. @param name as shown to people */
export function connectError(name: string, error: unknown, trouble: SqlTrouble): SluiceError {
  if (error instanceof SluiceError) return error
  const reason = reasonOf(error)
  if (trouble === 'denied') {
    return new SluiceError('OPTION_INVALID', `${name} refuses us: ${reason}`, {
      hint: 'check user, password and database of the URL',
      cause: error,
    })
  }
  return new SluiceError('SINK_UNREACHABLE', `${name} cannot be reached: ${reason}`, {
    hint: 'start it, check host and port of the URL, and ask again',
    cause: error,
  })
}

/** What a database says of a statement that it does not run. */
export function queryError(database: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const reason = reasonOf(error)
  const isWrite = /read-?\s?only/i.test(reason)
  return new SluiceError('OPTION_INVALID', `${database}: ${reason}`, {
    hint: isWrite ? 'a query only reads' : 'check the statement; names with odd letters are written as "name"',
    cause: error,
  })
}
