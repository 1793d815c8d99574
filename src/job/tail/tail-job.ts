/**
 * A job over one endless source: a stream, or a file that grows. Folder, lock, frontier, sinks, events, summary and
 * control socket are those of every job; in place of the engine one source hands records to one commit.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBus } from '../../engine/bus.ts'
import { systemClock } from '../../engine/clock.ts'
import { EXTRACTION_POSITION } from '../../engine/extraction-report.ts'
import type { ExtractionFigures } from '../../engine/extraction-report.ts'
import { StreamCommit } from '../../engine/stream-commit.ts'
import type { SourceRecord } from '../../engine/stream-commit.ts'
import type { Fetcher } from '../../fetch/fetcher.ts'
import type { Claim, FrontierStats, OpenedFrontier } from '../../frontier/frontier.ts'
import type { Clock, TimerHandle } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import type { EventType } from '../../model/event.ts'
import type { PageRecord } from '../../model/record.ts'
import { defaultFailures, emptyFacts, evaluateFailIf } from '../../policy/fail-if.ts'
import { afterCommitWriter } from '../../sink/stdout.ts'
import { columnsOf, itemsOf } from '../../source/stream/item.ts'
import { createFingerprint } from '../../url/fingerprint.ts'
import type { Fingerprint } from '../../url/fingerprint.ts'
import { hostOf } from '../../url/key.ts'
import { readBus } from '../bus-reader.ts'
import type { Readable } from '../bus-reader.ts'
import { userAgent } from '../contact.ts'
import { serveControl } from '../control.ts'
import type { ControlMethod, ControlServer } from '../control.ts'
import { readStored, writeStored, writeWhole } from '../folder.ts'
import { queryRows } from '../query.ts'
import type { SqlValue } from '../../sink/sql/cell.ts'
import type { Job, JobEvent, Opening, QueryOptions, RunEnd, Snapshot, Summary } from '../job.ts'
import { openEach, openFetcher, openFrontier, openSinks, startPositions } from '../open-backend.ts'
import type { OpenedSinks } from '../open-backend.ts'
import { changedOptions } from '../options.ts'
import { createPacing, VERSION } from '../prepare.ts'
import { checkSum, exitCodeOf, exitCodeOfError, openingOf, statusOf } from '../run-end.ts'
import { nextRun, readRunState, RUN_POSITION, writeRunState } from '../run-state.ts'
import type { RunState } from '../run-state.ts'
import { startOver } from '../start-over.ts'
import { storedJobOf } from '../stored-job.ts'
import { Reasons, snapshotOf, summaryOf } from '../summary.ts'
import { Referrers } from './referrers.ts'
import type { TailPlan } from './tail-plan.ts'

/** How often `summary.json` is written while running, ms. */
const CHECKPOINT_MS = 2_000

interface Opened {
  readonly backend: OpenedFrontier
  readonly sinks: OpenedSinks
  /** undefined: the source is a file. */
  readonly fetcher: Fetcher | undefined
  readonly spoolFolder: string
  readonly fingerprint: Fingerprint
  readonly commit: StreamCommit
  readonly view: Referrers | undefined
  readonly opening: Opening
  readonly state: RunState
  readonly before: FrontierStats
}

export class TailJob implements Job {
  readonly name: string
  readonly folder: string
  readonly kind = 'tail' as const
  readonly #plan: TailPlan
  readonly #clock: Clock
  readonly #bus = createBus()
  readonly #reasons = new Reasons()
  readonly #abort = new AbortController()
  #opening: Promise<Opened> | undefined
  #running: Promise<Summary> | undefined
  #end: RunEnd | undefined
  #failure: unknown
  #startedAt = 0
  #startedWall = 0
  #isPaused = false
  /** Records over the life of the job, those that wait for their commit included. */
  #taken = 0
  #checkpoint: TimerHandle | undefined
  #control: ControlServer | undefined
  #isClosed = false
  readonly #warnings = new Map<string, Snapshot['warnings'][number]>()

  constructor(plan: TailPlan) {
    this.#plan = plan
    this.name = plan.name
    this.folder = plan.folder ?? ''
    this.#clock = plan.options.get<Clock>('clock') ?? systemClock()
    const signal = plan.options.get<AbortSignal>('signal')
    signal?.addEventListener('abort', () => void this.stop('aborted'), { once: true })
    if (signal?.aborted === true) this.#finish('interrupted')
  }

