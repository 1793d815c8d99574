/**
 * What every job is, whatever it collects: opened once, run once, told of by events and readers, steered through the
 * control socket, with a summary that is never older than a checkpoint and everything shut at the end. What is collected,
 * and from where, is for the classes below it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createBus } from '../engine/bus.ts'
import { systemClock } from '../engine/clock.ts'
import type { FrontierStats, OpenedFrontier } from '../frontier/frontier.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { EventType, NewEvent } from '../model/event.ts'
import { sumCounts } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import type { SqlValue } from '../sink/sql/cell.ts'
import { afterCommitWriter } from '../sink/stdout.ts'
import { answerControl } from './answer-control.ts'
import { readBus } from './bus-reader.ts'
import type { Readable } from './bus-reader.ts'
import { serveControl } from './control.ts'
import type { ControlServer } from './control.ts'
import { writeWhole } from './whole-file.ts'
import type { AddedUrls, Job, JobEvent, JobKind, Opening, QueryOptions, RetryQuery } from './job.ts'
import type { RunEnd, Snapshot, Summary, WorkersFigures } from './job.ts'
import { watchProcess } from './process-figures.ts'
import type { ProcessFigures } from './process-figures.ts'
import { Growth, GROWTH_POSITION } from './growth.ts'
import { inTurn } from './in-turn.ts'
import { closeEach, startPositions } from './open-backend.ts'
import type { OpenedSinks } from './open-backend.ts'
import type { ResolvedOptions } from './options.ts'
import { queryRows } from './query.ts'
import { checkSum, exitCodeOf, exitCodeOfError, statusOf } from './run-end.ts'
import { RUN_POSITION, writeRunState } from './run-state.ts'
import type { RunState } from './run-state.ts'
import { RunTally } from './run-tally.ts'
import { Reasons, snapshotOf, summaryOf } from './summary.ts'
import type { SnapshotInit } from './summary.ts'

/** How often the sum is checked and `summary.json` written while running, ms. */
const CHECKPOINT_MS = 2_000
/** Codes whose latest warning is kept for snapshots. */
const WARNINGS = 20

export interface JobPlan {
  readonly name: string
  /** undefined: nothing is kept. */
  readonly folder: string | undefined
  readonly options: ResolvedOptions
}

export interface OpenedJob {
  readonly backend: OpenedFrontier
  readonly sinks: OpenedSinks
  /** What is said and remembered rides with what is collected, in its transactions. */
  readonly commit: {
    event(type: NewEvent['type'], data: NewEvent['data']): void
    position(name: string, value: Uint8Array): void
    flush(): Promise<void>
  }
  /** Large bodies on their way; gone with the run. */
  readonly spoolFolder: string
  readonly opening: Opening
  readonly state: RunState
  readonly before: FrontierStats
}

/** How the collecting ended. */
export interface Ended {
  readonly end: RunEnd
  /** For the event. */
  readonly reason: string
  /** Thrown once all is in good order and written. */
  readonly refusal?: SluiceError
  /** Instead of the one that follows from `end`. */
  readonly exitCode?: number
  /** True: a sink gave up waiting for its server, so nothing more may be committed behind what it was given. */
  readonly isCut?: boolean
}

export abstract class BaseJob<Opened extends OpenedJob> implements Job {
  readonly name: string
  readonly folder: string
  abstract readonly kind: JobKind
  protected readonly clock: Clock
  protected readonly bus = createBus()
  protected startedAt = 0
  readonly #plan: JobPlan
  readonly #reasons = new Reasons()
  readonly #tally = new RunTally()
  /** The latest warning of each code. */
  readonly #warnings = new Map<string, Snapshot['warnings'][number]>()
  #opening: Promise<Opened> | undefined
  #running: Promise<Summary> | undefined
  #startedWall = 0
  #isOpen = false
  #isPaused = false
  #isClosed = false
  readonly #patience = new AbortController()
  #patienceTimer: TimerHandle | undefined
  #checkpoint: TimerHandle | undefined
  #control: ControlServer | undefined
  #process: (() => ProcessFigures) | undefined
  #growth: Growth | undefined

