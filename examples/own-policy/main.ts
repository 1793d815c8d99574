import { createJob, polite } from 'sluice'
import type { Policy } from 'sluice'

const base = polite()
const policy: Policy = {
  ...base,
  admit(request) {
    if (request.url.includes('/product/')) return { do: 'skip', code: 'SCOPE_DENIED', reason: 'no product pages' }
    return base.admit(request)
  },
}
const [seed = 'http://localhost:8080/', delay = '1s'] = process.argv.slice(2)
const job = createJob({ kind: 'crawl', job: './own-policy', seeds: [seed], delay, policy, out: 'pages.ndjson' })
const { done } = await job.run()
await job.close()
console.log(`${done.ok} fetched, ${done.skipped} skipped`)
