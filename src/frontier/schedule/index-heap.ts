/**
 * A binary heap of small whole numbers (ids of keys) that knows where each of them lies, so that a key can be moved or
 * taken out when its time changes. The order is the caller's.
 */
import { grownInt32 } from './typed-arrays.ts'

export class IndexHeap {
  #items: Int32Array = new Int32Array(64)
  /** Place in `#items` plus one; 0: not in the heap. */
  #places: Int32Array = new Int32Array(64)
  #size = 0
  readonly #before: (a: number, b: number) => boolean

  /** @param before true where `a` comes out before `b`. */
  constructor(before: (a: number, b: number) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#size
  }

  has(item: number): boolean {
    return (this.#places[item] ?? 0) !== 0
  }

  /** The first item, or -1. */
  peek(): number {
    return this.#size === 0 ? -1 : (this.#items[0] as number)
  }

  /** Puts an item in, or moves it to where its changed order belongs. */
  put(item: number): void {
    this.#places = grownInt32(this.#places, item + 1)
    let place = (this.#places[item] as number) - 1
    if (place < 0) {
      place = this.#size++
      this.#items = grownInt32(this.#items, this.#size)
      this.#items[place] = item
      this.#places[item] = place + 1
    }
    if (!this.#up(place)) this.#down(place)
  }

  remove(item: number): void {
    const place = (this.#places[item] ?? 0) - 1
    if (place < 0) return
    this.#places[item] = 0
    const last = this.#items[--this.#size] as number
    if (last === item) return
    this.#items[place] = last
    this.#places[last] = place + 1
    if (!this.#up(place)) this.#down(place)
  }

  #up(from: number): boolean {
    const items = this.#items
    const item = items[from] as number
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = items[parent] as number
      if (!this.#before(item, above)) break
      items[place] = above
      this.#places[above] = place + 1
      place = parent
    }
    if (place === from) return false
    items[place] = item
    this.#places[item] = place + 1
    return true
  }

  #down(from: number): void {
    const items = this.#items
    const item = items[from] as number
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#before(items[child + 1] as number, items[child] as number)) child++
      const below = items[child] as number
      if (!this.#before(below, item)) break
      items[place] = below
      this.#places[below] = place + 1
      place = child
    }
    items[place] = item
    this.#places[item] = place + 1
  }
}
