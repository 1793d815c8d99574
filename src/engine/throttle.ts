/** Caps over the whole job: requests and bytes per second, as token buckets that hold at most one second. */
export class Throttle {
  #perSecond: number | undefined
  #tokens: number
  #at: number

  constructor(perSecond: number | undefined, now: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond === undefined ? 0 : Math.min(1, perSecond)
    this.#at = now
  }

  set(perSecond: number | undefined): void {
    this.#perSecond = perSecond
  }

  /** Whole tokens there are now; Infinity without a cap. May be below zero after a large answer. */
  available(now: number): number {
    if (this.#perSecond === undefined) return Number.POSITIVE_INFINITY
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    return this.#tokens
  }

  take(amount: number): void {
    if (this.#perSecond !== undefined) this.#tokens -= amount
  }

  /** Until there is at least one, ms. */
  waitMs(): number {
    if (this.#perSecond === undefined || this.#tokens >= 1) return 0
    return Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000)
  }
}
