/** A job that fetches pages: its engine, and what is its own of stopping, steering and judging a run. */
import type { Consumer } from '../engine/context.ts'
import { contactMissing } from '../engine/run-limits.ts'
import type { Engine, EngineEnd } from '../engine/engine.ts'
import type { FrontierStats } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import { emptyCounts } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import { failuresOf } from '../policy/fail-if.ts'
import type { FailFacts } from '../policy/fail-if.ts'
import { Additions } from './add-urls.ts'
import { BaseJob } from './base-job.ts'
import type { Ended } from './base-job.ts'
import { etaOf } from './eta.ts'
import type { AddedUrls, PageJobKind, RetryQuery, RunEnd, Snapshot, Summary } from './job.ts'
import { changeSetting } from './live-settings.ts'
import { openPageJob } from './open-page-job.ts'
import type { OpenedPages } from './open-page-job.ts'
import { createPacing } from './prepare.ts'
import type { Pacing, Plan } from './prepare.ts'
import { countMatching, requeueAnswered, requeueMatching } from './requeue.ts'
import type { SnapshotInit } from './summary.ts'

/** That of bad input (UX.md 3.7). */
const INPUT_EMPTY = 2

export class PageJob extends BaseJob<OpenedPages> {
  readonly kind: PageJobKind
  readonly #plan: Plan
  readonly #consumer: Consumer | undefined
  readonly #pacing: Pacing
  #stopReason: RunEnd | undefined
  #additions: Additions | undefined
  #revisits: Summary['revisits']
  /** Outcomes of the start pages, noted as they settle. */
  readonly #seeds = { outcomes: emptyCounts(), codes: {} as Record<string, number> }

  constructor(plan: Plan, consumer: Consumer | undefined) {
    super(plan)
    this.kind = plan.kind
    this.#plan = plan
    this.#consumer = consumer
    this.#pacing = createPacing(plan.options)
    const signal = plan.options.get<AbortSignal>('signal')
    signal?.addEventListener('abort', () => void this.stop('aborted'), { once: true })
    if (signal?.aborted === true) this.#stopReason = 'interrupted'
  }

