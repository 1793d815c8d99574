import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** `/loop`, `/redirect/30`, `/partial/100`, `/hang` and their like are there without being said. */
const site: OriginOptions = {
  recordHeaders: ['host'],
  sites: { '*': { pages: { '/page': 'a page' } } },
}
export default site
export const ledger = (seen: Ledger): unknown => {
  const arrivals = [...seen.arrivals()]
  const asked = (prefix: string): number => arrivals.filter(({ path }) => path.startsWith(prefix)).length
  return {
    loop: asked('/loop'),
    redirects: asked('/redirect/'),
    hosts: [
      ...new Set(arrivals.filter(({ path }) => path === '/page').map(({ headers }) => headers['host'])),
    ].toSorted(),
  }
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
