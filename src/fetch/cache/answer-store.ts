/**
 * Answers kept in a file, by URL and by the fields of the request that chose them. The file is a cache and nothing else: what
 * in it is damaged is a miss, a file that cannot be read is made anew, and where the disk does not take a write nothing is
 * kept from then on. Every row carries a digest of what it says and of its body. Knows nothing of freshness.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Clock, TimerHandle } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Digester } from '../../url/fingerprint.ts'

export interface KeptAnswer {
  readonly status: number
  readonly statusText: string
  readonly rawHeaders: readonly string[]
  readonly contentType: string
  readonly address: string
  /** Wall-clock ms. */
  readonly askedAt: number
  readonly receivedAt: number
  readonly flags: readonly string[]
  /** Fields of the request that chose it: name and a hash of the value. */
  readonly chosenBy: readonly (readonly [name: string, value: string])[]
  readonly size: number
  /** As in records; '' for an empty body. */
  readonly digest: string
}

export interface Found {
  /** Row of the store. */
  readonly id: number
  readonly answer: KeptAnswer
  readonly body: Uint8Array
}

export interface AnswerStoreOptions {
  /** Made where it is not there. */
  readonly folder: string
  /** Bytes of bodies and heads; the longest unused go first. */
  readonly maxBytes: number
  readonly clock: Clock
  readonly digester: Digester
  /** Told once, when the file had to be made anew or takes no more. */
  readonly warn: (message: string) => void
}

const FILE = 'answers.db'
/** Another number is another file: what is kept can be had again. */
const FORMAT = 1
/** Writes are committed together after this; another process that writes meanwhile keeps nothing. */
const GROUP_MS = 20
/** Answers to one URL that differ by what was asked for. */
const MOST_VARIANTS = 8
/** Room that is made at once, as a share of the whole. */
const ROOM = 0.1
/** What a row takes besides its body and head. */
const ROW_BYTES = 200

const TABLES = `
-- The body last: what stands before it is read without it.
CREATE TABLE IF NOT EXISTS answer(id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, used REAL NOT NULL, sum TEXT NOT NULL,
  url TEXT NOT NULL, head TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS answer_url ON answer(url);
CREATE INDEX IF NOT EXISTS answer_used ON answer(used);
`

interface Row {
  readonly id: number
  readonly head: string
  readonly body: Uint8Array
  readonly sum: string
}

export class AnswerStore {
  readonly #options: AnswerStoreOptions
  readonly #db: DatabaseSync
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #touch: StatementSync
  readonly #remove: StatementSync
  readonly #removeUrl: StatementSync
  readonly #oldest: StatementSync
  #bytes: number
  #timer: TimerHandle | undefined
  #inGroup = false
  /** The disk or the file refused: nothing is kept from here on. */
  #isOver = false
  /** The file holds what is no table any more: it is removed at the end. */
  #isDamaged = false

  /** @throws SluiceError `OPTION_INVALID` where the folder cannot be made */
  constructor(options: AnswerStoreOptions) {
    this.#options = options
    const { db, bytes } = openDatabase(options)
    this.#db = db
    this.#bytes = bytes
    this.#find = this.#db.prepare('SELECT id, head, body, sum FROM answer WHERE url = ? ORDER BY id DESC')
    this.#insert = this.#db.prepare('INSERT INTO answer(url, head, body, bytes, used, sum) VALUES(?, ?, ?, ?, ?, ?)')
    this.#update = this.#db.prepare('UPDATE answer SET head = ?, sum = ?, used = ? WHERE id = ?')
    this.#touch = this.#db.prepare('UPDATE answer SET used = ? WHERE id = ?')
    this.#remove = this.#db.prepare('DELETE FROM answer WHERE id = ? RETURNING bytes')
    this.#removeUrl = this.#db.prepare('DELETE FROM answer WHERE url = ? RETURNING bytes')
    this.#oldest = this.#db.prepare('SELECT id FROM answer ORDER BY used LIMIT 100')
  }

