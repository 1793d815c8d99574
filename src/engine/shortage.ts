/**
 * What to do while this machine is out of descriptors, ports or room: wait longer each time, and give up when waiting does not
 * help. Requests that fail together count once. It must not know what is short.
 */
import { SluiceError } from '../model/errors.ts'

/** First pause, ms; doubled each time nothing has changed. */
const FIRST_MS = 1_000
const LONGEST_MS = 30_000
/** Pauses in a row after which the job halts: about two and a half minutes. */
const ROUNDS = 10

export class Shortage {
  readonly #warn: (message: string) => void
  #isTold = false
  #rounds = 0
  #until = 0

  /** @param warn told once, in a sentence. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  /** A request could not be started; returns after how many ms it may be tried again. @throws SluiceError MACHINE_EXHAUSTED */
  note(now: number, message: string): number {
    if (now >= this.#until) {
      if (++this.#rounds >= ROUNDS) {
        throw new SluiceError('MACHINE_EXHAUSTED', `this machine cannot go on: ${message}`, {
          hint: 'raise its limits (ulimit -n) or lower --concurrency, then run the same command again: it continues',
        })
      }
      if (!this.#isTold) {
        this.#isTold = true
        this.#warn(`${message}; fewer requests are started until that is over, none is counted as failed`)
      }
      this.#until = now + Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#rounds - 1))
    }
    return this.#until - now
  }

  /** A request got through to the network. */
  over(): void {
    this.#rounds = 0
    this.#until = 0
  }

  /** Nothing should be started for so long. */
  waitMs(now: number): number {
    return Math.max(0, this.#until - now)
  }
}
