/**
 * `sluice retry [JOB]`: queues URLs that match again and runs the job. How many they are is said before anything
 * changes; on a live job its owner does it.
 */
import { findJob, nameOf, requestControl, retryStopped } from '../../job/index.ts'
import type { RetryQuery } from '../../job/index.ts'
import { openAsker } from '../asker.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobNamed } from '../job-argument.ts'
import { resumeJob } from './resume.ts'

const FACETS = ['outcome', 'status', 'host', 'code', 'since'] as const

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  const { catalog, terminal, cwd } = cli
  const folder = findJob(jobNamed(invocation, cli.env), cwd)
  const job = nameOf(folder)
  const query = queryOf(invocation)
  const facets = Object.entries(query)
    .filter(([name]) => name !== 'unsafe')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
  const onLive = (dryRun: boolean): Promise<unknown> =>
    requestControl(folder, 'retry', { query, dryRun, by: 'sluice retry' })
  const counted = await onLive(true)
  const live = counted !== undefined
  const count = live ? Number(counted) : await retryStopped(folder, query, true)
  terminal.say(`${catalog.t('retry.count', { count, job, facets })}\n`)
  if (!live && query.unsafe !== true) {
    const held = (await retryStopped(folder, { ...query, unsafe: true }, true)) - count
    if (held > 0) terminal.say(`${catalog.t('retry.held', { count: held })}\n`)
  }
  if (count === 0 || invocation.flags.dryRun === true) return 0
  if (invocation.flags.yes !== true && !(await confirmed(cli))) {
    terminal.say(`${catalog.t('retry.nothing')}\n`)
    return 0
  }
  if (live) {
    await onLive(false)
    terminal.say(`${catalog.t('retry.live', { job })}\n`)
    return 0
  }
  await retryStopped(folder, query, false)
  return resumeJob(cli, invocation, folder)
}

/** Without any facet: what failed. */
function queryOf({ flags, options }: Invocation): RetryQuery {
  const unsafe = options.retryUnsafe === true ? { unsafe: true } : {}
  const query: Partial<Record<(typeof FACETS)[number], string>> = {}
  for (const facet of FACETS) {
    const value = flags[facet]
    if (typeof value === 'string') query[facet] = value
  }
  return Object.keys(query).length === 0 ? { outcome: 'failed', ...unsafe } : { ...query, ...unsafe }
}

/** Asks only where a person can answer; scripts are not held up. */
async function confirmed({ catalog }: Cli): Promise<boolean> {
  const asker = openAsker()
  if (asker === undefined) return true
  const answer = await asker.ask(`${catalog.t('retry.ask')} [y/N] `)
  asker.close()
  return /^y/i.test(answer)
}
