/**
 * Files that grow line by line against what the job stored of them: their committed length and the checksum of its end,
 * and each line. Page records are those of the ledger, number by number; items are those of the index beside them. The
 * first wrong line of a file is told with its place; what follows it is mostly wrong for the same reason.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Reader, SettledRow } from '../frontier/sqlite/read.ts'
import { reasonOf } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { decodeFilePosition, TAIL } from '../sink/append-file.ts'
import { cellOf } from '../sink/csv-layout.ts'
import { firstRow } from '../sink/csv-text.ts'
import { PAGE_FIELDS } from '../sink/page-fields.ts'
import { openInput } from '../source/input.ts'
import { itemIndexOf, visitsOf } from './standing-items.ts'

type Tell = (problem: string) => void

/** A line and where it begins in the text of the file. */
interface PlacedLine {
  readonly text: string
  /** Byte of the text, decompressed. */
  readonly at: number
  /** From 1. */
  readonly number: number
}

const SLICE = 1_000

/** The bytes of a file against its position. False: they are not there, and nothing more need be looked at. */
export function verifyLength(path: string, position: Uint8Array, tell: Tell): boolean {
  const { offset, crc } = decodeFilePosition(position, path)
  if (!existsSync(path)) {
    if (offset > 0) tell(`${path} is gone: ${offset} bytes were stored in it`)
    return false
  }
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (size < offset) {
      tell(`${path}, byte ${size}: the file ends there, and ${offset} bytes were stored in it`)
      return false
    }
    const tail = Buffer.alloc(Math.min(TAIL, offset))
    readSync(file, tail, 0, tail.length, offset - tail.length)
    if (crc32(tail) !== crc)
      tell(`${path}, byte ${offset - tail.length}: the last ${tail.length} bytes before ${offset} are others`)
    return true
  } finally {
    closeSync(file)
  }
}

/** A record as a file has it. */
interface FileRecord {
  readonly line: PlacedLine
  /** Undefined: it is none. */
  readonly seq: number | undefined
  isThatOf(row: SettledRow): boolean
}

/** What the records of an output are compared with. */
export interface LedgerOf {
  readonly reader: Reader
  /** What was unchanged is not in the outputs. */
  readonly changedOnly: boolean
}

/** Page records, as JSON lines or as CSV, against the ledger. Returns how many were compared. */
export async function verifyRecords(
  path: string,
  isCsv: boolean,
  { reader, changedOnly }: LedgerOf,
  tell: Tell,
): Promise<number> {
  const ledger = new LedgerWalk(reader, changedOnly)
  const wrong = once(path, tell)
  let compared = 0
  for await (const { line, seq, isThatOf } of isCsv ? csvRecords(path, wrong) : jsonRecords(path, wrong)) {
    const place = `, line ${line.number}, byte ${line.at}`
    const row =
      seq === undefined
        ? undefined
        : ledger.rowOf(seq, ({ record }) =>
            wrong(`${place}: the record of ${record.url} (number ${record.seq}) should stand before it`),
          )
    if (row === undefined) {
      // A death left them: they were written, not committed, and the next start cuts them off.
      if (seq !== undefined && ledger.isBehind(seq)) break
      // What was there before the job is none of its business.
      if (compared > 0) wrong(`${place}: the ledger has no such record: ${line.text.slice(0, 60)}`)
      continue
    }
    compared++
    if (!isThatOf(row)) wrong(`${place}: the record of ${row.record.url} is not the one that was stored`)
  }
  ledger.end(({ record }) => wrong(`: the record of ${record.url} (number ${record.seq}) is missing at its end`))
  return compared
}

/** Only the first thing that is wrong with a file is told. */
function once(path: string, tell: Tell): Tell {
  let isTold = false
  return (problem) => {
    if (!isTold) tell(`${path}${problem}`)
    isTold = true
  }
}

async function* jsonRecords(path: string, wrong: Tell): AsyncGenerator<FileRecord, undefined> {
  for await (const line of linesIn(path, wrong)) {
    const record = parsed(line.text) as PageRecord | undefined
    const seq = typeof record?.seq === 'number' ? record.seq : undefined
    yield {
      line,
      seq,
      isThatOf: ({ record: stored }) => told(stored, stored) === told(record, stored),
    }
  }
}

const SEQ_COLUMN = PAGE_FIELDS.findIndex(({ name }) => name === 'seq')

async function* csvRecords(path: string, wrong: Tell): AsyncGenerator<FileRecord, undefined> {
  for await (const line of csvRows(path, wrong)) {
    const cells = firstRow(`${line.text}\n`) ?? []
    // Its header, and those of others.
    if (line.number === 1 && cells[SEQ_COLUMN] === 'seq') continue
    const seq = /^\d{1,15}$/.test(cells[SEQ_COLUMN] ?? '') ? Number(cells[SEQ_COLUMN]) : undefined
    const isThatOf = ({ record }: SettledRow): boolean =>
      isMarked(record) ||
      line.text.startsWith(PAGE_FIELDS.map(({ name }) => `${cellOf(record[name], asItIs)},`).join(''))
    yield { line, seq, isThatOf }
  }
}

const asItIs = (text: string): string => text

/** Lines that belong together by their quotes. */
async function* csvRows(path: string, wrong: Tell): AsyncGenerator<PlacedLine, undefined> {
  let open: PlacedLine | undefined
  for await (const line of linesIn(path, wrong)) {
    open = open === undefined ? line : { ...open, text: `${open.text}\n${line.text}` }
    if ((open.text.split('"').length - 1) % 2 === 1) continue
    yield { ...open, text: open.text.replace(/\r$/, '') }
    open = undefined
  }
  if (open !== undefined) wrong(`, line ${open.number}, byte ${open.at}: a quote is opened and never closed`)
}

