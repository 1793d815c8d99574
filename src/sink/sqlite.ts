/**
 * Page records, or items (`sqlite-items.ts`), as rows of a SQLite table: the latest per (job, dedupe key). Each batch and the number of its
 * last settlement (`_sluice_commit`) are one transaction, so that rows a death left behind are found by their `seq`.
 * Readers may read while the job writes (WAL). Knows no engine.
 *
 * SQL has no lone surrogates: UTF-8 makes U+FFFD of them.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'
import { ItemTable } from './sqlite-items.ts'
import { COMMIT_SCHEMA, COMMIT_TABLE, checkTable, quoted, schemaOf, TABLE_FIELDS, upsertOf } from './sqlite-schema.ts'
import { changed, storeError } from './store-error.ts'

export interface SqliteSinkOptions {
  /** The database file; relative paths are below the working directory. */
  readonly path: string
  /** Default `pages`, or `items` where the job has an extractor. */
  readonly table?: string
  /** Default `kill` (`synchronous=NORMAL`); `power` is `FULL`. */
  readonly durability?: 'kill' | 'power'
  /** Milliseconds to wait while another process holds the write lock. Default 5000. */
  readonly busyMs?: number
}

/** Milliseconds between two tries for the lock; the event loop runs meanwhile. */
const BUSY_STEP_MS = 25
/** KiB of page cache: keys are hashes, so the index is touched everywhere; 64 MB hold it for some 1.5 M rows. */
const CACHE_KIB = 65_536

const COMMIT = `INSERT INTO ${COMMIT_TABLE} (job, seq) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET seq = excluded.seq`

const SQLITE_BUSY = 5
const SQLITE_FULL = 13
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** A sink that keeps the latest record per URL, or the latest of each item, of each job in `table`. */
export function sqliteSink(options: SqliteSinkOptions): Sink {
  const path = resolve(options.path)
  const pageTable = tableName(options.table ?? 'pages')
  const busyMs = options.busyMs ?? 5000
  let db: DatabaseSync | undefined
  let upsert: StatementSync
  let items: ItemTable | undefined
  let commit: StatementSync
  let job = ''
  /** Identity in `_sluice_commit`: two tables of one job commit apart. */
  let owner = ''
  let seq = 0
  let inode = 0

  async function transaction(work: (db: DatabaseSync) => void): Promise<void> {
    if (db === undefined) throw new SluiceError('SINK_UNREACHABLE', `${path} is not open`)
    await patiently(() => db?.exec('BEGIN IMMEDIATE'), busyMs)
    try {
      work(db)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  function openFile(): void {
    mkdirSync(dirname(path), { recursive: true })
    db = new DatabaseSync(path, { timeout: 0 })
    db.exec(`PRAGMA cache_size=-${CACHE_KIB}`)
  }

  async function prepare(info: JobInfo, position: Uint8Array | undefined): Promise<void> {
    const { stored, storedItems } = decode(position, path)
    owner = pageTable === 'pages' ? info.id : `${info.id}#${pageTable}`
    if (stored > 0 && !existsSync(path)) throw changed(path, 'is gone')
    openFile()
    await patiently(() => db?.exec('PRAGMA journal_mode=WAL'), busyMs)
    db?.exec(`PRAGMA synchronous=${options.durability === 'power' ? 'FULL' : 'NORMAL'}`)
    if (options.durability === 'power') db?.exec('PRAGMA fullfsync=ON')
    await transaction((open) => {
      open.exec(COMMIT_SCHEMA)
      const written = writtenBefore(open, path, owner, stored)
      if (info.items === undefined) preparePages(open, info, written, stored > 0 && !storedItems)
      else prepareItems(open, info, written, storedItems)
      open.prepare(COMMIT).run(owner, info.committedSeq)
    })
    if (db === undefined) return
    if (info.items === undefined) upsert = db.prepare(upsertOf(pageTable))
    commit = db.prepare(COMMIT)
    inode = statSync(path).ino
    job = info.id
    seq = info.committedSeq
  }

  function preparePages(open: DatabaseSync, info: JobInfo, written: number, usedBefore: boolean): void {
    checkTable(open, path, pageTable, usedBefore)
    for (const statement of schemaOf(pageTable)) open.exec(statement)
    if (written > info.committedSeq) {
      open.prepare(`DELETE FROM ${quoted(pageTable)} WHERE job = ? AND seq > ?`).run(info.id, info.committedSeq)
    }
  }

  function prepareItems(open: DatabaseSync, info: JobInfo, written: number, usedBefore: boolean): void {
    items = new ItemTable(open, path, options.table ?? 'items', info)
    items.prepare(usedBefore)
    if (written > info.committedSeq) items.takeBack()
  }

  function store(batch: readonly SinkRecord[]): void {
    const before = seq
    for (const { record } of batch) if (record.seq > seq) seq = record.seq
    if (items === undefined) {
      for (const { record, dedupeKey } of sorted(batch)) upsert.run(...valuesOf(record, job, dedupeKey))
    } else {
      items.store(batch, before)
    }
    commit.run(owner, seq)
  }

  const close = (): void => {
    if (db?.isOpen === true) db.close()
    db = undefined
  }

  return {
    name: `sqlite:${path}${pageTable === 'pages' ? '' : `#${pageTable}`}`,
    wantsBodies: false,

    async open(info: JobInfo, position: Uint8Array | undefined): Promise<void> {
      try {
        await prepare(info, position)
      } catch (error) {
        close()
        if (position !== undefined && primaryCode(error) === SQLITE_NOTADB) {
          throw changed(path, 'is no SQLite database any more')
        }
        throw sqliteError(path, error)
      }
    },

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      const before = seq
      const hadTable = items?.exists === true
      try {
        if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) {
          throw changed(path, 'was moved or deleted while this job wrote to it')
        }
        if (batch.length > 0) await transaction(() => store(batch))
      } catch (error) {
        seq = before
        if (!hadTable) items?.forgetTable()
        throw sqliteError(path, error)
      }
      return Buffer.from(JSON.stringify(items?.exists === true ? { v: 1, seq, items: true } : { v: 1, seq }))
    },

    async close(): Promise<void> {
      close()
    },
  }
}

