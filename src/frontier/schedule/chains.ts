/**
 * Pending rows as linked chains, one a queue: `next` holds for each row the row behind it. Four bytes a row, whatever
 * the number of queues. What is put at the head (given back, hops) and retries that are due lie in short deques before
 * the chain. Above `limit` rows a new array starts and the old one moves to a spill file, a little with each push; the
 * order stays: deque, spilled, old chain, chain. Knows rows by number only.
 */
import { RowDeque } from './row-deque.ts'
import { grownInt32, release } from './typed-arrays.ts'

/** Where chains go when memory has its share. Numbers of queues mean nothing to it. */
export interface Spill {
  /** Appends the rows behind what the queue has there already. */
  append(queue: number, rows: Int32Array, count: number): void
  /** True while the queue has rows there. */
  has(queue: number): boolean
  /** The first row without taking it, or 0. */
  peek(queue: number): number
  /** Takes the first row out; 0 when there is none. */
  shift(queue: number): number
  /** After a series of appends: everything is where `shift` finds it. */
  flush(): void
}

export interface ChainsOptions {
  readonly spill?: Spill
  /** Rows in memory before chains move to the spill file. */
  readonly limit?: number
}

/** Rows that move with each push at a tail, and how many of a queue move at once. */
const MOVE_A_PUSH = 4
const MOVE = 256

/** Chains that are on their way to the spill file. */
interface Leaving {
  readonly head: Int32Array
  readonly next: Int32Array
  readonly base: number
  /** Queues below it are gone. */
  queue: number
}

export class Chains {
  #head: Int32Array = new Int32Array(64)
  #tail: Int32Array = new Int32Array(64)
  #next: Int32Array = new Int32Array(64)
  /** Row that `#next[0]` belongs to. */
  #base = 1
  #queues = 0
  readonly #fronts = new Map<number, RowDeque>()
  readonly #spill: Spill | undefined
  readonly #limit: number
  #leaving: Leaving | undefined
  #credit = 0
  readonly #rows = new Int32Array(MOVE)

  constructor(options: ChainsOptions = {}) {
    this.#spill = options.spill
    this.#limit =
      options.spill === undefined
        ? Number.POSITIVE_INFINITY
        : Math.ceil((options.limit ?? Number.POSITIVE_INFINITY) / 2)
  }

  /** Makes room for queues 0 to `count` - 1. */
  reserve(count: number): void {
    this.#head = grownInt32(this.#head, count)
    this.#tail = grownInt32(this.#tail, count)
    if (count > this.#queues) this.#queues = count
  }

  isEmpty(queue: number): boolean {
    return (
      this.#head[queue] === 0 && !this.#fronts.has(queue) && this.#spill?.has(queue) !== true && this.#left(queue) === 0
    )
  }

  /** Rows older than the last move to the spill file (queued again) go before the chain. */
  pushTail(queue: number, row: number): void {
    let at = row - this.#base
    if (at < 0) {
      this.pushFront(queue, row)
      return
    }
    if (at >= this.#limit) {
      this.#startOver(row)
      at = 0
    }
    if (this.#leaving !== undefined) this.#move(this.#leaving, MOVE_A_PUSH)
    if (at >= this.#next.length)
      this.#next = grownInt32(this.#next, Math.min(this.#limit, Math.max(at + 1, at + (at >> 1))))
    this.#next[at] = 0
    const tail = this.#tail[queue] as number
    if (tail === 0) this.#head[queue] = row
    else this.#next[tail - this.#base] = row
    this.#tail[queue] = row
  }

  pushHead(queue: number, row: number): void {
    this.#front(queue).pushHead(row)
  }

  /** Behind what was put at the head, before everything else. */
  pushFront(queue: number, row: number): void {
    this.#front(queue).pushTail(row)
  }

  /** The first row, or 0. */
  peek(queue: number): number {
    const front = this.#fronts.get(queue)
    if (front !== undefined) return front.first
    if (this.#spill?.has(queue) === true) return this.#spill.peek(queue)
    const left = this.#left(queue)
    return left !== 0 ? left : (this.#head[queue] as number)
  }

  /** True where the first row was put before the chain. */
  hasFront(queue: number): boolean {
    return this.#fronts.size > 0 && this.#fronts.has(queue)
  }

  /** Takes the first row out; 0 when empty. */
  shift(queue: number): number {
    if (this.#fronts.size > 0) {
      const front = this.#fronts.get(queue)
      if (front !== undefined) {
        const row = front.shift()
        if (front.size === 0) this.#fronts.delete(queue)
        return row
      }
    }
    if (this.#spill?.has(queue) === true) return this.#spill.shift(queue)
    const leaving = this.#leaving
    const left = this.#left(queue)
    if (leaving !== undefined && left !== 0) {
      leaving.head[queue] = leaving.next[left - leaving.base] as number
      return left
    }
    const row = this.#head[queue] as number
    if (row === 0) return 0
    const next = this.#next[row - this.#base] as number
    this.#head[queue] = next
    if (next === 0) this.#tail[queue] = 0
    return row
  }

  #front(queue: number): RowDeque {
    let front = this.#fronts.get(queue)
    if (front === undefined) this.#fronts.set(queue, (front = new RowDeque()))
    return front
  }

  /** First row of a queue in the chains that are leaving, or 0. */
  #left(queue: number): number {
    return this.#leaving === undefined ? 0 : (this.#leaving.head[queue] ?? 0)
  }

  #startOver(row: number): void {
    if (this.#leaving !== undefined) this.#move(this.#leaving, Number.POSITIVE_INFINITY)
    this.#leaving = { head: this.#head, next: this.#next, base: this.#base, queue: 0 }
    this.#head = new Int32Array(this.#head.length)
    this.#tail.fill(0)
    this.#next = new Int32Array(1024)
    this.#base = row
    this.#credit = 0
  }

  #move(leaving: Leaving, rows: number): void {
    const spill = this.#spill as Spill
    const { head, next, base } = leaving
    this.#credit += rows
    while (this.#credit >= MOVE && leaving.queue < head.length) {
      const queue = leaving.queue
      let row = head[queue] as number
      let count = 0
      for (; row !== 0 && count < MOVE; count++) {
        this.#rows[count] = row
        row = next[row - base] as number
      }
      head[queue] = row
      if (count > 0) spill.append(queue, this.#rows, count)
      if (row === 0) leaving.queue++
      // A queue looked at in vain costs about as much as a few rows.
      this.#credit -= Math.max(MOVE_A_PUSH, count)
    }
    if (leaving.queue < head.length) return
    spill.flush()
    release(head)
    release(next)
    this.#leaving = undefined
  }
}
