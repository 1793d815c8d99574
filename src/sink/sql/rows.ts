/** Rows of a batch on their way to a server. Knows no driver. */
import type { PageRecord } from '../../model/record.ts'
import type { RefusedItem } from '../sink.ts'
import type { SqlValue } from './cell.ts'

export type Cells = readonly SqlValue[]

/** What a row is, for the report where the database refuses it. */
export type Origin = Pick<RefusedItem, 'url' | 'seq' | 'position' | 'value'>

export interface Rows {
  readonly cells: readonly Cells[]
  /** Of the row at `index`: made for the few that are refused. */
  originOf(index: number): Origin
}

/** Characters of a refused value that are shown. */
const SHOWN = 200

export function originOf({ url, seq }: Pick<PageRecord, 'url' | 'seq'>, position: number, json: string): Origin {
  return { url, seq, position, value: json.length <= SHOWN ? json : `${json.slice(0, SHOWN)}…` }
}

/** Bytes of the cells, about as the protocol sends them. */
export function bytesOf(cells: Cells): number {
  let bytes = 0
  for (const cell of cells) bytes += typeof cell === 'string' ? Buffer.byteLength(cell) + 9 : 9
  return bytes
}

/** At least as many, without a look at the characters. */
export function mostBytesOf(cells: Cells): number {
  let bytes = 9 * cells.length
  // UTF-8 has up to three bytes for a unit of UTF-16.
  for (const cell of cells) if (typeof cell === 'string') bytes += 3 * cell.length
  return bytes
}

/** Whether the cells have more bytes than that. */
export function exceeds(cells: Cells, bytes: number): boolean {
  return mostBytesOf(cells) > bytes && bytesOf(cells) > bytes
}

/** Rows in pieces of at most `most` rows and, one row excepted, `mostBytes`. */
export function* pieces(rows: readonly Cells[], most: number, mostBytes: number): Generator<readonly Cells[]> {
  let start = 0
  let bytes = 0
  for (const [i, cells] of rows.entries()) {
    const size = mostBytesOf(cells)
    if (i > start && (i - start === most || bytes + size > mostBytes)) {
      yield rows.slice(start, i)
      start = i
      bytes = 0
    }
    bytes += size
  }
  if (start < rows.length) yield start === 0 ? rows : rows.slice(start)
}
