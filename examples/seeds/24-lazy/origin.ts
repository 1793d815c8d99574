import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

const site: OriginOptions = { sites: { '*': { answerMs: 2, pages: { '/p/*': 'a page' } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({
  inFlight: seen.maxConcurrent(),
  asked: seen.count >= 50 && seen.count <= 52 ? '50, and no more than 2 ahead' : seen.count,
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
