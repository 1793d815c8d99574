/**
 * What requests cost the job as a whole, beside their hosts: the rate, the bandwidth, and how many URLs of other people a job
 * without a contact may ask for. Time is an argument.
 */
import type { Claim } from '../frontier/frontier.ts'
import type { EngineSettings } from './settings.ts'
import { Throttle } from './throttle.ts'

export class Charges {
  readonly #settings: EngineSettings
  readonly #rate: Throttle
  readonly #bandwidth: Throttle
  /** URLs of other people that were asked for. */
  #strangers: number

  /** @param settledBefore URLs that were settled in earlier processes */
  constructor(settings: EngineSettings, settledBefore: number, now: number) {
    this.#settings = settings
    this.#rate = new Throttle(settings.ratePerSecond, now)
    this.#bandwidth = new Throttle(settings.bytesPerSecond, now)
    this.#strangers = settledBefore
  }

  /** The rates have been changed in the settings. */
  retune(): void {
    this.#rate.set(this.#settings.ratePerSecond)
    this.#bandwidth.set(this.#settings.bytesPerSecond)
  }

  /** Requests that may start now; Infinity without a cap. */
  available(now: number): number {
    const rate = this.#rate.available(now)
    return this.#bandwidth.available(now) < 1 ? 0 : rate
  }

  waitMs(): number {
    return Math.max(this.#rate.waitMs(), this.#bandwidth.waitMs())
  }

  /** False: it is the last that may be asked for without a contact. */
  start(claim: Claim): boolean {
    this.#rate.take(1)
    if (!this.#isStrangers(claim)) return true
    this.#strangers++
    return this.#strangers < this.#settings.publicLimit
  }

  /** Nobody was asked. */
  takeBack(claim: Claim): void {
    this.#rate.take(-1)
    if (this.#isStrangers(claim)) this.#strangers--
  }

  came(bytes: number): void {
    this.#bandwidth.take(bytes)
  }

  #isStrangers({ gate, url }: Claim): boolean {
    const { publicLimit, isPrivate } = this.#settings
    return publicLimit !== Number.POSITIVE_INFINITY && gate !== true && !isPrivate(url)
  }
}
