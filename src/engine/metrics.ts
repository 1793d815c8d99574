/** Figures of this process: rates of the last seconds and percentiles by phase, in fixed memory. */
import type { Timing } from '../model/response.ts'

/**
 * Histogram with buckets that grow by 1/32 of an octave: relative error under 2.2 %, 1,024 buckets from 0.1 ms to
 * 2^27 ms.
 */
export class Histogram {
  readonly #counts = new Uint32Array(1024)
  #total = 0
  #max = 0

  add(ms: number): void {
    this.#total++
    if (ms > this.#max) this.#max = ms
    const bucket = ms <= 0.1 ? 0 : Math.min(1023, Math.floor(Math.log2(ms * 10) * 32))
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
  }

  quantile(q: number): number {
    if (this.#total === 0) return 0
    let rest = Math.ceil(q * this.#total)
    for (let i = 0; i < 1024; i++) {
      rest -= this.#counts[i] as number
      if (rest <= 0) return Math.min(this.#max, 2 ** ((i + 1) / 32) / 10)
    }
    return this.#max
  }

  get count(): number {
    return this.#total
  }

  get max(): number {
    return this.#max
  }
}

/** Sums of the last ten seconds, in one-second slots. */
class Recent {
  readonly #slots = new Float64Array(11)
  #second = 0

  add(amount: number, now: number): void {
    this.#turn(now)
    const slot = this.#second % 11
    this.#slots[slot] = (this.#slots[slot] as number) + amount
  }

  perSecond(now: number, sinceMs: number): number {
    this.#turn(now)
    let sum = 0
    for (let i = 0; i < 11; i++) sum += this.#slots[i] as number
    const span = Math.min(10 + (now % 1000) / 1000, sinceMs / 1000)
    return span <= 0 ? 0 : sum / span
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000)
    if (second === this.#second) return
    if (second - this.#second > 10) this.#slots.fill(0)
    else for (let s = this.#second + 1; s <= second; s++) this.#slots[s % 11] = 0
    this.#second = second
  }
}

export const PHASES = ['total', 'wait', 'dns', 'connect', 'firstByte'] as const
export type Phase = (typeof PHASES)[number]

export class Metrics {
  readonly times: Readonly<Record<Phase, Histogram>> = {
    total: new Histogram(),
    wait: new Histogram(),
    dns: new Histogram(),
    connect: new Histogram(),
    firstByte: new Histogram(),
  }
  readonly #requests = new Recent()
  readonly #bytes = new Recent()
  bytes = 0
  requests = 0
  /** Answers out of the HTTP cache, and those that a site confirmed. */
  cached = 0
  revalidated = 0

  answered(timing: Timing, waitMs: number, bytes: number, now: number): void {
    this.requests++
    this.bytes += bytes
    this.#requests.add(1, now)
    this.#bytes.add(bytes, now)
    const { times } = this
    times.total.add(timing.totalMs)
    times.wait.add(waitMs)
    if (timing.connectMs > 0) {
      times.dns.add(timing.dnsMs)
      times.connect.add(timing.connectMs + timing.tlsMs)
    }
    times.firstByte.add(timing.firstByteMs)
  }

  failed(now: number): void {
    this.requests++
    this.#requests.add(1, now)
  }

  perSecond(now: number, sinceMs: number): number {
    return this.#requests.perSecond(now, sinceMs)
  }

  bytesPerSecond(now: number, sinceMs: number): number {
    return this.#bytes.perSecond(now, sinceMs)
  }
}
