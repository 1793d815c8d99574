/** Where the files of a ZIP archive lie (APPNOTE 6.3.10, ZIP64 too), read from its directory. Reads no content. */
import { type FileHandle, open } from 'node:fs/promises'
import { reasonOf, SluiceError } from '../model/errors.ts'

export interface ZipPlace {
  readonly name: string
  /** Offset of the first byte of the content in the archive. */
  readonly offset: number
  /** Bytes of the content as it lies there. */
  readonly length: number
  /** False: it is compressed. */
  readonly isStored: boolean
}

/** Longest comment behind the directory's end, and the end itself. */
const LONGEST_END = 65_535 + 22
const ZIP64 = 0xffff_ffff
/** A directory larger than this is of no archive that anybody packs. */
const LARGEST_DIRECTORY = 64 * 1024 * 1024

/** In the order of the directory. @throws SluiceError `INPUT_UNREADABLE` */
export async function readZipPlaces(path: string): Promise<ZipPlace[]> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    return await placesIn(file, (await file.stat()).size)
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause
    const reason = reasonOf(cause)
    throw new SluiceError('INPUT_UNREADABLE', `cannot read ${path} as a ZIP archive: ${reason}`, {
      hint: 'it may be cut off: get it again',
      cause,
    })
  } finally {
    await file?.close()
  }
}

async function placesIn(file: FileHandle, size: number): Promise<ZipPlace[]> {
  const { count, length, offset } = await directoryOf(file, size)
  if (length > LARGEST_DIRECTORY) throw new Error('its directory is too large')
  const directory = await bytesAt(file, offset, length)
  const places: ZipPlace[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (directory.readUInt32LE(at) !== 0x02014b50) throw new Error(`its directory is damaged at byte ${offset + at}`)
    const method = directory.readUInt16LE(at + 10)
    const nameLength = directory.readUInt16LE(at + 28)
    const extraLength = directory.readUInt16LE(at + 30)
    const extraAt = at + 46 + nameLength
    const numbers = largeNumbers(directory.subarray(extraAt, extraAt + extraLength))
    const take = (value: number): number => (value === ZIP64 ? (numbers.shift() ?? value) : value)
    take(directory.readUInt32LE(at + 24))
    const contentLength = take(directory.readUInt32LE(at + 20))
    const header = take(directory.readUInt32LE(at + 42))
    const local = await bytesAt(file, header, 30)
    if (local.readUInt32LE(0) !== 0x04034b50) throw new Error(`no file begins at byte ${header}`)
    places.push({
      name: directory.toString('utf8', at + 46, extraAt),
      offset: header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28),
      length: contentLength,
      isStored: method === 0,
    })
    at = extraAt + extraLength + directory.readUInt16LE(at + 32)
  }
  return places
}

async function directoryOf(
  file: FileHandle,
  size: number,
): Promise<{ readonly count: number; readonly length: number; readonly offset: number }> {
  const start = Math.max(0, size - LONGEST_END)
  const tail = await bytesAt(file, start, size - start)
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0 || end + 22 > tail.length) throw new Error('it has no directory')
  const locator = end - 20
  if (locator >= 0 && tail.readUInt32LE(locator) === 0x07064b50) {
    const large = await bytesAt(file, Number(tail.readBigUInt64LE(locator + 8)), 56)
    const [count = 0, length = 0, offset = 0] = [32, 40, 48].map((at) => Number(large.readBigUInt64LE(at)))
    return { count, length, offset }
  }
  return {
    count: tail.readUInt16LE(end + 10),
    length: tail.readUInt32LE(end + 12),
    offset: tail.readUInt32LE(end + 16),
  }
}

/** Numbers of the ZIP64 field: size, stored size, offset, only those that did not fit. */
function largeNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) {
      return Array.from({ length: length >> 3 }, (_, i) => Number(extra.readBigUInt64LE(at + 4 + 8 * i)))
    }
    at += 4 + length
  }
  return []
}

async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
  if (bytesRead < length) throw new Error('it ends too soon')
  return buffer
}
