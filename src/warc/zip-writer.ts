/**
 * A ZIP archive of stored files (APPNOTE 6.3.10, with ZIP64 where numbers need it), written forwards: what goes in is never
 * held in memory, and every record can be reached by its offset. Nothing is compressed: what is large is so already.
 */
export interface ZipFile {
  /** Path in the archive, with `/`. */
  readonly name: string
  readonly size: number
  /** CRC-32 of the content. */
  readonly crc: number
  content(): AsyncIterable<Uint8Array>
}

const ZIP64 = 0xffff_ffff
const MANY = 0xffff
const UTF8 = 0x800
/** Versions of the format that a reader needs. */
const PLAIN = 20
const LARGE = 45

interface Placed {
  readonly file: ZipFile
  readonly name: Buffer
  readonly offset: number
}

/** @param modified ms since 1970, for all files */
export async function* zipPieces(files: readonly ZipFile[], modified: number): AsyncGenerator<Uint8Array, undefined> {
  const placed: Placed[] = []
  let offset = 0
  for (const file of files) {
    const name = Buffer.from(file.name)
    placed.push({ file, name, offset })
    const head = localHeader(file, name, modified)
    yield head
    let size = 0
    for await (const piece of file.content()) {
      size += piece.length
      yield piece
    }
    if (size !== file.size) throw new Error(`${file.name} has ${size} bytes, not ${file.size}: it changed`)
    offset += head.length + size
  }
  const directory = Buffer.concat(placed.map((one) => directoryEntry(one, modified)))
  yield directory
  yield ending(placed.length, directory.length, offset)
}

/** The fields that both headers of a file share, from the version needed on: 26 bytes. */
function sharedFields({ size, crc }: ZipFile, name: Buffer, extra: number, modified: number, isLarge: boolean): Buffer {
  const fields = Buffer.alloc(26)
  const [time, date] = dosTime(modified)
  fields.writeUInt16LE(isLarge ? LARGE : PLAIN, 0)
  fields.writeUInt16LE(UTF8, 2)
  fields.writeUInt16LE(time, 6)
  fields.writeUInt16LE(date, 8)
  fields.writeUInt32LE(crc, 10)
  fields.writeUInt32LE(Math.min(size, ZIP64), 14)
  fields.writeUInt32LE(Math.min(size, ZIP64), 18)
  fields.writeUInt16LE(name.length, 22)
  fields.writeUInt16LE(extra, 24)
  return fields
}

function localHeader(file: ZipFile, name: Buffer, modified: number): Buffer {
  const extra = file.size >= ZIP64 ? zip64Extra([file.size, file.size]) : Buffer.alloc(0)
  const fields = sharedFields(file, name, extra.length, modified, extra.length > 0)
  return Buffer.concat([signature(0x04034b50), fields, name, extra])
}

function directoryEntry({ file, name, offset }: Placed, modified: number): Buffer {
  const large = [...(file.size >= ZIP64 ? [file.size, file.size] : []), ...(offset >= ZIP64 ? [offset] : [])]
  const extra = large.length === 0 ? Buffer.alloc(0) : zip64Extra(large)
  const fields = sharedFields(file, name, extra.length, modified, large.length > 0)
  const madeBy = Buffer.from([LARGE, 0])
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(Math.min(offset, ZIP64), 10)
  return Buffer.concat([signature(0x02014b50), madeBy, fields, rest, name, extra])
}

function ending(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, MANY), 8)
  end.writeUInt16LE(Math.min(count, MANY), 10)
  end.writeUInt32LE(Math.min(size, ZIP64), 12)
  end.writeUInt32LE(Math.min(offset, ZIP64), 16)
  if (count < MANY && size < ZIP64 && offset < ZIP64) return end
  const large = Buffer.alloc(56 + 20)
  large.writeUInt32LE(0x06064b50, 0)
  large.writeBigUInt64LE(44n, 4)
  large.writeUInt16LE(LARGE, 12)
  large.writeUInt16LE(LARGE, 14)
  for (const [at, value] of [count, count, size, offset].entries()) large.writeBigUInt64LE(BigInt(value), 24 + 8 * at)
  large.writeUInt32LE(0x07064b50, 56)
  large.writeBigUInt64LE(BigInt(offset + size), 64)
  large.writeUInt32LE(1, 72)
  return Buffer.concat([large, end])
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * values.length, 2)
  for (const [at, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * at)
  return extra
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Two-second steps from 1980 on, in UTC. */
function dosTime(ms: number): [time: number, date: number] {
  const at = new Date(Math.max(ms, Date.UTC(1980, 0, 1)))
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  return [time, ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()]
}
