/** What a person should know of a job now, and the command that helps. Pure: from its counters, its hosts and how it grew. */
import type { HostRow } from '../frontier/sqlite/columns/counts.ts'
import type { Projection } from './growth.ts'
import type { Summary } from './job.ts'
import type { Status } from './status.ts'

/** One thing worth knowing; its sentence is in the catalogues, by kind. */
export type Finding =
  | { readonly kind: 'warning'; readonly code: string; readonly message: string; readonly command: string }
  | { readonly kind: 'halted'; readonly code: string; readonly message: string; readonly command: string }
  | {
      readonly kind: 'slowest'
      readonly host: string
      readonly left: number
      readonly intervalMs: number
      readonly ms: number
      readonly command: string
    }
  | {
      readonly kind: 'failing'
      readonly code: string
      readonly urls: number
      readonly share: number
      readonly command: string
    }
  | { readonly kind: 'growing'; readonly found: number; readonly done: number; readonly command: string }

export interface Diagnosed {
  readonly status: Status
  readonly hosts: readonly HostRow[]
  readonly summary: Summary | undefined
  readonly projection: Projection | undefined
}

/** URLs of one cause among what is done, from which on it is said. */
const FAILING_SHARE = 0.1
const FAILING_URLS = 20
/** One host sets the end when it takes so many times as long as the next one. */
const ALONE = 2
/** A shorter wait is no news, ms. */
const SLOW_MS = 10_000

/** The most pressing first. */
export function diagnose({ status, hosts, summary, projection }: Diagnosed): Finding[] {
  const { folder } = status
  const found: Finding[] = []
  if (!status.live && summary?.halted !== undefined)
    found.push({ kind: 'halted', ...summary.halted, command: `sluice resume ${folder}` })
  for (const { code, message } of status.warnings) {
    found.push({ kind: 'warning', code, message, command: `sluice explain ${code}` })
  }
  const failing = Object.entries(status.codes)
    .filter(([name, urls]) => name.startsWith('failed/') && name.length > 'failed/'.length && urls >= FAILING_URLS)
    .sort((a, b) => b[1] - a[1])[0]
  if (failing !== undefined && failing[1] / status.doneTotal >= FAILING_SHARE) {
    const code = failing[0].slice('failed/'.length)
    const share = failing[1] / status.doneTotal
    found.push({ kind: 'failing', code, urls: failing[1], share, command: `sluice retry ${folder} --code ${code}` })
  }
  const [first, second] = hosts
    .filter(({ left, intervalMs }) => left > 0 && intervalMs > 0)
    .map((host) => ({ ...host, ms: host.left * host.intervalMs }))
    .sort((a, b) => b.ms - a.ms)
  if (status.live && first !== undefined && first.ms >= SLOW_MS && first.ms >= ALONE * (second?.ms ?? 0)) {
    const { host, left, intervalMs, ms } = first
    found.push({ kind: 'slowest', host, left, intervalMs, ms, command: `sluice why ${host} --job ${folder}` })
  }
  if (status.live && projection?.meets === false && status.kind === 'crawl') {
    const { foundPerSecond, donePerSecond } = projection
    found.push({ kind: 'growing', found: foundPerSecond, done: donePerSecond, command: `sluice set ${folder} limit=N` })
  }
  return found
}
