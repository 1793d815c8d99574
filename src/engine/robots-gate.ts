/**
 * What robots.txt says about a URL, by origin. Holds parsed rules in memory (bounded), reads the durable state from the
 * frontier's key on a miss, and turns the answer of a gate request into that state (RFC 9309 2.3.1). It fetches nothing:
 * robots.txt is an ordinary request of its key's queue.
 */
import { LRUCache } from 'lru-cache'
import type { RobotsState } from '../frontier/frontier.ts'
import { robotsFor } from '../robots/match.ts'
import type { RobotsRules } from '../robots/match.ts'
import { parseRobots } from '../robots/parse.ts'

export interface OriginRobots {
  readonly verdict: RobotsState['verdict']
  readonly rules: RobotsRules | undefined
  /** `now` until which it is valid. */
  readonly until: number
  readonly crawlDelayMs: number
  readonly sitemaps: readonly string[]
}

export interface RobotsVerdict {
  readonly allowed: boolean
  readonly code: 'ROBOTS_DENIED' | 'ROBOTS_UNREACHABLE'
  readonly reason: string
}

/** robots.txt is read again after a day at the latest (RFC 9309 2.4). */
export const ROBOTS_TTL_MS = 24 * 3_600_000
/** After it could not be had, ask again after this. */
export const ROBOTS_RETRY_MS = 3_600_000
/** RFC 9309 2.5: at least 500 KiB must be read; more is not. */
export const ROBOTS_BYTES = 512_000
/** A Crawl-delay above this is cut to it. */
export const CRAWL_DELAY_CAP_MS = 300_000

const ALLOWED: RobotsVerdict = { allowed: true, code: 'ROBOTS_DENIED', reason: '' }

export class RobotsGate {
  readonly #agent: string
  readonly #origins = new LRUCache<string, OriginRobots>({ max: 50_000 })

  constructor(agent: string) {
    this.#agent = agent
  }

  /** Rules in force, or undefined where they must be asked for first. */
  get(origin: string, now: number): OriginRobots | undefined {
    const known = this.#origins.get(origin)
    return known !== undefined && known.until > now ? known : undefined
  }

  /** Takes the durable state over; undefined when it has expired. */
  learn(state: RobotsState, now: number): OriginRobots | undefined {
    if (state.validForMs <= 0) return undefined
    const rules = state.verdict === 'rules' ? robotsFor(parseRobots(state.body), this.#agent) : undefined
    const entry: OriginRobots = {
      verdict: state.verdict,
      rules,
      until: now + state.validForMs,
      crawlDelayMs: Math.min(CRAWL_DELAY_CAP_MS, rules?.crawlDelayMs ?? 0),
      sitemaps: rules?.sitemaps.map((sitemap) => sitemap.url) ?? [],
    }
    this.#origins.set(state.origin, entry)
    return entry
  }

  check(entry: OriginRobots, pathAndQuery: string): RobotsVerdict {
    if (entry.verdict === 'allow') return ALLOWED
    if (entry.verdict === 'deny') {
      return {
        allowed: false,
        code: 'ROBOTS_UNREACHABLE',
        reason: 'robots.txt could not be had, so nothing may be fetched',
      }
    }
    const verdict = (entry.rules as RobotsRules).verdict(pathAndQuery)
    if (verdict.allowed) return ALLOWED
    return {
      allowed: false,
      code: 'ROBOTS_DENIED',
      reason: `robots.txt line ${verdict.line ?? 0}: ${verdict.rule ?? ''} (group ${verdict.group})`,
    }
  }
}

/** State of an origin whose robots.txt was answered with this status; undefined: unreachable, try again. */
export function robotsOfAnswer(origin: string, status: number, body: string, wallIso: string): RobotsState | undefined {
  if (status >= 200 && status < 300) {
    return {
      origin,
      verdict: 'rules',
      status,
      body: body.slice(0, ROBOTS_BYTES),
      fetchedAt: wallIso,
      validForMs: ROBOTS_TTL_MS,
    }
  }
  // 4xx but 429 is "unavailable": no restriction (RFC 9309 2.3.1.3). 429 asks to come back later.
  if (status >= 300 && status < 500 && status !== 429) {
    return { origin, verdict: 'allow', status, body: '', fetchedAt: wallIso, validForMs: ROBOTS_TTL_MS }
  }
  return undefined
}

/** State after the last try failed: nothing may be fetched for a while (RFC 9309 2.3.1.4). */
export function robotsUnreachable(origin: string, status: number, wallIso: string): RobotsState {
  return { origin, verdict: 'deny', status, body: '', fetchedAt: wallIso, validForMs: ROBOTS_RETRY_MS }
}