/** The last number stored; refuses a database that lost what was committed. */
function writtenBefore(db: DatabaseSync, path: string, owner: string, stored: number): number {
  const row = db.prepare(`SELECT seq FROM ${COMMIT_TABLE} WHERE job = ?`).get(owner)
  const written = row === undefined ? 0 : Number(row['seq'])
  if (written < stored) throw changed(path, 'does not hold what this job stored in it')
  return written
}

/** In the order of the index. The sort is stable: of two records with one key the later stays the later. */
function sorted(batch: readonly SinkRecord[]): readonly SinkRecord[] {
  return batch.toSorted((a, b) => (a.dedupeKey < b.dedupeKey ? -1 : a.dedupeKey > b.dedupeKey ? 1 : 0))
}

function valuesOf(record: PageRecord, job: string, dedupeKey: string): SQLInputValue[] {
  const values: SQLInputValue[] = [job, dedupeKey]
  for (const { name } of TABLE_FIELDS) {
    const value = record[name]
    if (value === undefined) values.push(null)
    else values.push(typeof value === 'object' ? JSON.stringify(value) : value)
  }
  return values
}

function tableName(name: string): string {
  if (name !== '' && !name.includes('\0') && !/^(sqlite_|_sluice_)/i.test(name)) return name
  throw new SluiceError('OPTION_INVALID', `${JSON.stringify(name)} cannot be the name of a table`)
}

/** `storedItems`: the position was left by a sink that had made its table of items. */
function decode(position: Uint8Array | undefined, path: string): { stored: number; storedItems: boolean } {
  if (position === undefined) return { stored: 0, storedItems: false }
  const found = /^\{"v":1,"seq":(\d{1,15})(,"items":true)?\}$/.exec(Buffer.from(position).toString())
  if (found !== null) return { stored: Number(found[1]), storedItems: found[2] !== undefined }
  throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${path} is not one this version can read`)
}

/** Tries again while another process holds the lock. SQLite's own waiting would stop the event loop. */
async function patiently(work: () => void, busyMs: number): Promise<void> {
  const end = performance.now() + busyMs
  for (;;) {
    try {
      work()
      return
    } catch (error) {
      if (primaryCode(error) !== SQLITE_BUSY || performance.now() >= end) throw error
      await pause(BUSY_STEP_MS)
    }
  }
}

/** SQLite's result code without its extension (sqlite.org/rescode.html); 0 where the error is not SQLite's. */
function primaryCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0
  return Number(error.errcode) & 0xff
}

function sqliteError(path: string, error: unknown): SluiceError {
  switch (primaryCode(error)) {
    case SQLITE_FULL:
      return new SluiceError('SINK_FULL', `no room to write ${path}`, {
        hint: 'make room and run the same command again: the job continues where it stopped',
        cause: error,
      })
    case SQLITE_BUSY:
      return new SluiceError('SINK_UNREACHABLE', `${path} is locked by another process`, {
        hint: 'close what writes to it and run the same command again: the job continues where it stopped',
        cause: error,
      })
    case SQLITE_NOTADB:
      return new SluiceError('OPTION_INVALID', `${path} exists and is not a SQLite database`, {
        hint: 'choose another name for --out',
        cause: error,
      })
    case SQLITE_CORRUPT:
      return changed(path, 'is damaged (try PRAGMA integrity_check)')
    default:
      return storeError(path, error)
  }
}
