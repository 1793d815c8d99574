/**
 * A file that is only ever appended to, and whose end can be proven after a death. The proof is the position: the
 * offset up to which the file is committed, and a checksum of the bytes just before it. What lies behind the offset is
 * a torn tail of ours and is cut at open; anything else that differs was done by somebody else, and then nothing is
 * touched. Knows bytes only: no record, no format, no compression.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { SluiceError } from '../model/errors.ts'
import { changed, errorCode, storeError } from './store-error.ts'

export type Durability = 'kill' | 'power'

export interface AppendFileOptions {
  /** Absolute path. Missing folders above it are made. */
  readonly path: string
  /** `kill`: survives kill -9. `power`: synced to the device before a write resolves. */
  readonly durability: Durability
  /** False: a symbolic link in place of the file is refused. */
  readonly followLink: boolean
}

/** What `open` found. */
export interface Opened {
  /** Bytes in the file that count as committed: ours of earlier runs, or the user's own. */
  readonly size: number
  /** What the owner noted with the position (`note`); undefined on a first open. */
  readonly note: unknown
  /** False on the first open by this job. */
  readonly known: boolean
}

/** Bytes before the offset that the checksum covers: a page of the file system, read once an open. */
export const TAIL = 4096
/** Bytes of a surplus shown to `ours`: some hundred records, enough to tell ours from a stranger's. */
const SURPLUS_SHOWN = 65_536
/** Tries in a row that may write nothing before the file counts as unreachable. */
const MAX_IDLE_WRITES = 1000

const fdatasyncAsync = promisify(fdatasync)

/** What a stored position says. */
export interface FilePosition {
  readonly offset: number
  readonly crc: number
  readonly note: unknown
}

export class AppendFile {
  readonly path: string
  readonly #power: boolean
  readonly #flags: number
  #fd = -1
  #device = 0
  #inode = 0
  #offset = 0
  /** The last bytes before the offset, at most `TAIL` of them. */
  readonly #tail = Buffer.allocUnsafe(TAIL)
  #tailLength = 0
  /** Bytes of a failed write may lie behind the offset. */
  #torn = false
  /** Any JSON value that the owner wants back with the position. */
  note: unknown

  constructor(options: AppendFileOptions) {
    this.path = options.path
    this.#power = options.durability === 'power'
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
    // O_NOFOLLOW does not exist on Windows.
    this.#flags = O_RDWR | O_APPEND | O_CREAT | (options.followLink ? 0 : (O_NOFOLLOW ?? 0))
  }

