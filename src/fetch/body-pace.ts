/** Whether a body still comes: silence, and dripping that never is silent. Looked at by the wheel, not by each chunk. */
import type { WireFailure } from './wire.ts'

/** Below this rate over this window a body counts as dripping. */
const SLOW_BYTES_PER_S = 16
const SLOW_WINDOW_MS = 60_000

export class BodyPace {
  readonly #idleMs: number
  #bytes = 0
  #activeAt: number
  #windowAt: number
  #windowBytes = 0

  constructor(idleMs: number, now: number) {
    this.#idleMs = idleMs
    this.#activeAt = now
    this.#windowAt = now
  }

  /**
   * @param bytes raw bytes of the body so far.
   * @param paused true: it is we who do not read.
   */
  check(now: number, bytes: number, paused: boolean): WireFailure | undefined {
    if (paused || bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#activeAt = now
    } else if (now - this.#activeAt >= this.#idleMs) {
      return { code: 'TIMEOUT_BODY', message: `no byte of the body for ${this.#idleMs} ms` }
    }
    const windowMs = now - this.#windowAt
    if (windowMs < SLOW_WINDOW_MS) return undefined
    const came = bytes - this.#windowBytes
    if (!paused && came < (SLOW_BYTES_PER_S * windowMs) / 1000) {
      return { code: 'TIMEOUT_SLOW', message: `${came} bytes of the body in ${Math.round(windowMs / 1000)} s` }
    }
    this.#windowAt = now
    this.#windowBytes = bytes
    return undefined
  }
}