  constructor(plan: JobPlan) {
    this.#plan = plan
    this.name = plan.name
    this.folder = plan.folder ?? ''
    this.clock = plan.options.get<Clock>('clock') ?? systemClock()
    this.bus.subscribe(['warning.raised'], (_type, data) => {
      const warning = data as Snapshot['warnings'][number]
      if (this.#warnings.size < WARNINGS || this.#warnings.has(warning.code)) this.#warnings.set(warning.code, warning)
    })
  }

  abstract stop(reason: string, drainMs?: number): Promise<void>
  abstract set(name: string, value: unknown, by: string, host?: string): Promise<void>
  abstract retry(query: RetryQuery, dryRun?: boolean): Promise<number>
  abstract add(urls: readonly string[], by: string): Promise<AddedUrls>
  /** What is its own of `workers`. */
  protected abstract threads(
    opened: Opened,
  ): Promise<Pick<WorkersFigures, 'sockets' | 'inFlight' | 'extracting' | 'threads'>>
  protected abstract openAll(): Promise<Opened>
  /** Between the opening and the first commit of the run. */
  protected abstract prepare(opened: Opened): Promise<void>
  /** Collects to the end or to a stop. Rejects where we failed. */
  protected abstract collect(opened: Opened): Promise<Ended>
  /** Nothing new is taken until `release`. */
  protected abstract hold(opened: Opened): Promise<void>
  protected abstract release(opened: Opened): Promise<void>
  /** The run has to end with this error. */
  protected abstract fail(opened: Opened, error: unknown): void
  /** Closes what `openAll` opened beside frontier and sinks. */
  protected abstract leave(opened: Opened): Promise<void>
  protected abstract get isStopping(): boolean
  /** Of a run that goes by the schedule of revisits. */
  protected get revisits(): Summary['revisits'] {
    return undefined
  }
  /** Set where a commit failed. */
  protected abstract get failure(): unknown
  protected abstract figures(
    opened: Opened,
    stats: FrontierStats,
  ): Pick<SnapshotInit, 'total' | 'engine' | 'extraction'>
  protected abstract etaOf(opened: Opened, stats: FrontierStats): Promise<Snapshot['eta']>
  /** `--fail-if` expressions that are true of a finished run. */
  protected abstract failures(summary: Summary, stats: FrontierStats): string[]

  /** Each settlement as it is committed. */
  protected note(record: PageRecord): void {
    this.#reasons.note(record)
    this.#tally.note(record)
  }

  async open(): Promise<Opening> {
    return (await this.opened()).opening
  }

  run(): Promise<Summary> {
    this.#running ??= this.#run()
    return this.#running
  }

  async pause(by: string): Promise<void> {
    const opened = await this.live()
    await this.hold(opened)
    if (!this.#isPaused) opened.commit.event('job.paused', { by })
    this.#isPaused = true
  }

  async resume(by: string): Promise<void> {
    const opened = await this.live()
    if (this.#isPaused) opened.commit.event('job.resumed', { by })
    this.#isPaused = false
    await this.release(opened)
  }

  async snapshot(): Promise<Snapshot> {
    const opened = await this.opened()
    const stats = await opened.backend.frontier.stats()
    return snapshotOf({ ...this.#facts(opened, stats), eta: await this.etaOf(opened, stats) })
  }

  async workers(): Promise<WorkersFigures> {
    const opened = await this.live()
    this.#process ??= watchProcess()
    return { ...this.#process(), ...(await this.threads(opened)) }
  }

  on<Type extends EventType>(type: Type, listener: (event: JobEvent<Type>) => void): () => void {
    return this.bus.subscribe([type], (name, data, id, t) => listener(this.#event(name, data, id, t) as JobEvent<Type>))
  }

  onAny(listener: (event: JobEvent) => void): () => void {
    return this.bus.subscribe(undefined, (name, data, id, t) => listener(this.#event(name, data, id, t)))
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
    if (this.#isClosed) return
    if (this.#running !== undefined) {
      await this.stop('closed', 0)
      await this.#running.catch(() => undefined)
    }
    const opened = await this.#opening?.catch(() => undefined)
    if (opened !== undefined) await this.#shut(opened)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For the sinks: once it has fired, a server that is away is waited for no longer. */
  protected get patience(): AbortSignal {
    return this.#patience.signal
  }

  /** The job stops: from `afterMs` on no server is waited for; while the job is being opened, from now on. */
  protected waitNoLonger(afterMs: number): void {
    if (afterMs <= 0 || !this.#isOpen) this.#patience.abort()
    else this.#patienceTimer ??= this.clock.setTimer(() => this.#patience.abort(), afterMs)
  }

  /** Whether the error is that of a sink whose wait `waitNoLonger` has ended. */
  protected isCut(error: unknown): boolean {
    return this.patience.aborted && error instanceof SluiceError && error.code === 'CANCELLED'
  }

  protected opened(): Promise<Opened> {
    this.#opening ??= this.openAll()
    return this.#opening
  }

  /** Undefined: nobody has opened it. */
  protected get opening(): Promise<Opened> | undefined {
    return this.#opening
  }

  /** @throws SluiceError `CANCELLED` once the job has ended */
  protected async live(): Promise<Opened> {
    const opened = await this.opened()
    if (!this.#isClosed) return opened
    throw new SluiceError('CANCELLED', `the job ${this.name} has ended`, {
      hint: 'make it again: createJob with the same options goes on where it was',
    })
  }

  /** Writes committed lines to standard output; its end stops the job. */
  protected printer(): (lines: string) => Promise<void> | void {
    const writer = afterCommitWriter(process.stdout, { format: 'ndjson' })
    return (lines) => {
      if (!writer.closed) return writer.write(lines)
      void this.stop('standard output was closed')
    }
  }

  async #run(): Promise<Summary> {
    this.startedAt = this.clock.now()
    this.#startedWall = this.clock.wall()
    const opened = await this.opened()
    this.#isOpen = true
    const { commit, backend, sinks, state, before } = opened
    await this.#reasons.learn(backend.frontier, before.done)
    this.#learnRun(state, before)
    let failure: unknown
    const unsubscribe = this.bus.subscribe(['request.settled'], (_type, data) => this.note(data as PageRecord))
    try {
      if (this.#plan.folder !== undefined) {
        this.#control = await serveControl(this.#plan.folder, (method, params) => answerControl(this, method, params))
      }
      commit.position(RUN_POSITION, writeRunState(state))
      for (const [name, position] of startPositions(sinks.sinks, backend.positions)) commit.position(name, position)
      commit.event('job.started', { job: this.name, run: state.run, pid: process.pid })
      if (before.recovered !== null) commit.event('job.recovered', before.recovered)
      await this.prepare(opened)
      await commit.flush()
      await this.#writeSummary(opened, null)
      this.#armCheckpoint(opened)
      return await this.#finish(opened, await this.collect(opened))
    } catch (error) {
      failure = error
      await this.#halted(opened, error)
      throw error
    } finally {
      unsubscribe()
      this.#checkpoint?.cancel()
      // Of two errors the first is the cause.
      await this.#shut(opened, failure).catch((error: unknown) => {
        throw failure ?? error
      })
    }
  }

  /** A later run that was stopped goes on in this process. */
  #learnRun({ fromSeq }: RunState, { seq }: FrontierStats): void {
    if (fromSeq === undefined || seq <= fromSeq || this.#plan.folder === undefined) return
    const reader = openReader(this.#plan.folder)
    try {
      this.#tally.learn(reader, fromSeq)
    } finally {
      reader.close()
    }
  }

  async #finish(opened: Opened, { end, reason, refusal, exitCode, isCut }: Ended): Promise<Summary> {
    // A later number would tell the sinks that what they were given last has been committed.
    if (isCut === true) return this.#writeSummary(opened, end)
    const { commit, state, backend } = opened
    const { run, fromSeq } = state
    const at = this.clock.wall()
    commit.position(
      RUN_POSITION,
      writeRunState({ run, status: end, at, ...(fromSeq === undefined ? {} : { fromSeq }) }),
    )
    commit.event(end === 'finished' ? 'job.finished' : 'job.stopped', { reason })
    await commit.flush()
    if (this.failure !== undefined) throw this.failure
    checkSum(await backend.frontier.stats())
    const summary = await this.#writeSummary(opened, end, exitCode)
    if (refusal !== undefined) throw refusal
    return summary
  }

  /** What can still be said when we failed: the state itself is intact by construction. */
  async #halted(opened: Opened, error: unknown): Promise<void> {
    // Those end a run in good order, and its summary has been written.
    if (error instanceof SluiceError && (error.code === 'CONTACT_MISSING' || error.code === 'LOGIN_REFUSED')) return
    try {
      await this.#writeSummary(opened, 'halted', exitCodeOfError(error), haltedBy(error))
    } catch {
      // The disk or the store is the trouble: the error that is thrown says so.
    }
  }

  /** @param failure what has ended the run */
  async #shut(opened: Opened, failure?: unknown): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#patienceTimer?.cancel()
    await inTurn([
      () => this.leave(opened),
      () => rmSync(opened.spoolFolder, { recursive: true, force: true }),
      () => this.#closeSinks(opened, failure),
      () => opened.backend.frontier.close(),
      // Last: whoever waits for this job to end may then open it.
      () => this.#control?.close(),
    ])
  }

  /** Some sinks write their last bytes only then: a run in which that fails has not finished, whatever was said before. */
  async #closeSinks(opened: Opened, failure: unknown): Promise<void> {
    try {
      await closeEach(opened.sinks.sinks)
    } catch (error) {
      if (this.#running !== undefined && failure === undefined) await this.#halted(opened, error)
      throw error
    }
  }

  #armCheckpoint(opened: Opened): void {
    this.#checkpoint = this.clock.setTimer(() => {
      this.#atCheckpoint(opened).then(
        () => {
          if (!this.#isClosed) this.#armCheckpoint(opened)
        },
        (error: unknown) => this.fail(opened, error),
      )
    }, CHECKPOINT_MS)
  }

  async #atCheckpoint(opened: Opened): Promise<void> {
    if (this.#isClosed) return
    const stats = await opened.backend.frontier.stats()
    checkSum(stats)
    this.#grown(opened, stats)
    await this.#writeSummary(opened, null)
  }

  /** One more point of how the job grew. */
  #grown({ commit, backend }: Opened, stats: FrontierStats): void {
    this.#growth ??= new Growth(backend.positions.get(GROWTH_POSITION))
    const point = { at: this.clock.wall(), known: stats.known, done: sumCounts(stats.done) }
    if (this.#growth.add(point)) commit.position(GROWTH_POSITION, this.#growth.encode())
  }

  /** @param end null: while it runs */
  async #writeSummary(
    opened: Opened,
    end: RunEnd | null,
    exitCode?: number,
    halted?: Summary['halted'],
  ): Promise<Summary> {
    const stats = await opened.backend.frontier.stats()
    const facts = this.#facts(opened, stats)
    const draft = summaryOf({
      ...facts,
      status: end === null ? facts.status : statusOf(end),
      eta: null,
      end,
      startedWall: this.#startedWall,
      endedWall: end === null ? null : this.clock.wall(),
      outputs: opened.sinks.outputs,
      failed: [],
      exitCode: 0,
      reasons: this.#reasons,
      revisits: this.revisits,
      // A tail settles connections, not pages.
      thisRun: this.kind === 'tail' || opened.state.fromSeq === undefined ? null : this.#tally.figures,
    })
    const failed = end === 'finished' ? this.failures(draft, stats) : []
    const summary: Summary = {
      ...draft,
      ...(halted === undefined ? {} : { halted }),
      failed,
      exitCode: exitCode ?? exitCodeOf(end, failed),
    }
    if (this.#plan.folder !== undefined) {
      const path = join(this.#plan.folder, 'summary.json')
      writeWhole(path, `${JSON.stringify(summary, null, 2)}\n`)
      if (end !== null) this.bus.emit('summary.written', { path })
    }
    return summary
  }

  #facts(opened: Opened, stats: FrontierStats): Omit<SnapshotInit, 'eta'> {
    return {
      ...this.figures(opened, stats),
      job: this.name,
      kind: this.kind,
      folder: this.folder,
      run: opened.state.run,
      status: this.isStopping ? 'draining' : this.#isPaused ? 'paused' : 'running',
      stats,
      startedAt: this.startedAt,
      now: this.clock.now(),
      warnings: [...this.#warnings.values()],
    }
  }

  #readable(): Readable {
    return {
      bus: this.bus,
      run: () => this.run(),
      hold: async () => this.hold(await this.opened()),
      release: async () => this.release(await this.opened()),
      leave: () => this.stop('the reader stopped'),
    }
  }

  #event(type: EventType, data: object, id: number | undefined, t: string | undefined): JobEvent {
    const at = t ?? new Date(this.clock.wall()).toISOString()
    return { ...data, type, ...(id === undefined ? {} : { id }), t: at } as unknown as JobEvent
  }
}

function haltedBy(error: unknown): NonNullable<Summary['halted']> {
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof SluiceError ? error.code : 'INTERNAL', message }
}
