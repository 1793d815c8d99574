import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply, SiteOptions } from 'sluice/testing'

const page = ({ path }: OriginRequest): Reply | undefined => (/^\/\d+$/.test(path) ? { body: path } : undefined)
const host: SiteOptions = { robots: 'User-agent: *\nDisallow: /secret\n', pages: { '/*': page }, answerMs: 5 }
const site: OriginOptions = {
  sites: { 'h1.test': host, 'h2.test': host, 'h3.test': host, 'busy.test': { robots: { status: 503 } } },
}
export default site
/** What the hosts saw, over both processes. */
export const ledger = (seen: Ledger): unknown => ({
  hosts: Object.fromEntries(['h1.test', 'h2.test', 'h3.test'].map((name) => [name, pagesOf(seen, name)])),
  soonerThanTheDelay: seen.violations(100).length,
  mostAtOneHost: seen.maxConcurrentPerHost(),
  hostsSideBySide: seen.maxConcurrent() > 1,
  secrets: [...seen.paths().keys()].filter((path) => path.includes('/secret')),
  busy: [...seen.paths().keys()].filter((path) => path.startsWith('busy.test')),
})

function pagesOf(seen: Ledger, name: string): number {
  return [...seen.paths().keys()].filter((path) => path.startsWith(`${name}/`) && !path.endsWith('robots.txt')).length
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
