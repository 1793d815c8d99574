import { setTimeout as sleep } from 'node:timers/promises'
import { startOrigin } from 'sluice/testing'
import type { Ledger, OriginOptions, OriginRequest, Reply } from 'sluice/testing'

/** Each is answered with 500: 011000020, 011000040 and on, ten of them. */
const REFUSED = /^011000\d[02468]0$/
/** These never get an answer; four at a time are in flight. */
const HELD = new Set([
  '011000061',
  '011000062',
  '011000063',
  '011000064',
  '011000131',
  '011000132',
  '011000133',
  '011000134',
])
const sent: { para: string; texto: string }[] = []

function take(request: OriginRequest): Reply | Promise<Reply> {
  if (request.method !== 'POST') return { status: 405 }
  const message = JSON.parse(request.body.toString()) as { para: string; texto: string }
  sent.push(message)
  if (HELD.has(message.para)) return new Promise(() => undefined)
  return REFUSED.test(message.para) ? { status: 500 } : { body: 'taken' }
}

/** Answers a second after so many are without an answer: what was answered before is in the books by then. */
async function held(request: OriginRequest): Promise<Reply> {
  const wanted = Number(request.query.get('count'))
  while (sent.filter(({ para }) => HELD.has(para)).length < wanted) await sleep(20)
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
