/**
 * What robots.txt says about a URL, by origin. Holds parsed rules in memory (bounded), reads the durable state from the
 * frontier's key on a miss, and turns the answer of a gate request into that state (RFC 9309 2.3.1). It fetches nothing:
 * robots.txt is an ordinary request of its key's queue.
 */
import { recent } from './recent.ts'
import type { RobotsState } from '../frontier/frontier.ts'
import { CODES } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import { robotsFor } from '../robots/match.ts'
import type { RobotsRules } from '../robots/match.ts'
import { parseRobots } from '../robots/parse.ts'

export interface OriginRobots {
  readonly verdict: RobotsState['verdict']
  readonly rules: RobotsRules | undefined
  /** `now` until which it is valid. */
  readonly until: number
  /** Of `deny`: what is said of every URL of the origin. */
  readonly refusal: RobotsVerdict | undefined
  readonly crawlDelayMs: number
  readonly sitemaps: readonly string[]
  /** Proxy that robots.txt was asked for by, where that was a request's own. */
  readonly proxy: string | undefined
}

export interface RobotsVerdict {
  readonly allowed: boolean
  /** `ROBOTS_DENIED`, `ROBOTS_UNREACHABLE`, or the network fault that kept robots.txt away. */
  readonly code: ErrorCode
  readonly reason: string
}

/** Why no answer came when robots.txt was asked for. */
export interface RobotsCause {
  readonly code: ErrorCode
  readonly message: string
}

/** robots.txt is read again after a day at the latest (RFC 9309 2.4). */
export const ROBOTS_TTL_MS = 24 * 3_600_000
/** After it could not be had, ask again after this. */
export const ROBOTS_RETRY_MS = 3_600_000
/** After a network fault: soon, so that a retry by hand is not answered with a fault that has passed. */
export const ROBOTS_FAULT_MS = 60_000
/** Where the pause of its key is longer than all of these: so much of it, and so much more, a page may take to be started. */
export const ROBOTS_TURN = 1.1
export const ROBOTS_TURN_MS = 60_000
/** RFC 9309 2.5: at least 500 KiB must be read; more is not. */
export const ROBOTS_BYTES = 512_000
/** A Crawl-delay above this is cut to it. */
export const CRAWL_DELAY_CAP_MS = 300_000

const ALLOWED: RobotsVerdict = { allowed: true, code: 'ROBOTS_DENIED', reason: '' }

export class RobotsGate {
  readonly #agent: string
  readonly #origins = recent<OriginRobots>(50_000)

  constructor(agent: string) {
    this.#agent = agent
  }

  /** Rules in force, or undefined where they must be asked for first. */
  get(origin: string, now: number): OriginRobots | undefined {
    const known = this.#origins.get(origin)
    return known !== undefined && known.until > now ? known : undefined
  }

  /** Takes the durable state over; undefined when it has expired. */
  learn(state: RobotsState, now: number, proxy?: string): OriginRobots | undefined {
    if (state.validForMs <= 0) return undefined
    const rules = state.verdict === 'rules' ? robotsFor(parseRobots(state.body), this.#agent) : undefined
    const entry: OriginRobots = {
      verdict: state.verdict,
      rules,
      until: now + state.validForMs,
      refusal: state.verdict === 'deny' ? refusalOf(state) : undefined,
      crawlDelayMs: Math.min(CRAWL_DELAY_CAP_MS, rules?.crawlDelayMs ?? 0),
      sitemaps: rules?.sitemaps.map((sitemap) => sitemap.url) ?? [],
      proxy,
    }
    this.#origins.set(state.origin, entry)
    return entry
  }

  /** Origins that could not be reached are asked again: somebody has mended them. */
  forgetFaults(): void {
    for (const [origin, { refusal }] of this.#origins.entries()) {
      if (refusal !== undefined && refusal.code !== 'ROBOTS_UNREACHABLE') this.#origins.delete(origin)
    }
  }

  check(entry: OriginRobots, pathAndQuery: string): RobotsVerdict {
    if (entry.verdict === 'allow') return ALLOWED
    if (entry.refusal !== undefined) return entry.refusal
    const verdict = (entry.rules as RobotsRules).verdict(pathAndQuery)
    if (verdict.allowed) return ALLOWED
    return {
      allowed: false,
      code: 'ROBOTS_DENIED',
      reason: `robots.txt line ${verdict.line ?? 0}: ${verdict.rule ?? ''} (group ${verdict.group})`,
    }
  }
}

/** Whether it says nothing of a request: robots.txt could not be had by the proxy of another one. */
export function isOthersFault({ refusal, proxy }: OriginRobots, own: string | undefined): boolean {
  return refusal?.code === 'PROXY_FAILED' && proxy !== own
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

/**
 * State after the last try failed: nothing may be fetched for a while (RFC 9309 2.3.1.4). `cause` where no answer came
 * at all: it lies in `body` as `CODE message`.
 */
export function robotsUnreachable(
  origin: string,
  status: number,
  wallIso: string,
  cause: RobotsCause | undefined,
): RobotsState {
  const body = cause === undefined ? '' : `${cause.code} ${cause.message}`
  const validForMs = cause === undefined ? ROBOTS_RETRY_MS : ROBOTS_FAULT_MS
  return { origin, verdict: 'deny', status, body, fetchedAt: wallIso, validForMs }
}

/** The network fault behind a `deny`; undefined where the site answered, or nothing is known. */
export function robotsCause({ verdict, body }: RobotsState): RobotsCause | undefined {
  if (verdict !== 'deny') return undefined
  const blank = body.indexOf(' ')
  const code = body.slice(0, Math.max(0, blank))
  return Object.hasOwn(CODES, code) ? { code: code as ErrorCode, message: body.slice(blank + 1) } : undefined
}

/**
 * A site that answers has said "not now": its URLs are skipped. A site that cannot be reached has said nothing: its URLs
 * fail with the fault itself, as they would have without robots.txt.
 */
function refusalOf(state: RobotsState): RobotsVerdict {
  const cause = robotsCause(state)
  if (cause !== undefined) {
    return { allowed: false, code: cause.code, reason: `robots.txt could not be had: ${cause.message}` }
  }
  const why = state.status === 0 ? 'could not be had' : `was answered with ${state.status}`
  return { allowed: false, code: 'ROBOTS_UNREACHABLE', reason: `robots.txt ${why}, so nothing may be fetched` }
}