  async stop(reason: string, drainMs?: number): Promise<void> {
    this.#stopReason ??= reason === 'SIGTERM' ? 'terminated' : 'interrupted'
    const drain = drainMs ?? (this.#plan.options.get<number>('drain') as number)
    this.waitNoLonger(drain)
    // Whoever opened it is told why that failed.
    const opened = await this.opening?.catch(() => undefined)
    opened?.engine.stop('stopped', drain)
  }

  async set(name: string, value: unknown, by: string, host?: string): Promise<void> {
    const { engine, backend } = await this.live()
    const parts = { engine, frontier: backend.frontier, pacing: this.#pacing, folder: this.folder }
    await changeSetting(parts, { name, value, by, host })
  }

  async retry(query: RetryQuery, dryRun = false): Promise<number> {
    const { backend, engine } = await this.live()
    const now = this.clock.wall()
    if (dryRun) return countMatching(backend.frontier, query, now)
    const count = await requeueMatching(backend.frontier, query, now)
    engine.context.robots.forgetFaults()
    engine.wake()
    return count
  }

  async add(urls: readonly string[], by: string): Promise<AddedUrls> {
    const { engine, backend } = await this.live()
    this.#additions ??= new Additions(backend)
    const added = await this.#additions.add(engine.admission, urls)
    engine.event('key.changed', { key: '*', what: 'add', value: `${urls.length} (by ${by})` })
    engine.wake()
    return added
  }

  protected async threads({ engine, pool }: OpenedPages): ReturnType<BaseJob<OpenedPages>['threads']> {
    return {
      sockets: engine.context.fetcher.sockets,
      inFlight: engine.inFlight,
      extracting: pool?.busy ?? 0,
      threads: (await pool?.figures()) ?? [],
    }
  }

  protected openAll(): Promise<OpenedPages> {
    return openPageJob({
      plan: this.#plan,
      clock: this.clock,
      pacing: this.#pacing,
      bus: this.bus,
      consumer: this.#consumer,
      print: () => this.printer(),
      signal: this.patience,
      warn: (code, message) => {
        this.opening?.then(({ engine }) => engine.warn(code, message)).catch(() => undefined)
      },
    })
  }

  protected async prepare(): Promise<void> {
    if (this.#plan.options.get<boolean>('paused') === true) await this.pause('--paused')
  }

  protected async collect({ engine, state, backend, parts }: OpenedPages): Promise<Ended> {
    if (typeof state.requeueAfter === 'number') {
      const revisits = await requeueAnswered(backend.frontier, state, () => this.clock.wall())
      if (state.due !== undefined) this.#revisits = revisits
    }
    if (this.#stopReason !== undefined) engine.stop('stopped', 0)
    const ended = await engine.run().catch((error: unknown) => {
      if (!this.isCut(error)) throw error
    })
    if (ended === undefined) return { end: this.#endOf('stopped', engine), reason: 'CANCELLED', isCut: true }
    const end = this.#endOf(ended, engine)
    if (end === 'finished') {
      parts.clear()
      const { known } = await backend.frontier.stats()
      // Whoever made the list may have failed: that is no success.
      if (known === 0) return { end, reason: 'the input names no URL', exitCode: INPUT_EMPTY }
      return { end, reason: 'nothing is left' }
    }
    const { loginRefused, limitReason } = engine
    const reason = loginRefused?.code ?? (limitReason === '' ? end : limitReason)
    if (end === 'guard' && loginRefused !== undefined) {
      const { exitCode } = loginRefused
      return { end, reason, refusal: loginRefused, ...(exitCode === undefined ? {} : { exitCode }) }
    }
    const isNameless = limitReason === 'CONTACT_MISSING'
    return { end, reason, ...(isNameless ? { refusal: contactMissing(engine.context.settings.publicLimit) } : {}) }
  }

  protected async hold({ backend }: OpenedPages): Promise<void> {
    await backend.frontier.control('pause')
  }

  protected async release({ backend, engine }: OpenedPages): Promise<void> {
    await backend.frontier.control('resume')
    engine.wake()
  }

  protected fail({ engine }: OpenedPages, error: unknown): void {
    engine.halt(error)
  }

  protected async leave({ engine, session, fetcher, pool }: OpenedPages): Promise<void> {
    engine.halt(new SluiceError('CANCELLED', 'the job was closed'))
    session?.close()
    await fetcher.close()
    await pool?.close()
  }

  protected get isStopping(): boolean {
    return this.#stopReason !== undefined
  }

  protected override get revisits(): Summary['revisits'] {
    return this.#revisits
  }

  /** The engine's run rejects with it. */
  protected get failure(): undefined {
    return undefined
  }

  protected figures({ engine }: OpenedPages): Pick<SnapshotInit, 'total' | 'engine'> {
    return { total: this.#plan.options.get<number>('total') ?? this.#plan.inputs.total, engine }
  }

  protected etaOf({ backend, engine }: OpenedPages, stats: FrontierStats): Promise<Snapshot['eta']> {
    return etaOf(backend.frontier, stats, engine, this.clock.now() - this.startedAt)
  }

  protected failures(summary: Summary, stats: FrontierStats): string[] {
    const total = summary.times['total'] ?? { p50: 0, p90: 0, p99: 0, max: 0 }
    const codes: Record<string, number> = {}
    for (const [name, count] of stats.codes) {
      const code = name.slice(name.indexOf('/') + 1)
      codes[code] = (codes[code] ?? 0) + count
    }
    const facts: FailFacts = {
      outcomes: stats.done,
      codes,
      statuses: summary.statuses,
      seeds: this.kind === 'fetch' ? { outcomes: stats.done, codes } : this.#seeds,
      ms: { ...total, p95: summary.p95Ms },
    }
    return failuresOf(this.kind, this.#plan.options.get<string[]>('failIf'), facts)
  }

  protected override note(record: PageRecord): void {
    super.note(record)
    if (record.via !== 'seed') return
    this.#seeds.outcomes[record.outcome]++
    if (record.code !== undefined) this.#seeds.codes[record.code] = (this.#seeds.codes[record.code] ?? 0) + 1
  }

  #endOf(end: EngineEnd, engine: Engine): RunEnd {
    if (end === 'stopped') return this.#stopReason ?? 'interrupted'
    if (end === 'finished') return 'finished'
    if (end === 'login') return 'guard'
    if (engine.limitReason === '' && end === 'contact') engine.limitReason = 'CONTACT_MISSING'
    return 'limit'
  }
}
