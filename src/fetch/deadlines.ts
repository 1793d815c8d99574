/**
 * One coarse timer for all exchanges in place of several timers a request: every tick each one that lives looks at the
 * clock. Late by at most a tick; costs nothing where nothing lives. When the event loop stood still, what came meanwhile is
 * read before anybody is judged: timers fire before sockets are looked at.
 */
import type { Clock, TimerHandle } from '../model/clock.ts'

export interface Timed {
  /** Place in the wheel; the wheel's own. */
  slot: number
  tick(now: number): void
}

/** A tick that is later than this comes after a stall of the loop. */
const STALLED_MS = 20

export class Deadlines {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #live: Timed[] = []
  #timer: TimerHandle | undefined
  #dueAt = 0
  #isReading = false

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock
    this.#tickMs = tickMs
  }

  add(timed: Timed): void {
    timed.slot = this.#live.push(timed) - 1
    this.#arm()
  }

  remove(timed: Timed): void {
    const at = timed.slot
    if (at === -1) return
    timed.slot = -1
    const last = this.#live.pop() as Timed
    if (last !== timed) {
      this.#live[at] = last
      last.slot = at
    }
  }

  /** Everything that lives now. */
  all(): Timed[] {
    return [...this.#live]
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #tick = (): void => {
    this.#timer = undefined
    if (this.#clock.now() - this.#dueAt < STALLED_MS) {
      this.#judge()
      return
    }
    this.#isReading = true
    // After the poll phase that follows the timers.
    setImmediate(() => {
      this.#isReading = false
      this.#judge()
    })
  }

  #judge(): void {
    const now = this.#clock.now()
    // From the end: a tick that ends its own exchange moves the last one into its place, which has been looked at.
    for (let i = this.#live.length - 1; i >= 0; i--) this.#live[i]?.tick(now)
    if (this.#live.length > 0) this.#arm()
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#isReading) return
    this.#dueAt = this.#clock.now() + this.#tickMs
    this.#timer = this.#clock.setTimer(this.#tick, this.#tickMs)
  }
}
