import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** A thousand of them, a line each. */
function fibonacci(): string {
  const numbers = [0n, 1n]
  while (numbers.length < 1000) numbers.push((numbers.at(-1) ?? 0n) + (numbers.at(-2) ?? 0n))
  return numbers.map((number, n) => `F${n} ${number}\n`).join('')
}

const headers = { 'Content-Type': 'text/plain' }
const site: OriginOptions = { sites: { 'numbers.test': { pages: { '/fibonacci': { headers, body: fibonacci() } } } } }
export default site
export const ledger = (seen: Ledger): unknown => Object.fromEntries(seen.paths())

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
