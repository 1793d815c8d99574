/**
 * A blocked Bloom filter over fingerprints: one cache line a question, seven bits of 512 each. It says "never seen" for
 * nearly everything new, so that the runs on disk are asked only about what is probably there. Sized once; with more
 * entries than it was made for it is wrong more often, never the other way.
 */
const BLOCK_WORDS = 16
const TWO_32 = 4294967296

export class Bloom {
  readonly #words: Uint32Array
  readonly #blocks: number

  constructor(bytes: number) {
    this.#blocks = Math.max(1, Math.floor(bytes / (4 * BLOCK_WORDS)))
    this.#words = new Uint32Array(this.#blocks * BLOCK_WORDS)
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add(hi: number, lo: number): void {
    const base = this.#block(hi)
    const words = this.#words
    let bits = lo
    for (let i = 0; i < 3; i++) {
      const bit = bits & 511
      words[base + (bit >>> 5)] = (words[base + (bit >>> 5)] as number) | (1 << (bit & 31))
      bits >>>= 9
    }
    bits = remixed(lo, hi)
    for (let i = 0; i < 4; i++) {
      const bit = (bits >>> (i * 7)) & 511
      words[base + (bit >>> 5)] = (words[base + (bit >>> 5)] as number) | (1 << (bit & 31))
    }
  }

  /** False: certainly not added. */
  mayHave(hi: number, lo: number): boolean {
    const base = this.#block(hi)
    const words = this.#words
    let bits = lo
    for (let i = 0; i < 3; i++) {
      const bit = bits & 511
      if (((words[base + (bit >>> 5)] as number) & (1 << (bit & 31))) === 0) return false
      bits >>>= 9
    }
    bits = remixed(lo, hi)
    for (let i = 0; i < 4; i++) {
      const bit = (bits >>> (i * 7)) & 511
      if (((words[base + (bit >>> 5)] as number) & (1 << (bit & 31))) === 0) return false
    }
    return true
  }

  #block(hi: number): number {
    return Math.floor((hi * this.#blocks) / TWO_32) * BLOCK_WORDS
  }
}

/** More bits of the same 64, for the probes that `lo` alone cannot feed (constant: 2^32 / golden ratio). */
function remixed(lo: number, hi: number): number {
  const mixed = Math.imul(lo ^ (hi << 7), 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}
