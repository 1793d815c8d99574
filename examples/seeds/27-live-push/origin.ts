import { accessLog, random, startOrigin } from 'sluice/testing'
import type { OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** One line a visit, every tenth in two halves; the log is rotated, or copied and cut, as the lines become many. */
const log = accessLog('access.log', random(27))
let visits = 0
let rotations = 0
let cuts = 0
function visit({ path }: OriginRequest): Reply | undefined {
  if (!/^\/\d+$/.test(path)) return undefined
  visits++
  if (visits % 10 === 9) log.half()
  else log.append(1)
  if (visits % 400 === 0) {
    log.copyTruncate()
    cuts++
  } else if (visits % 150 === 0) {
    log.rotate()
    rotations++
  }
  return { body: 'read me' }
}

const site: OriginOptions = { sites: { 'blog.test': { pages: { '/*': visit }, answerMs: 2 } } }
export default site
export const ledger = (): unknown => ({ lines: log.paths.length, rotations, cuts })

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
