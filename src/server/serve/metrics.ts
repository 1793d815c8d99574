/**
 * Figures of the service as text for Prometheus (exposition format 0.0.4). Names and what they mean are in one table, which
 * the guide repeats. Jobs are labels, hosts never: there may be a million of them.
 */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly about: string
}

export interface Sample {
  readonly name: string
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

export const METRICS: readonly Metric[] = [
  { name: 'sluice_jobs', type: 'gauge', about: 'Jobs of the service by state' },
  { name: 'sluice_job_urls', type: 'gauge', about: 'URLs of a running job that are done, by outcome' },
  { name: 'sluice_job_left', type: 'gauge', about: 'URLs of a running job that are left' },
  { name: 'sluice_job_requests_per_second', type: 'gauge', about: 'Requests per second of a running job' },
  { name: 'sluice_viewers', type: 'gauge', about: 'Open live streams, by kind' },
  { name: 'sluice_http_requests_total', type: 'counter', about: 'Requests to the service by class of their status' },
  { name: 'sluice_check_ok', type: 'gauge', about: '1 where what the service needs answers, 0 where it is away' },
  { name: 'process_resident_memory_bytes', type: 'gauge', about: 'Memory of the process of the service' },
  { name: 'process_cpu_seconds_total', type: 'counter', about: 'CPU time of the process of the service' },
]

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function metricsText(samples: readonly Sample[]): string {
  return METRICS.map(({ name, type, about }) => {
    const own = samples.filter((sample) => sample.name === name)
    if (own.length === 0) return ''
    const lines = own.map(({ labels = {}, value }) => `${name}${labelsOf(labels)} ${value}\n`)
    return `# HELP ${name} ${about}\n# TYPE ${name} ${type}\n${lines.join('')}`
  }).join('')
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
