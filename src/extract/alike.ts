/**
 * Which pages of a run have the text of one before them: the same bytes by their digest, nearly the same text by simhash,
 * at most three bits apart. Remembers the latest originals, a fixed number of them, in arrays; the oldest are forgotten.
 */
import type { Alike } from '../model/record.ts'
import { detach } from '../url/detach.ts'
import type { Likeness } from './extractor.ts'
import { distance, simhashOf } from './simhash.ts'
import type { Simhash } from './simhash.ts'

/** For 64 bits and web pages: Manku, Jain and Das Sarma, section 2. */
const NEAR_BITS = 3
/** Pages that are remembered: about 45 bytes and the URL each. */
const REMEMBERED = 200_000
/** Two fingerprints three bits apart have at least one of four quarters in common. */
const QUARTERS = 4
const QUARTER_VALUES = 65_536
/** Entries of one quarter that are looked at, the latest first. */
const LOOKED_AT = 2_000

export function createLikeness(remembered: number = REMEMBERED): Likeness {
  return new Pages(remembered)
}

class Pages implements Likeness {
  readonly #most: number
  readonly #high: Uint32Array
  readonly #low: Uint32Array
  readonly #urls: string[] = []
  readonly #digests: string[] = []
  readonly #byDigest = new Map<string, number>()
  /** Number of the latest page with a value in a quarter; 0 = none. Pages count from 1. */
  readonly #heads = new Uint32Array(QUARTERS * QUARTER_VALUES)
  /** The one before it with the same value, by slot. */
  readonly #before: Uint32Array
  #last = 0

  constructor(most: number) {
    this.#most = most
    this.#high = new Uint32Array(most)
    this.#low = new Uint32Array(most)
    this.#before = new Uint32Array(most * QUARTERS)
  }

  note(url: string, digest: string, body: Uint8Array, isHtml: boolean): Alike | undefined {
    const same = this.#byDigest.get(digest)
    if (same !== undefined) return this.#alike(same, 0, url)
    const simhash = simhashOf(body, isHtml)
    const near = simhash === undefined ? undefined : this.#nearest(simhash)
    if (near !== undefined) return this.#alike(near.page, near.bits, url)
    this.#remember(url, digest, simhash)
    return undefined
  }

  #alike(page: number, bits: number, url: string): Alike | undefined {
    const original = this.#urls[page % this.#most] as string
    return original === url ? undefined : { url: original, bits }
  }

  /** The nearest one; of several the earliest. */
  #nearest(simhash: Simhash): { readonly page: number; readonly bits: number } | undefined {
    let best: { readonly page: number; readonly bits: number } | undefined
    for (let quarter = 0; quarter < QUARTERS; quarter++) {
      let page = this.#heads[headOf(simhash, quarter)] as number
      for (let looked = 0; page > this.#last - this.#most && page > 0 && looked < LOOKED_AT; looked++) {
        const slot = page % this.#most
        const bits = distance(simhash, { high: this.#high[slot] as number, low: this.#low[slot] as number })
        const isBetter = best === undefined || bits < best.bits || (bits === best.bits && page < best.page)
        if (bits <= NEAR_BITS && isBetter) best = { page, bits }
        page = this.#before[slot * QUARTERS + quarter] as number
      }
    }
    return best
  }

  #remember(url: string, digest: string, simhash: Simhash | undefined): void {
    const page = ++this.#last
    const slot = page % this.#most
    const forgotten = this.#digests[slot]
    if (forgotten !== undefined && this.#byDigest.get(forgotten) === page - this.#most) this.#byDigest.delete(forgotten)
    this.#urls[slot] = detach(url)
    this.#digests[slot] = digest
    this.#byDigest.set(digest, page)
    this.#high[slot] = simhash?.high ?? 0
    this.#low[slot] = simhash?.low ?? 0
    for (let quarter = 0; quarter < QUARTERS; quarter++) {
      if (simhash === undefined) continue
      const head = headOf(simhash, quarter)
      this.#before[slot * QUARTERS + quarter] = this.#heads[head] as number
      this.#heads[head] = page
    }
  }
}

function headOf({ high, low }: Simhash, quarter: number): number {
  const half = quarter < 2 ? high : low
  return quarter * QUARTER_VALUES + (quarter % 2 === 0 ? half >>> 16 : half & 0xffff)
}
