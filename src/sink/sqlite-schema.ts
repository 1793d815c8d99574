/** The table of the SQLite sink: its statements, and the check of a table that was there before. Knows no batch. */
import type { DatabaseSync } from 'node:sqlite'
import { SluiceError } from '../model/errors.ts'
import { PAGE_FIELDS, type PageField } from './page-fields.ts'
import { changed } from './store-error.ts'

/** Last stored settlement per job. */
export const COMMIT_TABLE = '"_sluice_commit"'

export const COMMIT_SCHEMA = `CREATE TABLE IF NOT EXISTS ${COMMIT_TABLE} ("job" TEXT PRIMARY KEY, "seq" INTEGER NOT NULL)`

/** Columns behind `job` and `dedupe_key`. */
export const TABLE_FIELDS: readonly PageField[] = [...PAGE_FIELDS, { name: 'input', type: 'json' }]

const REQUIRED = new Set(['url', 'outcome', 'depth', 'attempt', 't', 'run', 'seq'])

/** An SQL name, whatever it contains. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function schemaOf(table: string): string[] {
  const columns = TABLE_FIELDS.map(({ name, type }) => {
    const word = type === 'integer' ? 'INTEGER' : 'TEXT'
    return `${quoted(name)} ${word}${REQUIRED.has(name) ? ' NOT NULL' : ''}`
  })
  return [
    COMMIT_SCHEMA,
    `CREATE TABLE IF NOT EXISTS ${quoted(table)} ("job" TEXT NOT NULL, "dedupe_key" TEXT NOT NULL, ${columns.join(', ')}, UNIQUE ("job", "dedupe_key"))`,
  ]
}

export function upsertOf(table: string): string {
  const names = ['job', 'dedupe_key', ...TABLE_FIELDS.map(({ name }) => name)].map(quoted)
  const updates = TABLE_FIELDS.map(({ name }) => `${quoted(name)} = excluded.${quoted(name)}`)
  const marks = names.map(() => '?').join(', ')
  return `INSERT INTO ${quoted(table)} (${names.join(', ')}) VALUES (${marks}) ON CONFLICT ("job", "dedupe_key") DO UPDATE SET ${updates.join(', ')}`
}

/**
 * A table of that name must be one of ours: own columns of the user's may be added to it, none may be missing.
 * @throws SluiceError `OPTION_INVALID`; `SINK_CHANGED` where this job has stored in it before
 */
export function checkTable(db: DatabaseSync, path: string, table: string, usedBefore: boolean): void {
  const rows = db.prepare(`SELECT name FROM pragma_table_info(?)`).all(table)
  if (rows.length === 0) {
    if (usedBefore) throw changed(path, `has no table ${table} any more`)
    return
  }
  const present = new Set(rows.map((row) => row['name']))
  const missing = ['job', 'dedupe_key', ...TABLE_FIELDS.map(({ name }) => name)].filter((name) => !present.has(name))
  if (missing.length === 0 && isUnique(db, table, ['dedupe_key', 'job'])) return
  const what = missing.length > 0 ? `lacks the columns ${missing.join(', ')}` : 'has no unique key (job, dedupe_key)'
  if (usedBefore) throw changed(path, `has a table ${table} that ${what}`)
  throw new SluiceError('OPTION_INVALID', `${path} has a table ${table} of another shape: it ${what}`, {
    hint: 'choose another file for --out',
  })
}

/** Whether the table has a unique key of these columns, given in the order of their names. */
export function isUnique(db: DatabaseSync, table: string, key: readonly string[]): boolean {
  const indexes = db.prepare(`SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0`).all(table)
  return indexes.some(({ name }) => {
    const columns = db.prepare(`SELECT name FROM pragma_index_info(?) ORDER BY name`).all(name as string)
    return columns.map((row) => row['name']).join() === key.join()
  })
}
