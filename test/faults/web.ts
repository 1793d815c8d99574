/** The bad server and the jobs that are run against it. */
import { systemClock } from '../../src/engine/clock.ts'
import { polite } from '../../src/index.ts'
import type { JobOptions, PageRecord } from '../../src/index.ts'
import { jobOf } from '../../src/job/create-job.ts'
import { resolveOptions } from '../../src/job/options.ts'
import { fastClock } from '../../src/testing/clock.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { FAULT_CASES, type FaultCase, type FaultName } from '../../src/testing/origin/fault-cases.ts'

export const RETRIES = 2
/** Cap on bodies of all jobs. */
export const MAX_BYTES = 8 * 1024 * 1024

/** Options of every job: nothing waits but for what a case is about. */
export function optionsFor(origin: Pick<Origin, 'resolveFlag'>): JobOptions {
  return {
    resolve: origin.resolveFlag,
    contact: 'https://lab.example/bot',
    delay: 0,
    perHost: 4,
    concurrency: 64,
    retries: RETRIES,
    maxSize: MAX_BYTES,
    timeout: '20s',
    robots: 'ignore',
    reason: 'the server is ours',
    policy: polite({ retries: RETRIES, retryBaseMs: 20 }),
  }
}

/** All time of the job 40 times as fast, or, where waits are skipped (`fastClock`), 10 times. */
export function inFastTime(skipMs = 0): Pick<JobOptions, 'clock' | 'policy'> {
  return { clock: fastClock(systemClock(), skipMs === 0 ? 40 : 10, skipMs), policy: polite({ retries: RETRIES }) }
}

/** URLs of a case: each below a host of its own, so that none slows another. */
export function urlsOf(name: FaultName, round: number): string[] {
  const { paths = [] }: FaultCase = FAULT_CASES[name]
  return paths.map((_, i) => `http://p${i}.${name.replace('.', '-')}.r${round}.test/fault/${name}/${i}`)
}

/** `http://host` of a case that is a site. */
export function siteOf(name: FaultName, round: number): string {
  return `http://${name}.r${round}.faults.test`
}

/** Records of a list, or of one URL by name, in the order they were settled. */
export async function recordsOf(seeds: string | readonly string[], options: JobOptions): Promise<PageRecord[]> {
  return runJob('fetch', seeds, options)
}

/** Runs a job that keeps nothing. */
export async function runJob(kind: 'fetch' | 'crawl', seeds: string | readonly string[], options: JobOptions) {
  const job = jobOf(kind, resolveOptions([{ origin: 'options', values: { ...options, seeds } }]), process.cwd(), {
    durable: false,
  })
  const records: PageRecord[] = []
  for await (const record of job.pages()) records.push(record)
  await job.close()
  return records
}
