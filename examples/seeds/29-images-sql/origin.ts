import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** Hostile sources, and attributes in any order. */
function photo({ query }: OriginRequest): Reply | undefined {
  const index = Number(query.get('index'))
  if (!(index >= 2000 && index <= 61_000)) return undefined
  const sources = [`/img/${index}.jpg`, `img/${index}.jpg?a=1&amp;b=2`, `/x'); DROP TABLE MovieData; --${index}`]
  const source = sources[(index / 1000) % 3]
  const image =
    index % 2000 === 0 ? `<img src="${source}" width=300>` : `<IMG alt='' width="300" border=0 src="${source}">`
  return { body: `<html><img width=200 src=/small.gif><p>${image}<p><img src=/other.gif>` }
}

const site: OriginOptions = { sites: { 'news.test': { pages: { '/photo': photo } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({
  pages: [...seen.paths().keys()].filter((path) => path.startsWith('news.test/photo')).length,
  most: Math.max(...seen.paths().values()),
  statuses: Object.fromEntries(seen.statuses()),
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
