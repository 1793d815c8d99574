import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** Eight files, each answered after 287 ms. */
const site: OriginOptions = { sites: { 'docs.test': { content: { kind: 'documents' } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({
  inFlight: seen.maxConcurrent(),
  order: [...seen.arrivals()].map(({ path }) => path),
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
