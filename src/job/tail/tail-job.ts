/**
 * A job over one endless source: a stream, or a file that grows. Folder, lock, frontier, sinks, events, summary and
 * control socket are those of every job; in place of the engine one source hands records to one commit.
 */
import type { SourceRecord, StreamCommit } from '../../engine/stream-commit.ts'
import type { Fetcher } from '../../fetch/fetcher.ts'
import type { Claim, FrontierStats } from '../../frontier/frontier.ts'
import { SluiceError } from '../../model/errors.ts'
import { emptyFacts, failuresOf } from '../../policy/fail-if.ts'
import { itemsOf } from '../../source/stream/item.ts'
import { hostOf } from '../../url/key.ts'
import { BaseJob } from '../base-job.ts'
import type { Ended } from '../base-job.ts'
import type { AddedUrls, RunEnd, Snapshot, Summary } from '../job.ts'
import { createPacing } from '../prepare.ts'
import type { SnapshotInit } from '../summary.ts'
import { openTail, sourceName } from './open-tail.ts'
import type { OpenedTail } from './open-tail.ts'
import type { TailPlan } from './tail-plan.ts'

export class TailJob extends BaseJob<OpenedTail> {
  readonly kind = 'tail' as const
  readonly #plan: TailPlan
  readonly #abort = new AbortController()
  #end: RunEnd | undefined
  #stopReason: RunEnd | undefined
  #failure: unknown
  /** Records over the life of the job, those that wait for their commit included. */
  #taken = 0

  constructor(plan: TailPlan) {
    super(plan)
    this.#plan = plan
    const signal = plan.options.get<AbortSignal>('signal')
    signal?.addEventListener('abort', () => void this.stop('aborted'), { once: true })
    if (signal?.aborted === true) this.#finish('interrupted')
  }

  /** What was read is committed; the source goes on behind it next time. */
  async stop(reason: string): Promise<void> {
    this.#stopReason ??= reason === 'SIGTERM' ? 'terminated' : 'interrupted'
    this.#finish(this.#stopReason)
    this.waitNoLonger(0)
  }

  set(name: string): Promise<void> {
    return Promise.reject(
      new SluiceError('OPTION_INVALID', `${name} cannot be changed while a tail runs`, {
        hint: 'stop it and run the same command with the new value: it goes on where it was',
      }),
    )
  }

  add(): Promise<AddedUrls> {
    return Promise.reject(
      new SluiceError('OPTION_INVALID', 'a tail reads one source: nothing can be added to it', {
        hint: 'start another one: sluice tail FILE|URL',
      }),
    )
  }

  protected threads(): ReturnType<BaseJob<OpenedTail>['threads']> {
    return Promise.resolve({ sockets: 0, inFlight: 0, extracting: 0, threads: [] })
  }

  retry(): Promise<number> {
    return Promise.reject(
      new SluiceError('OPTION_INVALID', 'a tail has nothing to retry', {
        hint: 'run the same command again: it connects anew and goes on where it was',
      }),
    )
  }

  protected openAll(): Promise<OpenedTail> {
    return openTail({
      plan: this.#plan,
      clock: this.clock,
      bus: this.bus,
      print: () => this.printer(),
      signal: this.patience,
      warn: (code, message) => this.bus.emit('warning.raised', { code, message }),
      onError: (error) => this.#fail(error),
    })
  }

  protected async prepare(opened: OpenedTail): Promise<void> {
    this.#taken = opened.commit.figures.items
    if (this.#room() === 0) this.#finish('limit')
    await this.#queue(opened)
  }

  protected async collect(opened: OpenedTail): Promise<Ended> {
    const { commit, fetcher } = opened
    const maxTimeMs = this.#plan.options.get<number>('maxTime')
    const limit = maxTimeMs === undefined ? undefined : this.clock.setTimer(() => this.#finish('limit'), maxTimeMs)
    try {
      await (fetcher === undefined ? this.#follow(opened) : this.#stream(opened, fetcher))
    } finally {
      limit?.cancel()
    }
    await commit.flush()
    if (this.isCut(this.#failure)) {
      return { end: this.#stopReason ?? 'interrupted', reason: 'CANCELLED', isCut: true }
    }
    if (this.#failure !== undefined) throw this.#failure
    const end = this.#end ?? 'finished'
    return { end, reason: end === 'finished' ? 'the source has ended' : end }
  }

  protected async hold({ commit }: OpenedTail): Promise<void> {
    commit.hold()
  }

  protected async release({ commit }: OpenedTail): Promise<void> {
    commit.release()
  }

  protected fail(_opened: OpenedTail, error: unknown): void {
    this.#fail(error)
  }

  protected async leave({ commit, fetcher, view }: OpenedTail): Promise<void> {
    commit.close()
    await fetcher?.close()
    view?.close()
  }

  protected get isStopping(): boolean {
    return this.#end !== undefined
  }

  protected get failure(): unknown {
    return this.#failure
  }

  protected figures({ commit }: OpenedTail): Pick<SnapshotInit, 'total' | 'engine' | 'extraction'> {
    return { total: null, engine: undefined, extraction: { ...commit.figures } }
  }

  protected async etaOf(): Promise<Snapshot['eta']> {
    return null
  }

  protected failures(_summary: Summary, stats: FrontierStats): string[] {
    const facts = { ...emptyFacts(), outcomes: stats.done, statuses: Object.fromEntries(stats.statuses) }
    return failuresOf('tail', this.#plan.options.get<string[]>('failIf'), facts)
  }

  #finish(end: RunEnd): void {
    this.#end ??= end
    this.#abort.abort()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#finish('halted')
  }

  /** The source is one known URL of the ledger: added once, and queued again where it had ended. */
  async #queue({ backend, fingerprint, before }: OpenedTail): Promise<void> {
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

  async #stream({ backend, fingerprint, commit }: OpenedTail, fetcher: Fetcher): Promise<void> {
    const { options, url, ledgerUrl } = this.#plan
    // Jobs of pages load neither of the two.
    const { StreamSource } = await import('./stream-source.ts')
    const source = new StreamSource({
      plan: this.#plan,
      clock: this.clock,
      frontier: backend.frontier,
      fetcher,
      stored: backend.positions.get(`source:${sourceName(this.#plan)}`),
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
      emit: (type, data) => this.bus.emit(type, data),
      warn: (code, message) => commit.event('warning.raised', { code, message }),
    })
    await source.run()
  }

  async #follow({ backend, commit }: OpenedTail): Promise<void> {
    const { path, last, shape, parse } = this.#plan
    const toItem = itemsOf(shape ?? 'lines', parse)
    const { followFile } = await import('../../source/tail/follow.ts')
    const batches = followFile(backend.positions.get(`source:${sourceName(this.#plan)}`), {
      path: path as string,
      last,
      clock: this.clock,
      signal: this.#abort.signal,
      room: () => this.#room(),
      warn: (code, message) => commit.event('warning.raised', { code, message }),
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
}
