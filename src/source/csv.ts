/** Rows of CSV and TSV files, in batches, with the position behind each. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { CsvError, parse } from 'csv-parse'
import { SluiceError } from '../model/errors.ts'
import { setColumn } from './columns.ts'
import type { Table } from './detect.ts'
import type { Input } from './input.ts'
import { BATCH } from './lines.ts'
import { KIND, encodePosition } from './position.ts'
import type { Position } from './position.ts'
import type { SourceBatch, SourceItem } from './source.ts'
import { textOfBytes } from './text.ts'

/** A longer row is a quote that is never closed. */
const LONGEST_ROW = 4 * 1024 * 1024

/** A row as csv-parse gives it with `info`; `bytes` are those read so far, the row's line end included. */
interface Row {
  readonly record: readonly string[]
  readonly info: { readonly bytes: number }
}

/** @throws {SluiceError} INPUT_UNREADABLE where a quote is never closed, with the line on which it opens. */
export async function* csvBatches(
  path: string,
  input: Input,
  start: Position,
  table: Table,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  const tail = new Tail(start)
  const parser = Readable.from(recorded(input, tail)).pipe(
    parse({
      // One character a byte, so that a row's place in the text is its place in the file.
      encoding: 'latin1',
      delimiter: table.delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      info: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_ROW,
    }),
  )
  let { ordinal } = start
  let rows: Row[] = []
  const batch = (): SourceBatch => {
    const lines = tail.pass(rows.map((row) => row.info.bytes))
    const items: SourceItem[] = []
    for (const [i, row] of rows.entries()) {
      const isHeader = start.offset === 0 && table.hasHeader && ordinal === 0 && i === 0 && !tail.isHeaderRead
      if (isHeader) tail.isHeaderRead = true
      else items.push(itemOf(row.record, table, ordinal++, lines[i]!))
    }
    rows = []
    const cursor = encodePosition(KIND.csv, { ...tail.position(), ordinal, within: 0, isReread: start.isReread })
    return start.isReread ? { items, cursor, reread: true } : { items, cursor }
  }
  try {
    for await (const row of parser as AsyncIterable<Row>) {
      if (signal.aborted) return
      rows.push(row)
      if (rows.length >= BATCH) yield batch()
    }
  } catch (error) {
    if (rows.length > 0) yield batch()
    throw error instanceof CsvError ? malformed(path, tail.line + 1, error) : error
  } finally {
    parser.destroy()
  }
  if (rows.length > 0) yield batch()
}

/** Bytes that were handed to the parser and are not behind us yet. */
class Tail {
  isHeaderRead = false
  line: number
  readonly #pieces: Buffer[] = []
  readonly #start: number
  #offset: number
  #hash: number
  #isOpen = false

  constructor(start: Position) {
    this.#start = start.offset
    this.#offset = start.offset
    this.#hash = start.hash
    this.line = start.line
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece)
  }

  /** Passes rows that end at these bytes (counted from the start of this reading); the lines on which they begin. */
  pass(ends: readonly number[]): number[] {
    const bytes = this.#take(this.#start + ends.at(-1)! - this.#offset)
    const base = this.#offset - this.#start
    const lines: number[] = []
    let at = 0
    for (const end of ends) {
      // Empty lines before a row belong to nobody.
      while (at < end - base && (bytes[at] === 10 || bytes[at] === 13)) if (bytes[at++] === 10) this.line++
      lines.push(this.line + 1)
      while (at < end - base) if (bytes[at++] === 10) this.line++
    }
    this.#hash = crc32(bytes, this.#hash)
    this.#offset += bytes.length
    const last = bytes.at(-1)
    this.#isOpen = last !== 10 && last !== 13
    // Its line is behind us, although nothing has ended it.
    return lines
  }

  position(): Pick<Position, 'offset' | 'hash' | 'line' | 'isOpen'> {
    return { offset: this.#offset, hash: this.#hash, line: this.line, isOpen: this.#isOpen }
  }

  #take(length: number): Buffer {
    const taken: Buffer[] = []
    let left = length
    while (left > 0) {
      const piece = this.#pieces.shift()!
      const part = piece.subarray(0, left)
      taken.push(part)
      left -= part.length
      if (part.length < piece.length) this.#pieces.unshift(piece.subarray(part.length))
    }
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
  }
}

async function* recorded(input: Input, tail: Tail): AsyncGenerator<Buffer> {
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    tail.push(piece)
    yield piece
  }
}

function itemOf(record: readonly string[], table: Table, ordinal: number, line: number): SourceItem {
  const columns: Record<string, string> = {}
  const count = Math.max(record.length, table.names.length)
  for (let i = 0; i < count; i++) {
    if (i !== table.url) setColumn(columns, table.names[i] ?? `column${i + 1}`, textOfBytes(record[i] ?? ''))
  }
  const url = textOfBytes(record[table.url] ?? '').trim()
  return count > 1 || table.url < 0 ? { url, ordinal, line, columns } : { url, ordinal, line }
}

function malformed(path: string, line: number, error: CsvError): SluiceError {
  return new SluiceError(
    'INPUT_UNREADABLE',
    `${path}: the table cannot be read from line ${line} on: ${error.message}`,
    {
      hint: 'close the quote that is left open there, then start again',
      cause: error,
    },
  )
}
