import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = {
  recordHeaders: ['via'],
  sites: {
    'www.good.test': { pages: { '/page': 'a page behind TLS' } },
    'inside.local': { pages: { '/page': 'a page of this network' } },
  },
}
export default site
export const ledger = (seen: Ledger): unknown =>
  [...seen.arrivals()].map(({ host, path, headers }) => `${host}${path} ${headers['via'] ?? 'direct'}`).toSorted()

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
