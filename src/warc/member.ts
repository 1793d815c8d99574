/**
 * One gzip member at a time (RFC 1952), with its length in the file: archives hold one record a member so that a record
 * can be reached by its offset. Node's own gunzip runs over the borders of members and does not say where they are.
 */
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import type { Window } from './window.ts'

/** `torn`: the file ends within the member. `damaged`: it is no gzip, or its checksum is wrong. */
export type Member =
  | {
      readonly state: 'whole'
      /** Decoded bytes, at most the `keep` first ones where the member is larger than `AT_ONCE`. */
      readonly bytes: Buffer
      /** Decoded bytes in all. */
      readonly size: number
      /** Bytes in the file. */
      readonly length: number
    }
  | { readonly state: 'torn'; readonly reason: string }
  | { readonly state: 'damaged'; readonly reason: string }

/** Members up to this size, coded or decoded, are decoded in one call, without a stream for each page. */
const AT_ONCE = 32 * 1024 * 1024
const FIRST_LOOK = 256 * 1024
/** Holds most pages whole. */
const PIECE = 64 * 1024
/** zlib's least. */
const LEAST_PIECE = 64
const TRAILER = 8
/** Fixed part of the header. */
const HEADER = 10
/** Longest header looked at: name and comment may be of any length, nobody writes long ones. */
const LONGEST_HEADER = 66_000

interface Info {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Reads the member at the window's start; the window stays where it is. */
export async function readMember(window: Window, keep: number): Promise<Member> {
  const seen = await window.view(LONGEST_HEADER)
  const start = headerLength(seen)
  if (start === undefined) return { state: 'damaged', reason: 'no gzip member' }
  if (start === Infinity && seen.length < window.left) return { state: 'damaged', reason: 'an endless gzip header' }
  if (start > window.left) return { state: 'torn', reason: 'the file ends in a gzip header' }
  for (let look = FIRST_LOOK; ; look *= 4) {
    const view = await window.view(look)
    const found = inflateAtOnce(view.subarray(start), PIECE)
    if (found === 'large' || (found === 'short' && look >= AT_ONCE && view.length < window.left)) break
    if (found === 'short') {
      if (view.length >= window.left) return tornMember()
      continue
    }
    if (found === 'damaged') return { state: 'damaged', reason: 'damaged gzip data' }
    const { buffer, engine } = found
    const end = start + engine.bytesWritten
    const whole = view.length >= end + TRAILER ? view : await window.view(end + TRAILER)
    return finish(whole, end, buffer, buffer.length, crc32(buffer))
  }
  return inflateByPieces(window, start, keep)
}

/** As much as can be decoded of the member that the bytes start with; empty where they start with none. */
export function startOfMember(bytes: Buffer): Buffer {
  const start = headerLength(bytes)
  if (start === undefined || start >= bytes.length) return Buffer.alloc(0)
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: AT_ONCE }
    return inflateRawSync(bytes.subarray(start), options)
  } catch {
    return Buffer.alloc(0)
  }
}

/**
 * The member whose bytes are all here and nothing but it; undefined where it is not one that is decoded in one call
 * (`readMember` reads all there are, and says what is wrong with the others).
 */
export function decodedMember(bytes: Buffer): Extract<Member, { state: 'whole' }> | undefined {
  const start = headerLength(bytes)
  if (start === undefined || start + TRAILER > bytes.length) return undefined
  // Its own word on its size spares the pieces and their joining: half of the time of an ordinary page.
  const size = bytes.readUInt32LE(bytes.length - 4)
  if (size > AT_ONCE) return undefined
  const found = inflateAtOnce(bytes.subarray(start), Math.max(LEAST_PIECE, size + 1))
  if (typeof found === 'string') return undefined
  const { buffer, engine } = found
  const member = finish(bytes, start + engine.bytesWritten, buffer, buffer.length, crc32(buffer))
  return member.state === 'whole' && member.length === bytes.length ? member : undefined
}

/** @param chunkSize decoded bytes that are allocated at a time */
function inflateAtOnce(bytes: Buffer, chunkSize: number): Info | 'short' | 'large' | 'damaged' {
  try {
    return inflateRawSync(bytes, { maxOutputLength: AT_ONCE, info: true, chunkSize }) as unknown as Info
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') return 'large'
    return code === 'Z_BUF_ERROR' ? 'short' : 'damaged'
  }
}

async function inflateByPieces(window: Window, start: number, keep: number): Promise<Member> {
  const from = window.offset
  const inflate = createInflateRaw({ chunkSize: 65_536 })
  const kept: Buffer[] = []
  let size = 0
  let crc = 0
  inflate.on('data', (piece: Buffer) => {
    if (size < keep) kept.push(piece.subarray(0, keep - size))
    size += piece.length
    crc = crc32(piece, crc)
  })
  const failed = new Promise<'damaged'>((resolve) => inflate.once('error', () => resolve('damaged')))
  const ended = new Promise<'ended'>((resolve) => inflate.once('end', () => resolve('ended')))
  window.skip(start)
  let state: 'reading' | 'ended' | 'damaged' = 'reading'
  let fed = 0
  while (state === 'reading' && window.left > 0) {
    const piece = Buffer.from((await window.view(65_536)).subarray(0, 65_536))
    const written = new Promise<'reading'>((resolve) => inflate.write(piece, () => resolve('reading')))
    state = await Promise.race([written, failed])
    fed += piece.length
    window.skip(piece.length)
    // Behind the deflated data stands the trailer: bytes that are not taken are its sign.
    if (state === 'reading' && inflate.bytesWritten < fed) state = await Promise.race([ended, failed])
  }
  const coded = inflate.bytesWritten
  inflate.destroy()
  window.rewind(from)
  if (state === 'damaged') return { state: 'damaged', reason: 'damaged gzip data' }
  if (state === 'reading' || window.left < start + coded + TRAILER) return tornMember()
  window.skip(start + coded)
  const result = finish(await window.view(TRAILER), 0, Buffer.concat(kept), size, crc)
  window.rewind(from)
  return result.state === 'whole' ? { ...result, length: start + coded + TRAILER } : result
}

function tornMember(): Member {
  return { state: 'torn', reason: 'the file ends in a record' }
}

function finish(view: Buffer, end: number, bytes: Buffer, size: number, crc: number): Member {
  if (view.length < end + TRAILER) return tornMember()
  if (view.readUInt32LE(end) !== crc || view.readUInt32LE(end + 4) !== size % 2 ** 32) {
    return { state: 'damaged', reason: 'the checksum of a gzip member is wrong' }
  }
  return { state: 'whole', bytes, size, length: end + TRAILER }
}

/** RFC 1952 2.3; undefined where it is none. More than there are bytes where it is cut off. */
function headerLength(view: Buffer): number | undefined {
  if (view[0] !== 0x1f || (view.length > 1 && view[1] !== 0x8b) || (view.length > 2 && view[2] !== 8)) return undefined
  if (view.length < HEADER) return Infinity
  const flags = view[3] as number
  let at = HEADER
  if ((flags & 4) !== 0) at += 2 + (view.length < at + 2 ? Infinity : view.readUInt16LE(at))
  // Name, then comment: each ends in a zero.
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue
    const zero = view.indexOf(0, at)
    if (zero < 0) return Infinity
    at = zero + 1
  }
  return (flags & 2) === 0 ? at : at + 2
}
