/** Finds the place again where a source stood, and whether what lies before it is still the same. */
import { crc32 } from 'node:zlib'
import type { Input } from './input.ts'
import type { Position } from './position.ts'

/**
 * Reads over what is known. Gives the position to read on from; undefined where the bytes before it have changed, and
 * the input has to be read again.
 */
export async function skipKnown(input: Input, position: Position): Promise<Position | undefined> {
  let left = position.offset
  let hash = 0
  while (left > 0) {
    const piece = await input.next()
    if (piece === undefined) return undefined
    const part = piece.subarray(0, left)
    hash = crc32(part, hash)
    left -= part.length
    if (part.length < piece.length) input.unread(piece.subarray(part.length))
  }
  if (hash !== position.hash) return undefined
  return position.isOpen ? closeLine(input, position) : position
}

/** The last line had no end. If it has got one it is as it was; if it goes on it is another line. */
async function closeLine(input: Input, position: Position): Promise<Position | undefined> {
  let piece = await input.next()
  if (piece === undefined) return position
  if (piece[0] === 13 && piece.length === 1) {
    const more = await input.next()
    if (more !== undefined) piece = Buffer.concat([piece, more])
  }
  const length = piece[0] === 10 ? 1 : piece[0] === 13 && piece[1] === 10 ? 2 : 0
  if (length === 0) return undefined
  input.unread(piece.subarray(length))
  const hash = crc32(piece.subarray(0, length), position.hash)
  return { ...position, offset: position.offset + length, hash, isOpen: false }
}
