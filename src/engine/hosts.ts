/**
 * Health of the keys now at work: answer times, complaints, the interval in force, what it adds to the polite lower
 * bound. Bounded; what a restart must know (interval, block) lives in the frontier.
 */
import { asksToSlowDown } from '../policy/polite.ts'
import type { HostState } from '../policy/policy.ts'
import type { ErrorCode } from '../model/errors.ts'
import { recent } from './recent.ts'
import type { HostSettings } from './settings.ts'

export interface Host extends HostState {
  delayMs: number
  perHost: number
  isBlocked: boolean
  isGivenUp: boolean
  intervalMs: number
  ewmaMs: number
  failures: number
  failedAt: number
  answered: number
  /** Sum over its requests of interval + answer time, ms: the fastest this key could have gone politely. */
  boundMs: number
  /** Largest recent answer times, for the list of slowest hosts. */
  slowestMs: number
  crawlDelayMs: number
}

/** Weight of the newest answer in the moving average. */
const EWMA = 0.2

export class Hosts {
  readonly #hosts = recent<Host>(100_000)
  readonly #settings: (key: string) => HostSettings
  /** Key with the largest bound so far. */
  longest = ''
  longestMs = 0

  constructor(settings: (key: string) => HostSettings) {
    this.#settings = settings
  }

  /** `intervalMs`: what the frontier remembers of the key; a slow-down survives a restart through it. */
  of(key: string, intervalMs: number): Host {
    const known = this.#hosts.get(key)
    if (known !== undefined) return known
    const { delayMs, perHost, isBlocked } = this.#settings(key)
    const doublings = delayMs > 0 && intervalMs > delayMs ? Math.round(Math.log2(intervalMs / delayMs)) : 0
    const host: Host = {
      key,
      delayMs,
      perHost,
      isBlocked,
      isGivenUp: false,
      intervalMs: Math.max(delayMs, intervalMs),
      ewmaMs: 0,
      failures: doublings,
      failedAt: 0,
      answered: 0,
      boundMs: 0,
      slowestMs: 0,
      crawlDelayMs: 0,
    }
    this.#hosts.set(key, host)
    return host
  }

  /** Settings have changed: the new ones hold from the next answer on. */
  refresh(): void {
    for (const host of this.#hosts.values()) {
      const { delayMs, perHost, isBlocked } = this.#settings(host.key)
      host.delayMs = Math.max(delayMs, host.crawlDelayMs)
      host.perHost = perHost
      host.isBlocked = isBlocked
    }
  }

  crawlDelay(host: Host, crawlDelayMs: number): void {
    host.crawlDelayMs = crawlDelayMs
    host.delayMs = Math.max(this.#settings(host.key).delayMs, crawlDelayMs)
  }

  observe(host: Host, status: number, code: ErrorCode | undefined, answerMs: number, now: number): void {
    host.answered++
    if (asksToSlowDown(status, code)) {
      host.failures++
      host.failedAt = now
    } else {
      host.failures >>= 1
      host.ewmaMs = host.ewmaMs === 0 ? answerMs : host.ewmaMs + EWMA * (answerMs - host.ewmaMs)
    }
    if (answerMs > host.slowestMs) host.slowestMs = answerMs
  }

  /** The pace that was set after an answer, and the answer's own time, add to the key's lower bound. */
  paced(host: Host, paceMs: number, answerMs: number): void {
    host.intervalMs = paceMs
    host.boundMs += paceMs + answerMs
    // After the last response nobody has to wait.
    const bound = (host.boundMs - paceMs) / host.perHost
    if (bound > this.longestMs) {
      this.longestMs = bound
      this.longest = host.key
    }
  }

  /** Keys with the largest interval, then the slowest answers. */
  slowest(count: number): Host[] {
    return [...this.#hosts.values()]
      .filter((host) => host.answered > 0)
      .sort((a, b) => b.intervalMs - a.intervalMs || b.slowestMs - a.slowestMs)
      .slice(0, count)
  }

  get size(): number {
    return this.#hosts.size
  }
}
