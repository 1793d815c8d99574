import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, Script } from 'sluice/testing'

/** A gibibyte, sent as fast as it is taken. */
const HUGE: Script = { status: 200, steps: huge() }

function* huge(): Generator<{ write: string }> {
  yield { write: `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${2 ** 30}\r\n\r\n` }
  for (let sent = 0; sent < 2 ** 30; sent += 65_536) yield { write: 'h'.repeat(65_536) }
}

/** `/status/404` and the like are there without being said. */
const site: OriginOptions = {
  sites: {
    'a.test': {
      pages: {
        '/page': '<title>A page</title>',
        '/huge': HUGE,
        '/moved': { status: 301, headers: { Location: '/page?moved' } },
        '/found': { status: 302, headers: { Location: '/page?found' } },
        '/throws': 'a page like others',
      },
    },
  },
}
export default site
export const ledger = (seen: Ledger): unknown => ({
  requests: seen.count,
  most: Math.max(...seen.paths().values()),
  huge: [...seen.arrivals()].find(({ path }) => path === '/huge')?.complete,
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
