import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  sites: { 'a.test': { pages: { '/one': '<title>One</title>', '/two': '<title>Two, longer</title>' } } },
}
export default site
export const ledger = (seen: Ledger): unknown => ({ statuses: Object.fromEntries(seen.statuses()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
