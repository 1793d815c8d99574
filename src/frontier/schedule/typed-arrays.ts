/** Growing typed arrays: by half, so that memory follows what is stored within a factor of 1.5. */

const FIRST = 256

/**
 * Gives the memory of an array back at once. Left to the garbage collector, arrays that were outgrown pile up to as
 * much again as what is in use: it sees a small object each.
 */
export function release(array: Int32Array | Uint32Array | Float64Array | Uint8Array): void {
  ;(array.buffer as ArrayBuffer).transfer(0)
}

export function grownInt32(array: Int32Array, length: number): Int32Array {
  if (length <= array.length) return array
  const larger = new Int32Array(Math.max(FIRST, length, array.length + (array.length >> 1)))
  larger.set(array)
  release(array)
  return larger
}

export function grownFloat64(array: Float64Array, length: number): Float64Array {
  if (length <= array.length) return array
  const larger = new Float64Array(Math.max(FIRST, length, array.length + (array.length >> 1)))
  larger.set(array)
  release(array)
  return larger
}

export function grownUint8(array: Uint8Array, length: number): Uint8Array {
  if (length <= array.length) return array
  const larger = new Uint8Array(Math.max(FIRST, length, array.length + (array.length >> 1)))
  larger.set(array)
  release(array)
  return larger
}

/** One bit a row. */
export class Bits {
  #bytes = new Uint8Array(FIRST)

  has(row: number): boolean {
    return ((this.#bytes[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0
  }

  set(row: number): void {
    const at = row >>> 3
    if (at >= this.#bytes.length) this.#bytes = grownUint8(this.#bytes, at + 1) as Uint8Array<ArrayBuffer>
    this.#bytes[at] = (this.#bytes[at] as number) | (1 << (row & 7))
  }

  clear(row: number): void {
    const at = row >>> 3
    if (at < this.#bytes.length) this.#bytes[at] = (this.#bytes[at] as number) & ~(1 << (row & 7))
  }
}
