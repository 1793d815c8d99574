/**
 * Items of stored pages on their way to where the job's own items go: each page as one more visit, under the identity it
 * has in the ledger, in the same commits of outputs and positions as a run. So keyed outputs replace what the page gave
 * before, files that only grow get the new lines behind the old ones, and the job goes on afterwards as if it had written
 * them itself. Holds the lock of the job, and about 50 bytes a page.
 */
import { Refusals } from '../engine/refusals.ts'
import type { StoredPagePool, Extraction } from '../extract/extraction.ts'
import type { Frontier } from '../frontier/frontier.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Reader, SettledRow } from '../frontier/sqlite/read.ts'
import { SluiceError } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import { isUnsafe } from '../model/request.ts'
import { sinkKindOf } from '../sink/kind.ts'
import type { SinkKind } from '../sink/kind.ts'
import type { RefusedItem, SinkRecord } from '../sink/sink.ts'
import { createFingerprint, hexOf } from '../url/fingerprint.ts'
import type { Fingerprint } from '../url/fingerprint.ts'
import type { StoredJob } from './folder.ts'
import { inTurn } from './in-turn.ts'
import { closeEach, openEach, openFrontier, openSinks, startPositions } from './open-backend.ts'
import type { OpenedSinks } from './open-backend.ts'
import { resolveOptions } from './options.ts'
import { readRunState } from './run-state.ts'
import { UrlTable } from './url-table.ts'

/** Settlements read at a time. */
const SLICE = 1_000
/** Pages written together. */
const BATCH = 64
/** Outputs that hold pages, with and without an extractor. */
const OF_PAGES = new Set<SinkKind['kind']>(['dir', 'warc', 'stdout'])

export interface AcceptInit {
  readonly folder: string
  readonly stored: StoredJob
  /** Absolute paths of the extractors whose items they are. */
  readonly modules: readonly string[]
  readonly pool: StoredPagePool
  readonly clock: Clock
  /** A row that an output did not take. */
  refuse(refused: RefusedItem): void
  warn(message: string): void
}

/** The outputs of a job that hold items, without opening them. @throws SluiceError `OPTION_INVALID` where it has none */
export function itemOutputs(stored: StoredJob): readonly string[] | undefined {
  const outs = stored.options['out'] as readonly string[] | undefined
  if (outs === undefined) return undefined
  const found = outs.filter((out) => !OF_PAGES.has(sinkKindOf(out).kind))
  const hasItems = stored.options['extract'] !== undefined || stored.options['text'] === true
  if (hasItems && found.length > 0) return found
  throw new SluiceError('OPTION_INVALID', `the outputs of ${stored.name} hold pages, no items`, {
    hint: 'give the items a place of their own: -o items.ndjson',
  })
}

/** @throws SluiceError `OPTION_INVALID`, `FRONTIER_LOCKED`, and what the outputs say */
export async function openAccepted(init: AcceptInit): Promise<AcceptedItems> {
  const { folder, stored, modules, pool, clock } = init
  const out = itemOutputs(stored)
  const values = { ...stored.options, extract: modules, out, store: false }
  const options = resolveOptions([{ origin: 'config.json', values }])
  const seeded = await createFingerprint(BigInt(`0x${stored.seed}`))
  const pace = { delayMs: options.get<number>('delay') ?? 1000, conns: options.get<number>('perHost') ?? 1 }
  const { frontier, positions } = await openFrontier(folder, options, clock, seeded, () => pace)
  let reader: Reader | undefined
  let opened: OpenedSinks | undefined
  try {
    reader = openReader(folder)
    const pages = await AnsweredPages.read(reader)
    const sinks = await openSinks(options, stored.cwd, folder)
    const { seq } = await frontier.stats()
    const run = readRunState(positions)?.run ?? 1
    const info = { name: stored.name, id: stored.id, run, committedSeq: seq, columns: [], warn: init.warn }
    await openEach(sinks.sinks, positions, { ...info, items: { columns: pool.columns } })
    opened = sinks
    await frontier.settle({ outcomes: [], positions: startPositions(sinks.sinks, positions), seq })
    return new AcceptedItems({ frontier, reader, pages, sinks, run, seq, refuse: init.refuse })
  } catch (error) {
    await inTurn([() => closeEach(opened?.sinks ?? []), () => reader?.close(), () => frontier.close()]).catch(
      () => undefined,
    )
    throw error
  }
}

