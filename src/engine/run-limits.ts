/** Looks now and then whether a run has used up its time or the disk. Must not know how a run ends. */
import type { Clock, TimerHandle } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { EngineSettings } from './settings.ts'

/** Between two looks, ms. */
const CHECK_MS = 1_000

type Reached = (end: 'limit' | 'disk', reason: string) => void

export class RunLimits {
  readonly #settings: EngineSettings
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #reached: Reached
  #timer: TimerHandle | undefined
  #isOver = false

  /** @param reached told at each look as long as it is so */
  constructor(settings: EngineSettings, clock: Clock, startedAt: number, reached: Reached) {
    this.#settings = settings
    this.#clock = clock
    this.#startedAt = startedAt
    this.#reached = reached
  }

  look(): void {
    const { maxTimeMs, diskLow } = this.#settings
    const spentMs = this.#clock.now() - this.#startedAt
    if (maxTimeMs !== undefined && spentMs >= maxTimeMs) this.#reached('limit', '--max-time')
    const low = diskLow?.()
    if (low !== undefined) this.#reached('disk', low)
    if (this.#isOver) return
    const leftMs = maxTimeMs === undefined ? CHECK_MS : maxTimeMs - spentMs
    this.#timer = this.#clock.setTimer(() => this.look(), Math.max(1, Math.min(CHECK_MS, leftMs)))
  }

  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }
}

/** The error of a job that grew over the count that needs a contact. */
export function contactMissing(limit: number): SluiceError {
  return new SluiceError(
    'CONTACT_MISSING',
    `a job of more than ${limit} URLs needs a contact so that site owners can reach you`,
    {
      hint: 'give --contact https://your.site/bot (or a mail address), then run the same command again: it continues',
      exit: 4,
    },
  )
}
