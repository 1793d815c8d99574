/** Live gates: which origins wait for their robots.txt, and the gates and their hops that are queued, by key. */
import { RowDeque } from './row-deque.ts'

export class Gates {
  /** Row of the live gate of an origin, and back. */
  readonly #rows = new Map<string, number>()
  readonly #origins = new Map<number, string>()
  readonly #queues = new Map<number, RowDeque>()

  get size(): number {
    return this.#rows.size
  }

  has(origin: string): boolean {
    return this.#rows.has(origin)
  }

  originOf(row: number): string | undefined {
    return this.#origins.get(row)
  }

  open(origin: string, row: number): void {
    this.#rows.set(origin, row)
    this.#origins.set(row, origin)
  }

  /** The origin whose gate it was; undefined where it is over already. */
  close(row: number): string | undefined {
    const origin = this.#origins.get(row)
    if (origin === undefined) return undefined
    this.#origins.delete(row)
    this.#rows.delete(origin)
    return origin
  }

  push(key: number, row: number, at: 'head' | 'tail'): void {
    let queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, (queue = new RowDeque()))
    if (at === 'head') queue.pushHead(row)
    else queue.pushTail(row)
  }

  /** True while the key has a gate or a hop of one in its queue. */
  waits(key: number): boolean {
    return this.#queues.size > 0 && this.#queues.has(key)
  }

  /** The first of a key, or 0. */
  first(key: number): number {
    return this.#queues.size === 0 ? 0 : (this.#queues.get(key)?.first ?? 0)
  }

  /** Takes the first out. */
  shift(key: number): void {
    const queue = this.#queues.get(key)
    queue?.shift()
    if (queue?.size === 0) this.#queues.delete(key)
  }
}