interface Parts {
  readonly frontier: Frontier
  readonly reader: Reader
  readonly pages: AnsweredPages
  readonly sinks: OpenedSinks
  readonly run: number
  readonly seq: number
  refuse(refused: RefusedItem): void
}

export class AcceptedItems {
  readonly #parts: Parts
  #seq: number
  #batch: SinkRecord[] = []

  constructor(parts: Parts) {
    this.#parts = parts
    this.#seq = parts.seq
  }

  /** For people. */
  get outputs(): readonly string[] {
    return this.#parts.sinks.outputs
  }

  /** What a page gives now; nothing where the ledger has no such page that stands. @param url that answered */
  add(url: string, items: Extraction['items']): void {
    for (const row of this.#parts.pages.rowsOf(url)) {
      const record = { ...row.record, run: this.#parts.run, seq: ++this.#seq }
      const page = { record, json: JSON.stringify(record), dedupeKey: hexOf(row.fp), items, body: new Uint8Array(0) }
      this.#batch.push(page)
    }
  }

  /** Writes and commits what was added. Outputs first, as in a run. */
  async flush(isEnd = false): Promise<void> {
    const { sinks, frontier, refuse } = this.#parts
    const least = isEnd ? 1 : BATCH
    while (this.#batch.length >= least) {
      const batch = this.#batch.splice(0, BATCH)
      const positions = new Map<string, Uint8Array>()
      const refusals = new Refusals()
      for (const sink of sinks.sinks) {
        const position = await sink.write(batch)
        if (position !== undefined) positions.set(`sink:${sink.name}`, position)
        refusals.take(sink)
      }
      for (const one of refusals.all()) refuse(one)
      await frontier.settle({ outcomes: [], positions, seq: (batch.at(-1) as SinkRecord).record.seq })
    }
  }

  async close(): Promise<void> {
    const { sinks, reader, frontier } = this.#parts
    await inTurn([() => closeEach(sinks.sinks), () => reader.close(), () => frontier.close()])
  }
}

/** The settlements of pages that are there, by the URL that answered. */
class AnsweredPages {
  readonly #reader: Reader
  readonly #fingerprint: Fingerprint
  readonly #latest = new UrlTable()
  /** Of several requests that one URL answered: the settlement before. */
  readonly #before = new Map<number, number>()

  private constructor(reader: Reader, fingerprint: Fingerprint) {
    this.#reader = reader
    this.#fingerprint = fingerprint
  }

  static async read(reader: Reader): Promise<AnsweredPages> {
    const pages = new AnsweredPages(reader, await createFingerprint(0n))
    for (let afterSeq = 0; ; ) {
      const rows = reader.ledger({ afterSeq, limit: SLICE, standing: true })
      for (const row of rows) pages.#note(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < SLICE) return pages
      afterSeq = last.record.seq
    }
  }

  *rowsOf(url: string): Generator<SettledRow> {
    let seq = this.#latest.get(this.#fingerprint.of(url))
    for (; seq !== 0; seq = this.#before.get(seq) ?? 0) {
      const row = this.#reader.ledger({ afterSeq: seq - 1, limit: 1, standing: true })[0]
      if (row !== undefined && urlOf(row) === url) yield row
    }
  }

  /** An archive is asked by URL, which does not tell the answers of forms apart: those keep their items. */
  #note(row: SettledRow): void {
    const { record, meta } = row
    if ((record.outcome !== 'ok' && record.outcome !== 'unchanged') || isUnsafe(meta?.method)) return
    const fp = this.#fingerprint.of(urlOf(row))
    const before = this.#latest.get(fp)
    if (before !== 0) this.#before.set(record.seq, before)
    this.#latest.set(fp, record.seq)
  }
}

function urlOf({ record }: SettledRow): string {
  return record.final ?? record.url
}
