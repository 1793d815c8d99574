import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  // The first page is the slowest: its length still comes first.
  sites: { 'a.test': { pages: { '/slow': { body: 'x'.repeat(300), delayMs: 60 }, '/quick': 'x'.repeat(20) } } },
}
export default site
export const ledger = (seen: Ledger): unknown => ({ asked: Object.fromEntries([...seen.paths()].toSorted()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
