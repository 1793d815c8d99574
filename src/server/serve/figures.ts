/** What `/metrics` tells, gathered when it is asked for: nothing is counted that nobody reads, answers excepted. */
import type { Jobs } from './jobs.ts'
import { metricsText } from './metrics.ts'
import type { Sample } from './metrics.ts'
import type { Needs } from './needs.ts'

export interface FiguresInit {
  readonly jobs: Jobs
  readonly needs: Needs
  /** Answers so far by class: `2xx`. */
  readonly answered: ReadonlyMap<string, number>
  /** Open streams by kind. */
  readonly viewers: Readonly<Record<string, number>>
}

export async function figuresText({ jobs, needs, answered, viewers }: FiguresInit): Promise<string> {
  const samples: Sample[] = []
  const states = new Map<string, number>()
  for (const name of jobs.names()) {
    const row = await jobs.row(name)
    states.set(row.state, (states.get(row.state) ?? 0) + 1)
    if (row.state !== 'running' && row.state !== 'paused') continue
    for (const [outcome, value] of Object.entries(row.outcomes))
      samples.push({ name: 'sluice_job_urls', labels: { job: name, outcome }, value })
    samples.push({ name: 'sluice_job_left', labels: { job: name }, value: row.left })
    samples.push({ name: 'sluice_job_requests_per_second', labels: { job: name }, value: row.perSecond })
  }
  for (const [state, value] of states) samples.push({ name: 'sluice_jobs', labels: { state }, value })
  for (const [status, value] of answered)
    samples.push({ name: 'sluice_http_requests_total', labels: { status }, value })
  for (const [kind, value] of Object.entries(viewers)) samples.push({ name: 'sluice_viewers', labels: { kind }, value })
  for (const { name, isThere } of await needs.look())
    samples.push({ name: 'sluice_check_ok', labels: { check: name }, value: isThere ? 1 : 0 })
  const { user, system } = process.cpuUsage()
  samples.push({ name: 'process_resident_memory_bytes', value: process.memoryUsage.rss() })
  samples.push({ name: 'process_cpu_seconds_total', value: (user + system) / 1e6 })
  return metricsText(samples)
}
