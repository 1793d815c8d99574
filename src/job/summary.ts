/** Snapshot and summary of a job, from the frontier's counters and the engine's figures. */
import type { Engine } from '../engine/engine.ts'
import { PHASES } from '../engine/metrics.ts'
import type { Phase } from '../engine/metrics.ts'
import type { Frontier, FrontierStats } from '../frontier/frontier.ts'
import { sumCounts } from '../model/outcome.ts'
import type { OutcomeCounts } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import { outcomeOfStatus } from '../policy/polite.ts'
import { hostOf } from '../url/key.ts'
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
  readonly warnings: Snapshot['warnings']
  /** Default: what the engine says. */
  readonly extraction?: Snapshot['extraction']
}

/** Hosts of a warning that are named. */
const NAMED_HOSTS = 3

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
    hosts: Math.max(stats.keys, engine?.context.hosts.size ?? 0),
    codes: Object.fromEntries(stats.codes),
    statuses: Object.fromEntries([...stats.statuses].map(([status, count]) => [String(status), count])),
    perSecond: metrics?.perSecond(now, elapsedMs) ?? 0,
    bytesPerSecond: metrics?.bytesPerSecond(now, elapsedMs) ?? 0,
    p50Ms: metrics?.times.total.quantile(0.5) ?? 0,
    p95Ms: metrics?.times.total.quantile(0.95) ?? 0,
    sockets: engine?.context.fetcher.sockets ?? 0,
    elapsedMs,
    eta: init.eta,
    extraction: init.extraction ?? extractionOf(engine),
    warnings: [...init.warnings, ...restingHosts(engine)],
  }
}

/** Hosts that do not answer, as one warning however many they are. */
function restingHosts(engine: Engine | undefined): Snapshot['warnings'] {
  const down = engine?.resting() ?? []
  if (down.length === 0) return []
  const longest = down.toSorted((a, b) => b.failures - a.failures).slice(0, NAMED_HOSTS)
  const named = longest.map(({ key, failures }) => `${key} (${failures} failures in a row)`).join(', ')
  const more = down.length > NAMED_HOSTS ? `, and ${down.length - NAMED_HOSTS} more` : ''
  const message = `hosts that do not answer rest and are looked at now and then: ${named}${more}; sluice why HOST, sluice block HOST`
  return [{ code: 'HOST_DOWN', message }]
}

/** A copy: the engine goes on counting in its own. */
function extractionOf(engine: Engine | undefined): Snapshot['extraction'] {
  if (engine?.context.pool === undefined) return null
  const { figures } = engine.context.report
  return { ...figures, fields: figures.fields.map((field) => ({ ...field })) }
}

/** A shorter run is mostly start and end: what share of it was polite waiting says nothing. */
const JUDGED_FROM_MS = 2_000

export interface SummaryInit extends SnapshotInit {
  readonly end: RunEnd | null
  readonly startedWall: number
  readonly endedWall: number | null
  readonly outputs: readonly string[]
  readonly revisits: Summary['revisits']
  readonly thisRun: Summary['thisRun']
  readonly failed: readonly string[]
  readonly exitCode: number
  /** Hosts by reason. */
  readonly reasons: Reasons
}

export function summaryOf(init: SummaryInit): Summary {
  const snapshot = snapshotOf(init)
  const { engine, stats } = init
  const hosts = engine?.context.hosts
  const boundMs = hosts?.longestMs ?? 0
  const delayMs = engine?.context.settings.hostSettings(hosts?.longest ?? '').delayMs ?? 0
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
      boundMs > 0 && delayMs > 0 && snapshot.elapsedMs >= JUDGED_FROM_MS
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
    ...(engine?.context.settings.cache === true
      ? { cache: { fresh: engine.context.metrics.cached, revalidated: engine.context.metrics.revalidated } }
      : {}),
    ...(init.revisits === undefined ? {} : { revisits: init.revisits }),
    thisRun: init.thisRun,
    failed: init.failed,
    exitCode: init.exitCode,
    bytes: engine?.context.metrics.bytes ?? 0,
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Rows of an outcome that are read when a job is continued. */
const LEARNED = 10_000

/** Hosts seen by outcome and reason over the life of the job; at most 10,000 names a reason are told apart. */
export class Reasons {
  readonly #hosts = new Map<string, Set<string>>()
  readonly #unknown = new Set<string>()

  /** What was settled before this process: read once, where it is not too much. */
  async learn(frontier: Pick<Frontier, 'scan'>, done: OutcomeCounts): Promise<void> {
    for (const outcome of ['failed', 'skipped', 'denied'] as const) {
      if (done[outcome] === 0) continue
      if (done[outcome] > LEARNED) {
        this.#unknown.add(outcome)
        continue
      }
      const { rows } = await frontier.scan({ what: 'ledger', outcome, limit: LEARNED })
      for (const { record } of rows) if (record !== undefined) this.note(record)
    }
  }

  note(record: PageRecord): void {
    const { outcome, status, final, url } = record
    if (outcome !== 'failed' && outcome !== 'skipped' && outcome !== 'denied') return
    const code = record.code ?? String(status ?? '')
    const host = hostOf(final ?? url)
    if (code === 'HTTP_STATUS' && status !== undefined) this.#add(`${outcome}/${status}`, host)
    this.#add(`${outcome}/${code}`, host)
  }

  #add(name: string, host: string): void {
    let hosts = this.#hosts.get(name)
    if (hosts === undefined) this.#hosts.set(name, (hosts = new Set()))
    if (hosts.size < 10_000) hosts.add(host)
  }

  /** 0 where nobody knows. */
  count(outcome: string, code: string): number {
    return this.#unknown.has(outcome) ? 0 : (this.#hosts.get(`${outcome}/${code}`)?.size ?? 0)
  }
}

function statusesOf(stats: FrontierStats, wanted: (status: number) => boolean): [number, number][] {
  return [...stats.statuses].filter(([status, count]) => count > 0 && wanted(status))
}

function whyOf(
  stats: FrontierStats,
  reasons: Reasons,
  outcome: 'failed' | 'skipped' | 'denied',
): Summary['why']['failed'] {
  const rows: { code: string; urls: number; hosts: number }[] = []
  const row = (code: string, urls: number): (typeof rows)[number] => ({
    code,
    urls,
    hosts: Math.min(urls, reasons.count(outcome, code)),
  })
  for (const [name, urls] of stats.codes) {
    const slash = name.indexOf('/')
    if (name.slice(0, slash) !== outcome || urls === 0) continue
    const code = name.slice(slash + 1)
    const statuses = code === 'HTTP_STATUS' ? statusesOf(stats, (status) => outcomeOfStatus(status).code === code) : []
    // An answer that broke off has a status, too: then only the code tells them apart.
    if (statuses.length > 0 && statuses.reduce((sum, [, count]) => sum + count, 0) === urls) {
      for (const [status, count] of statuses) rows.push(row(String(status), count))
    } else rows.push(row(code, urls))
  }
  if (outcome === 'denied' && rows.length === 0) {
    for (const [status, count] of statusesOf(stats, (status) => outcomeOfStatus(status).outcome === 'denied'))
      rows.push(row(String(status), count))
  }
  return rows.sort((a, b) => b.urls - a.urls)
}
