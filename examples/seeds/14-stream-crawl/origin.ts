import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nhalf'
/** Six ways to fail: the first six listings of each category. */
const WAYS: readonly Reply[] = [
  { status: 500, body: 'broken' },
  { status: 404, body: 'gone' },
  { status: 0, steps: [{ end: 'close' }] },
  { status: 0, steps: [{ end: 'reset' }] },
  { status: 200, steps: [{ write: HALF }, { end: 'close' }] },
  { status: 0, steps: [{ end: 'hang' }] },
]

function fails({ path }: OriginRequest): Reply | undefined {
  const segment = Number(/^\/market\/\d+\/(\d+)$/.exec(path)?.[1] ?? 0)
  return WAYS[segment - 1]
}

const site: OriginOptions = {
  sites: {
    'market.test': { content: { kind: 'market' }, answerMs: [2, 20], pages: { '/market/*': fails } },
    'down.test': { content: { kind: 'market', down: true } },
  },
}
export default site
export const ledger = (seen: Ledger): unknown => ({
  listings: [...seen.paths().keys()].filter((path) => /^market\.test\/market\/\d/.test(path)).length,
  inFlight: seen.maxConcurrent() <= 150 ? 'at most 150' : seen.maxConcurrent(),
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
