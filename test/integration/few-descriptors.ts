/**
 * A program that takes all descriptors there are while its job runs, and gives them back when the job says that they are
 * short: argument 1 is what names resolve to. Prints outcomes, attempts and codes of warnings as JSON.
 */
import { closeSync, openSync } from 'node:fs'
import { createJob } from '../../src/index.ts'

const [resolve = ''] = process.argv.slice(2)
const job = createJob({
  kind: 'fetch',
  job: './short',
  seeds: Array.from({ length: 60 }, (_, n) => `http://h${n}.test/delay/20`),
  ...{ resolve, delay: 0, concurrency: 40, robots: 'ignore', reason: 'ours', contact: 'https://lab.example/bot' },
})
const held: number[] = []
const warned: string[] = []
job.on('request.claimed', () => {
  if (warned.length > 0) return
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    // All are taken.
  }
})
job.on('warning.raised', ({ code }) => {
  warned.push(code)
  for (const descriptor of held.splice(0)) closeSync(descriptor)
})
const outcomes: Record<string, number> = {}
let attempts = 0
for await (const { outcome, attempt } of job.pages()) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  attempts += attempt ?? 0
}
await job.close()
console.log(JSON.stringify({ outcomes, attempts, warned }))
