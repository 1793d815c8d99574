/** Rows that wait for a time of their own (retries, delayed adds), earliest first. */
import { grownFloat64, grownInt32 } from './typed-arrays.ts'

export class DueHeap {
  #due: Float64Array = new Float64Array(64)
  #rows: Int32Array = new Int32Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Time of the earliest, or Infinity. */
  get first(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#due[0] as number)
  }

  push(due: number, row: number): void {
    let place = this.#size++
    this.#due = grownFloat64(this.#due, this.#size)
    this.#rows = grownInt32(this.#rows, this.#size)
    while (place > 0) {
      const parent = (place - 1) >> 1
      if ((this.#due[parent] as number) <= due) break
      this.#due[place] = this.#due[parent] as number
      this.#rows[place] = this.#rows[parent] as number
      place = parent
    }
    this.#due[place] = due
    this.#rows[place] = row
  }

  /** Takes the earliest out; 0 when empty. */
  pop(): number {
    if (this.#size === 0) return 0
    const row = this.#rows[0] as number
    const size = --this.#size
    const due = this.#due[size] as number
    const last = this.#rows[size] as number
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= size) break
      if (child + 1 < size && (this.#due[child + 1] as number) < (this.#due[child] as number)) child++
      if ((this.#due[child] as number) >= due) break
      this.#due[place] = this.#due[child] as number
      this.#rows[place] = this.#rows[child] as number
      place = child
    }
    this.#due[place] = due
    this.#rows[place] = last
    return row
  }
}
