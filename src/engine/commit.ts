/**
 * Group commit: finished attempts are collected and settled together, in this order: numbers, sinks, one frontier
 * transaction, then everything that may only be said after it (events, stdout, pages). A group is committed as soon as
 * max(64, in flight) wait, or 20 ms after its first (DESIGN.md 7).
 */
import type { Extraction } from '../extract/extraction.ts'
import type { Claim, Settlement } from '../frontier/frontier.ts'
import { withoutCookies } from '../http/headers.ts'
import type { NewEvent } from '../model/event.ts'
import type { PageRecord } from '../model/record.ts'
import type { NewRequest } from '../model/request.ts'
import type { Response } from '../model/response.ts'
import type { Exchange, SinkRecord } from '../sink/sink.ts'
import type { TimerHandle } from '../model/clock.ts'
import { hexOf } from '../url/fingerprint.ts'
import { isUnsafeClaim } from './ask.ts'
import type { Bus } from './bus.ts'
import type { Context, SettledPage } from './context.ts'
import { EXTRACTION_POSITION } from './extraction-report.ts'
import { TOMBSTONE } from './record.ts'
import type { Draft } from './record.ts'
import { eventOf, reasonOf, Refusals } from './refusals.ts'
import { GROUP, GROUP_MS } from './settings.ts'

/** One attempt, ended. Either `draft` (final) or `settlement` (retry, follow, release, gate). */
export interface Ended {
  readonly claim: Claim
  readonly settlement: Settlement | undefined
  readonly draft: Draft | undefined
  readonly response: Response | undefined
  readonly links: readonly NewRequest[] | undefined
  /** What an extractor made of the page, where one ran. */
  readonly extraction?: Extraction
}

const NO_BYTES = new Uint8Array(0)

export class Commit {
  readonly #context: Context
  /** Tells the frontier of every response that is over: a settle must never overtake its end, or the clock is lost. */
  readonly #flushEnds: () => Promise<void> | undefined
  readonly #onSettled: () => void
  readonly #onError: (error: unknown) => void
  readonly #wantsBodies: boolean
  readonly #wantsExchange: boolean
  #group: Ended[] = []
  #events: NewEvent[] = []
  /** Small states of the engine and the job that ride with the next commit. */
  #positions = new Map<string, Uint8Array>()
  #timer: TimerHandle | undefined
  #busy: Promise<void> | undefined
  #inCommit = 0
  #seq: number
  /** Settled other than skipped, over the life of the job. */
  settled: number
  /** Final outcomes other than skipped that wait for their commit, and those in the commit now under way. */
  #waitingFinal = 0
  #committingFinal = 0

  constructor(
    context: Context,
    flushEnds: () => Promise<void> | undefined,
    onSettled: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#context = context
    this.#flushEnds = flushEnds
    this.#onSettled = onSettled
    this.#onError = onError
    this.#wantsBodies = context.sinks.some((sink) => sink.wantsBodies)
    this.#wantsExchange = context.sinks.some((sink) => sink.wantsExchange === true)
    this.#seq = context.seq
    this.settled = context.settledBefore
  }

  /** Claims that have ended and are not settled yet. */
  get waiting(): number {
    return this.#group.length + this.#inCommit
  }

  /** `settled` when everything that waits has been committed. */
  get settledSoon(): number {
    return this.settled + this.#waitingFinal + this.#committingFinal
  }

  get seq(): number {
    return this.#seq
  }

