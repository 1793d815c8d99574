/**
 * Packed rows of `added` and `settled`: what opening must know of each request and settlement, in columns of fixed
 * width. Little-endian, as all machines that run Node are.
 */
import { crc32 } from 'node:zlib'
import { isCounted, split, splitHi, splitLo } from '../schedule/rows.ts'
import type { Row } from '../schedule/rows.ts'
import { corrupt } from './errors.ts'

/** Bytes of a request: lane, low and high half of the fingerprint it marked as seen, kind and priority. */
const ADDED_BYTES = 13
/** Bytes of a settlement: row, and its number minus the number of the pack's first. */
const SETTLED_BYTES = 8

/** Requests `first`, `first` + 1 …; all of one commit. */
export interface AddedPack {
  readonly first: number
  readonly count: number
  readonly lanes: Uint32Array
  /** Low half, high half; (0, 0): it marked nothing. */
  readonly fps: Uint32Array
  /** Kind in bits 0-2, priority in bits 3-4. */
  readonly heads: Uint8Array
}

/** Reused by all packs: the driver copies what it is given. */
let scratch = new Uint8Array(1024 * ADDED_BYTES)

function room(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > scratch.length) scratch = new Uint8Array(bytes)
  return scratch.subarray(0, bytes).fill(0)
}

/** Valid until the next pack is made. @param rows ids ascend by one. */
export function packAdded(rows: readonly Row[]): Uint8Array {
  const count = rows.length
  const data = room(count * ADDED_BYTES)
  const lanes = new Uint32Array(data.buffer, 0, count)
  const fps = new Uint32Array(data.buffer, 4 * count, 2 * count)
  for (let i = 0; i < count; i++) {
    const row = rows[i] as Row
    lanes[i] = row.lane
    data[12 * count + i] = row.kind | (row.priority << 3)
    if (isCounted(row.kind)) {
      fps[2 * i] = row.fpLo
      fps[2 * i + 1] = row.fpHi
    } else if (row.target !== undefined) {
      split(row.target)
      fps[2 * i] = splitLo()
      fps[2 * i + 1] = splitHi()
    }
  }
  return data
}

export function unpackAdded(first: number, bytes: Uint8Array, sum: number, path: string): AddedPack {
  check(bytes, ADDED_BYTES, sum, `pack ${first} of the requests`, path)
  const data = aligned(bytes)
  const count = data.length / ADDED_BYTES
  return {
    first,
    count,
    lanes: new Uint32Array(data.buffer, data.byteOffset, count),
    fps: new Uint32Array(data.buffer, data.byteOffset + 4 * count, 2 * count),
    heads: data.subarray(12 * count),
  }
}

/** Valid until the next pack is made. @param pairs row, seq, row, seq … in ascending order of seq. */
export function packSettled(pairs: readonly number[]): Uint8Array {
  const count = pairs.length / 2
  const data = room(count * SETTLED_BYTES)
  const words = new Uint32Array(data.buffer, 0, 2 * count)
  const first = pairs[1] as number
  for (let i = 0; i < count; i++) {
    words[i] = pairs[2 * i] as number
    words[count + i] = (pairs[2 * i + 1] as number) - first
  }
  return data
}

/** Rows, then differences of their numbers from `first`. */
export function unpackSettled(first: number, bytes: Uint8Array, sum: number, path: string): Uint32Array {
  check(bytes, SETTLED_BYTES, sum, `pack ${first} of the settlements`, path)
  const data = aligned(bytes)
  return new Uint32Array(data.buffer, data.byteOffset, data.length / 4)
}

export function packSum(data: Uint8Array): number {
  return crc32(data)
}

function check(data: Uint8Array, width: number, sum: number, what: string, path: string): void {
  if (data.length % width !== 0 || crc32(data) !== sum)
    throw corrupt(path, `${what} is damaged: its checksum does not match`)
}

function aligned(data: Uint8Array): Uint8Array {
  return data.byteOffset % 4 === 0 ? data : Uint8Array.from(data)
}
