/**
 * When a page is asked for again: after an interval that grows each time nothing has changed and shrinks each time
 * something has. The multiplicative rule of Apache Nutch's `AdaptiveFetchSchedule`, with its rates: where a page changes at
 * random with a steady rate, the interval settles where ln 1.4 / ln 1.75 = 60 % of the visits find a change. Pure.
 */

export interface RevisitLimits {
  /** Interval after the first visit, ms. */
  readonly firstMs: number
  readonly minMs: number
  readonly maxMs: number
}

/** What a visit found. `same`: nothing new, a page that is still gone too; `none`: it was not answered, so nothing is known. */
export type Visit = 'changed' | 'same' | 'none'

/** db.fetch.schedule.adaptive.inc_rate and dec_rate. */
const GROWTH = 0.4
const SHRINK = 0.2

/** @param everyMs interval before this visit; undefined: it was the first. Returns the one until the next visit. */
export function nextInterval(everyMs: number | undefined, visit: Visit, limits: RevisitLimits): number {
  const { firstMs, minMs, maxMs } = limits
  if (everyMs === undefined) return Math.min(Math.max(firstMs, minMs), maxMs)
  const next = visit === 'none' ? everyMs : everyMs * (visit === 'same' ? 1 + GROWTH : 1 - SHRINK)
  return Math.round(Math.min(Math.max(next, minMs), maxMs))
}
