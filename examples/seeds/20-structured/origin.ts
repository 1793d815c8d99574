import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  sites: { 'a.test': { pages: { '/one': '<h1>One</h1> and so on', '/two': '<h1>Two</h1> and no more' } } },
}
export default site
export const ledger = (seen: Ledger): unknown => ({ statuses: Object.fromEntries(seen.statuses()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
