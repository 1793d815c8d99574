/**
 * Tables of `job.db`. Rows are only ever appended to `request`, `added`, `ledger`, `settled` and `event`; the others
 * are small. `added` and `settled` repeat in packed form, one row a commit, what opening a job must read of millions of
 * requests and settlements: a blob of a thousand costs as much to read as one row.
 */
import type { DatabaseSync } from 'node:sqlite'
import { SluiceError } from '../../model/errors.ts'
import { SUMMED, SUMMED_TABLES } from './sums.ts'

/** Stored as `user_version`. Since 2 the small tables have checksums (`sums.ts`). */
export const FORMAT = 2
/** Formats that are read as they are; whoever writes brings them up to date first. */
const OLDEST = 1
/** Marks the file as ours (`application_id`): 'SLUC'. */
const APPLICATION = 0x534c5543

export const DATABASE = 'job.db'
export const LOCK = 'lock.db'

const TABLES = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value, sum INTEGER NOT NULL) WITHOUT ROWID;
-- Politeness keys (kind 0) and groups (1). Times are logical ms; NULL where the default of the job holds.
CREATE TABLE key(id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind INTEGER NOT NULL, next_at REAL NOT NULL,
  blocked_until REAL NOT NULL, interval REAL NOT NULL, delay REAL, conns INTEGER, cap REAL, errors INTEGER NOT NULL,
  sum INTEGER NOT NULL);
-- Requests of one key that share origin and groups. groups: ids, JSON or NULL.
CREATE TABLE lane(id INTEGER PRIMARY KEY, key INTEGER NOT NULL, origin TEXT NOT NULL, groups TEXT,
  sum INTEGER NOT NULL);
CREATE TABLE robots(key INTEGER NOT NULL, origin TEXT NOT NULL, verdict TEXT NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, fetched_at TEXT NOT NULL, until REAL NOT NULL, sum INTEGER NOT NULL, UNIQUE(key, origin));
CREATE TABLE source(id INTEGER PRIMARY KEY, name TEXT NOT NULL, ranges TEXT NOT NULL, sum INTEGER NOT NULL);
-- head: kind, priority, escaped url, depth (rows.ts). info: meta, verdict, hop as JSON, or NULL.
CREATE TABLE request(id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, head INTEGER NOT NULL, fp_hi INTEGER NOT NULL,
  fp_lo INTEGER NOT NULL, url TEXT NOT NULL, source INTEGER, ordinal INTEGER, info TEXT, sum INTEGER NOT NULL);
CREATE TABLE added(first INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE ledger(seq INTEGER PRIMARY KEY, request INTEGER NOT NULL, outcome INTEGER NOT NULL, code TEXT, status INTEGER,
  attempts INTEGER NOT NULL, run INTEGER NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE settled(first INTEGER PRIMARY KEY, data BLOB NOT NULL, sum INTEGER NOT NULL);
-- Requests that were queued again after a settlement. seq: the one that stands; pending 1: none does.
CREATE TABLE again(request INTEGER PRIMARY KEY, seq INTEGER NOT NULL, pending INTEGER NOT NULL, meta TEXT,
  sum INTEGER NOT NULL);
-- What is known of an unsettled request beyond its being queued. flags: alone 1, verdict 2 and 4, sent 8 (rows.ts).
CREATE TABLE state(request INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, crashes INTEGER NOT NULL, due REAL NOT NULL,
  code TEXT NOT NULL, flags INTEGER NOT NULL, root INTEGER NOT NULL, hop INTEGER NOT NULL,
  sum INTEGER NOT NULL);
CREATE TABLE position(name TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE event(id INTEGER PRIMARY KEY, type TEXT NOT NULL, t TEXT NOT NULL, data TEXT NOT NULL,
  sum INTEGER NOT NULL);
`

/** Of all tables. */
export const TABLE_NAMES = [...SUMMED_TABLES, 'request', 'added', 'ledger', 'settled'] as const

/**
 * Makes the tables of a new file, brings those of an older one up to date; refuses a file that is not ours or newer. True
 * when it held a job already. Needs `row_sum`.
 */
export function prepareSchema(db: DatabaseSync, path: string): boolean {
  const version = pragma(db, 'user_version')
  if (version === 0 && isEmpty(db)) {
    // One transaction: a death leaves either no job or a whole one.
    db.exec(`BEGIN; ${TABLES} PRAGMA application_id=${APPLICATION}; PRAGMA user_version=${FORMAT}; COMMIT`)
    return false
  }
  if (checkFormat(db, path) < FORMAT) addSums(db)
  return true
}

/** From format 1. One transaction: a death leaves the old file or the new one. */
function addSums(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const table of SUMMED_TABLES) {
      if (table !== 'robots') db.exec(`ALTER TABLE ${table} ADD COLUMN sum INTEGER NOT NULL DEFAULT 0`)
      db.exec(`UPDATE ${table} SET sum = row_sum(${SUMMED[table]})`)
    }
    db.exec(`PRAGMA user_version=${FORMAT}; COMMIT`)
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Its format. Throws unless the file is a job that this version reads. */
export function checkFormat(db: DatabaseSync, path: string): number {
  const version = pragma(db, 'user_version')
  if (pragma(db, 'application_id') !== APPLICATION) {
    throw new SluiceError('FRONTIER_CORRUPT', `${path} is a database, but not one of a job`, {
      hint: 'move it away, or name another job folder',
    })
  }
  if (version >= OLDEST && version <= FORMAT) return version
  const reads = `this version reads formats ${OLDEST} to ${FORMAT}`
  throw new SluiceError('FORMAT_UNSUPPORTED', `${path} has format ${version}; ${reads}`, {
    hint: 'go on with the version of sluice that wrote it, or start over with --fresh',
  })
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0])
}
