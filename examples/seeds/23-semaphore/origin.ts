import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = { sites: { '*': { answerMs: 300 } } }
export default site
/** One program at a time was there: the most that were in flight, and the order where that was one. */
export const ledger = (seen: Ledger): unknown => {
  const paths = [...seen.arrivals()].map(({ path }) => path)
  return { inFlight: { one: most(seen, '/ok?one'), four: most(seen, '/ok?four') }, first: paths.slice(0, 4) }
}

function most(seen: Ledger, prefix: string): number {
  const spans = [...seen.arrivals()].filter(({ path }) => path.startsWith(prefix))
  return Math.max(
    ...spans.map(
      ({ arrivedAt }) =>
        spans.filter((other) => other.arrivedAt <= arrivedAt && (other.endedAt ?? Infinity) > arrivedAt).length,
    ),
  )
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
