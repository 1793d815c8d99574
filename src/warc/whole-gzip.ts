/**
 * Archives that were compressed as a whole, as `gzip` does it: all records in one member, none reached by an offset. They
 * are told by their start, and unpacked into a plain file.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { startOfMember } from './member.ts'
import { firstRecordEnd } from './reader.ts'
import type { Break } from './reader.ts'
import { Window } from './window.ts'

/** The first record is nearly always a small `warcinfo`. At most 16 MiB come out of so many bytes. */
const LOOK = 16_384

/** True where the first gzip member of a file goes on behind its first record. */
export async function isWholeGzip(path: string, from = 0, to?: number): Promise<boolean> {
  const window = await Window.open(path, from, to)
  try {
    const start = startOfMember((await window.view(LOOK)).subarray(0, LOOK))
    const end = firstRecordEnd(start)
    return end !== undefined && start.toString('latin1', end, start.length).trimStart().startsWith('WARC/')
  } finally {
    await window.close()
  }
}

/** Unpacked archives that are longer are cut off there: a small file can hold any number of zeros. */
const MOST_UNPACKED = 64 * 1024 ** 3

/**
 * Writes what a gzip file holds to `target`: of one that is cut off or damaged, as much as comes out.
 *
 * @param most bytes of `target`; what is beyond is a break as well
 */
export async function unpackGzip(
  path: string,
  target: string,
  { from, to }: { readonly from: number; readonly to: number | undefined },
  onBreak: (found: Break) => void,
  most = MOST_UNPACKED,
): Promise<void> {
  const gunzip = createGunzip()
  const output = openSync(target, 'w')
  // Written as it comes: a stream between would drop what it holds when the data turn out to be damaged.
  let left = most
  gunzip.on('data', (piece: Buffer) => {
    try {
      writeSync(output, piece.subarray(0, Math.max(0, left)))
      left -= piece.length
      if (left < 0) throw new TooLong(`unpacked, it has more than ${most} bytes`)
    } catch (error) {
      gunzip.destroy(error as Error)
    }
  })
  try {
    await pipeline(createReadStream(path, { start: from, ...(to === undefined ? {} : { end: to - 1 }) }), gunzip)
  } catch (error) {
    if (!(error instanceof TooLong) && !String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error
    onBreak({ offset: from + gunzip.bytesWritten, reason: (error as Error).message })
  } finally {
    closeSync(output)
  }
}

class TooLong extends Error {}
