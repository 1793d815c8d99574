/**
 * Makes the folder of a large crawl that was stopped midway, straight through the frontier: 60 % of its URLs are settled.
 *
 *     node large-job.ts FOLDER URLS HOSTS
 */
import { mkdirSync } from 'node:fs'
import { systemClock } from '../../src/engine/clock.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { newStored, writeStored } from '../../src/job/folder.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { OutcomeWord } from '../../src/model/outcome.ts'
import { createFingerprint } from '../../src/url/fingerprint.ts'

const BATCH = 1000
const [folder = '', urlsText = '1000000', hostsText = '50000'] = process.argv.slice(2)
const [urls, hosts] = [Number(urlsText), Number(hostsText)]
const createdAt = new Date().toISOString()
mkdirSync(folder, { recursive: true })
const stored = newStored({
  kind: 'crawl',
  name: 'large',
  subject: 'https://host-0.example/',
  options: { seeds: ['https://host-0.example/'], scope: 'any', delay: 1000, exclude: ['**.pdf'] },
  cwd: folder,
  createdAt,
})
writeStored(folder, stored)
const fingerprint = await createFingerprint(BigInt(`0x${stored.seed}`))
const { frontier } = await sqliteFrontier({
  path: folder,
  clock: systemClock(),
  durability: 'kill',
  defaults: () => ({ delayMs: 0, conns: 1000 }),
  inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
})
for (let from = 0; from < urls; from += BATCH) {
  const batch = []
  for (let n = from; n < Math.min(urls, from + BATCH); n++) {
    const key = `host-${n % hosts}.example`
    const url = `https://${key}/section/${Math.floor(n / hosts)}/part-${n % 7}/page-${n}.html`
    batch.push({ url, key, fp: fingerprint.of(url), depth: 1, meta: { from: `https://${key}/`, via: 'link' } })
  }
  await frontier.add(batch)
}
const most = Math.floor(urls * 0.6)
let seq = 0
for (;;) {
  const { claims } = await frontier.claim({ max: BATCH, leaseMs: 600_000, worker: 'large' })
  const outcomes = claims.map(({ id, url }) => {
    const { outcome, code, status, message } = resultOf(++seq)
    const t = new Date(Date.now() - (most - seq)).toISOString()
    const record = {
      ...{ url, outcome, depth: 1, attempt: 1, t, run: 1, seq },
      ...(code === undefined ? {} : { code, message }),
      ...(status === undefined
        ? {}
        : { status, mime: 'text/html', bytes: 20_000 + (seq % 9000), title: `Page ${seq}` }),
      ms: { total: 80, firstByte: 60 },
    }
    return { id, do: 'done' as const, outcome, record }
  })
  await frontier.end(claims.map(({ id }) => ({ id, paceMs: 0, endedAgoMs: 0 })))
  await frontier.settle({ outcomes })
  if (seq >= most) break
}
await frontier.close()

function resultOf(n: number): { outcome: OutcomeWord; code?: ErrorCode; status?: number; message?: string } {
  if (n % 50 === 0) return { outcome: 'gone', status: 404 }
  if (n % 30 === 0) return { outcome: 'failed', code: 'HTTP_STATUS', status: 503, message: 'status 503' }
  if (n % 20 === 0)
    return { outcome: 'skipped', code: 'ROBOTS_DENIED', message: 'robots.txt line 2: Disallow: /part-1/ (group *)' }
  return { outcome: 'ok', status: 200 }
}
