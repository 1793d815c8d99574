/** One column of fixed width that grows at its end. */

/** Rows that a new column has room for. */
const CHUNK = 65_536

/** Grows by half, so that appending costs little. */
export class Column<A extends Uint8Array | Uint16Array | Uint32Array | Float64Array> {
  values: A
  readonly #make: (length: number) => A

  constructor(make: (length: number) => A) {
    this.#make = make
    this.values = make(CHUNK)
  }

  reserve(length: number): void {
    if (length <= this.values.length) return
    const grown = this.#make(Math.max(length, Math.ceil(this.values.length * 1.5)))
    grown.set(this.values as never)
    this.values = grown
  }
}

/** Texts that many rows share, as numbers; 0 is ''. */
export class Names {
  readonly texts: string[] = ['']
  readonly #ids = new Map<string, number>([['', 0]])
  readonly #most: number

  /** @param most numbers given out; what comes beyond shares the number 0. */
  constructor(most: number) {
    this.#most = most
  }

  idOf(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    if (this.texts.length >= this.#most) return 0
    this.texts.push(text)
    this.#ids.set(text, this.texts.length - 1)
    return this.texts.length - 1
  }

  /** -1 for a text that no row has. */
  find(text: string): number {
    return this.#ids.get(text) ?? -1
  }
}