/** Rows of items as CSV: each has as many cells as the header. Returns how many there are. */
export async function verifyItemRows(path: string, tell: Tell): Promise<number> {
  const wrong = once(path, tell)
  let columns: number | undefined
  let rows = 0
  for await (const { text, at, number } of csvRows(path, wrong)) {
    const cells = firstRow(`${text}\n`)?.length ?? 0
    if (columns === undefined) columns = cells
    else if (cells !== columns)
      wrong(`, line ${number}, byte ${at}: a row of ${cells} cells, the header has ${columns}`)
    else rows++
  }
  return rows
}

/** Lines of items of which nothing more is known. Returns how many there are. */
export async function verifyJson(path: string, tell: Tell): Promise<number> {
  const wrong = once(path, tell)
  let count = 0
  for await (const { text, at, number } of linesIn(path, wrong)) {
    if (parsed(text) === undefined) wrong(`, line ${number}, byte ${at}: this is no JSON: ${text.slice(0, 60)}`)
    count++
  }
  return count
}

/** Lines of items against the index beside them. Returns how many were compared; undefined: there is none. */
export async function verifyItems(folder: string, path: string, tell: Tell): Promise<number | undefined> {
  const index = itemIndexOf(folder, path)
  if (!existsSync(index)) return undefined
  const wrong = once(path, tell)
  const lines = linesIn(path, wrong)
  let compared = 0
  for await (const visit of visitsOf(index)) {
    let crc = 0
    let first: PlacedLine | undefined
    for (let i = 0; i < visit.lines; i++) {
      const { value: line } = await lines.next()
      if (line === undefined) {
        // A last line of somebody else's without its end.
        if (visit.seq > 0)
          wrong(`: it has ${compared} lines of items where more were stored; page ${visit.page} lacks them`)
        await lines.return(undefined)
        return compared
      }
      first ??= line
      crc = crc32(`${line.text}\n`, crc)
      compared++
    }
    if (visit.seq > 0 && crc !== visit.crc) {
      const count = visit.lines === 1 ? 'this line is' : `one of ${visit.lines} lines is`
      wrong(`, line ${first?.number ?? compared}, byte ${first?.at ?? 0}: ${count} not what was stored`)
    }
  }
  await lines.return(undefined)
  return compared
}

/** Whole lines with a text. A file whose compression is damaged is told, and ends there. */
async function* linesIn(path: string, tell: Tell): AsyncGenerator<PlacedLine, undefined> {
  if (!existsSync(path)) return
  const input = await openInput(path)
  let carry: Buffer = Buffer.alloc(0)
  let at = 0
  let number = 0
  try {
    for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
      carry = carry.length === 0 ? piece : Buffer.concat([carry, piece])
      let from = 0
      for (let end = carry.indexOf(10); end >= 0; end = carry.indexOf(10, from)) {
        number++
        if (end > from) yield { text: carry.toString('utf8', from, end), at: at + from, number }
        from = end + 1
      }
      at += from
      carry = carry.subarray(from)
    }
  } catch (error) {
    tell(`, behind line ${number}: ${reasonOf(error)}`)
  } finally {
    await input.close()
  }
}

/** Settlements in their order, beside a file that has them in the same order. */
class LedgerWalk {
  readonly #reader: Reader
  readonly #changedOnly: boolean
  #rows: SettledRow[] = []
  #afterSeq = 0
  #hasBegun = false
  /** Runs that the file has records of. */
  readonly #runs = new Set<number>()

  constructor(reader: Reader, changedOnly: boolean) {
    this.#reader = reader
    this.#changedOnly = changedOnly
  }

  /** @param missing told of what the file should have had before */
  rowOf(seq: number, missing: (row: SettledRow) => void): SettledRow | undefined {
    if (!this.#hasBegun) this.#afterSeq = seq - 1
    for (let row = this.#next(); row !== undefined; row = this.#next()) {
      if (row.record.seq > seq) {
        this.#rows.unshift(row)
        return undefined
      }
      if (row.record.seq === seq) {
        this.#hasBegun = true
        this.#runs.add(row.record.run)
        return row
      }
      this.#pass(row, missing)
    }
    return undefined
  }

  /** Whether the number is higher than all that were committed. */
  isBehind(seq: number): boolean {
    const row = this.#next()
    if (row !== undefined) this.#rows.unshift(row)
    return row === undefined && seq > this.#afterSeq
  }

  end(missing: (row: SettledRow) => void): void {
    if (!this.#hasBegun) return
    for (let row = this.#next(); row !== undefined; row = this.#next()) this.#pass(row, missing)
  }

  /** A run that had another output is not in this one. */
  #pass(row: SettledRow, missing: (row: SettledRow) => void): void {
    const isLeftOut = this.#changedOnly && row.record.outcome === 'unchanged'
    if (this.#hasBegun && !isLeftOut && this.#runs.has(row.record.run)) missing(row)
  }

  #next(): SettledRow | undefined {
    if (this.#rows.length === 0) {
      this.#rows = this.#reader.ledger({ afterSeq: this.#afterSeq, limit: SLICE })
      this.#afterSeq = this.#rows.at(-1)?.record.seq ?? this.#afterSeq
    }
    return this.#rows.shift()
  }
}

/**
 * A record without what an output and the ledger know differently: the file of the body is known to the output alone, and
 * what another output refused of the page is added in the ledger when all have written.
 */
function told(record: PageRecord | undefined, stored: PageRecord): string {
  const { file: _file, message, items, rejected, ...rest } = record ?? ({} as Partial<PageRecord>)
  return JSON.stringify(isMarked(stored) ? rest : { ...rest, message, items, rejected })
}

function isMarked({ message }: PageRecord): boolean {
  return message?.includes('SINK_REJECTED') === true
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
