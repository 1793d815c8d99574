/**
 * Tables of `queues.db`. A message is two rows, so that a change of its state does not write its body again. `at` is when a
 * lease or a delay ends, NULL where neither runs; all times are logical ms.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy, storeError } from '../frontier/sqlite/errors.ts'
import { SluiceError } from '../model/errors.ts'

/** Stored as `user_version`. */
const FORMAT = 1
/** Marks the file as ours (`application_id`): 'SLUQ'. */
const APPLICATION = 0x534c5551
const FILE = 'queues.db'

/** Values of `message.state`. */
export const READY = 0
export const CLAIMED = 1
export const DELAYED = 2
export const DEAD = 3

// AUTOINCREMENT: a number that was given is never given again, whatever was deleted.
const TABLES = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE queue(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, paused INTEGER NOT NULL DEFAULT 0,
  delivery TEXT NOT NULL DEFAULT 'shared', attempts INTEGER NOT NULL DEFAULT 5, crashes INTEGER NOT NULL DEFAULT 20,
  keep INTEGER NOT NULL DEFAULT 10000, newest INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0,
  n_ready INTEGER NOT NULL DEFAULT 0, n_claimed INTEGER NOT NULL DEFAULT 0, n_delayed INTEGER NOT NULL DEFAULT 0,
  n_dead INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, redelivered INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0,
  purged INTEGER NOT NULL DEFAULT 0);
CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, state INTEGER NOT NULL, at INTEGER,
  expires INTEGER, lease INTEGER NOT NULL, handout INTEGER NOT NULL, attempt INTEGER NOT NULL, crashes INTEGER NOT NULL);
CREATE TABLE body(id INTEGER PRIMARY KEY, added TEXT NOT NULL, type TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX by_state ON message(queue, state, id);
CREATE INDEX by_time ON message(queue, at) WHERE at IS NOT NULL;
CREATE INDEX by_expiry ON message(queue, expires) WHERE expires IS NOT NULL;
`

export interface OpenedDatabase {
  readonly db: DatabaseSync
  readonly path: string
}

/**
 * Opens or makes the store of a folder and locks it: the lock is on the file and ends with the process, however it dies.
 *
 * @throws SluiceError FRONTIER_LOCKED, FRONTIER_CORRUPT, FORMAT_UNSUPPORTED, FRONTIER_UNREACHABLE
 */
export function openDatabase(folder: string, durability: 'kill' | 'power'): OpenedDatabase {
  const path = join(folder, FILE)
  let db: DatabaseSync | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    db = new DatabaseSync(path)
    db.exec(`PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;
      PRAGMA synchronous=${durability === 'power' ? 'FULL' : 'NORMAL'}; BEGIN IMMEDIATE`)
    prepare(db, path)
    db.exec('COMMIT')
    return { db, path }
  } catch (error) {
    db?.close()
    if (!isBusy(error)) throw storeError(error, path)
    throw new SluiceError('FRONTIER_LOCKED', `${path} is in use by another process`, {
      hint: 'stop that process, or give this one another folder',
      cause: error,
    })
  }
}

function prepare(db: DatabaseSync, path: string): void {
  const version = pragma(db, 'user_version')
  if (version === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0) {
    db.exec(`${TABLES} PRAGMA application_id=${APPLICATION}; PRAGMA user_version=${FORMAT}`)
    return
  }
  if (pragma(db, 'application_id') !== APPLICATION)
    throw new SluiceError('FRONTIER_CORRUPT', `${path} is a database, but not one of queues`, {
      hint: 'move it away, or name another folder',
    })
  if (version !== FORMAT)
    throw new SluiceError('FORMAT_UNSUPPORTED', `${path} has format ${version}; this version reads format ${FORMAT}`, {
      hint: 'use the version of sluice that wrote it, or name another folder',
    })
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}
