import { random, startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions } from 'sluice/testing'

/** A book of 400 lines: words of one to nine letters, so many a line as chance says. */
function book(): string {
  const draw = random(7)
  const word = (): string => 'abcdefghi'.slice(0, draw.int(1, 9))
  const line = (): string => Array.from({ length: draw.int(3, 12) }, word).join(' ')
  return Array.from({ length: 400 }, () => `${line()}\n`).join('')
}

const headers = { 'Content-Type': 'text/plain' }
const site: OriginOptions = { sites: { 'books.test': { pages: { '/book': { headers, body: book() } } } } }
export default site
export const ledger = (seen: Ledger): unknown => Object.fromEntries(seen.paths())

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
