import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** Twelve products, one of which asks for trouble. */
function product({ path }: OriginRequest): Reply | undefined {
  const n = Number(path.split('/').at(-1))
  const name = n === 7 ? "Robert'); DROP TABLE items; --" : `product ${n}`
  return { body: `<title>${name}</title><b class=price>${n * 1.5}</b>` }
}

const links = Array.from({ length: 12 }, (_, n) => `<a href="/product/${n + 1}">${n + 1}</a>`).join('')
const site: OriginOptions = { sites: { 'shop.test': { pages: { '/': { body: links }, '/product/*': product } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({ statuses: Object.fromEntries(seen.statuses()) })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