  push(ended: Ended, inFlight: number): void {
    this.#group.push(ended)
    if (ended.draft !== undefined && ended.draft.outcome !== 'skipped') this.#waitingFinal++
    if (this.#group.length >= Math.max(GROUP, inFlight)) this.#start()
    else this.#arm()
  }

  /** A durable event; committed with the next group, at the latest after 20 ms. */
  event(type: NewEvent['type'], data: NewEvent['data']): void {
    const id = ++this.#seq
    this.#events.push({ type, data, id, t: new Date(this.#context.clock.wall()).toISOString() })
    this.#arm()
  }

  /** A position of the engine's own; committed with the next group. */
  position(name: string, value: Uint8Array): void {
    this.#positions.set(name, value)
    this.#arm()
  }

  /** Commits all that waits, until nothing does. */
  async flush(): Promise<void> {
    while (this.#busy !== undefined || this.#group.length > 0 || this.#events.length > 0 || this.#positions.size > 0) {
      this.#start()
      await this.#busy
    }
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#busy !== undefined) return
    this.#timer = this.#context.clock.setTimer(() => {
      this.#timer = undefined
      this.#start()
    }, GROUP_MS)
  }

  #start(): void {
    if (this.#busy !== undefined) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#busy = this.#run().then(
      () => {
        this.#busy = undefined
        if (this.#group.length >= GROUP) this.#start()
        else if (this.#group.length > 0 || this.#events.length > 0 || this.#positions.size > 0) this.#arm()
        this.#onSettled()
      },
      (error: unknown) => {
        this.#busy = undefined
        this.#onError(error)
      },
    )
  }

  async #run(): Promise<void> {
    let group = this.#group
    const events = this.#events
    if (group.length === 0 && events.length === 0 && this.#positions.size === 0) return
    this.#group = []
    this.#events = []
    this.#inCommit = group.length
    this.#committingFinal = this.#waitingFinal
    this.#waitingFinal = 0
    try {
      if (this.#context.consumer !== undefined) group = await this.#offer(group)
      await this.#write(group, events)
    } finally {
      this.#inCommit = 0
      this.#committingFinal = 0
      for (const { response } of group) if (response?.file !== undefined) this.#context.removeFile(response.file)
    }
  }

  /**
   * What user code did not take goes back into the queue: the page it stopped at comes again on resume, unless asking
   * again could do something twice.
   */
  async #offer(group: Ended[]): Promise<Ended[]> {
    const consumer = this.#context.consumer
    const pages: SettledPage[] = []
    for (const { draft, response } of group) if (draft !== undefined) pages.push({ record: draft, response })
    if (consumer === undefined || pages.length === 0) return group
    const taken = await consumer.offer(pages)
    if (taken >= pages.length) return group
    let left = taken
    return group.map((ended) => {
      if (ended.draft === undefined || left-- > 0 || isUnsafeClaim(ended.claim)) return ended
      const settlement: Settlement = { id: ended.claim.id, do: 'release' }
      return { claim: ended.claim, settlement, draft: undefined, response: ended.response, links: undefined }
    })
  }

  async #write(group: readonly Ended[], events: readonly NewEvent[]): Promise<void> {
    const { sinks, frontier, settings, clock, print, removePart } = this.#context
    const t = new Date(clock.wall()).toISOString()
    const outcomes: Settlement[] = []
    const records: SinkRecord[] = []
    const drafts: Draft[] = []
    const links: NewRequest[] = []
    for (const ended of group) {
      if (ended.links !== undefined) for (const link of ended.links) links.push(link)
      const { claim, draft } = ended
      if (draft === undefined) {
        outcomes.push(ended.settlement as Settlement)
        continue
      }
      draft.t = t
      draft.run = settings.run
      draft.seq = ++this.#seq
      const json = JSON.stringify(draft)
      const { response } = ended
      // An archive keeps every answer, other sinks what is `ok`.
      const hasBody = response !== undefined && (this.#wantsExchange || (this.#wantsBodies && draft.outcome === 'ok'))
      records.push({
        record: draft,
        json,
        dedupeKey:
          claim.input !== undefined && claim.verdict?.code === 'DUPLICATE'
            ? inputKey(claim)
            : hexOf(claim.root ?? claim.fp),
        // Nothing (failed, not wanted) is not the same as no items.
        ...(ended.extraction?.failure === undefined ? { items: itemsOf(ended, draft) } : {}),
        body: hasBody ? response.body : NO_BYTES,
        ...(hasBody && response.file !== undefined ? { bodyFile: response.file } : {}),
        ...(this.#wantsExchange && response !== undefined
          ? { exchange: exchangeOf(response, this.#context.session !== undefined) }
          : {}),
      })
      drafts.push(draft)
      outcomes.push({ id: claim.id, do: 'done', outcome: draft.outcome, record: draft, json })
    }
    const { report } = this.#context
    for (const { draft, extraction } of group)
      if (draft !== undefined && extraction !== undefined) report.add(draft.url, extraction)
    const positions = this.#positions
    this.#positions = new Map()
    const refusals = new Refusals()
    if (records.length > 0) {
      for (const sink of sinks) {
        // An archive keeps every answer.
        const isPartial = settings.changedOnly && sink.wantsExchange !== true
        const wanted = isPartial ? records.filter(isNews) : records
        if (wanted.length === 0) continue
        const position = await sink.write(wanted)
        if (position !== undefined) positions.set(`sink:${sink.name}`, position)
        refusals.take(sink)
      }
    }
    if (refusals.count > 0) this.#mark(refusals, drafts, outcomes)
    const figures = report.encode()
    if (figures !== undefined) positions.set(EXTRACTION_POSITION, figures)
    await this.#flushEnds()
    const { stale } = await frontier.settle({ outcomes, links, positions, events })
    // Not before: until it is settled, a death would need the part again. A verdict never had one.
    for (const { claim, draft } of group) {
      if (draft !== undefined && claim.verdict === undefined) removePart(claim.root ?? claim.fp)
    }
    this.#announce(group, drafts, events, stale, refusals)
    this.#announceRefused(refusals, t)
    if (print !== undefined) {
      const printed = settings.changedOnly ? records.filter(isNews) : records
      const lines = this.#context.pool === undefined ? printed.map(({ json }) => json) : itemLines(group)
      if (lines.length > 0) await print(`${lines.join('\n')}\n`)
    }
  }

  /** The ledger tells of each page what the outputs did not take. What they hold of the page itself stays as it is. */
  #mark(refusals: Refusals, drafts: readonly Draft[], outcomes: Settlement[]): void {
    const { pool, report } = this.#context
    const marked = new Set<PageRecord>()
    for (const draft of drafts) {
      const refused = refusals.of(draft.seq)
      if (refused.length === 0) continue
      marked.add(draft)
      const reason = reasonOf(refused)
      draft.message = draft.message === undefined ? reason : `${draft.message}; ${reason}`
      if (pool === undefined) continue
      draft.items = (draft.items ?? 0) - refused.length
      draft.rejected = (draft.rejected ?? 0) + refused.length
      for (const one of refused) report.refuse(one)
    }
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.do !== 'done' || !marked.has(outcome.record)) continue
      outcomes[i] = { ...outcome, json: JSON.stringify(outcome.record) }
    }
  }

  /** Only now may anybody be told: it is on disk. */
  #announce(
    group: readonly Ended[],
    drafts: readonly Draft[],
    events: readonly NewEvent[],
    stale: readonly string[],
    refusals: Refusals,
  ): void {
    const { bus } = this.#context
    const lost = stale.length === 0 ? undefined : new Set(stale)
    for (const event of events) bus.emit(event.type, event.data as never, event.id, event.t)
    const listened = bus.wants('request.settled')
    const itemsWanted = bus.wants('item.stored') || bus.wants('item.rejected')
    let settled = 0
    for (const ended of group) {
      const { claim, draft } = ended
      if (draft === undefined || lost?.has(claim.id) === true) continue
      if (draft.outcome !== 'skipped') settled++
      if (listened) bus.emit('request.settled', draft, draft.seq, draft.t)
      if (itemsWanted) announceItems(bus, ended, draft, refusals)
    }
    this.settled += settled
    if (bus.wants('commit.written')) bus.emit('commit.written', { seq: this.#seq, settled: drafts.length })
  }

  /** Events, and a warning where it is about page records, which no figures count. */
  #announceRefused(refusals: Refusals, t: string): void {
    const { bus, pool } = this.#context
    for (const one of refusals.all()) bus.emit('item.rejected', eventOf(one), one.seq, t)
    const [first] = refusals.all()
    if (first === undefined || pool !== undefined) return
    const others = refusals.count === 1 ? '' : ` and ${refusals.count - 1} more`
    const message = `the output does not take the record of ${first.url}${others}: ${first.message}`
    this.event('warning.raised', { code: 'OUTPUT', message })
  }
}

