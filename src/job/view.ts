/**
 * A job as tables and figures for people who look at it: read-only and without its lock, live or stopped. The tables
 * follow the file in steps of about 5,000 rows, so that whoever holds the view can serve others in between.
 */
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '../engine/clock.ts'
import { JobColumns } from '../frontier/sqlite/columns/columns.ts'
import type { UrlRow } from '../frontier/sqlite/columns/columns.ts'
import { Counts } from '../frontier/sqlite/columns/counts.ts'
import type { ErrorGroup, ErrorSample, HostRow, Series } from '../frontier/sqlite/columns/counts.ts'
import { readPositions } from '../frontier/sqlite/positions.ts'
import { UrlFilter } from '../frontier/sqlite/columns/url-filter.ts'
import type { Facets, UrlPage, UrlQuery } from '../frontier/sqlite/columns/url-filter.ts'
import { CompareView } from './compare-view.ts'
import { diagnose } from './diagnose.ts'
import type { Finding } from './diagnose.ts'
import { GROWTH_POSITION, pointsOf, projectionOf } from './growth.ts'
import type { GrowthPoint, Projection } from './growth.ts'
import { requestControl } from './control.ts'
import type { ControlMethod } from './control.ts'
import { nameOf, readStored } from './folder.ts'
import { ItemsView } from './items-view.ts'
import type { RetryQuery, Why, WorkersFigures } from './job.ts'
import { storeChange } from './live-settings.ts'
import type { SettingChange } from './live-settings.ts'
import { shownValue } from './options.ts'
import { queryShortly } from './query-process.ts'
import type { ShortAnswer } from './query-process.ts'
import { RulesView } from './rules-view.ts'
import { SiteView } from './site-view.ts'
import { explainUrl, openStatus, readSummary, retryStopped } from './status.ts'
import type { Status } from './status.ts'

export { URL_SORTS } from '../frontier/sqlite/columns/url-filter.ts'
export type { UrlPage, UrlQuery, UrlSort } from '../frontier/sqlite/columns/url-filter.ts'
export type { ErrorGroup, HostRow } from '../frontier/sqlite/columns/counts.ts'
export type { UrlRow, UrlState } from '../frontier/sqlite/columns/columns.ts'

/** Most points of a series: more than a plot has pixels to tell apart. */
const POINTS = 300

/** How long a diagnosis holds, however many watch, ms. */
const FINDINGS_MS = 2_000

export interface Slice {
  readonly offset: number
  readonly limit: number
}

export interface JobView {
  readonly name: string
  readonly folder: string
  /** Number of the last settlement that the tables hold. */
  readonly seq: number
  /** False while the tables are still being read for the first time. */
  readonly isComplete: boolean
  status(): Promise<Status>
  urls(query: UrlQuery, slice: Slice): UrlPage
  /** All rows that match now, `size` at a time: none slips or comes twice while the job goes on. */
  urlSlices(query: UrlQuery, size: number): Iterator<readonly UrlRow[], undefined>
  facets(query: UrlQuery): Facets
  hosts(): readonly HostRow[]
  errors(): readonly ErrorGroup[]
  withSamples(groups: readonly ErrorGroup[]): readonly ErrorSample[]
  series(): Series
  /** robots.txt and scope. */
  readonly rules: RulesView
  readonly items: ItemsView
  readonly site: SiteView
  readonly compare: CompareView
  why(urlOrHost: string): Promise<Why>
  /** Options of the job as stored, without what may hold a secret. */
  settings(): Readonly<Record<string, unknown>>
  /** Reads what was appended since; resolves when the tables are up to date. Calls do not overlap. */
  advance(): Promise<void>
  /** Asks the live owner; undefined: nobody runs the job. */
  control(method: ControlMethod, params: unknown): Promise<unknown>
  /** Changes a setting of the job, for all hosts or one; true: a live owner obeys it at once, else it is kept for the next run. */
  set(change: SettingChange): Promise<boolean>
  /** One SQL statement over pages, items or the SQL output; at most 500 rows, within 10 s. @throws SluiceError OPTION_INVALID */
  query(sql: string): Promise<ShortAnswer>
  /** How the job grew, and what should be known of it. */
  growth(): { readonly points: readonly GrowthPoint[]; readonly projection: Projection | undefined }
  findings(): Promise<readonly Finding[]>
  /** What the live owner is doing; undefined: nobody runs the job. */
  workers(): Promise<WorkersFigures | undefined>
  /** Queues matching URLs again, live or stopped; or only counts them. */
  retry(query: RetryQuery, dryRun: boolean): Promise<number>
  close(): Promise<void>
}

