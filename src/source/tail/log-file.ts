/**
 * One file that is appended to: its whole lines from a place on, and a proof of that place. The proof is a checksum of
 * the bytes just before it: a file that was cut, or whose inode belongs to another file by now, does not have it. It is
 * taken of the bytes as they were read, not asked of the file afterwards: that may have been cut in between. Knows nothing
 * of names and rotation.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { crc32 } from 'node:zlib'
import { textOf } from '../text.ts'

/** Where the reading of a file stands. */
export interface Place {
  readonly dev: number
  readonly ino: number
  /** Bytes of whole lines that are behind us. */
  readonly offset: number
  /** CRC-32 of the bytes before `offset`, at most `PROOF` of them. */
  readonly proof: number
}

export interface LogLine {
  readonly text: string
  /** The line is longer than is taken: `text` is its beginning. */
  readonly isCut?: true
}

const CHUNK = 65_536
/** Bytes before the offset that prove it: some lines of a log. */
const PROOF = 1_024
/** Of a longer line the beginning is given. */
const LONGEST_LINE = 1024 * 1024
const BEGINNING = 65_536
const LF = 10
const CR = 13

export class LogFile {
  readonly dev: number
  readonly ino: number
  readonly #fd: number
  /** Behind the last whole line that was given. */
  #offset: number
  /** Bytes behind `offset` that are the beginning of a line. */
  #held: Buffer[] = []
  #heldLength = 0
  /** Bytes of a line that is too long, which were passed over, and the last of them. */
  #passed = 0
  #passedEnd: Uint8Array = new Uint8Array(0)
  /** The bytes before `offset` as they were when they were read, at most `PROOF` of them. */
  #before: Uint8Array

  /** @throws the error of the file system */
  constructor(path: string, offset: number) {
    this.#fd = openSync(path, 'r')
    const { dev, ino } = fstatSync(this.#fd)
    this.dev = dev
    this.ino = ino
    this.#offset = offset
    this.#before = this.#bytesBefore(offset)
  }

  get offset(): number {
    return this.#offset
  }

  stat(): Stats {
    return fstatSync(this.#fd)
  }

  /** Whether what lies before `offset` is what was read there: the file was neither cut nor replaced. */
  isIntact(): boolean {
    if (this.stat().size < this.#offset + this.#heldLength + this.#passed) return false
    return this.place().proof === crc32(this.#bytesBefore(this.#offset))
  }

  /** Whether the file proves a place of another one: it is that file under another name, or a copy of it. */
  proves({ offset, proof }: Pick<Place, 'offset' | 'proof'>): boolean {
    return this.stat().size >= offset && crc32(this.#bytesBefore(offset)) === proof
  }

  /** Checksum of the first bytes, at most `length`: copies of a file begin alike. */
  beginning(length: number): number {
    return crc32(this.#bytes(0, Math.min(length, PROOF)))
  }

  /** The next lines, at most `most`; none at the end of the file. What is half stays for the next call. */
  lines(most: number): LogLine[] {
    const lines: LogLine[] = []
    while (lines.length < most) {
      const chunk = this.#bytes(this.#offset + this.#heldLength + this.#passed, CHUNK)
      if (chunk.length === 0) break
      this.#take(chunk, lines, most)
    }
    return lines
  }

  /** The beginning of a line that will not be ended any more; undefined where the file ends with a whole one. */
  lastLine(): LogLine | undefined {
    if (this.#heldLength + this.#passed === 0) return undefined
    return this.#end(new Uint8Array(0), new Uint8Array(0))
  }

  place(): Place {
    return { dev: this.dev, ino: this.ino, offset: this.#offset, proof: crc32(this.#before) }
  }

  /** Goes to where the last `count` lines begin; a half line at the end is none of them. Returns how many there are. */
  seekLast(count: number): number {
    let at = this.stat().size
    let found = -1
    while (at > 0) {
      const from = Math.max(0, at - CHUNK)
      const chunk = this.#bytes(from, at - from)
      for (let i = chunk.length - 1; i >= 0; i--) {
        if (chunk[i] !== LF || ++found < count) continue
        this.#offset = from + i + 1
        this.#before = this.#bytesBefore(this.#offset)
        return count
      }
      at = from
    }
    this.#offset = 0
    this.#before = new Uint8Array(0)
    return found + 1
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** What lies behind the last of `most` lines is read again by the next call. */
  #take(chunk: Buffer, lines: LogLine[], most: number): void {
    let at = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, at)) {
      const line = this.#end(chunk.subarray(at, end), chunk.subarray(end, end + 1))
      if (line !== undefined) lines.push(line)
      at = end + 1
      if (lines.length === most) return
    }
    const rest = chunk.subarray(at)
    if (this.#passed > 0 || this.#heldLength + rest.length > LONGEST_LINE) {
      this.#passed += rest.length
      this.#passedEnd = lastBytes([this.#passedEnd, rest])
    } else if (rest.length > 0) {
      this.#held.push(Buffer.from(rest))
      this.#heldLength += rest.length
    }
  }

  /** @param lineEnd the line end that follows, if one does. Undefined for an empty line. */
  #end(last: Uint8Array, lineEnd: Uint8Array): LogLine | undefined {
    const isCut = this.#passed > 0 || this.#heldLength + last.length > LONGEST_LINE
    const line = Buffer.concat([...this.#held, last])
    this.#offset += this.#heldLength + this.#passed + last.length + lineEnd.length
    this.#before = lastBytes([this.#before, ...this.#held, this.#passedEnd, last, lineEnd])
    this.#held = []
    this.#heldLength = 0
    this.#passed = 0
    this.#passedEnd = new Uint8Array(0)
    if (isCut) return { text: textOf(line.subarray(0, BEGINNING)), isCut: true }
    const end = line.at(-1) === CR ? line.length - 1 : line.length
    return end === 0 ? undefined : { text: textOf(line.subarray(0, end)) }
  }

  #bytesBefore(offset: number): Buffer {
    const length = Math.min(PROOF, offset)
    return this.#bytes(offset - length, length)
  }

  /** Fewer where the file ends. */
  #bytes(from: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    let done = 0
    while (done < length) {
      const count = readSync(this.#fd, bytes, done, length - done, from + done)
      if (count === 0) break
      done += count
    }
    return bytes.subarray(0, done)
  }
}

/** The last bytes of several pieces, at most `PROOF`, in a buffer of their own. */
function lastBytes(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  let from = pieces.length
  while (from > 0 && length < PROOF) length += (pieces[--from] as Uint8Array).length
  const joined = Buffer.concat(pieces.slice(from))
  return joined.length > PROOF ? Buffer.from(joined.subarray(joined.length - PROOF)) : joined
}
