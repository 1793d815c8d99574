/** A short queue of rows that is pushed at both ends: what was given back, redirect hops, retries that are due. */
export class RowDeque {
  #rows: number[] = []
  #head = 0

  get size(): number {
    return this.#rows.length - this.#head
  }

  /** The first row, or 0. */
  get first(): number {
    return this.#rows[this.#head] ?? 0
  }

  pushHead(row: number): void {
    if (this.#head > 0) this.#rows[--this.#head] = row
    else this.#rows.unshift(row)
  }

  pushTail(row: number): void {
    this.#rows.push(row)
  }

  /** Takes the first out; 0 when empty. */
  shift(): number {
    const row = this.#rows[this.#head]
    if (row === undefined) return 0
    this.#head++
    if (this.#head === this.#rows.length) {
      this.#rows = []
      this.#head = 0
    } else if (this.#head > 64 && this.#head * 2 > this.#rows.length) {
      this.#rows.splice(0, this.#head)
      this.#head = 0
    }
    return row
  }
}
