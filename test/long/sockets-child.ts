/** Fetches from as many hosts as it is told, all at a time, and prints what that took: JSON on standard output. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fetchAll } from '../../src/index.ts'

/** What the program prints. */
export interface Fetched {
  readonly outcomes: Readonly<Record<string, number>>
  readonly attempts: number
  /** Largest resident set, bytes. */
  readonly peakBytes: number
  /** 99th percentile of how late the event loop was, ms. */
  readonly lateMs: number
  readonly ms: number
}

const [port = '0', count = '0', addresses = '1', concurrency = count] = process.argv.slice(2)
const spread = Number(addresses)
const urls = Array.from({ length: Number(count) }, (_, n) => `http://h${n}.a${n % spread}.test/ok`)
const resolve = Array.from({ length: spread }, (_, n) => `*.a${n}.test=127.0.0.${n + 1}:${port}`)
const late = monitorEventLoopDelay({ resolution: 10 })
late.enable()
const began = performance.now()
const outcomes: Record<string, number> = {}
let attempts = 0
const options = {
  ...{ resolve, delay: 0, concurrency: Number(concurrency), robots: 'ignore' as const, reason: 'ours' },
  ...{ contact: 'https://lab.example/bot', timeout: '60s' },
}
for await (const { record } of fetchAll(urls, options)) {
  outcomes[record.outcome] = (outcomes[record.outcome] ?? 0) + 1
  attempts += record.attempt ?? 0
}
late.disable()
const fetched: Fetched = {
  outcomes,
  attempts,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  lateMs: late.percentile(99) / 1e6,
  ms: performance.now() - began,
}
console.log(JSON.stringify(fetched))
