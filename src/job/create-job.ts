/**
 * The composition root: opens what the options name, runs the engine over it, keeps folder, summary and control socket,
 * and says how it ended. Running the same options again continues the job, after any death.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBus } from '../engine/bus.ts'
import { systemClock } from '../engine/clock.ts'
import type { Consumer } from '../engine/context.ts'
import { contactMissing, Engine } from '../engine/engine.ts'
import type { Handler } from '../engine/handler.ts'
import type { EngineEnd } from '../engine/engine.ts'
import { createLikeness } from '../extract/alike.ts'
import { scanPage } from '../extract/html.ts'
import type { ExtractorPool } from '../extract/extraction.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { PartFolder } from '../fetch/part-folder.ts'
import type { FrontierStats, OpenedFrontier } from '../frontier/frontier.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { EventType } from '../model/event.ts'
import { emptyCounts, sumCounts } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import { defaultFailures, evaluateFailIf } from '../policy/fail-if.ts'
import type { FailFacts } from '../policy/fail-if.ts'
import { afterCommitWriter } from '../sink/stdout.ts'
import type { LiveSession } from '../session/live-session.ts'
import { readSitemap } from '../source/sitemap.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import { readBus } from './bus-reader.ts'
import type { Readable } from './bus-reader.ts'
import { serveControl } from './control.ts'
import type { ControlMethod, ControlServer } from './control.ts'
import { userAgent } from './contact.ts'
import { etaOf } from './eta.ts'
import { readStored, writeStored, writeWhole } from './folder.ts'
import type { StoredJob } from './folder.ts'
import { queryRows } from './query.ts'
import type { SqlValue } from '../sink/sql/cell.ts'
import type { Job, JobEvent, JobKind, Opening, QueryOptions, RetryQuery, RunEnd, Snapshot, Summary } from './job.ts'
import { changeSetting } from './live-settings.ts'
import { openEach, openFetcher, openFrontier, openGeoFiles, openSinks, startPositions } from './open-backend.ts'
import type { OpenedSinks } from './open-backend.ts'
import { openPool } from './open-pool.ts'
import { openParts, removeOrphans } from './parts.ts'
import { openSession, planSession } from './open-session.ts'
import { changedOptions, resolveOptions } from './options.ts'
import type { JobOptions, ResolvedOptions } from './options.ts'
import { checkContactRule, createPacing, engineSettings, planJob, revisitLimits, VERSION } from './prepare.ts'
import type { Pacing, Plan } from './prepare.ts'
import { countMatching, requeueAnswered, requeueMatching } from './requeue.ts'
import { checkSum, exitCodeOf, exitCodeOfError, openingOf, statusOf } from './run-end.ts'
import { nextRun, readRunState, RUN_POSITION, writeRunState } from './run-state.ts'
import type { RunState } from './run-state.ts'
import { columnsOf } from './sources.ts'
import { startOver } from './start-over.ts'
import { storedJobOf } from './stored-job.ts'
import { Reasons, snapshotOf, summaryOf } from './summary.ts'
import { TailJob } from './tail/tail-job.ts'
import { planTail } from './tail/tail-plan.ts'

/** How often the sum is checked and `summary.json` written while running, ms. */
const CHECKPOINT_MS = 2_000
/** Codes whose latest warning is kept for snapshots. */
const WARNINGS = 20
/** Options that decide which URLs belong: when they change, queued URLs are looked at again. */
const SCOPE_OPTIONS = ['scope', 'include', 'exclude', 'depth', 'seeds']

interface Opened {
  readonly stored: StoredJob | undefined
  readonly backend: OpenedFrontier
  readonly fetcher: Fetcher
  readonly pool: ExtractorPool | undefined
  readonly session: LiveSession | undefined
  /** Large bodies on their way; gone with the run. */
  readonly spoolFolder: string
  readonly parts: PartFolder
  readonly sinks: OpenedSinks
  readonly engine: Engine
  readonly opening: Opening
  readonly state: RunState
  readonly before: FrontierStats
}

