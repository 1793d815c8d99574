/** Makes the claims that callers see of the ones that live in the schedule, reading all their rows at once. */
import type { Claim } from './frontier.ts'
import type { Verdict } from '../model/request.ts'
import type { Parts } from './parts.ts'
import type { LiveClaim } from './schedule/claims.ts'
import { CRASHED, isGate, isHop, joinFp, LED_TO_KNOWN, UNDELIVERED } from './schedule/rows.ts'
import type { Row } from './schedule/rows.ts'

export function buildClaims({ schedule, store }: Parts, taken: readonly LiveClaim[]): Claim[] {
  const ids: number[] = []
  for (const claim of taken) {
    ids.push(claim.row)
    if (isHop(claim.kind)) ids.push(schedule.states.get(claim.row)?.root as number)
  }
  const rows = store.rows(ids)
  const claims: Claim[] = []
  let at = 0
  for (const live of taken) {
    const row = rows[at++] as Row
    const root = isHop(live.kind) ? (rows[at++] as Row) : undefined
    const key = schedule.lanes.key[live.lane] as number
    const { depth, meta, input } = root ?? row
    const groups = schedule.lanes.groups(live.lane)
    const errors = schedule.buckets.errors[key] as number
    const verdict = live.holds ? undefined : verdictOf(row, schedule.states.get(live.row)?.verdict ?? 0, live.crashes)
    claims.push({
      id: live.id,
      url: row.url,
      key: live.holds ? (schedule.buckets.names[key] as string) : '',
      fp: joinFp(row.fpHi, row.fpLo),
      priority: live.priority,
      depth,
      attempt: live.attempt + 1,
      crashes: live.crashes,
      intervalMs: schedule.buckets.interval[key] as number,
      waitedMs: live.waitedMs,
      ...(errors === 0 ? undefined : { errors }),
      ...(meta === undefined ? undefined : { meta }),
      ...(input === undefined ? undefined : { input }),
      ...(isGate(live.kind) ? { gate: true } : undefined),
      ...(groups.length === 0 ? undefined : { groups: groups.map((group) => schedule.buckets.names[group] as string) }),
      ...(verdict === undefined ? undefined : { verdict }),
      ...(root === undefined || row.hop === undefined
        ? undefined
        : { root: joinFp(root.fpHi, root.fpLo), rootUrl: root.url, hop: row.hop.hop, chain: row.hop.chain }),
      ...(row.hop?.plain === true ? { plain: true } : undefined),
    })
  }
  return claims
}

function verdictOf(row: Row, decided: number, crashes: number): Verdict {
  if (decided === CRASHED)
    return { code: 'PROCESS_CRASHED', reason: `in flight at ${crashes} deaths of the process, the last time alone` }
  if (decided === UNDELIVERED)
    return { code: 'DELIVERY_UNKNOWN', reason: 'in flight when the process died: it may have arrived or not' }
  if (decided === LED_TO_KNOWN) return { code: 'DUPLICATE', final: row.url }
  return row.verdict as Verdict
}
