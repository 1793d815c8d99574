/**
 * Bytes out of a buffer that is filled again, one behind the other, as one array: an own one to keep, or a lent one whose
 * memory serves the next body. Lent memory is no garbage, and garbage of bodies is what a collector works on most.
 */

/** A length that is only announced is believed up to here; beyond it the array grows with what comes. */
const BELIEVED_BYTES = 1024 * 1024
const FIRST_BYTES = 16 * 1024
/** Sizes of lent arrays: powers of two from 32 KiB to 1 MiB; larger ones are left to the collector. */
const SMALLEST = 15
const LARGEST = 20
/** Arrays of one size that wait for their next body, in bytes. */
const WAITING_BYTES = 4 * 1024 * 1024

/** Arrays to be lent, by size. One a fetcher. */
export class Lender {
  readonly #free: Uint8Array[][] = []

  take(length: number): Uint8Array {
    const size = sizeOf(length)
    if (size > LARGEST) return ownBytes(length)
    return this.#free[size]?.pop() ?? ownBytes(2 ** size)
  }

  give(bytes: Uint8Array): void {
    const size = sizeOf(bytes.length)
    if (size > LARGEST || 2 ** size !== bytes.length) return
    const free = (this.#free[size] ??= [])
    if ((free.length + 1) * bytes.length <= WAITING_BYTES) free.push(bytes)
  }
}

export class KeptBytes {
  length = 0
  readonly #expected: number
  readonly #lender: Lender | undefined
  #bytes: Uint8Array | undefined
  /** The only chunk so far, and all that was announced: whoever takes it now need not copy. */
  #whole: Uint8Array | undefined

  /**
   * @param expected length announced, 0: unknown. A right one saves a copy.
   * @param lender given: what is taken is lent until `end`.
   */
  constructor(expected: number, lender: Lender | undefined) {
    this.#expected = expected
    this.#lender = lender
  }

  add(chunk: Uint8Array): void {
    const length = this.length + chunk.length
    if (this.length === 0 && length === this.#expected) {
      this.#whole = chunk
      this.length = length
      return
    }
    let bytes = this.#bytes
    if (bytes === undefined) bytes = this.#bytes = this.#take(Math.max(length, this.#first(chunk.length)))
    else if (length > bytes.length) {
      const larger = this.#take(Math.max(length, bytes.length * 2))
      larger.set(bytes.subarray(0, this.length))
      // Nobody else has seen it: its memory is free at once, not when the collector comes by.
      if (this.#lender === undefined) (bytes.buffer as ArrayBuffer).transfer(0)
      else this.#lender.give(bytes)
      bytes = this.#bytes = larger
    }
    bytes.set(chunk, this.length)
    this.length = length
  }

  /**
   * Everything added. Without a lender: in an array of just that size, which is the caller's. With one: memory that is
   * used again after `end`, or by the next read where everything came in one chunk.
   */
  take(): Uint8Array {
    const whole = this.#whole
    if (whole !== undefined) return this.#lender === undefined ? new Uint8Array(whole) : whole
    const bytes = this.#bytes
    if (bytes === undefined) return new Uint8Array(0)
    if (this.#lender !== undefined) return bytes.subarray(0, this.length)
    return bytes.length === this.length ? bytes : bytes.slice(0, this.length)
  }

  /** Gives the memory back and forgets everything. */
  end(): void {
    if (this.#bytes !== undefined) this.#lender?.give(this.#bytes)
    this.#bytes = undefined
    this.#whole = undefined
    this.length = 0
  }

  #take(length: number): Uint8Array {
    return this.#lender === undefined ? ownBytes(length) : this.#lender.take(length)
  }

  #first(chunk: number): number {
    if (this.#expected > 0) return Math.min(this.#expected, BELIEVED_BYTES)
    return chunk < FIRST_BYTES ? FIRST_BYTES : chunk * 2
  }
}

function sizeOf(length: number): number {
  return Math.max(SMALLEST, 32 - Math.clz32(length - 1))
}

/** Not zeroed: it is filled before anybody reads it. */
function ownBytes(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}
