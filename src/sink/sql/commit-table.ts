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

/** `storedItems`: the position was left by a sink that had made its table of items. */
export interface SqlPosition {
  readonly stored: number
  readonly storedItems: boolean
}

export function encodePosition(seq: number, hasItemTable: boolean): Uint8Array {
  return Buffer.from(JSON.stringify(hasItemTable ? { v: 1, seq, items: true } : { v: 1, seq }))
}

/** @param name of the output, for the message. @throws SluiceError `FORMAT_UNSUPPORTED` */
export function decodePosition(position: Uint8Array | undefined, name: string): SqlPosition {
  if (position === undefined) return { stored: 0, storedItems: false }
  const found = /^\{"v":1,"seq":(\d{1,15})(,"items":true)?\}$/.exec(Buffer.from(position).toString())
  if (found !== null) return { stored: Number(found[1]), storedItems: found[2] !== undefined }
  throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${name} is not one this version can read`)
}

/** @throws SluiceError `OPTION_INVALID` where the name belongs to the sinks or to the database */
export function tableName(name: string): string {
  if (name !== '' && !name.includes('\0') && !/^(sqlite_|_sluice_)/i.test(name)) return name
  throw new SluiceError('OPTION_INVALID', `${JSON.stringify(name)} cannot be the name of a table`)
}