/** Throws `SluiceError` for bad options at once; nothing is opened before `open` or `run`. */
export function createJob(options: JobOptions & { readonly kind?: JobKind } = {}): Job {
  const { kind = 'crawl', ...rest } = options
  return jobOf(kind, resolveOptions([{ origin: 'options', values: rest }]), process.cwd(), { durable: true })
}

export interface JobExtras {
  /** True: a folder, named after the input when no name is given. */
  readonly durable: boolean
  readonly consumer?: Consumer
}

/** For the command line, which has resolved the options itself. */
export function jobOf(kind: JobKind, options: ResolvedOptions, cwd: string, extras: JobExtras): Job {
  if (kind === 'tail') return new TailJob(planTail(options, cwd, extras.durable))
  return new FolderJob(planJob(kind, options, cwd, extras.durable), extras)
}

class FolderJob implements Job {
  readonly name: string
  readonly folder: string
  readonly kind: JobKind
  readonly #plan: Plan
  readonly #extras: JobExtras
  readonly #clock: Clock
  readonly #bus = createBus()
  readonly #pacing: Pacing
  readonly #reasons = new Reasons()
  #opening: Promise<Opened> | undefined
  #running: Promise<Summary> | undefined
  #startedAt = 0
  #startedWall = 0
  #stopReason: RunEnd | undefined
  #paused = false
  #checkpoint: TimerHandle | undefined
  #control: ControlServer | undefined
  #closed = false

  constructor(plan: Plan, extras: JobExtras) {
    this.#plan = plan
    this.#extras = extras
    this.name = plan.name
    this.folder = plan.folder ?? ''
    this.kind = plan.kind
    this.#clock = plan.options.get<Clock>('clock') ?? systemClock()
    this.#pacing = createPacing(plan.options)
    const signal = plan.options.get<AbortSignal>('signal')
    signal?.addEventListener('abort', () => void this.stop('aborted'), { once: true })
    if (signal?.aborted === true) this.#stopReason = 'interrupted'
  }

