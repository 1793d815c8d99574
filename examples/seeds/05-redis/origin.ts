import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

function thing({ path }: OriginRequest): Reply | undefined {
  const id = Number(/^\/thing\/(\d+)$/.exec(path)?.[1])
  if (!(id >= 1 && id <= 300)) return undefined
  return { body: `<html><h1>Thing ${id}</h1><p class=price>${id}.50` }
}

const site: OriginOptions = { sites: { 'things.test': { pages: { '/thing/*': thing } } } }
export default site
export const ledger = (seen: Ledger): unknown => ({
  things: [...seen.paths().keys()].filter((path) => path.startsWith('things.test/thing/')).length,
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
