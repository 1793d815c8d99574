import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  sites: { 'a.test': { pages: { '/one': 'one', '/moved': { status: 301, headers: { Location: '/one' } } } } },
}
export default site
export const ledger = (seen: Ledger): unknown => ({ asked: Object.fromEntries([...seen.paths()].toSorted()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
