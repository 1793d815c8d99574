/**
 * Group commit of records that come without requests of their own (a stream, a log): the same order as that of pages
 * (`commit.ts`): numbers, sinks, one frontier transaction with the positions of sinks and source, then everything that
 * may only be said after it. So a record is in the sinks exactly when the source's cursor is behind it.
 */
import type { Frontier, Settlement } from '../frontier/frontier.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import type { NewEvent } from '../model/event.ts'
import type { PageRecord } from '../model/record.ts'
import type { Sink, SinkRecord } from '../sink/sink.ts'
import type { Bus } from './bus.ts'
import { EXTRACTION_POSITION, type ExtractionFigures } from './extraction-report.ts'
import { eventOf, Refusals } from './refusals.ts'
import { GROUP, GROUP_MS } from './settings.ts'

/** One record of the source. */
export interface SourceRecord {
  /** One line of JSON. */
  readonly json: string
  /** 0-based among all records of the source, over the life of the job. */
  readonly ordinal: number
  /** Why it is not what was asked for; it is stored all the same. */
  readonly problem?: string
}

/** Something made of the records that is committed with them, such as the last hits of a log. */
export interface RecordView {
  /** Name of its position. */
  readonly name: string
  take(json: string): void
  /** What to commit, where it has changed since it was asked for last. */
  encode(): Uint8Array | undefined
}

export interface StreamCommitParts {
  /** Where the records come from, for their provenance. */
  readonly url: string
  /** Name of the source: with the ordinal the identity of a record. */
  readonly source: string
  readonly run: number
  readonly clock: Clock
  readonly frontier: Frontier
  readonly sinks: readonly Sink[]
  readonly bus: Bus
  /** Standard output; resolves when there is room for more. */
  readonly print: ((lines: string) => Promise<void> | void) | undefined
  readonly view: RecordView | undefined
  /** Highest number committed so far. */
  readonly seq: number
  /** Counts over the life of the job, as last committed. */
  readonly figures: ExtractionFigures
  onError(error: unknown): void
}

/** Records that may wait for their commit before the source is held. */
const WAITING = 16 * GROUP
const NO_BYTES = new Uint8Array(0)

export class StreamCommit {
  readonly figures: ExtractionFigures
  readonly #parts: StreamCommitParts
  #records: SourceRecord[] = []
  #cursor: Uint8Array | undefined
  #events: NewEvent[] = []
  #positions = new Map<string, Uint8Array>()
  #timer: TimerHandle | undefined
  #busy: Promise<void> | undefined
  #seq: number
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #isHeld = false

  constructor(parts: StreamCommitParts) {
    this.#parts = parts
    this.#seq = parts.seq
    this.figures = parts.figures
  }

