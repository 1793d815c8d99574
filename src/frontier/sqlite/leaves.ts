/**
 * Rows of tables straight from the pages of a database file and its log, past the trees that lead to them: what is left
 * where an inner page is damaged (sqlite.org/fileformat2.html, sections 1.6 and 2). Which table a row is of, and whether it
 * is a row at all, only its checksum can say; so this is for tables whose rows never change.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import type { Column } from './rows.ts'

/** As `node:sqlite` makes files; ours are never made otherwise. */
const PAGE_BYTES = 4096
const LOG_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
/** First byte of a leaf of a table. */
const TABLE_LEAF = 0x0d
const LEAF_HEADER_BYTES = 8

/** Rows of so many columns, the id in the place of the first, which is the table's INTEGER PRIMARY KEY. */
export function* rowsOfLeaves(path: string, width: number): Generator<Column[]> {
  for (const file of [path, `${path}-wal`]) {
    if (!existsSync(file)) continue
    const isLog = file !== path
    const pages = new Pages(path, file, isLog)
    try {
      for (const page of pages.all()) yield* rowsOf(page, width, pages)
    } finally {
      pages.close()
    }
  }
}

class Pages {
  readonly #main: number
  readonly #file: number
  readonly #isLog: boolean
  readonly #bytes: number

  constructor(path: string, file: string, isLog: boolean) {
    this.#main = openSync(path, 'r')
    this.#file = isLog ? openSync(file, 'r') : this.#main
    this.#isLog = isLog
    this.#bytes = statSync(file).size
  }

  *all(): Generator<Buffer> {
    const before = this.#isLog ? FRAME_HEADER_BYTES : 0
    const step = PAGE_BYTES + before
    for (let at = this.#isLog ? LOG_HEADER_BYTES : 0; at + step <= this.#bytes; at += step)
      yield pageAt(this.#file, at + before)
  }

  /** Of the database, by its number from 1. */
  page(number: number): Buffer {
    return pageAt(this.#main, (number - 1) * PAGE_BYTES)
  }

  close(): void {
    closeSync(this.#main)
    if (this.#isLog) closeSync(this.#file)
  }
}

function pageAt(file: number, at: number): Buffer {
  const page = Buffer.alloc(PAGE_BYTES)
  readSync(file, page, 0, PAGE_BYTES, at)
  return page
}

function* rowsOf(page: Buffer, width: number, pages: Pages): Generator<Column[]> {
  if (page[0] !== TABLE_LEAF) return
  const cells = page.readUInt16BE(3)
  for (let i = 0; i < cells; i++) {
    const pointer = LEAF_HEADER_BYTES + 2 * i
    if (pointer + 2 > PAGE_BYTES) return
    try {
      const row = cellAt(page, page.readUInt16BE(pointer), width, pages)
      if (row !== undefined) yield row
    } catch (error) {
      // A length that leads out of the page: no cell, or a damaged one.
      if (!(error instanceof RangeError)) throw error
    }
  }
}

function cellAt(page: Buffer, start: number, width: number, pages: Pages): Column[] | undefined {
  const [bytes, afterBytes] = varint(page, start)
  const [id, at] = varint(page, afterBytes)
  if (bytes > 64 * 1024 * 1024) return undefined
  const payload = payloadAt(page, at, bytes, pages)
  const [headerBytes, first] = varint(payload, 0)
  const columns: Column[] = []
  let value = headerBytes
  for (let header = first; header < headerBytes; ) {
    const [type, next] = varint(payload, header)
    header = next
    const [column, size] = columnOf(payload, value, type)
    columns.push(column)
    value += size
  }
  if (columns.length !== width || columns[0] !== null || value !== bytes) return undefined
  columns[0] = id
  return columns
}

/** What does not fit on the page goes on in a chain of others. */
function payloadAt(page: Buffer, at: number, bytes: number, pages: Pages): Buffer {
  const most = PAGE_BYTES - 35
  if (bytes <= most) return within(page, at, bytes)
  const least = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23
  const fitting = least + ((bytes - least) % (PAGE_BYTES - 4))
  const local = fitting <= most ? fitting : least
  const parts = [within(page, at, local)]
  let left = bytes - local
  for (let number = page.readUInt32BE(at + local); left > 0 && number > 0; ) {
    const overflow = pages.page(number)
    const count = Math.min(left, PAGE_BYTES - 4)
    parts.push(overflow.subarray(4, 4 + count))
    left -= count
    number = overflow.readUInt32BE(0)
  }
  return Buffer.concat(parts)
}

/** Value and size of a column by its serial type. */
function columnOf(payload: Buffer, at: number, type: number): readonly [Column, number] {
  if (type >= 12) {
    const size = (type - (type % 2 === 0 ? 12 : 13)) / 2
    const bytes = within(payload, at, size)
    return [type % 2 === 0 ? Uint8Array.from(bytes) : bytes.toString('utf8'), size]
  }
  switch (type) {
    case 0:
      return [null, 0]
    case 1:
    case 2:
    case 3:
    case 4:
      return [payload.readIntBE(at, type), type]
    case 5:
      return [payload.readIntBE(at, 6), 6]
    case 6:
      return [Number(payload.readBigInt64BE(at)), 8]
    case 7:
      return [payload.readDoubleBE(at), 8]
    case 8:
      return [0, 0]
    case 9:
      return [1, 0]
    default:
      throw new RangeError('no type of a column')
  }
}

/** Big-endian, seven bits a byte and eight in the ninth. Returns the number and where what follows it begins. */
function varint(bytes: Buffer, from: number): readonly [number, number] {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = bytes.readUInt8(from + i)
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return [value, from + i + 1]
  }
  return [value * 256 + bytes.readUInt8(from + 8), from + 9]
}

function within(bytes: Buffer, at: number, count: number): Buffer {
  if (at + count > bytes.length) throw new RangeError('beyond the page')
  return bytes.subarray(at, at + count)
}
