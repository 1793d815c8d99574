/**
 * `_sluice_commit(job, seq)`: the last settlement that each job has stored, written in the transaction of its rows. It
 * tells after a death, or after a COMMIT whose answer was lost, what is stored. Knows no database.
 */
import { SluiceError } from '../../model/errors.ts'
import type { SqlColumn } from './dialect.ts'

export const COMMIT_TABLE = '_sluice_commit'

export const COMMIT_COLUMNS: readonly SqlColumn[] = [
  { name: 'job', type: 'key', required: true },
  { name: 'seq', type: 'integer', required: true },
]

/** Identity in the table: two tables of one job commit apart. @param usual the name that the table has by default */
export function ownerOf(job: string, table: string, usual: string): string {
  return table === usual ? job : `${job}#${table}`
}

/** @throws SluiceError `OPTION_INVALID` where the name belongs to the sinks or to the database */
export function tableName(name: string): string {
  if (name !== '' && !name.includes('\0') && !/^(sqlite_|_sluice_)/i.test(name)) return name
  throw new SluiceError('OPTION_INVALID', `${JSON.stringify(name)} cannot be the name of a table`)
}
