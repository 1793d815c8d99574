/**
 * The latest settlement of each URL of a job, by number: open addressing over 64-bit fingerprints, 16 bytes a slot, at most
 * half full. Grows with the URLs, about 50 bytes each. Knows no store.
 */
const FIRST_SLOTS = 1024

export class UrlTable {
  #high = new Uint32Array(FIRST_SLOTS)
  #low = new Uint32Array(FIRST_SLOTS)
  /** Number of the settlement; 0 = free. */
  #seq = new Float64Array(FIRST_SLOTS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Remembers a settlement; a later one of the same URL replaces it. */
  set(fingerprint: bigint, seq: number): void {
    if (this.#size * 2 >= this.#seq.length) this.#grow()
    const [high, low] = halves(fingerprint)
    this.#put(high, low, seq)
  }

  /** 0 where the URL is not known. */
  get(fingerprint: bigint): number {
    const [high, low] = halves(fingerprint)
    return this.#seq[this.#slotOf(high, low)] as number
  }

  #put(high: number, low: number, seq: number): void {
    const slot = this.#slotOf(high, low)
    if (this.#seq[slot] === 0) this.#size++
    this.#high[slot] = high
    this.#low[slot] = low
    this.#seq[slot] = seq
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#seq.length - 1
    let slot = low & mask
    while (this.#seq[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [high, low, seq] = [this.#high, this.#low, this.#seq]
    this.#high = new Uint32Array(seq.length * 2)
    this.#low = new Uint32Array(seq.length * 2)
    this.#seq = new Float64Array(seq.length * 2)
    this.#size = 0
    for (const [slot, number] of seq.entries()) {
      if (number !== 0) this.#put(high[slot] as number, low[slot] as number, number)
    }
  }
}

function halves(fingerprint: bigint): [high: number, low: number] {
  return [Number(fingerprint >> 32n) >>> 0, Number(fingerprint & 0xffff_ffffn)]
}
