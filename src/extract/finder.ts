/** Positions of one string in the page, asked for with rising `from` (a little back is right, too, only slower). */
export class Finder {
  readonly #text: string
  readonly #what: string
  #asked = 0
  #found = -1

  constructor(text: string, what: string) {
    this.#text = text
    this.#what = what
  }

  /** First position at or behind `from`; Infinity where there is none. */
  from(from: number): number {
    if (this.#found >= from && this.#asked <= from) return this.#found
    this.#asked = from
    const found = this.#text.indexOf(this.#what, from)
    this.#found = found < 0 ? Infinity : found
    return this.#found
  }
}
