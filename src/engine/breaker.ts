/**
 * Hosts that do not answer: counts failures in a row by key, says when one rests, and lets one request through to look.
 * When and how long is `policy/breaker.ts`'s. The count and the rest live in the frontier as well, so a restart goes on with
 * them; that the frontier hands out nothing of a resting key is its block.
 */
import type { ErrorCode } from '../model/errors.ts'
import { isGivenUp, isUnreached, REST_AFTER, restMs } from '../policy/breaker.ts'
import { recent } from './recent.ts'

/** Part of a claim. */
export interface Tried {
  readonly id: string
  readonly key: string
  /** Failures in a row that the frontier knows of. */
  readonly errors?: number
}

/** What changes for a key: to be stored and told. */
export interface Rest {
  /** 0: it is back. */
  readonly failures: number
  readonly restMs: number
}

interface Down {
  failures: number
  /** `now` of the first failure. */
  since: number
  /** The one that looks whether the host is back. */
  probe: string | undefined
  isGivenUp: boolean
}

/** Others of a key look again so long after one was let through. */
const BESIDE_MS = 1_000

export class Breaker {
  readonly #down = recent<Down>(100_000)

  /** For how long a claim has to wait, ms. 0: it may start. */
  waitMs(claim: Tried, now: number): number {
    const down = this.#of(claim, now)
    if (down === undefined || down.failures < REST_AFTER || down.isGivenUp) return 0
    if (down.probe !== undefined && down.probe !== claim.id) return BESIDE_MS
    down.probe = claim.id
    return 0
  }

  /** The claim was not tried, or how it ended says nothing. */
  left(claim: Tried): void {
    const down = this.#down.get(claim.key)
    if (down?.probe === claim.id) down.probe = undefined
  }

  /** An attempt is over. Returns what changes. */
  ended(claim: Tried, status: number, code: ErrorCode | undefined, now: number): Rest | undefined {
    if (!isUnreached(status, code)) return this.#heard(claim, status)
    let down = this.#down.get(claim.key)
    if (down === undefined) {
      this.#down.set(claim.key, (down = { failures: 0, since: now, probe: undefined, isGivenUp: false }))
    }
    const isProbe = down.probe === claim.id
    if (isProbe) down.probe = undefined
    // Of those under way when the host went to rest none makes it rest longer.
    if (down.failures >= REST_AFTER && !isProbe) return undefined
    down.failures++
    if (isGivenUp(down.failures, now - down.since)) {
      down.isGivenUp = true
      return undefined
    }
    const ms = restMs(down.failures)
    return ms === 0 ? undefined : { failures: down.failures, restMs: ms }
  }

  /** No sign of life for so long that trying twice is of no use. */
  isGivenUp(key: string): boolean {
    return this.#down.get(key)?.isGivenUp === true
  }

  /** Keys that rest or are given up. */
  down(): { key: string; failures: number; isGivenUp: boolean }[] {
    return [...this.#down.entries()]
      .filter(([, { failures }]) => failures >= REST_AFTER)
      .map(([key, { failures, isGivenUp: over }]) => ({ key, failures, isGivenUp: over }))
  }

  #heard(claim: Tried, status: number): Rest | undefined {
    const down = this.#down.get(claim.key)
    if (down === undefined) return undefined
    if (status === 0) {
      // Ours, or final whatever is there: says nothing of the host.
      this.left(claim)
      return undefined
    }
    this.#down.delete(claim.key)
    return down.failures >= REST_AFTER ? { failures: 0, restMs: 0 } : undefined
  }

  #of({ key, errors = 0 }: Tried, now: number): Down | undefined {
    const known = this.#down.get(key)
    if (known !== undefined || errors < REST_AFTER) return known
    const down = { failures: errors, since: now, probe: undefined, isGivenUp: false }
    this.#down.set(key, down)
    return down
  }
}