  async open(): Promise<Opening> {
    return (await this.#open()).opening
  }

  run(): Promise<Summary> {
    this.#running ??= this.#run()
    return this.#running
  }

  async stop(reason: string, drainMs?: number): Promise<void> {
    this.#stopReason ??= reason === 'SIGTERM' ? 'terminated' : 'interrupted'
    if (this.#opening === undefined) return
    const { engine } = await this.#opening
    engine.stop('stopped', drainMs ?? (this.#plan.options.get<number>('drain') as number))
  }

  async pause(by: string): Promise<void> {
    const { backend, engine } = await this.#open()
    await backend.frontier.control('pause')
    if (!this.#paused) engine.event('job.paused', { by })
    this.#paused = true
  }

  async resume(by: string): Promise<void> {
    const { backend, engine } = await this.#open()
    await backend.frontier.control('resume')
    if (this.#paused) engine.event('job.resumed', { by })
    this.#paused = false
    engine.wake()
  }

  async snapshot(): Promise<Snapshot> {
    const { backend, engine, state } = await this.#open()
    const stats = await backend.frontier.stats()
    return snapshotOf({
      ...this.#figures(stats, engine),
      run: state.run,
      status: this.#status(),
      eta: await etaOf(backend.frontier, stats, engine, this.#clock.now() - this.#startedAt),
    })
  }

  async set(name: string, value: unknown, by: string, host?: string): Promise<void> {
    const { engine, backend } = await this.#open()
    const parts = { engine, frontier: backend.frontier, pacing: this.#pacing, folder: this.folder }
    await changeSetting(parts, { name, value, by, host })
  }

  async retry(query: RetryQuery, dryRun = false): Promise<number> {
    const { backend, engine } = await this.#open()
    const now = this.#clock.wall()
    if (dryRun) return countMatching(backend.frontier, query, now)
    const count = await requeueMatching(backend.frontier, query, now)
    engine.context.robots.forgetFaults()
    engine.wake()
    return count
  }

  on<Type extends EventType>(type: Type, listener: (event: JobEvent<Type>) => void): () => void {
    return this.#bus.subscribe([type], (name, data, id, t) =>
      listener(this.#event(name, data, id, t) as JobEvent<Type>),
    )
  }

  onAny(listener: (event: JobEvent) => void): () => void {
    return this.#bus.subscribe(undefined, (name, data, id, t) => listener(this.#event(name, data, id, t)))
  }

  pages(): AsyncIterableIterator<PageRecord> {
    return readBus(this.#readable(), 'request.settled', (record) => record)
  }

  query<Row>(sql: string, values: readonly SqlValue[] = [], options: QueryOptions = {}): AsyncIterableIterator<Row> {
    return queryRows(this.folder, { sql, values }, options)
  }

  items<Item>(): AsyncIterableIterator<Item> {
    return readBus(this.#readable(), 'item.stored', ({ json }) => JSON.parse(json) as Item)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    if (this.#running !== undefined) {
      await this.stop('closed', 0)
      await this.#running.catch(() => undefined)
    }
    if (this.#closed || this.#opening === undefined) return
    this.#closed = true
    const opened = await this.#opening.catch(() => undefined)
    if (opened !== undefined) await this.#shut(opened)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #warn(message: string): void {
    this.#opening?.then(({ engine }) => engine.warn('INPUT_UNREADABLE', message)).catch(() => undefined)
  }

  #readable(): Readable {
    return {
      bus: this.#bus,
      run: () => this.run(),
      hold: async () => (await this.#open()).backend.frontier.control('pause'),
      release: async () => {
        const { backend, engine } = await this.#open()
        await backend.frontier.control('resume')
        engine.wake()
      },
      leave: () => this.stop('the reader stopped'),
    }
  }

  #event(type: EventType, data: object, id: number | undefined, t: string | undefined): JobEvent {
    return {
      ...data,
      type,
      ...(id === undefined ? {} : { id }),
      t: t ?? new Date(this.#clock.wall()).toISOString(),
    } as unknown as JobEvent
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openAll()
    return this.#opening
  }

  async #openAll(): Promise<Opened> {
    const { options, folder, inputs } = this.#plan
    const columns = await columnsOf(inputs.sources)
    const geo = await openGeoFiles(options, this.#plan.cwd, this.#clock, (message) => this.#warn(message))
    const publicLimit = await checkContactRule(this.#plan)
    const fresh = folder !== undefined && options.get<boolean>('fresh') === true
    const planned = await planSession(options, this.#plan.cwd, fresh ? undefined : folder, this.#clock)
    if (fresh) startOver(folder, options, this.#plan.cwd)
    const known = folder === undefined ? undefined : readStored(folder)
    const stored = folder === undefined ? undefined : storedJobOf(this.#plan, inputs.subject, known, this.#clock.wall())
    const fingerprint = await createFingerprint(BigInt(`0x${stored?.seed ?? '0'}`))
    const spoolFolder = join(folder ?? tmpdir(), folder === undefined ? `sluice-${randomUUID()}` : 'spool')
    // Not before the frontier has locked the folder.
    let parts: PartFolder | undefined
    const partsOf = (): PartFolder => (parts ??= openParts(options, folder ?? spoolFolder))
    const backend = await openFrontier(
      folder,
      options,
      this.#clock,
      fingerprint,
      (key) => this.#pacing.defaults(key),
      () => partsOf().grown,
    )
    let fetcher: Fetcher | undefined
    let pool: ExtractorPool | undefined
    try {
      if (folder !== undefined && stored !== undefined) writeStored(folder, stored)
      const changes = known === undefined || stored === undefined ? [] : changedOptions(known.options, stored.options)
      const before = await backend.frontier.stats()
      const state = nextRun(readRunState(backend.positions), before, {
        at: this.#clock.wall(),
        ifChanged: options.get<boolean>('ifChanged') === true,
        due: revisitLimits(options),
      })
      const concurrency =
        options.get<number>('concurrency') ?? defaultConcurrency(options.get<number>('perHost') as number)
      const scopeChanged = changes.some((change) => SCOPE_OPTIONS.includes(change.name))
      const settings = engineSettings(
        this.#plan,
        this.#pacing,
        state.run,
        concurrency,
        publicLimit,
        scopeChanged,
        planned,
      )
      const agent = userAgent(VERSION, options.get<string>('contact'), options.get<string>('userAgent'))
      const parts = partsOf()
      await removeOrphans(parts, backend.frontier, before)
      fetcher = await openFetcher(options, this.#clock, agent, concurrency, spoolFolder, inputs.seeds, parts)
      const session = planned === undefined ? undefined : openSession(planned, fetcher, this.#clock, folder)
      const sinks = await openSinks(options, this.#plan.cwd, folder)
      pool = await openPool(options, this.#plan.cwd, this.#clock)
      await openEach(sinks.sinks, backend.positions, {
        name: this.name,
        id: stored?.id ?? randomUUID(),
        run: state.run,
        committedSeq: before.seq,
        columns,
        items: pool === undefined ? undefined : { columns: pool.columns },
        // At once, not with the next commit: a sink that waits for its server holds that up.
        warn: (message) => this.#bus.emit('warning.raised', { code: 'OUTPUT', message }),
      })
      const widened = backend.positions.get('scope')
      const engine = new Engine(
        {
          settings,
          clock: this.#clock,
          frontier: backend.frontier,
          fetcher,
          session,
          scanner: scanPage,
          likeness: options.get<boolean>('alike') === true ? createLikeness() : undefined,
          pool,
          handlers: options.get<Record<string, Handler>>('handlers') ?? {},
          readSitemap: (body, url) => readSitemap(body, url),
          fingerprint,
          sinks: sinks.sinks,
          sources: inputs.sources,
          positions: backend.positions,
          bus: this.#bus,
          consumer: this.#extras.consumer,
          geoOf: geo === undefined ? undefined : (address) => geo.lookup(address),
          print: sinks.stdout ? this.#printer() : undefined,
          addressOf: fetcher.addressOf === undefined ? undefined : (url) => (fetcher as Fetcher).addressOf!(url),
          readFile: (path) => readFileSync(path),
          removeFile: (path) => {
            if (!parts.holds(path)) rmSync(path, { force: true })
          },
          removePart: (name) => parts.remove(name),
          seq: before.seq,
          settledBefore: sumCounts(before.done) - before.done.skipped,
        },
        widened === undefined ? [] : (JSON.parse(Buffer.from(widened).toString('utf8')) as string[]),
      )
      const opening = openingOf(backend, before, readRunState(backend.positions), this.#clock.wall(), changes)
      return { stored, backend, fetcher, pool, session, spoolFolder, parts, sinks, engine, opening, state, before }
    } catch (error) {
      await fetcher?.close()
      await pool?.close()
      await backend.frontier.close()
      throw error
    }
  }

  #printer(): (lines: string) => Promise<void> | void {
    const writer = afterCommitWriter(process.stdout, { format: 'ndjson' })
    return (lines) => {
      if (!writer.closed) return writer.write(lines)
      void this.stop('standard output was closed')
    }
  }

  async #run(): Promise<Summary> {
    this.#startedAt = this.#clock.now()
    this.#startedWall = this.#clock.wall()
    const opened = await this.#open()
    const { engine, backend, state } = opened
    await this.#reasons.learn(backend.frontier, opened.before.done)
    const unsubscribe = this.#bus.subscribe(['request.settled'], (_type, data) => this.#note(data as PageRecord))
    const leave = this.#bus.subscribe(['warning.raised'], (_type, data) => {
      const warning = data as Snapshot['warnings'][number]
      if (this.#warnings.size < WARNINGS || this.#warnings.has(warning.code)) this.#warnings.set(warning.code, warning)
    })
    try {
      if (this.#plan.folder !== undefined) {
        this.#control = await serveControl(this.#plan.folder, (method, params) => this.#answer(method, params))
      }
      engine.commit.position(RUN_POSITION, writeRunState(state))
      for (const [name, position] of startPositions(opened.sinks.sinks, backend.positions))
        engine.commit.position(name, position)
      engine.event('job.started', { job: this.name, run: state.run, pid: process.pid })
      const { recovered } = opened.before
      if (recovered !== null) engine.event('job.recovered', recovered)
      if (this.#plan.options.get<boolean>('paused') === true) await this.pause('--paused')
      await engine.commit.flush()
      await this.#writeSummary(opened, null, null)
      if (typeof state.requeueAfter === 'number') {
        const revisits = await requeueAnswered(backend.frontier, state, () => this.#clock.wall())
        if (state.due !== undefined) this.#revisits = revisits
      }
      this.#armCheckpoint(opened)
      if (this.#stopReason !== undefined) engine.stop('stopped', 0)
      const end = this.#endOf(await engine.run(), engine)
      return await this.#finish(opened, end)
    } catch (error) {
      await this.#halted(opened, error)
      throw error
    } finally {
      unsubscribe()
      leave()
      this.#checkpoint?.cancel()
      await this.#shut(opened)
    }
  }

  #endOf(end: EngineEnd, engine: Engine): RunEnd {
    if (end === 'stopped') return this.#stopReason ?? 'interrupted'
    if (end === 'finished') return 'finished'
    if (end === 'login') return 'guard'
    if (engine.limitReason === '' && end === 'contact') engine.limitReason = 'CONTACT_MISSING'
    return 'limit'
  }

  async #finish(opened: Opened, end: RunEnd): Promise<Summary> {
    const { engine, state, backend, parts } = opened
    if (end === 'finished') parts.clear()
    engine.commit.position(RUN_POSITION, writeRunState({ run: state.run, status: end, at: this.#clock.wall() }))
    if (end === 'finished') engine.event('job.finished', { reason: 'nothing is left' })
    else {
      const reason = engine.loginRefused?.code ?? engine.limitReason
      engine.event('job.stopped', { reason: reason === '' ? end : reason })
    }
    await engine.commit.flush()
    checkSum(await backend.frontier.stats())
    const refused = end === 'guard' ? engine.loginRefused : undefined
    const summary = await this.#writeSummary(opened, end, this.#clock.wall(), refused?.exitCode)
    if (refused !== undefined) throw refused
    if (engine.limitReason === 'CONTACT_MISSING') throw contactMissing(engine.context.settings.publicLimit)
    return summary
  }

  /** What can still be said when we failed: the state itself is intact by construction. */
  async #halted(opened: Opened, error: unknown): Promise<void> {
    // Those end a run in good order, and its summary has been written.
    if (error instanceof SluiceError && (error.code === 'CONTACT_MISSING' || error.code === 'LOGIN_REFUSED')) return
    try {
      await this.#writeSummary(opened, 'halted', this.#clock.wall(), exitCodeOfError(error))
    } catch {
      // The disk or the store is the trouble: the error that is thrown says so.
    }
  }

  async #shut({ engine, fetcher, pool, session, spoolFolder, sinks, backend }: Opened): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    engine.halt(new SluiceError('CANCELLED', 'the job was closed'))
    session?.close()
    await fetcher.close()
    await pool?.close()
    rmSync(spoolFolder, { recursive: true, force: true })
    for (const sink of sinks.sinks) await sink.close()
    await backend.frontier.close()
    // Last: whoever waits for this job to end may then open it.
    await this.#control?.close()
  }

  #armCheckpoint(opened: Opened): void {
    this.#checkpoint = this.#clock.setTimer(() => {
      this.#atCheckpoint(opened).then(
        () => this.#armCheckpoint(opened),
        (error: unknown) => opened.engine.halt(error),
      )
    }, CHECKPOINT_MS)
  }

  async #atCheckpoint(opened: Opened): Promise<void> {
    if (this.#closed) return
    checkSum(await opened.backend.frontier.stats())
    await this.#writeSummary(opened, null, null)
  }

  async #writeSummary(opened: Opened, end: RunEnd | null, endedWall: number | null, exit?: number): Promise<Summary> {
    const { backend, engine, sinks, state } = opened
    const stats = await backend.frontier.stats()
    const figures = this.#figures(stats, engine)
    const draft = summaryOf({
      ...figures,
      run: state.run,
      status: end === null ? this.#status() : statusOf(end),
      eta: null,
      end,
      startedWall: this.#startedWall,
      endedWall,
      outputs: sinks.outputs,
      revisits: this.#revisits,
      failed: [],
      exitCode: 0,
      reasons: this.#reasons,
    })
    const failed = end === 'finished' ? this.#failIf(draft, stats) : []
    const summary: Summary = { ...draft, failed, exitCode: exit ?? exitCodeOf(end, failed) }
    if (this.#plan.folder !== undefined) {
      const path = join(this.#plan.folder, 'summary.json')
      writeWhole(path, `${JSON.stringify(summary, null, 2)}\n`)
      if (end !== null) this.#bus.emit('summary.written', { path })
    }
    return summary
  }

  #failIf(summary: Summary, stats: FrontierStats): string[] {
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
    const given = this.#plan.options.get<string[]>('failIf')
    if (given === undefined) return [...defaultFailures(this.kind, facts)]
    return given
      .map((rule) => evaluateFailIf(rule, facts))
      .filter((verdict) => verdict.failed)
      .map((verdict) => verdict.text)
  }

  /** The latest warning of each code. */
  readonly #warnings = new Map<string, Snapshot['warnings'][number]>()
  #revisits: Summary['revisits']

  /** Outcomes of the start pages, noted as they settle. */
  readonly #seeds = { outcomes: emptyCounts(), codes: {} as Record<string, number> }

  #note(record: PageRecord): void {
    if (record.via === 'seed') {
      this.#seeds.outcomes[record.outcome]++
      if (record.code !== undefined) this.#seeds.codes[record.code] = (this.#seeds.codes[record.code] ?? 0) + 1
    }
    this.#reasons.note(record)
  }

  #figures(stats: FrontierStats, engine: Engine) {
    return {
      job: this.name,
      kind: this.kind,
      folder: this.folder,
      total: this.#plan.options.get<number>('total') ?? this.#plan.inputs.total,
      stats,
      engine,
      startedAt: this.#startedAt,
      now: this.#clock.now(),
      warnings: [...this.#warnings.values()],
    }
  }

  #status(): Snapshot['status'] {
    if (this.#stopReason !== undefined) return 'draining'
    return this.#paused ? 'paused' : 'running'
  }

  async #answer(method: ControlMethod, params: unknown): Promise<unknown> {
    const given = (params ?? {}) as {
      by?: string
      name?: string
      value?: unknown
      host?: string
      query?: RetryQuery
      dryRun?: boolean
      drainMs?: number
    }
    const by = given.by ?? 'another process'
    switch (method) {
      case 'stop':
        await this.stop(`stopped by ${by}`, given.drainMs)
        return { pid: process.pid }
      case 'pause':
        return this.pause(by)
      case 'resume':
        return this.resume(by)
      case 'set':
        return this.set(String(given.name), given.value, by, given.host)
      case 'retry':
        return this.retry(given.query ?? {}, given.dryRun === true)
      case 'snapshot':
        return this.snapshot()
    }
  }
}

/** Sockets are cheap; answers waiting in memory are not. Enough for a thousand polite hosts at once. */
function defaultConcurrency(perHost: number): number {
  return Math.max(256, perHost)
}
