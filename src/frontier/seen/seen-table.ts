/**
 * Which fingerprints are known: 64-bit values in open addressing, eight bytes a slot, in 256 segments by the top byte.
 * Each segment grows alone, so no insert ever waits for the whole table to be copied (one doubling of 134 MB stalled
 * half a second). Fingerprints must be uniform; it does not hash.
 */

import { release } from '../schedule/typed-arrays.ts'

/** What a frontier asks of its memory of fingerprints. Halves are unsigned 32-bit numbers. */
export interface Seen {
  /** True when it was new. */
  add(hi: number, lo: number): boolean
  has(hi: number, lo: number): boolean
  readonly count: number
  /** Bytes held in memory. */
  readonly bytes: number
  close(): void
}

const SEGMENTS = 256
const FIRST_SLOTS = 64
/** Linear probing stays near ten steps for a miss below this. */
const MAX_LOAD = 0.75
const TWO_32 = 4294967296

export class SeenTable implements Seen {
  #segments: (Uint32Array | undefined)[] = []
  #counts: Int32Array = new Int32Array(SEGMENTS)
  #count = 0
  #bytes = 0
  /** (0, 0) marks an empty slot, so that one fingerprint is kept here. */
  #zero = false

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  add(hi: number, lo: number): boolean {
    if (hi === 0 && lo === 0) return this.#addZero()
    const s = hi >>> 24
    let segment = this.#segments[s]
    if (segment === undefined) segment = this.#allocate(s, FIRST_SLOTS)
    let slots = segment.length >>> 1
    let slot = Math.floor((lo * slots) / TWO_32)
    for (;;) {
      const at = slot << 1
      const h = segment[at] as number
      const l = segment[at + 1] as number
      if (h === hi && l === lo) return false
      if (h === 0 && l === 0) break
      if (++slot === slots) slot = 0
    }
    const count = (this.#counts[s] as number) + 1
    if (count > slots * MAX_LOAD) {
      segment = this.#grow(s, segment)
      slots = segment.length >>> 1
      slot = freeSlot(segment, slots, lo)
    }
    segment[slot << 1] = hi
    segment[(slot << 1) + 1] = lo
    this.#counts[s] = count
    this.#count++
    return true
  }

  has(hi: number, lo: number): boolean {
    if (hi === 0 && lo === 0) return this.#zero
    const segment = this.#segments[hi >>> 24]
    if (segment === undefined) return false
    const slots = segment.length >>> 1
    let slot = Math.floor((lo * slots) / TWO_32)
    for (;;) {
      const h = segment[slot << 1] as number
      const l = segment[(slot << 1) + 1] as number
      if (h === hi && l === lo) return true
      if (h === 0 && l === 0) return false
      if (++slot === slots) slot = 0
    }
  }

  /**
   * The fingerprints of segments `from` to below `to`, ascending; they are no longer here.
   * @param giveBack true: the memory is given back; false: it is kept for as many again.
   */
  takeSorted(from: number, to: number, giveBack: boolean): BigUint64Array {
    let count = 0
    for (let s = from; s < to; s++) count += this.#counts[s] as number
    const zero = from === 0 && this.#zero
    const sorted = new BigUint64Array(count + (zero ? 1 : 0))
    const halves = new Uint32Array(sorted.buffer)
    let n = zero ? 1 : 0
    for (let s = from; s < to; s++) {
      const segment = this.#segments[s]
      if (segment === undefined) continue
      const start = n
      for (let at = 0; at < segment.length; at += 2) {
        const hi = segment[at] as number
        const lo = segment[at + 1] as number
        if (hi === 0 && lo === 0) continue
        halves[2 * n] = lo
        halves[2 * n + 1] = hi
        n++
      }
      sorted.subarray(start, n).sort()
      this.#counts[s] = 0
      if (giveBack) {
        this.#bytes -= segment.byteLength
        this.#segments[s] = undefined
        release(segment)
      } else segment.fill(0)
    }
    if (zero) this.#zero = false
    this.#count -= n
    return sorted
  }

  close(): void {
    this.#segments = []
    this.#bytes = 0
  }

  #addZero(): boolean {
    if (this.#zero) return false
    this.#zero = true
    this.#count++
    return true
  }

  #allocate(s: number, slots: number): Uint32Array {
    const segment = new Uint32Array(2 * slots)
    this.#segments[s] = segment
    this.#bytes += segment.byteLength
    return segment
  }

  #grow(s: number, old: Uint32Array): Uint32Array {
    const slots = Math.ceil((old.length >>> 1) * 1.5)
    this.#bytes -= old.byteLength
    const segment = this.#allocate(s, slots)
    for (let at = 0; at < old.length; at += 2) {
      const hi = old[at] as number
      const lo = old[at + 1] as number
      if (hi === 0 && lo === 0) continue
      const slot = freeSlot(segment, slots, lo)
      segment[slot << 1] = hi
      segment[(slot << 1) + 1] = lo
    }
    release(old)
    return segment
  }
}

function freeSlot(segment: Uint32Array, slots: number, lo: number): number {
  let slot = Math.floor((lo * slots) / TWO_32)
  while (segment[slot << 1] !== 0 || segment[(slot << 1) + 1] !== 0) if (++slot === slots) slot = 0
  return slot
}
