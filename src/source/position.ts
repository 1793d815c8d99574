/** Where a source has got to, as bytes that are stored with the requests it gave. */

/** What a cursor was made by: one of another kind is worth nothing to a source. */
export const KIND = { list: 1, ndjson: 2, csv: 3, sitemap: 4, har: 5, count: 6, xlsx: 7, jsonFeed: 8 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

export interface Position {
  /** Bytes of the input as text (decompressed, UTF-8) that are behind us. */
  readonly offset: number
  /** Number of the next item. */
  readonly ordinal: number
  /** Lines behind us. */
  readonly line: number
  /** CRC-32 of what is behind us: bytes of a file, or texts of the items. */
  readonly hash: number
  /** Items given of the line at `offset`: a range may have many. */
  readonly within: number
  /** The input ended in a line without line end: if it goes on, that line was another one. */
  readonly isOpen: boolean
  /** The input was found changed and is being read again. */
  readonly isReread: boolean
}

export const START: Position = { offset: 0, ordinal: 0, line: 0, hash: 0, within: 0, isOpen: false, isReread: false }
/** The start, where the input has been read before. */
export const AGAIN: Position = { ...START, isReread: true }

const VERSION = 1
const LENGTH = 39
const OPEN = 1
const REREAD = 2

export function encodePosition(kind: Kind, position: Position): Uint8Array {
  const bytes = new Uint8Array(LENGTH)
  const view = new DataView(bytes.buffer)
  bytes[0] = VERSION
  bytes[1] = kind
  bytes[2] = (position.isOpen ? OPEN : 0) | (position.isReread ? REREAD : 0)
  view.setUint32(3, position.hash)
  view.setFloat64(7, position.offset)
  view.setFloat64(15, position.ordinal)
  view.setFloat64(23, position.line)
  view.setFloat64(31, position.within)
  return bytes
}

/** Undefined for cursors of another version or kind: the input is then read again. */
export function decodePosition(kind: Kind, cursor: Uint8Array): Position | undefined {
  if (cursor.length !== LENGTH || cursor[0] !== VERSION || cursor[1] !== kind) return undefined
  const view = new DataView(cursor.buffer, cursor.byteOffset, cursor.byteLength)
  const flags = view.getUint8(2)
  return {
    hash: view.getUint32(3),
    offset: view.getFloat64(7),
    ordinal: view.getFloat64(15),
    line: view.getFloat64(23),
    within: view.getFloat64(31),
    isOpen: (flags & OPEN) !== 0,
    isReread: (flags & REREAD) !== 0,
  }
}
