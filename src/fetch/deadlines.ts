/**
 * One coarse timer for all exchanges in place of several timers a request: every tick each one that lives looks at the
 * clock. Late by at most a tick; costs nothing where nothing lives.
 */
import type { Clock, TimerHandle } from '../model/clock.ts'

export interface Timed {
  /** Place in the wheel; the wheel's own. */
  slot: number
  tick(now: number): void
}

export class Deadlines {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #live: Timed[] = []
  #timer: TimerHandle | undefined

  constructor(clock: Clock, tickMs: number) {
    this.#clock = clock
    this.#tickMs = tickMs
  }

  add(timed: Timed): void {
    timed.slot = this.#live.push(timed) - 1
    this.#timer ??= this.#clock.setTimer(this.#tick, this.#tickMs)
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
    const now = this.#clock.now()
    // From the end: a tick that ends its own exchange moves the last one into its place, which has been looked at.
    for (let i = this.#live.length - 1; i >= 0; i--) this.#live[i]?.tick(now)
    if (this.#live.length > 0) this.#timer ??= this.#clock.setTimer(this.#tick, this.#tickMs)
  }
}
