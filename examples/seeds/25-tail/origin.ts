import { accessLog, random, startOrigin } from 'sluice/testing'
import type { OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** One line a visit, numbered as they come; every tenth is written in two halves, the second with the next visit. */
const log = accessLog('access.log', random(25))
function visit({ path }: OriginRequest): Reply | undefined {
  if (!/^\/\d+$/.test(path)) return undefined
  if (path.endsWith('9')) log.half()
  else log.append(1)
  return { body: 'read me' }
}

const site: OriginOptions = { sites: { 'blog.test': { pages: { '/*': visit } } } }
export default site
export const ledger = (): unknown => ({ lines: log.paths.length })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