  /** Takes records and the cursor behind them. A promise: give no more until it resolves. */
  add(records: readonly SourceRecord[], cursor: Uint8Array): Promise<void> | undefined {
    for (const record of records) this.#records.push(record)
    this.#cursor = cursor
    if (this.#records.length >= GROUP) this.#start()
    else this.#arm()
    if (!this.#isHeld && this.#records.length < WAITING) return undefined
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  /** Whoever reads cannot follow: `add` asks the source to wait until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#openRoom()
  }

  /** A durable event; committed with the next group, at the latest after 20 ms. */
  event(type: NewEvent['type'], data: NewEvent['data']): void {
    this.#events.push({ type, data, id: ++this.#seq, t: this.#now() })
    this.#arm()
  }

  /** A position of the job's own; committed with the next group. */
  position(name: string, value: Uint8Array): void {
    this.#positions.set(name, value)
    this.#arm()
  }

  /** Commits all that waits, until nothing does. */
  async flush(): Promise<void> {
    while (this.#busy !== undefined || !this.#isEmpty) {
      this.#start()
      await this.#busy
    }
  }

  /** Settles the request of the source itself: what became of it in the end. After a `flush`. */
  async settle(id: string, draft: Omit<PageRecord, 't' | 'run' | 'seq'>): Promise<void> {
    const { frontier, bus, run } = this.#parts
    const record: PageRecord = { ...draft, t: this.#now(), run, seq: ++this.#seq }
    const outcome: Settlement = { id, do: 'done', outcome: record.outcome, record }
    await frontier.settle({ outcomes: [outcome] })
    bus.emit('request.settled', record, record.seq, record.t)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  get #isEmpty(): boolean {
    return this.#records.length === 0 && this.#events.length === 0 && this.#positions.size === 0
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#busy !== undefined) return
    this.#timer = this.#parts.clock.setTimer(() => {
      this.#timer = undefined
      this.#start()
    }, GROUP_MS)
  }

  #start(): void {
    if (this.#busy !== undefined || this.#isEmpty) return
    this.close()
    this.#busy = this.#run().then(
      () => {
        this.#busy = undefined
        this.#openRoom()
        if (this.#records.length >= GROUP) this.#start()
        else if (!this.#isEmpty) this.#arm()
      },
      (error: unknown) => {
        this.#busy = undefined
        // What could not be committed is given up: the next run begins behind the last commit.
        this.#records = []
        this.#events = []
        this.#positions = new Map()
        this.#openRoom()
        this.#parts.onError(error)
      },
    )
  }

  #openRoom(): void {
    if (this.#isHeld || this.#records.length >= WAITING) return
    this.#room?.resolve()
    this.#room = undefined
  }

  async #run(): Promise<void> {
    const { frontier, sinks, bus, print, view } = this.#parts
    const records = this.#records
    const events = this.#events
    const positions = this.#positions
    this.#records = []
    this.#events = []
    this.#positions = new Map()
    const batch = records.map((record) => this.#numbered(record))
    const refusals = new Refusals()
    if (records.length > 0) {
      if (this.#cursor !== undefined) positions.set(`source:${this.#parts.source}`, this.#cursor)
      for (const sink of sinks) {
        const position = await sink.write(batch)
        if (position !== undefined) positions.set(`sink:${sink.name}`, position)
        refusals.take(sink)
      }
      this.figures.items -= refusals.count
      this.figures.rejected += refusals.count
      this.#count(records, view, positions)
    }
    await frontier.settle({ outcomes: [], positions, events, seq: this.#seq })
    for (const event of events) bus.emit(event.type, event.data as never, event.id, event.t)
    this.#announce(records, batch, refusals)
    for (const one of refusals.all()) bus.emit('item.rejected', eventOf(one), one.seq, this.#now())
    if (print !== undefined && records.length > 0) await print(`${records.map(({ json }) => json).join('\n')}\n`)
  }

  #numbered({ json, ordinal }: SourceRecord): SinkRecord {
    const { url, source, run } = this.#parts
    const record: PageRecord = { url, outcome: 'ok', depth: 0, attempt: 1, t: this.#now(), run, seq: ++this.#seq }
    return {
      record,
      json: JSON.stringify(record),
      dedupeKey: `${source}#${ordinal}`,
      items: [{ json, position: 0, key: undefined }],
      body: NO_BYTES,
    }
  }

  #count(records: readonly SourceRecord[], view: RecordView | undefined, positions: Map<string, Uint8Array>): void {
    const { figures } = this
    figures.items += records.length
    for (const { json, problem } of records) {
      if (problem !== undefined) figures.rejected++
      else view?.take(json)
    }
    positions.set(EXTRACTION_POSITION, Buffer.from(JSON.stringify(figures)))
    const seen = view?.encode()
    if (view !== undefined && seen !== undefined) positions.set(view.name, seen)
  }

  /** Only now may anybody be told: it is on disk. */
  #announce(records: readonly SourceRecord[], batch: readonly SinkRecord[], refusals: Refusals): void {
    const { bus, url } = this.#parts
    const isWanted = bus.wants('item.stored') || bus.wants('item.rejected')
    if (!isWanted) return
    for (const [i, { json, ordinal, problem }] of records.entries()) {
      const { seq, t } = (batch[i] as SinkRecord).record
      if (!refusals.has(seq, 0)) bus.emit('item.stored', { url, position: ordinal, json }, seq, t)
      if (problem === undefined) continue
      const complaint = { position: ordinal, path: '', message: problem, value: json }
      bus.emit('item.rejected', { url, code: 'ITEM_INVALID', ...complaint }, seq, t)
    }
  }

  #now(): string {
    return new Date(this.#parts.clock.wall()).toISOString()
  }
}
