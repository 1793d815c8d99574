/** Snapshot and summary of a job, from the frontier's counters and the engine's figures. */
import type { Engine } from '../engine/engine.ts'
import { PHASES } from '../engine/metrics.ts'
import type { Phase } from '../engine/metrics.ts'
import type { FrontierStats } from '../frontier/frontier.ts'
import { sumCounts } from '../model/outcome.ts'
import type { Percentiles, RunEnd, Snapshot, Summary } from './job.ts'

export interface SnapshotInit {
  readonly job: string
  readonly kind: Snapshot['kind']
  readonly folder: string
  readonly run: number
  readonly status: Snapshot['status']
  readonly total: number | null
  readonly stats: FrontierStats
  readonly engine: Engine | undefined
  readonly startedAt: number
  readonly now: number
  readonly eta: Snapshot['eta']
}

export function snapshotOf(init: SnapshotInit): Snapshot {
  const { stats, engine, now } = init
  const elapsedMs = now - init.startedAt
  const metrics = engine?.context.metrics
  const left = stats.queued + stats.delayed + stats.inFlight + stats.following
  return {
    job: init.job,
    kind: init.kind,
    folder: init.folder,
    run: init.run,
    status: init.status,
    known: stats.known,
    done: stats.done,
    doneTotal: sumCounts(stats.done),
    left: {
      total: left,
      queued: stats.queued,
      delayed: stats.delayed,
      inFlight: stats.inFlight,
      following: stats.following,
    },
    total: init.total,
    reading: engine?.feed.reading ?? false,
    hosts: stats.keys,
    codes: Object.fromEntries(stats.codes),
    statuses: Object.fromEntries([...stats.statuses].map(([status, count]) => [String(status), count])),
    perSecond: metrics?.perSecond(now, elapsedMs) ?? 0,
    bytesPerSecond: metrics?.bytesPerSecond(now, elapsedMs) ?? 0,
    p50Ms: metrics?.times.total.quantile(0.5) ?? 0,
    p95Ms: metrics?.times.total.quantile(0.95) ?? 0,
    sockets: engine?.context.fetcher.sockets ?? 0,
    elapsedMs,
    eta: init.eta,
    warnings: [],
  }
}

export interface SummaryInit extends SnapshotInit {
  readonly end: RunEnd | null
  readonly startedWall: number
  readonly endedWall: number | null
  readonly outputs: readonly string[]
  readonly failed: readonly string[]
  readonly exitCode: number
  /** Hosts by reason, counted in this run. */
  readonly reasons: Reasons
}

export function summaryOf(init: SummaryInit): Summary {
  const snapshot = snapshotOf(init)
  const { engine, stats } = init
  const hosts = engine?.context.hosts
  const boundMs = hosts?.longestMs ?? 0
  const times: Partial<Record<Phase, Percentiles>> = {}
  for (const phase of PHASES) {
    const histogram = engine?.context.metrics.times[phase]
    if (histogram === undefined || histogram.count === 0) continue
    times[phase] = {
      p50: round(histogram.quantile(0.5)),
      p90: round(histogram.quantile(0.9)),
      p99: round(histogram.quantile(0.99)),
      max: round(histogram.max),
    }
  }
  return {
    v: 1,
    ...snapshot,
    end: init.end,
    startedAt: new Date(init.startedWall).toISOString(),
    endedAt: init.endedWall === null ? null : new Date(init.endedWall).toISOString(),
    politeness:
      boundMs > 0 && snapshot.elapsedMs > 0
        ? {
            efficiency: Math.min(1, boundMs / snapshot.elapsedMs),
            boundMs: Math.round(boundMs),
            key: hosts?.longest ?? '',
          }
        : null,
    times,
    why: {
      failed: whyOf(stats, init.reasons, 'failed'),
      skipped: whyOf(stats, init.reasons, 'skipped'),
      denied: whyOf(stats, init.reasons, 'denied'),
    },
    slowest: (hosts?.slowest(3) ?? []).map((host) => ({
      key: host.key,
      intervalMs: Math.round(host.intervalMs),
      p95Ms: round(host.slowestMs),
      done: host.answered,
    })),
    outputs: init.outputs,
    failed: init.failed,
    exitCode: init.exitCode,
    bytes: engine?.context.metrics.bytes ?? 0,
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Hosts seen by outcome and code in this run; at most 10,000 names a reason are told apart. */
export class Reasons {
  readonly #hosts = new Map<string, Set<string>>()

  note(outcome: string, code: string, host: string): void {
    const name = `${outcome}/${code}`
    let hosts = this.#hosts.get(name)
    if (hosts === undefined) this.#hosts.set(name, (hosts = new Set()))
    if (hosts.size < 10_000) hosts.add(host)
  }

  count(outcome: string, code: string): number {
    return this.#hosts.get(`${outcome}/${code}`)?.size ?? 0
  }
}

function whyOf(
  stats: FrontierStats,
  reasons: Reasons,
  outcome: 'failed' | 'skipped' | 'denied',
): Summary['why']['failed'] {
  const rows: { code: string; urls: number; hosts: number }[] = []
  for (const [name, urls] of stats.codes) {
    const slash = name.indexOf('/')
    if (name.slice(0, slash) !== outcome || urls === 0) continue
    const code = name.slice(slash + 1)
    rows.push({ code, urls, hosts: reasons.count(outcome, code) })
  }
  return rows.sort((a, b) => b.urls - a.urls)
}
