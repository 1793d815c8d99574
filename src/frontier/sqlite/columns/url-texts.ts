/**
 * The URLs of a job as bytes in memory, small letters, for searches that answer while somebody types: a million of them are
 * looked through in a few dozen ms, where the file takes several times that. Filled in steps once there was a first search;
 * a job whose URLs need more than the budget is searched in the file.
 */
import { setImmediate } from 'node:timers/promises'
import { Column } from './column.ts'
import type { JobColumns } from './columns.ts'

const CHUNK_BYTES = 4 * 1024 * 1024
const BUDGET_BYTES = 96 * 1024 * 1024
/** Rows of a step. */
const STEP = 10_000
const NEWLINE = 10

/** Consecutive rows, each with a newline behind it. */
interface Chunk {
  readonly bytes: Buffer
  readonly first: number
  used: number
}

export class UrlTexts {
  readonly #columns: JobColumns
  /** Where each row begins in its chunk. */
  readonly #starts = new Column((length) => new Uint32Array(length))
  readonly #chunks: Chunk[] = []
  #rows = 0
  #isOver = false
  #isFilling = false

  constructor(columns: JobColumns) {
    this.#columns = columns
  }

  /** Rows that hold a text, ascending; undefined while not all are here, or where they do not fit. */
  find(text: string): Uint32Array | undefined {
    if (this.#isOver) return undefined
    if (this.#columns.rows - this.#rows > STEP) {
      this.#fill()
      return undefined
    }
    if (!this.#step()) return undefined
    const wanted = Buffer.from(text.toLowerCase())
    if (wanted.includes(NEWLINE)) return new Uint32Array()
    const ids = new Uint32Array(this.#rows)
    let count = 0
    for (const { bytes, first, used } of this.#chunks) {
      let row = first
      for (let at = bytes.indexOf(wanted); at >= 0 && at < used; ) {
        row = this.#rowAt(at, row, bytes === this.#chunks.at(-1)?.bytes ? this.#rows : undefined)
        ids[count++] = row
        const end = bytes.indexOf(NEWLINE, at)
        at = bytes.indexOf(wanted, end)
      }
    }
    return ids.subarray(0, count)
  }

  /** The last row from `low` on that begins at or before a place of its chunk. */
  #rowAt(place: number, low: number, last: number | undefined): number {
    const starts = this.#starts.values
    let from = low
    let to = last ?? this.#lastOf(low)
    while (from < to) {
      const middle = (from + to + 1) >>> 1
      if ((starts[middle] as number) <= place) from = middle
      else to = middle - 1
    }
    return from
  }

  /** Last row of the chunk that a row is in. */
  #lastOf(row: number): number {
    const next = this.#chunks.find(({ first }) => first > row)
    return next === undefined ? this.#rows : next.first - 1
  }

  /** Reads some rows; true when all are here. */
  #step(): boolean {
    const { db, rows } = this.#columns
    const upTo = Math.min(rows, this.#rows + STEP)
    if (upTo > this.#rows) {
      const statement = db.prepare('SELECT id,url FROM request WHERE id > ? AND id <= ? ORDER BY id')
      statement.setReturnArrays(true)
      this.#starts.reserve(upTo + 1)
      for (const [id, url] of statement.all(this.#rows, upTo) as unknown as [number, string][]) this.#put(id, url)
      this.#rows = upTo
    }
    if (this.#chunks.length * CHUNK_BYTES <= BUDGET_BYTES) return this.#rows >= this.#columns.rows
    this.#isOver = true
    this.#chunks.length = 0
    return false
  }

  #put(id: number, url: string): void {
    const text = url.toLowerCase()
    const most = Buffer.byteLength(text) + 1
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.used + most > chunk.bytes.length) {
      chunk = { bytes: Buffer.alloc(Math.max(CHUNK_BYTES, most)), first: id, used: 0 }
      this.#chunks.push(chunk)
    }
    this.#starts.values[id] = chunk.used
    chunk.used += chunk.bytes.write(text, chunk.used)
    chunk.bytes[chunk.used++] = NEWLINE
  }

  #fill(): void {
    if (this.#isFilling) return
    this.#isFilling = true
    const on = async (): Promise<void> => {
      while (this.#columns.isOpen && !this.#isOver && !this.#step()) await setImmediate()
    }
    const end = (): void => {
      this.#isFilling = false
    }
    // Where the file is damaged the search in the file says so.
    on().then(end, end)
  }
}
