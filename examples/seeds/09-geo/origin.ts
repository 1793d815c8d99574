import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** Slow enough for a file to be replaced between two pages. */
const site: OriginOptions = {
  sites: {
    'a.test': { pages: { '/1': '<title>One</title>', '/2': '<title>Two</title>' } },
    'slow.test': { content: { respond: ({ path }) => ({ body: `<title>Page ${path}</title>`, delayMs: 600 }) } },
  },
}
export default site
export const ledger = (seen: Ledger): unknown => ({ asked: Object.fromEntries([...seen.paths()].toSorted()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
