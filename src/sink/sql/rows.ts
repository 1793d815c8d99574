/** Rows of a batch on their way to a server. Knows no driver. */
import type { ItemRejected } from '../../model/event.ts'
import type { SqlValue } from './cell.ts'

export interface Row {
  readonly cells: readonly SqlValue[]
  /** What it is, for the report where the database refuses it. */
  readonly origin: Pick<ItemRejected, 'url' | 'position' | 'value'>
}

/** Characters of a refused value that are shown. */
const SHOWN = 200

export function originOf(url: string, position: number, json: string): Row['origin'] {
  return { url, position, value: json.length <= SHOWN ? json : `${json.slice(0, SHOWN)}…` }
}

/** Bytes of the cells, about as the protocol sends them. */
export function bytesOf(cells: readonly SqlValue[]): number {
  let bytes = 0
  for (const cell of cells) bytes += typeof cell === 'string' ? Buffer.byteLength(cell) + 9 : 9
  return bytes
}

/** Rows in pieces of at most `most` rows and, one row excepted, `mostBytes`. */
export function* pieces(
  rows: readonly (readonly SqlValue[])[],
  most: number,
  mostBytes: number,
): Generator<readonly (readonly SqlValue[])[]> {
  let start = 0
  let bytes = 0
  for (const [i, cells] of rows.entries()) {
    const size = bytesOf(cells)
    if (i > start && (i - start === most || bytes + size > mostBytes)) {
      yield rows.slice(start, i)
      start = i
      bytes = 0
    }
    bytes += size
  }
  if (start < rows.length) yield rows.slice(start)
}
