/**
 * Items of a file with one item a line (plain lists, NDJSON), in batches, with the position behind each. What is on a
 * line is for the caller. Memory holds one piece of the file, whatever the length of file and lines.
 */
import { isAscii } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { detach } from '../url/detach.ts'
import type { Range } from '../url/range.ts'
import type { Input } from './input.ts'
import { encodePosition } from './position.ts'
import type { Kind, Position } from './position.ts'
import type { SourceBatch, SourceItem } from './source.ts'
import { textOfBytes } from './text.ts'

/** Items of a batch at most. */
export const BATCH = 1000
/** A longer line gives an item with its beginning. */
const LONGEST_LINE = 65_536
/** So much of a line without end is collected before it is cut. */
const LONGEST_CARRY = 4 * 1024 * 1024

export interface LineFormat {
  readonly kind: Kind
  /** Lines up to so many bytes are given whole. */
  readonly longest?: number
  /** Item of a line that is trimmed and not empty; undefined for lines that hold none. */
  item(line: string, isIndented: boolean): LineItem | undefined
}

export interface LineItem {
  readonly url: string
  readonly columns?: Readonly<Record<string, string>>
  /** Several URLs, instead of `url`. */
  readonly range?: Range
}

export async function* lineBatches(
  input: Input,
  start: Position,
  format: LineFormat,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  const reader = new LineReader(start, format)
  let carry: Buffer[] = []
  let carried = 0
  while (!signal.aborted) {
    const piece = await input.next()
    if (piece === undefined) break
    const end = piece.lastIndexOf(10) + 1
    if (end > 0) {
      const lines = carried === 0 ? piece.subarray(0, end) : Buffer.concat([...carry, piece.subarray(0, end)])
      for (const batch of reader.read(lines)) {
        if (signal.aborted) return
        yield batch
      }
      // What comes slowly is handed on at once.
      if (!input.isFile) yield* reader.flush()
      carry = []
      carried = 0
    }
    if (end < piece.length) {
      carry.push(piece.subarray(end))
      carried += piece.length - end
    }
    if (carried > LONGEST_CARRY) {
      reader.passOver(Buffer.concat(carry))
      carry = []
      carried = 0
    }
  }
  if (!signal.aborted) yield* reader.readLast(Buffer.concat(carry))
}

class LineReader {
  readonly #format: LineFormat
  readonly #longest: number
  readonly #isReread: boolean
  #offset: number
  #ordinal: number
  #line: number
  #hash: number
  /** Items of the next line that were given before. */
  #given: number
  /** The last line had no end. */
  #isOpen = false
  /** Beginning of a line that is too long to be collected: its rest is passed over. */
  #beginning: string | undefined
  #items: SourceItem[] = []

  constructor(start: Position, format: LineFormat) {
    this.#format = format
    this.#longest = format.longest ?? LONGEST_LINE
    this.#isReread = start.isReread
    this.#offset = start.offset
    this.#ordinal = start.ordinal
    this.#line = start.line
    this.#hash = start.hash
    this.#given = start.within
  }

  /** Whole lines. */
  *read(bytes: Buffer): Generator<SourceBatch, undefined> {
    // One character a byte: positions in the text are positions in the file.
    const text = bytes.toString('latin1')
    const plain = isAscii(bytes)
    let at = 0
    let hashed = 0
    const place = (end: number): void => {
      this.#hash = crc32(bytes.subarray(hashed, end), this.#hash)
      this.#offset += end - hashed
      hashed = end
    }
    while (at < text.length) {
      let end = text.indexOf('\n', at)
      // Only the last line of a file has no end.
      if (end < 0) end = text.length
      const item = this.#item(text, at, end, plain)
      const behind = Math.min(end + 1, text.length)
      if (item !== undefined) {
        if (item.range === undefined) this.#add(item.url, item.columns)
        else {
          for (let i = this.#given; i < item.range.total; i++) {
            if (this.#items.length >= BATCH) {
              place(at)
              yield this.#batch(i)
            }
            this.#add(item.range.at(i), item.columns)
          }
        }
        this.#given = 0
      }
      this.#line++
      this.#isOpen = end === text.length
      at = behind
      if (this.#items.length >= BATCH) {
        place(at)
        yield this.#batch(0)
      }
    }
    place(at)
  }

  *flush(): Generator<SourceBatch, undefined> {
    if (this.#items.length > 0) yield this.#batch(0)
  }

  /** The end of the file: a last line without line end, or nothing. */
  *readLast(bytes: Buffer): Generator<SourceBatch, undefined> {
    // Before that line: where it is a comment, it is not behind us.
    if (this.#beginning === undefined) yield* this.flush()
    if (bytes.length > 0) yield* this.read(bytes)
    if (this.#beginning !== undefined) {
      // The line ended with what was passed over.
      this.#add(this.#beginning, undefined)
      this.#beginning = undefined
      this.#isOpen = true
    }
    yield* this.flush()
  }

  /** A part of a line that is too long. */
  passOver(bytes: Buffer): void {
    this.#beginning ??= textOfBytes(bytes.toString('latin1', 0, LONGEST_LINE)).trimStart()
    this.#hash = crc32(bytes, this.#hash)
    this.#offset += bytes.length
  }

  #item(text: string, start: number, end: number, isPlain: boolean): LineItem | undefined {
    if (this.#beginning !== undefined) {
      const url = this.#beginning
      this.#beginning = undefined
      return { url }
    }
    let from = start
    let to = end
    while (from < to && text.charCodeAt(from) <= 32) from++
    while (to > from && text.charCodeAt(to - 1) <= 32) to--
    if (from === to) return undefined
    if (to - from > this.#longest) return { url: textOfBytes(text.slice(from, from + LONGEST_LINE)) }
    const line = text.slice(from, to)
    return this.#format.item(isPlain ? line : textOfBytes(line), from > start)
  }

  #add(url: string, columns: Readonly<Record<string, string>> | undefined): void {
    const item = { url: detach(url), ordinal: this.#ordinal++, line: this.#line + 1 }
    this.#items.push(columns === undefined ? item : { ...item, columns })
  }

  /** `within`: items of the line at the position that are given. */
  #batch(within: number): SourceBatch {
    const items = this.#items
    this.#items = []
    const cursor = encodePosition(this.#format.kind, {
      offset: this.#offset,
      ordinal: this.#ordinal,
      line: this.#line,
      hash: this.#hash,
      within,
      isOpen: this.#isOpen,
      isReread: this.#isReread,
    })
    return this.#isReread ? { items, cursor, reread: true } : { items, cursor }
  }
}