/** Options that can carry credentials: their values are never shown. */
const SECRET = new Set(['header', 'proxy', 'session', 'cookies', 'data', 'param'])

/** @throws SluiceError OPTION_INVALID (no job there), FRONTIER_CORRUPT, FORMAT_UNSUPPORTED. */
export function openView(folder: string): JobView {
  return new FolderView(folder)
}

class FolderView implements JobView {
  readonly folder: string
  readonly name: string
  readonly rules: RulesView
  readonly items: ItemsView
  readonly site: SiteView
  readonly compare: CompareView
  readonly #columns: JobColumns
  readonly #filter: UrlFilter
  readonly #counts: Counts
  #advancing: Promise<void> | undefined
  readonly #clock = systemClock()
  #isComplete = false
  #findings: { readonly at: number; readonly findings: Promise<readonly Finding[]> } | undefined
  #isClosed = false

  constructor(folder: string) {
    this.folder = folder
    this.name = nameOf(folder)
    this.#columns = new JobColumns(folder)
    this.#filter = new UrlFilter(this.#columns)
    this.#counts = new Counts(this.#columns)
    this.items = new ItemsView(folder)
    this.compare = new CompareView(folder)
    this.site = new SiteView(this.#columns)
    this.rules = new RulesView(folder, this.#columns, this.#counts)
  }

  get seq(): number {
    return this.#columns.lastSeq
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  status(): Promise<Status> {
    return openStatus(this.folder)
  }

  urls(query: UrlQuery, { offset, limit }: Slice): UrlPage {
    return this.#filter.page(query, offset, limit)
  }

  *urlSlices(query: UrlQuery, size: number): Generator<readonly UrlRow[], undefined> {
    const ids = this.#filter.idsOf(query)
    for (let at = 0; at < ids.length; at += size) yield this.#columns.rowsOf(ids.subarray(at, at + size))
  }

  facets(query: UrlQuery): Facets {
    return this.#filter.facets(query)
  }

  hosts(): readonly HostRow[] {
    return this.#counts.hosts()
  }

  errors(): readonly ErrorGroup[] {
    return this.#counts.errors()
  }

  withSamples(groups: readonly ErrorGroup[]): readonly ErrorSample[] {
    return this.#counts.withSamples(groups)
  }

  series(): Series {
    return this.#counts.series(POINTS)
  }

  why(urlOrHost: string): Promise<Why> {
    return explainUrl(this.folder, urlOrHost)
  }

  settings(): Readonly<Record<string, unknown>> {
    const options = readStored(this.folder)?.options ?? {}
    return Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, SECRET.has(name) ? '***' : shownValue(value)]),
    )
  }

  advance(): Promise<void> {
    this.#advancing ??= this.#follow().finally(() => {
      this.#advancing = undefined
    })
    return this.#advancing
  }

  control(method: ControlMethod, params: unknown): Promise<unknown> {
    return requestControl(this.folder, method, params)
  }

  async retry(query: RetryQuery, dryRun: boolean): Promise<number> {
    const answer = await this.control('retry', { query, dryRun, by: 'the dashboard' })
    return typeof answer === 'number' ? answer : retryStopped(this.folder, query, dryRun)
  }

  growth(): ReturnType<JobView['growth']> {
    const stored = readPositions(this.#columns.db).get(GROWTH_POSITION)
    const points = stored === undefined ? [] : pointsOf(stored)
    return { points, projection: projectionOf(points) }
  }

  findings(): Promise<readonly Finding[]> {
    const now = this.#clock.now()
    if (this.#findings === undefined || now - this.#findings.at >= FINDINGS_MS)
      this.#findings = { at: now, findings: this.#diagnose() }
    return this.#findings.findings
  }

  async #diagnose(): Promise<readonly Finding[]> {
    const status = await this.status()
    const { projection } = this.growth()
    return diagnose({ status, hosts: this.hosts(), summary: readSummary(this.folder), projection })
  }

  async workers(): Promise<WorkersFigures | undefined> {
    return (await this.control('workers', {})) as WorkersFigures | undefined
  }

  async set(change: SettingChange): Promise<boolean> {
    const isLive = (await this.control('set', change)) !== undefined
    if (!isLive) storeChange(this.folder, change)
    return isLive
  }

  query(sql: string): Promise<ShortAnswer> {
    return queryShortly({ folder: this.folder, sql, rows: 500, limitMs: 10_000 })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.site.close()
    await this.#advancing
    this.#columns.close()
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed && !this.#columns.advance()) await setImmediate()
    if (!this.#isClosed) this.#isComplete = true
  }
}
