/**
 * When the job will end. Politeness sets it: the key whose queue times its interval is longest; where no key decides,
 * what is left over the rate of the last seconds.
 */
import type { Engine } from '../engine/engine.ts'
import type { Frontier, FrontierStats } from '../frontier/frontier.ts'
import type { Snapshot } from './job.ts'

/** Keys looked at: those with the largest intervals and those that have answered most slowly. */
const KEYS = 32

/** Before so many answers and so much time the figures are those of the start, not of the job. */
const ANSWERS = 5
const ELAPSED_MS = 2_000

export async function etaOf(
  frontier: Frontier,
  stats: FrontierStats,
  engine: Engine,
  elapsedMs: number,
): Promise<Snapshot['eta']> {
  const left = stats.queued + stats.delayed + stats.inFlight + stats.following
  if (left === 0) return null
  const { clock, hosts, metrics } = engine.context
  if (elapsedMs < ELAPSED_MS || metrics.times.total.count < ANSWERS) return null
  const rate = metrics.perSecond(clock.now(), 10_000)
  const byRate = rate > 0 ? (left / rate) * 1000 : null
  const { rows } = await frontier.scan({ what: 'keys', limit: KEYS })
  let longest: { key: string; ms: number } | undefined
  let second = 0
  for (const row of rows) {
    const host = hosts.of(row.key, 0)
    const state = await frontier.key(row.key)
    const ms = ((state.queued + state.inFlight) * (host.intervalMs + host.ewmaMs)) / Math.max(1, host.perHost)
    if (longest === undefined || ms > longest.ms) {
      second = longest?.ms ?? 0
      longest = { key: row.key, ms }
    } else if (ms > second) second = ms
  }
  if (longest === undefined || longest.ms === 0 || (byRate !== null && byRate > longest.ms)) {
    return byRate === null ? null : { ms: Math.round(byRate), key: null, othersMs: null }
  }
  return { ms: Math.round(longest.ms), key: longest.key, othersMs: Math.round(Math.max(second, 0)) }
}
