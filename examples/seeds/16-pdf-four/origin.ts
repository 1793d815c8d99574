import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, Script } from 'sluice/testing'

/** Half of the file and then nothing, for whoever asks first; then the whole file. */
const HALF: Script = {
  status: 200,
  steps: [
    {
      write: `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 2000\r\n\r\n${'b'.repeat(1000)}`,
    },
    { end: 'hang' },
  ],
}
const WHOLE = { headers: { 'Content-Type': 'application/octet-stream' }, body: 'b'.repeat(2000) }
let asked = 0

const site: OriginOptions = {
  sites: {
    'docs.test': { content: { kind: 'documents' } },
    'cut.test': { pages: { '/big.bin': () => (++asked === 1 ? HALF : WHOLE) } },
  },
}
export default site
export const ledger = (seen: Ledger): unknown => {
  const pdfs = [...seen.arrivals()].filter(({ path }) => path.startsWith('/pdf/'))
  return {
    inFlight: seen.maxConcurrent(),
    conditional: pdfs.filter(({ headers }) => headers['if-none-match'] !== undefined).length,
    notModified: seen.statuses().get(304),
    big: seen.paths().get('cut.test/big.bin'),
  }
}

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
