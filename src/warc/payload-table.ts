/**
 * Which payloads an archive holds already, and where: 64 bits of their sha1 in open addressing, 16 bytes a slot. It may
 * answer wrong for two payloads that share these bits, so whoever asks compares the whole digest at the place named.
 * Bounded: 4,194,304 slots (64 MiB, 96 MiB while the last doubling lasts), at most three in four used. Payloads that come
 * when it is full are not remembered: their repeats are stored again, and nothing else is lost.
 */

/** Slots at the start: small jobs take 64 KiB. */
const FIRST_SLOTS = 4096
const MOST_SLOTS = 2 ** 22
/** Place = file number x this + offset: exact in a double up to a million files. */
const OFFSETS = 2 ** 33
const MOST_FILES = 2 ** 19

export interface Place {
  readonly file: number
  readonly offset: number
}

export class PayloadTable {
  readonly #mostSlots: number
  #high: Uint32Array
  #low: Uint32Array
  /** Place + 1; 0 = free. */
  #places: Float64Array
  #used = 0

  constructor(mostSlots: number = MOST_SLOTS) {
    this.#mostSlots = mostSlots
    const slots = Math.min(FIRST_SLOTS, mostSlots)
    this.#high = new Uint32Array(slots)
    this.#low = new Uint32Array(slots)
    this.#places = new Float64Array(slots)
  }

  get size(): number {
    return this.#used
  }

  /** Where a payload with these bits was stored first. @param digest sha1, 20 bytes */
  find(digest: Buffer): Place | undefined {
    const slot = this.#slotOf(digest.readUInt32BE(0), digest.readUInt32BE(4))
    const place = this.#places[slot] as number
    return place === 0 ? undefined : { file: Math.floor((place - 1) / OFFSETS), offset: (place - 1) % OFFSETS }
  }

  /** Remembers a payload, unless it is known, there is no room, or the place is beyond what a slot can name. */
  add(digest: Buffer, { file, offset }: Place): void {
    if (offset >= OFFSETS || file >= MOST_FILES) return
    if (this.#used >= this.#places.length * 0.75) {
      if (this.#places.length * 2 > this.#mostSlots) return
      this.#grow()
    }
    this.#put(digest.readUInt32BE(0), digest.readUInt32BE(4), file * OFFSETS + offset + 1)
  }

  #put(high: number, low: number, place: number): void {
    const slot = this.#slotOf(high, low)
    if (this.#places[slot] !== 0) return
    this.#high[slot] = high
    this.#low[slot] = low
    this.#places[slot] = place
    this.#used++
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#places.length - 1
    let slot = low & mask
    while (this.#places[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [high, low, places] = [this.#high, this.#low, this.#places]
    this.#high = new Uint32Array(places.length * 2)
    this.#low = new Uint32Array(places.length * 2)
    this.#places = new Float64Array(places.length * 2)
    this.#used = 0
    for (const [slot, place] of places.entries()) {
      if (place !== 0) this.#put(high[slot] as number, low[slot] as number, place)
    }
  }
}