  /**
   * Opens or creates the file and cuts the torn tail. `ours` looks at the first bytes of a surplus and says whether
   * they can be a write of ours that was never committed; if not, somebody else appended and nothing is cut.
   * @throws SluiceError `SINK_CHANGED` where the file is not what the position says
   */
  open(position: Uint8Array | undefined, ours: (surplus: Buffer, note: unknown) => boolean): Opened {
    const wanted = position === undefined ? undefined : decodeFilePosition(position, this.path)
    try {
      const existed = statSync(this.path, { throwIfNoEntry: false }) !== undefined
      if (!existed && wanted !== undefined && wanted.offset > 0) throw changed(this.path, 'is gone')
      if (!existed) mkdirSync(dirname(this.path), { recursive: true })
      this.#fd = openSync(this.path, this.#flags, 0o666)
      const stat = fstatSync(this.#fd)
      if (!stat.isFile()) throw new SluiceError('OPTION_INVALID', `${this.path} is not a regular file`)
      this.#device = stat.dev
      this.#inode = stat.ino
      if (!existed && this.#power) syncFolder(dirname(this.path))
      this.#offset = wanted?.offset ?? stat.size
      if (stat.size < this.#offset) throw changed(this.path, `is shorter than the ${this.#offset} bytes stored in it`)
      this.#readTail()
      if (wanted !== undefined) this.#verify(wanted, stat.size, ours)
    } catch (error) {
      this.close()
      throw this.#openError(error)
    }
    this.note = wanted?.note
    return { size: this.#offset, note: wanted?.note, known: wanted !== undefined }
  }

  position(): Uint8Array {
    const crc = crc32(this.#tail.subarray(0, this.#tailLength))
    return Buffer.from(JSON.stringify({ v: 1, offset: this.#offset, crc, note: this.note }))
  }

  /** Bytes that count as committed, or are about to be. */
  get size(): number {
    return this.#offset
  }

  /** Up to `length` bytes from the start of the file. */
  head(length: number): Buffer {
    return this.read(0, Math.min(length, this.#offset))
  }

  /** The byte before the end; undefined where the file is empty. */
  lastByte(): number | undefined {
    return this.#tailLength === 0 ? undefined : this.#tail[this.#tailLength - 1]
  }

  /**
   * Appends the whole buffer and resolves with the new position. When it rejects, the file is back at the last
   * position (or is cut there by the next write or open). One call at a time.
   * @throws SluiceError `SINK_FULL`, `SINK_UNREACHABLE`; `SINK_CHANGED` where the file was edited, rotated or deleted
   */
  async append(bytes: Buffer): Promise<Uint8Array> {
    try {
      if (this.#torn) this.#cut()
      this.#checkUntouched()
      this.#torn = true
      writeWhole(this.#fd, bytes, this.path)
      if (this.#power) await fdatasyncAsync(this.#fd)
      this.#torn = false
    } catch (error) {
      if (this.#torn) this.#tryCut()
      throw storeError(this.path, error)
    }
    this.#offset += bytes.length
    this.#remember(bytes)
    return this.position()
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  #verify(wanted: FilePosition, size: number, ours: (surplus: Buffer, note: unknown) => boolean): void {
    if (crc32(this.#tail.subarray(0, this.#tailLength)) !== wanted.crc) {
      throw changed(this.path, `was edited before byte ${wanted.offset}, where this job stopped`)
    }
    if (size === wanted.offset) return
    const surplus = this.read(wanted.offset, Math.min(SURPLUS_SHOWN, size - wanted.offset))
    // After a power cut a file may be longer than what reached the disk: the rest reads as zeros.
    if (surplus[0] !== 0 && !ours(surplus, wanted.note)) {
      throw changed(this.path, `has something behind byte ${wanted.offset} that this job did not write`)
    }
    this.#cut()
    if (this.#power) fdatasyncSync(this.#fd)
  }

  /** Nobody else may write to, cut, rotate or delete the file while it is ours: one system call a batch. */
  #checkUntouched(): void {
    const stat = statSync(this.path, { throwIfNoEntry: false })
    if (stat === undefined || stat.ino !== this.#inode || stat.dev !== this.#device) {
      throw changed(this.path, 'was moved or deleted while this job wrote to it')
    }
    if (stat.size !== this.#offset) {
      throw changed(this.path, `was changed by another process: ${stat.size} bytes instead of ${this.#offset}`)
    }
  }

  #cut(): void {
    ftruncateSync(this.#fd, this.#offset)
    this.#torn = false
  }

  #tryCut(): void {
    try {
      this.#cut()
    } catch {
      // `#torn` stays true: the next write cuts first, and so does the next open.
    }
  }

  #readTail(): void {
    const length = Math.min(TAIL, this.#offset)
    this.read(this.#offset - length, length).copy(this.#tail)
    this.#tailLength = length
  }

  #remember(bytes: Buffer): void {
    if (bytes.length >= TAIL) {
      bytes.copy(this.#tail, 0, bytes.length - TAIL)
      this.#tailLength = TAIL
      return
    }
    const kept = Math.min(this.#tailLength, TAIL - bytes.length)
    this.#tail.copyWithin(0, this.#tailLength - kept, this.#tailLength)
    bytes.copy(this.#tail, kept)
    this.#tailLength = kept + bytes.length
  }

  /** `length` bytes from `from` on, all of which have to be there. */
  read(from: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const count = readSync(this.#fd, bytes, done, length - done, from + done)
      if (count === 0) throw changed(this.path, 'was cut while it was read')
      done += count
    }
    return bytes
  }

  #openError(error: unknown): SluiceError {
    if (errorCode(error) === 'ELOOP') return changed(this.path, 'is a symbolic link')
    return storeError(this.path, error)
  }
}

/** @throws SluiceError `FORMAT_UNSUPPORTED` */
export function decodeFilePosition(position: Uint8Array, path: string): FilePosition {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(position).toString())
  } catch {
    value = undefined
  }
  const found = value as { v?: unknown; offset?: unknown; crc?: unknown; note?: unknown } | undefined
  if (found?.v !== 1 || !Number.isSafeInteger(found.offset) || typeof found.crc !== 'number') {
    throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${path} is not one this version can read`)
  }
  return { offset: found.offset as number, crc: found.crc, note: found.note }
}

function writeWhole(fd: number, bytes: Buffer, path: string): void {
  let done = 0
  let idle = 0
  while (done < bytes.length) {
    const count = writeSome(fd, bytes, done)
    done += count
    idle = count === 0 ? idle + 1 : 0
    if (idle > MAX_IDLE_WRITES) throw new SluiceError('SINK_UNREACHABLE', `${path} takes no bytes`)
  }
}

/** 0 = none taken now: interrupted, or a file system that answers like a full pipe. */
function writeSome(fd: number, bytes: Buffer, from: number): number {
  try {
    return writeSync(fd, bytes, from)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EAGAIN' || code === 'EINTR') return 0
    throw error
  }
}

/** Makes a new name in the folder survive a power cut. Windows opens no folders; its names need no such sync. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
