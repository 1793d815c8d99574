import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** `/stream/sse` and its like are there without being said; `acts` of the query says how they misbehave. */
const site: OriginOptions = {}
export default site
/** What the connections to each stream were answered. */
export const ledger = (seen: Ledger): unknown => {
  const answers: Record<string, number[]> = { 'live.test': [], 'firehose.test': [], 'closed.test': [] }
  for (const { host, path, status } of seen.arrivals()) if (path.startsWith('/stream/')) answers[host]?.push(status)
  return answers
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
