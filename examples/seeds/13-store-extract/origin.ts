import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** 50 categories of 20 listings: a thousand pages and the one that links to them. */
const site: OriginOptions = { sites: { 'market.test': { content: { kind: 'market' } } } }
export default site
/** Every page once: three parsers ran, the site was asked by one crawl. */
export const ledger = (seen: Ledger): unknown => ({
  requests: seen.count,
  most: Math.max(...seen.paths().values()),
  statuses: Object.fromEntries(seen.statuses()),
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
