import { setTimeout as sleep } from 'node:timers/promises'
import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** Each is answered with 500: every hundredth, ten of them. */
const REFUSED = /00$/
/** These never get an answer; four at a time are in flight. */
const HELD = /^011000[37]6[1-4]$/
const sent: { para: string; texto: string }[] = []

function take(request: OriginRequest): Reply | Promise<Reply> {
  if (request.method !== 'POST') return { status: 405 }
  const message = JSON.parse(request.body.toString()) as { para: string; texto: string }
  sent.push(message)
  if (HELD.test(message.para)) return new Promise(() => undefined)
  return REFUSED.test(message.para) ? { status: 500 } : { body: 'taken' }
}

/** Answers a second after so many are without an answer: what was answered before is in the books by then. */
async function held(request: OriginRequest): Promise<Reply> {
  const wanted = Number(request.query.get('count'))
  while (sent.filter(({ para }) => HELD.test(para)).length < wanted) await sleep(20)
  await sleep(1000)
  return { body: 'killed now\n' }
}

const site: OriginOptions = {
  sites: { 'messages.test': { pages: { '/send': take } }, '127.0.0.1': { pages: { '/held': held } } },
}
export default site
export const ledger = (seen: Ledger): unknown => ({
  posts: [...seen.arrivals()].filter(({ method }) => method === 'POST').length,
  people: new Set(sent.map(({ para }) => para)).size,
  first: sent.find(({ para }) => para === '011000001'),
})

if (import.meta.main) console.log(`export ORIGIN=127.0.0.1:${(await startOrigin(site)).port}`)
