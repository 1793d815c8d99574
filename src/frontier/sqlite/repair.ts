/**
 * A job's database made anew from the rows of a damaged one that can be read and whose checksums are right. Nothing is
 * made up: a settlement that is lost makes its URL be fetched again, a request that is lost is taken from its list again.
 * The damaged files are kept beside the new one.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import { auditStore } from './audit.ts'
import { storeError } from './errors.ts'
import { takeLock } from './lock.ts'
import { Rebuilding } from './rebuild.ts'
import type { Rebuilt } from './rebuild.ts'
import { checkFormat, DATABASE, prepareSchema, TABLE_NAMES } from './schema.ts'
import { defineRowSum } from './sums.ts'

export interface Repair extends Rebuilt {
  /** Where the damaged files are, and a list of the lost URLs where there are any (`lost-urls.txt`). */
  readonly aside: string
}

/** In the folder of the damaged files. */
export const LOST_URLS = 'lost-urls.txt'
const NEW = 'job.db.new'
const PART = 'job.db.part'
const COPY = 'repair-'
const PAGE_BYTES = 4096
const FILES = [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`]

/**
 * Undefined: the database is as it was written. @throws SluiceError FRONTIER_LOCKED, FRONTIER_CORRUPT (nothing of it can
 * be read), FORMAT_UNSUPPORTED
 */
export function repairStore(folder: string, clock: Clock, unsafeLock = false): Repair | undefined {
  const path = join(folder, DATABASE)
  const lock = takeLock(folder, unsafeLock)
  try {
    // A death in the middle of the last step; what is left of the old files has been copied.
    if (!existsSync(path) && existsSync(join(folder, NEW))) {
      for (const file of FILES) rmSync(join(folder, file), { force: true })
      renameSync(join(folder, NEW), path)
      return undefined
    }
    if (!existsSync(path)) {
      throw new SluiceError('FRONTIER_CORRUPT', `${path} is missing: there is nothing to repair`, {
        hint: 'copy the folder again with all its files, or start over with --fresh (this one is kept)',
      })
    }
    if (isSound(folder)) return undefined
    const found = rebuild(path, join(folder, PART), clock)
    renameSync(join(folder, PART), join(folder, NEW))
    const aside = setAside(folder)
    if (found.lostUrls.length > 0) writeFileSync(join(aside, LOST_URLS), `${found.lostUrls.join('\n')}\n`)
    renameSync(join(folder, NEW), path)
    return { ...found, aside }
  } catch (error) {
    throw storeError(error, path)
  } finally {
    rmSync(join(folder, PART), { force: true })
    lock.release()
  }
}

function isSound(folder: string): boolean {
  try {
    return auditStore(folder).problems.length === 0
  } catch (error) {
    const known = storeError(error, folder)
    if (known.code === 'FRONTIER_CORRUPT') return false
    throw known
  }
}

/**
 * The database goes first: without one no job is begun here, and one without its log would lack its last commits. The log
 * goes before the new database comes, whose log it would be taken for.
 */
function setAside(folder: string): string {
  let n = 1
  while (existsSync(join(folder, `damaged-${n}`))) n++
  const aside = join(folder, `damaged-${n}`)
  mkdirSync(aside)
  const present = FILES.filter((file) => existsSync(join(folder, file)))
  for (const file of present) copyFileSync(join(folder, file), join(aside, file))
  for (const file of present) rmSync(join(folder, file))
  return aside
}

function rebuild(from: string, to: string, clock: Clock): Rebuilt {
  rmSync(to, { force: true })
  const db = new DatabaseSync(to)
  let old: DatabaseSync | undefined
  try {
    defineRowSum(db)
    prepareSchema(db, to)
    const source = hasTables(from) ? from : withFirstPage(from, to)
    old = new DatabaseSync(source, { readOnly: true })
    db.exec('BEGIN')
    const found = new Rebuilding(old, db, source, clock).run()
    db.exec('COMMIT')
    db.close()
    const file = openSync(to, 'r+')
    fsyncSync(file)
    closeSync(file)
    return found
  } finally {
    old?.close()
    if (db.isOpen) db.close()
    for (const file of FILES) rmSync(join(dirname(from), COPY + file), { force: true })
  }
}

function hasTables(path: string): boolean {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true })
    checkFormat(db, path)
    for (const table of TABLE_NAMES) db.prepare(`SELECT 1 FROM ${table} LIMIT 0`).all()
    return true
  } catch (error) {
    const known = storeError(error, path)
    if (known.code === 'FRONTIER_CORRUPT') return false
    throw known
  } finally {
    db?.close()
  }
}

/**
 * The first page says where each table begins: where it is damaged, that of a new file says the same, for tables are made
 * in one order. Returns a copy with it.
 */
function withFirstPage(path: string, fresh: string): string {
  const copy = join(dirname(path), COPY + DATABASE)
  const bytes = readFileSync(path)
  const first = readFileSync(fresh).subarray(0, PAGE_BYTES)
  if (bytes.length < 2 * PAGE_BYTES) return path
  first.copy(bytes)
  // Pages in all; and none of them free (sqlite.org/fileformat2.html, section 1.3).
  bytes.writeUInt32BE(Math.floor(bytes.length / PAGE_BYTES), 28)
  bytes.fill(0, 32, 40)
  writeFileSync(copy, bytes)
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
  return copy
}