/** Plain: it goes to another thread. Cookies of a session stay out of whatever is stored. */
function exchangeOf(response: Response, inSession: boolean): Exchange {
  const { method, url, requestHeaders, status, statusText, protocol, address, startedAt } = response
  const rawHeaders = inSession ? withoutCookies(response.rawHeaders) : response.rawHeaders
  const spoken = protocol === undefined ? {} : { protocol }
  return { method, url, requestHeaders, status, statusText, ...spoken, rawHeaders, address, startedAt }
}

function itemLines(group: readonly Ended[]): string[] {
  const lines: string[] = []
  for (const { extraction } of group) for (const { json } of extraction?.items ?? []) lines.push(json)
  return lines
}

function announceItems(bus: Bus, { extraction }: Ended, { url, seq, t }: Draft, refusals: Refusals): void {
  const { items = [], issues = [] } = extraction ?? {}
  for (const { position, json } of items) {
    if (!refusals.has(seq, position)) bus.emit('item.stored', { url, position, json }, seq, t)
  }
  for (const issue of issues) bus.emit('item.rejected', { url, code: 'ITEM_INVALID', ...issue }, seq, t)
}

function inputKey(claim: Claim): string {
  return `${claim.input?.source}#${claim.input?.ordinal}`
}

function isNews({ record }: SinkRecord): boolean {
  return record.outcome !== 'unchanged'
}

/** A page that is gone has none any more. */
function itemsOf({ extraction }: Ended, draft: Draft): SinkRecord['items'] {
  return draft.flags?.includes(TOMBSTONE) === true ? [] : extraction?.items
}