  async open(): Promise<Opening> {
    return (await this.#open()).opening
  }

  run(): Promise<Summary> {
    this.#running ??= this.#run()
    return this.#running
  }

  /** What was read is committed; the source goes on behind it next time. */
  async stop(reason: string): Promise<void> {
    this.#finish(reason === 'SIGTERM' ? 'terminated' : 'interrupted')
  }

  async pause(by: string): Promise<void> {
    const { commit } = await this.#open()
    commit.hold()
    if (!this.#isPaused) commit.event('job.paused', { by })
    this.#isPaused = true
  }

  async resume(by: string): Promise<void> {
    const { commit } = await this.#open()
    commit.release()
    if (this.#isPaused) commit.event('job.resumed', { by })
    this.#isPaused = false
  }

  async snapshot(): Promise<Snapshot> {
    const opened = await this.#open()
    const stats = await opened.backend.frontier.stats()
    const status = this.#end !== undefined ? 'draining' : this.#isPaused ? 'paused' : 'running'
    return {
      ...snapshotOf({ ...this.#figures(stats), run: opened.state.run, status, eta: null }),
      extraction: { ...opened.commit.figures },
    }
  }

  set(name: string): Promise<void> {
    return Promise.reject(
      new SluiceError('OPTION_INVALID', `${name} cannot be changed while a tail runs`, {
        hint: 'stop it and run the same command with the new value: it goes on where it was',
      }),
    )
  }

  retry(): Promise<number> {
    return Promise.reject(
      new SluiceError('OPTION_INVALID', 'a tail has nothing to retry', {
        hint: 'run the same command again: it connects anew and goes on where it was',
      }),
    )
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
    if (this.#running !== undefined) {
      await this.stop('closed')
      await this.#running.catch(() => undefined)
    }
    const opened = await this.#opening?.catch(() => undefined)
    if (opened !== undefined) await this.#shut(opened)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #finish(end: RunEnd): void {
    this.#end ??= end
    this.#abort.abort()
  }

  #readable(): Readable {
    return {
      bus: this.#bus,
      run: () => this.run(),
      hold: async () => (await this.#open()).commit.hold(),
      release: async () => (await this.#open()).commit.release(),
      leave: () => this.stop('the reader stopped'),
    }
  }

  #event(type: EventType, data: object, id: number | undefined, t: string | undefined): JobEvent {
    const at = t ?? new Date(this.#clock.wall()).toISOString()
    return { ...data, type, ...(id === undefined ? {} : { id }), t: at } as unknown as JobEvent
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openAll()
    return this.#opening
  }

  async #openAll(): Promise<Opened> {
    const { options, folder, cwd, path, subject, ledgerUrl } = this.#plan
    if (folder !== undefined && options.get<boolean>('fresh') === true) startOver(folder, options, cwd)
    const known = folder === undefined ? undefined : readStored(folder)
    const stored = folder === undefined ? undefined : storedJobOf(this.#plan, subject, known, this.#clock.wall())
    const fingerprint = await createFingerprint(BigInt(`0x${stored?.seed ?? randomBytes(8).toString('hex')}`))
    const pacing = createPacing(options)
    const backend = await openFrontier(folder, options, this.#clock, fingerprint, (key) => pacing.defaults(key))
    let fetcher: Fetcher | undefined
    try {
      if (folder !== undefined && stored !== undefined) writeStored(folder, stored)
      const before = await backend.frontier.stats()
      const last = readRunState(backend.positions)
      const state = nextRun(last, before, { at: this.#clock.wall(), ifChanged: false })
      const spoolFolder = join(folder ?? tmpdir(), folder === undefined ? `sluice-${randomUUID()}` : 'spool')
      if (path === undefined) {
        const agent = userAgent(VERSION, options.get<string>('contact'), options.get<string>('userAgent'))
        fetcher = await openFetcher(options, this.#clock, agent, 1, spoolFolder, [ledgerUrl])
      }
      const sinks = await openSinks(options, cwd, folder, true)
      for (const sink of sinks.sinks) if (sink.wantsBodies || sink.wantsExchange === true) throw needsItems(sink.name)
      await openEach(sinks.sinks, backend.positions, {
        name: this.name,
        id: stored?.id ?? randomUUID(),
        run: state.run,
        committedSeq: before.seq,
        columns: [],
        items: { columns: columnsOf(this.#plan.parse) },
        warn: (message) => this.#warn('OUTPUT', message),
      })
      const view =
        options.get('view') === undefined || folder === undefined
          ? undefined
          : new Referrers(folder, this.name, this.#clock, backend.positions)
      const figures = backend.positions.get(EXTRACTION_POSITION)
      const commit = new StreamCommit({
        url: this.#plan.url,
        source: this.#source,
        run: state.run,
        clock: this.#clock,
        frontier: backend.frontier,
        sinks: sinks.sinks,
        bus: this.#bus,
        print: sinks.stdout ? this.#printer() : undefined,
        view,
        seq: before.seq,
        figures:
          figures === undefined
            ? { items: 0, rejected: 0, pages: 0, failed: 0, fields: [] }
            : (JSON.parse(Buffer.from(figures).toString()) as ExtractionFigures),
        onError: (error) => this.#fail(error),
      })
      const changes = known === undefined || stored === undefined ? [] : changedOptions(known.options, stored.options)
      const opening = openingOf(backend, before, last, this.#clock.wall(), changes)
      return { backend, sinks, fetcher, spoolFolder, fingerprint, commit, view, opening, state, before }
    } catch (error) {
      await fetcher?.close()
      await backend.frontier.close()
      throw error
    }
  }

  /** Name of the source: where its cursor is kept. */
  get #source(): string {
    return this.#plan.path === undefined ? `stream:${this.#plan.url}` : `tail:${this.#plan.path}`
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
    const { commit, backend, state, sinks, before } = opened
    this.#taken = commit.figures.items
    if (this.#room() === 0) this.#finish('limit')
    await this.#reasons.learn(backend.frontier, before.done)
    const unsubscribe = this.#bus.subscribe(['request.settled'], (_type, data) =>
      this.#reasons.note(data as PageRecord),
    )
    let limit: TimerHandle | undefined
    try {
      if (this.#plan.folder !== undefined) {
        this.#control = await serveControl(this.#plan.folder, (method) => this.#answer(method))
      }
      await this.#queue(opened)
      commit.position(RUN_POSITION, writeRunState(state))
      for (const [name, position] of startPositions(sinks.sinks, backend.positions)) commit.position(name, position)
      commit.event('job.started', { job: this.name, run: state.run, pid: process.pid })
      if (before.recovered !== null) commit.event('job.recovered', before.recovered)
      await commit.flush()
      await this.#writeSummary(opened, null)
      this.#armCheckpoint(opened)
      const maxTimeMs = this.#plan.options.get<number>('maxTime')
      if (maxTimeMs !== undefined) limit = this.#clock.setTimer(() => this.#finish('limit'), maxTimeMs)
      await (opened.fetcher === undefined ? this.#follow(opened) : this.#stream(opened, opened.fetcher))
      return await this.#ended(opened)
    } catch (error) {
      await this.#writeSummary(opened, 'halted', exitCodeOfError(error)).catch(() => undefined)
      throw error
    } finally {
      unsubscribe()
      limit?.cancel()
      this.#checkpoint?.cancel()
      await this.#shut(opened)
    }
  }

  /** The source is one known URL of the ledger: added once, and queued again where it had ended. */
  async #queue({ backend, fingerprint, before }: Opened): Promise<void> {
    const { path, ledgerUrl } = this.#plan
    const left = before.queued + before.delayed + before.inFlight
    if (left > 0) return
    await backend.frontier.add([
      {
        url: ledgerUrl,
        key: path === undefined ? hostOf(ledgerUrl) : 'file:',
        fp: fingerprint.of(ledgerUrl),
        meta: { via: 'seed', seed: true },
        ...(before.known > 0 ? { dedupe: 'force' as const } : {}),
      },
    ])
  }

  async #stream({ backend, fingerprint, commit }: Opened, fetcher: Fetcher): Promise<void> {
    const { options, url, ledgerUrl } = this.#plan
    // Jobs of pages load neither of the two.
    const { StreamSource } = await import('./stream-source.ts')
    const source = new StreamSource({
      plan: this.#plan,
      clock: this.#clock,
      frontier: backend.frontier,
      fetcher,
      stored: backend.positions.get(`source:${this.#source}`),
      signal: this.#abort.signal,
      delayMs: createPacing(options).hostSettings(hostOf(ledgerUrl)).delayMs,
      maxBytes: options.get<number>('maxSize') as number,
      retries: options.given('retries') ? options.get<number>('retries') : undefined,
      chance: (n) => Number(fingerprint.of(`${url}#${n}`) >> 11n) / 2 ** 53,
      room: () => this.#room(),
      deliver: (records, cursor) => this.#deliver(commit, records, cursor),
      settle: async (claim: Claim, draft) => {
        await commit.flush()
        await commit.settle(claim.id, draft)
      },
      emit: (type, data) => this.#bus.emit(type, data),
      warn: (code, message) => this.#warn(code, message, commit),
    })
    await source.run()
  }

  async #follow({ backend, commit }: Opened): Promise<void> {
    const { path, last, shape, parse } = this.#plan
    const toItem = itemsOf(shape ?? 'lines', parse)
    const { followFile } = await import('../../source/tail/follow.ts')
    const batches = followFile(backend.positions.get(`source:${this.#source}`), {
      path: path as string,
      last,
      clock: this.#clock,
      signal: this.#abort.signal,
      room: () => this.#room(),
      warn: (code, message) => this.#warn(code, message, commit),
    })
    for await (const { lines, ordinal, cursor } of batches) {
      const first = ordinal - lines.length
      const records = lines.map(({ text, isCut }, i): SourceRecord => {
        const item = toItem({ text })
        const problem = isCut === true ? 'the line is too long: its beginning is kept' : undefined
        return { ...item, ordinal: first + i, ...(problem === undefined ? {} : { problem }) }
      })
      await this.#deliver(commit, records, cursor)
    }
  }

  /** Records that may still be taken before `--limit`. */
  #room(): number {
    const limit = this.#plan.options.get<number>('limit')
    return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - this.#taken)
  }

  #deliver(commit: StreamCommit, records: readonly SourceRecord[], cursor: Uint8Array): Promise<void> | undefined {
    this.#taken += records.length
    const wait = commit.add(records, cursor)
    if (this.#room() === 0) this.#finish('limit')
    return wait
  }

  async #ended(opened: Opened): Promise<Summary> {
    const { commit, state, backend } = opened
    await commit.flush()
    if (this.#failure !== undefined) throw this.#failure
    const end = this.#end ?? 'finished'
    commit.position(RUN_POSITION, writeRunState({ run: state.run, status: end, at: this.#clock.wall() }))
    if (end === 'finished') commit.event('job.finished', { reason: 'the source has ended' })
    else commit.event('job.stopped', { reason: end })
    await commit.flush()
    if (this.#failure !== undefined) throw this.#failure
    checkSum(await backend.frontier.stats())
    return this.#writeSummary(opened, end)
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#finish('halted')
  }

  #warn(code: string, message: string, commit?: StreamCommit): void {
    this.#warnings.set(code, { code, message })
    if (commit === undefined) this.#bus.emit('warning.raised', { code, message })
    else commit.event('warning.raised', { code, message })
  }

  async #shut({ backend, sinks, fetcher, spoolFolder, commit, view }: Opened): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    commit.close()
    await fetcher?.close()
    rmSync(spoolFolder, { recursive: true, force: true })
    view?.close()
    for (const sink of sinks.sinks) await sink.close()
    await backend.frontier.close()
    // Last: whoever waits for this job to end may then open it.
    await this.#control?.close()
  }

  #armCheckpoint(opened: Opened): void {
    this.#checkpoint = this.#clock.setTimer(() => {
      this.#writeSummary(opened, null).then(
        () => {
          if (!this.#isClosed) this.#armCheckpoint(opened)
        },
        (error: unknown) => this.#fail(error),
      )
    }, CHECKPOINT_MS)
  }

  async #writeSummary(opened: Opened, end: RunEnd | null, exit?: number): Promise<Summary> {
    const { backend, sinks, state, commit } = opened
    const stats = await backend.frontier.stats()
    const draft = summaryOf({
      revisits: undefined,
      ...this.#figures(stats),
      run: state.run,
      status: end === null ? 'running' : statusOf(end),
      eta: null,
      end,
      startedWall: this.#startedWall,
      endedWall: end === null ? null : this.#clock.wall(),
      outputs: sinks.outputs,
      failed: [],
      exitCode: 0,
      reasons: this.#reasons,
    })
    const failed = end === 'finished' ? this.#failIf(stats) : []
    const extraction = { ...commit.figures }
    const summary: Summary = { ...draft, extraction, failed, exitCode: exit ?? exitCodeOf(end, failed) }
    if (this.#plan.folder !== undefined) {
      const path = join(this.#plan.folder, 'summary.json')
      writeWhole(path, `${JSON.stringify(summary, null, 2)}\n`)
      if (end !== null) this.#bus.emit('summary.written', { path })
    }
    return summary
  }

  #failIf(stats: FrontierStats): string[] {
    const facts = { ...emptyFacts(), outcomes: stats.done, statuses: Object.fromEntries(stats.statuses) }
    const given = this.#plan.options.get<string[]>('failIf')
    if (given === undefined) return [...defaultFailures('tail', facts)]
    return given
      .map((rule) => evaluateFailIf(rule, facts))
      .filter((verdict) => verdict.failed)
      .map((verdict) => verdict.text)
  }

  #figures(stats: FrontierStats) {
    return {
      job: this.name,
      kind: this.kind,
      folder: this.folder,
      total: null,
      stats,
      engine: undefined,
      startedAt: this.#startedAt,
      now: this.#clock.now(),
      warnings: [...this.#warnings.values()],
    }
  }

  async #answer(method: ControlMethod): Promise<unknown> {
    switch (method) {
      case 'stop':
        await this.stop('stopped by another process')
        return { pid: process.pid }
      case 'pause':
        return this.pause('another process')
      case 'resume':
        return this.resume('another process')
      case 'set':
        return this.set('an option')
      case 'retry':
        return this.retry()
      case 'snapshot':
        return this.snapshot()
    }
  }
}

function needsItems(name: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--out ${name} takes pages; a tail has records`, {
    hint: 'give a .ndjson, .csv or .sqlite file, or - for stdout',
  })
}