  /** The latest answer that `isChosen` by the request. A damaged one is removed. */
  find(url: string, isChosen: (answer: KeptAnswer) => boolean): Found | undefined {
    return this.#tried(() => {
      for (const row of this.#find.all(url) as unknown as Row[]) {
        const answer = this.#sound(url, row)
        if (answer === undefined) this.#forget(row.id)
        else if (isChosen(answer)) return { id: row.id, answer, body: row.body }
      }
      return undefined
    })
  }

  /** Keeps it in place of the one of row `instead`. The body is copied. */
  put(url: string, answer: KeptAnswer, body: Uint8Array, instead: number | undefined): void {
    const head = JSON.stringify(answer)
    const bytes = body.length + head.length + url.length + ROW_BYTES
    if (bytes > this.#options.maxBytes) return
    this.#write(() => {
      if (instead !== undefined) this.#forget(instead)
      for (const { id } of (this.#find.all(url) as unknown as Row[]).slice(MOST_VARIANTS - 1)) this.#forget(id)
      this.#insert.run(url, head, body, bytes, this.#options.clock.wall(), this.#sumOf(url, head))
      this.#bytes += bytes
      if (this.#bytes > this.#options.maxBytes) this.#makeRoom()
    })
  }

  /** The body stays. */
  update(id: number, url: string, answer: KeptAnswer): void {
    const head = JSON.stringify(answer)
    this.#write(() => this.#update.run(head, this.#sumOf(url, head), this.#options.clock.wall(), id))
  }

  used(id: number): void {
    this.#write(() => this.#touch.run(this.#options.clock.wall(), id))
  }

  remove(url: string): void {
    this.#write(() => {
      for (const { bytes } of this.#removeUrl.all(url) as { bytes: number }[]) this.#bytes -= bytes
    })
  }

  close(): void {
    this.#timer?.cancel()
    this.#commit()
    this.#isOver = true
    this.#db.close()
    if (this.#isDamaged) removeFiles(join(this.#options.folder, FILE))
  }

  #sound(url: string, { head, body, sum }: Row): KeptAnswer | undefined {
    if (sum !== this.#sumOf(url, head)) return undefined
    const answer = JSON.parse(head) as KeptAnswer
    const { digester } = this.#options
    const isWhole = body.length === answer.size && (body.length === 0 ? '' : digester.digest(body)) === answer.digest
    return isWhole ? answer : undefined
  }

  #sumOf(url: string, head: string): string {
    return this.#options.digester.digest(Buffer.from(`${url}\n${head}`))
  }

  #forget(id: number): void {
    for (const { bytes } of this.#remove.all(id) as { bytes: number }[]) this.#bytes -= bytes
  }

  #makeRoom(): void {
    const goal = this.#options.maxBytes * (1 - ROOM)
    while (this.#bytes > goal) {
      const oldest = this.#oldest.all() as { id: number }[]
      if (oldest.length === 0) return
      for (const { id } of oldest) if (this.#bytes > goal) this.#forget(id)
    }
  }

  #write(change: () => void): void {
    this.#tried(() => {
      if (!this.#inGroup) {
        this.#db.exec('BEGIN IMMEDIATE')
        this.#inGroup = true
        this.#timer ??= this.#options.clock.setTimer(() => {
          this.#timer = undefined
          this.#commit()
        }, GROUP_MS)
      }
      change()
    })
  }

  #commit(): void {
    if (!this.#inGroup) return
    this.#inGroup = false
    this.#tried(() => this.#db.exec('COMMIT'))
  }

  /** What fails here fails nobody: it is a miss, or is not kept. */
  #tried<Result>(work: () => Result): Result | undefined {
    if (this.#isOver) return undefined
    try {
      return work()
    } catch (error) {
      // Another process is at it: this one answer is not kept.
      const code = codeOf(error)
      if (code === SQLITE_BUSY) return undefined
      this.#isOver = true
      this.#isDamaged = code === SQLITE_CORRUPT || code === SQLITE_NOTADB
      this.#inGroup = false
      this.#options.warn(`nothing more is kept in ${this.#options.folder}: ${(error as Error).message}`)
      return undefined
    }
  }
}

const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26
/** How long opening waits for another process that is at the same. */
const OPEN_MS = 5_000

/** Primary code; 0 where it is no error of SQLite. */
function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

function removeFiles(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
}

interface Opened {
  readonly db: DatabaseSync
  /** What all rows take. */
  readonly bytes: number
}

function openDatabase({ folder, warn }: AnswerStoreOptions): Opened {
  const path = join(folder, FILE)
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new SluiceError('OPTION_INVALID', `--cache: ${(error as Error).message}`, { cause: error })
  }
  try {
    const opened = prepared(path)
    if (opened !== undefined) return opened
  } catch (error) {
    // In use is not damaged.
    if (codeOf(error) === SQLITE_BUSY)
      throw new SluiceError('OPTION_INVALID', `--cache: ${path} is busy`, { cause: error })
    warn(`${path} was damaged and is begun anew: ${(error as Error).message}`)
  }
  removeFiles(path)
  const fresh = prepared(path)
  if (fresh === undefined) throw new SluiceError('OPTION_INVALID', `--cache: ${path} cannot be made`)
  return fresh
}

/** Undefined where it is of another format. */
function prepared(path: string): Opened | undefined {
  const db = new DatabaseSync(path, { timeout: OPEN_MS })
  try {
    // The fetching thread never waits for the disk here: a power cut may damage the file, a kill does not.
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA journal_size_limit=8388608')
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
    if (version !== FORMAT && version !== 0) {
      db.close()
      return undefined
    }
    db.exec(TABLES)
    db.exec(`PRAGMA user_version=${FORMAT}`)
    // Goes through the whole table: one that is damaged shows it here.
    const bytes = Number(db.prepare('SELECT total(bytes) AS bytes FROM answer').get()?.['bytes'] ?? 0)
    db.exec('PRAGMA busy_timeout=0')
    return { db, bytes }
  } catch (error) {
    db.close()
    throw error
  }
}
