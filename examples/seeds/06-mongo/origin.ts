import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** Shapes that nobody agreed on, and names that a database might run. */
const SHAPES: readonly ((n: number) => object)[] = [
  (n) => ({ answer: 'yes', at: n }),
  (n) => ({ answer: ['yes', null, { why: `"${n}"` }] }),
  (n) => ({ answer: n / 2, $where: 'sleep(10000)', 'a.b': { $gt: '' } }),
  () => ({ answer: { nested: { deeper: { still: true } } }, ['__proto__']: 'own' }),
  (n) => ({ text: `Olá \u{1f600} ${n}`, empty: '', zero: 0, no: false }),
]

function answers({ path }: OriginRequest): Reply | undefined {
  const page = Number(/^\/answers\/(\d+)$/.exec(path)?.[1])
  if (!(page >= 1 && page <= 101)) return undefined
  if (page === 101) return { body: JSON.stringify([{ person: 'the one who sent a film', film: 17 }]) }
  const list = Array.from({ length: 100 }, (_, index) => {
    const n = (page - 1) * 100 + index
    // The first three answer again, the same, on page 60.
    const person = page === 60 && index < 3 ? index : n
    return { person: `person ${person}`, ...SHAPES[person % SHAPES.length]?.(person) }
  })
  return { body: JSON.stringify(list), headers: { 'Content-Type': 'application/json' } }
}

const site: OriginOptions = { sites: { 'campaign.test': { pages: { '/answers/*': answers } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({
  pages: [...seen.paths().keys()].filter((path) => path.startsWith('campaign.test/answers/')).length,
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
