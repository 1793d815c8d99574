/**
 * Page records, or items (`sqlite-items.ts`), as rows of a SQLite table: the latest per (job, dedupe key). Each batch and the number of its
 * last settlement (`_sluice_commit`) are one transaction, so that rows a death left behind are found by their `seq`.
 * Readers may read while the job writes (WAL). Knows no engine.
 *
 * UTF-8 has no lone surrogates: texts of page records get U+FFFD for them, such texts of items go into `_more`.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { SluiceError } from '../model/errors.ts'
import { decodePosition, encodePosition } from './seq-position.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'
import { ItemTable } from './sqlite-items.ts'
import { storableKey } from './sql/cell.ts'
import { COMMIT_COLUMNS, COMMIT_TABLE, ownerOf, tableName } from './sql/commit-table.ts'
import { latestPages, PAGE_COLUMNS, PAGE_KEY, pageCells } from './sql/page-table.ts'
import { tableStatements, upsertText, type WantedTable } from './sql/table.ts'
import { primaryCode, SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB } from './sqlite-code.ts'
import { bound, SQLITE, tableInfo } from './sqlite-schema.ts'
import { changed, DATA_HINT, storeError } from './store-error.ts'

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

const COMMIT = upsertText(SQLITE, COMMIT_TABLE, COMMIT_COLUMNS, ['job'], 'VALUES (?, ?)')

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
    const { stored, storedItems } = decodePosition(position, path)
    owner = ownerOf(info.id, pageTable, 'pages')
    if (stored > 0 && !existsSync(path)) throw changed(path, 'is gone')
    openFile()
    await patiently(() => db?.exec('PRAGMA journal_mode=WAL'), busyMs)
    db?.exec(`PRAGMA synchronous=${options.durability === 'power' ? 'FULL' : 'NORMAL'}`)
    if (options.durability === 'power') db?.exec('PRAGMA fullfsync=ON')
    await transaction((open) => {
      const commits = { name: COMMIT_TABLE, columns: COMMIT_COLUMNS, key: ['job'], own: COMMIT_COLUMNS }
      ensure(open, path, { ...commits, usedBefore: false })
      const written = writtenBefore(open, path, owner, stored)
      if (info.items === undefined) preparePages(open, info, written, stored > 0 && !storedItems)
      else prepareItems(open, info, written, storedItems)
      open.prepare(COMMIT).run(owner, info.committedSeq)
    })
    if (db === undefined) return
    const marks = PAGE_COLUMNS.map(() => '?').join(', ')
    const text = upsertText(SQLITE, pageTable, PAGE_COLUMNS, PAGE_KEY, `VALUES (${marks})`)
    if (info.items === undefined) upsert = db.prepare(text)
    commit = db.prepare(COMMIT)
    inode = statSync(path).ino
    job = info.id
    seq = info.committedSeq
  }

  function preparePages(open: DatabaseSync, info: JobInfo, written: number, usedBefore: boolean): void {
    ensure(open, path, { name: pageTable, columns: PAGE_COLUMNS, key: PAGE_KEY, own: PAGE_COLUMNS, usedBefore })
    if (written > info.committedSeq) {
      open.prepare(`DELETE FROM ${SQLITE.quoted(pageTable)} WHERE job = ? AND seq > ?`).run(info.id, info.committedSeq)
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
      const keyOf = (key: string): string => storableKey(SQLITE, key)
      for (const page of latestPages(batch)) upsert.run(...pageCells(job, page, keyOf).map(bound))
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
      return encodePosition(seq, items?.exists === true)
    },

    async close(): Promise<void> {
      close()
    },
  }
}

/** The last number stored; refuses a database that lost what was committed. */
function writtenBefore(db: DatabaseSync, path: string, owner: string, stored: number): number {
  const row = db.prepare(`SELECT seq FROM ${SQLITE.quoted(COMMIT_TABLE)} WHERE job = ?`).get(owner)
  const written = row === undefined ? 0 : Number(row['seq'])
  if (written < stored) throw changed(path, 'does not hold what this job stored in it', DATA_HINT)
  return written
}

function ensure(db: DatabaseSync, path: string, wanted: WantedTable): void {
  for (const sql of tableStatements(SQLITE, path, wanted, tableInfo(db, wanted.name))) db.exec(sql)
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
