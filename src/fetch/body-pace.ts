/** Whether a body still comes: silence, and dripping that never is silent. Looked at by the wheel, not by each chunk. */
import type { Limits } from './limits.ts'
import type { WireFailure } from './wire.ts'

export class BodyPace {
  readonly #limits: Limits
  #bytes = 0
  #activeAt: number
  #windowAt: number
  #windowBytes = 0

  constructor(limits: Limits, now: number) {
    this.#limits = limits
    this.#activeAt = now
    this.#windowAt = now
  }

  /**
   * @param bytes raw bytes of the body so far.
   * @param paused true: it is we who do not read.
   */
  check(now: number, bytes: number, paused: boolean): WireFailure | undefined {
    const { idleMs, minRate, rateWindowMs } = this.#limits
    if (paused || bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#activeAt = now
    } else if (now - this.#activeAt >= idleMs) {
      return { code: 'TIMEOUT_BODY', message: `no byte of the body for ${idleMs} ms` }
    }
    const windowMs = now - this.#windowAt
    if (windowMs < rateWindowMs) return undefined
    const came = bytes - this.#windowBytes
    if (!paused && came < (minRate * windowMs) / 1000) {
      return {
        code: 'TIMEOUT_SLOW',
        message: `${came} bytes of the body in ${Math.round(windowMs / 1000)} s, less than ${minRate} a second`,
      }
    }
    this.#windowAt = now
    this.#windowBytes = bytes
    return undefined
  }
}
