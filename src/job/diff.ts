/**
 * What is new, gone, changed or answered otherwise between two jobs, or between two runs of one: URL by URL from the
 * ledgers, item by item and field by field from the NDJSON of the items. Reads without a lock, live or stopped.
 */
import { existsSync } from 'node:fs'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Reader } from '../frontier/sqlite/read.ts'
import { SluiceError } from '../model/errors.ts'
import type { OutcomeWord } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import type { Fingerprint } from '../url/fingerprint.ts'
import { findJob, folderOf } from './folder.ts'
import { diffItems } from './diff-items.ts'
import type { DiffSide, ItemChange, ItemsDiff } from './diff-items.ts'
export type { DiffSide } from './diff-items.ts'
import { readRunState } from './run-state.ts'
import { UrlTable } from './url-table.ts'

/** What is told of an answer on each side. */
export type Facts = Pick<PageRecord, 'outcome' | 'code' | 'status' | 'digest' | 'bytes' | 'title' | 't'>

export interface UrlChange {
  /**
   * - `new`: not known before, or gone before and there now; `gone`: there before, and 404, 410 or not known now;
   * - `changed`: another body; `moved`: another outcome word.
   */
  readonly change: 'new' | 'gone' | 'changed' | 'moved'
  readonly url: string
  readonly before?: Facts
  readonly now?: Facts
}

export interface SideFigures extends DiffSide {
  readonly urls: number
  readonly bytes: number
  /** Mean of the whole request, ms; 0 where none was timed. */
  readonly meanMs: number
}

export interface JobsDiff {
  readonly before: SideFigures
  readonly now: SideFigures
  readonly urls: Readonly<Record<UrlChange['change'] | 'same', number>>
  /** Undefined: a job that keeps no items as NDJSON. */
  readonly items: ItemsDiff | undefined
}

export interface DiffInit {
  readonly before: DiffSide
  readonly now: DiffSide
  /** Field that tells items apart; default: the first of the usual ones that all items have, each another value. */
  readonly by: string | undefined
}

const SLICE = 1_000

/**
 * The two sides that words of a command line name: `JOB` or `JOB@RUN`, as it stood after that run. One job alone: its last
 * run and the one before.
 *
 * @throws SluiceError `OPTION_INVALID`
 */
export function diffSides(words: readonly string[], cwd: string): [before: DiffSide, now: DiffSide] {
  const sides = (words.length === 0 ? [undefined] : words).map((word) => sideOf(word, cwd))
  const [first, second] = sides as [DiffSide, DiffSide | undefined]
  if (second !== undefined) return [first, second]
  if (first.run < 2) {
    throw new SluiceError('OPTION_INVALID', `${first.folder} has one run: there is nothing to compare it with`, {
      hint: 'name two jobs, or run it again with --if-changed',
    })
  }
  return [{ ...first, run: first.run - 1 }, first]
}

function sideOf(word: string | undefined, cwd: string): DiffSide {
  const [, name, run] = /^(.+)@(\d{1,9})$/.exec(word ?? '') ?? []
  const isWhole = name === undefined || existsSync(folderOf(word as string, cwd))
  const folder = findJob(isWhole ? word : name, cwd)
  const last = lastRun(folder)
  const wanted = isWhole ? last : Number(run)
  if (wanted >= 1 && wanted <= last) return { folder, run: wanted }
  throw new SluiceError('OPTION_INVALID', `${folder} has no run ${wanted}; its last is ${last}`, {
    hint: `name one from 1 to ${last}`,
  })
}

/** Number of a job's latest run. */
export function lastRun(folder: string): number {
  const reader = openReader(folder)
  try {
    return readRunState(reader.positions())?.run ?? 1
  } finally {
    reader.close()
  }
}

/** Every difference, URLs before items; returns the figures. Holds about 50 bytes a URL, and the items of `before`. */
export async function* diffJobs({ before, now, by }: DiffInit): AsyncGenerator<UrlChange | ItemChange, JobsDiff> {
  const fingerprint = await createFingerprint(0n)
  const [old, young] = [new Side(before, fingerprint), new Side(now, fingerprint)]
  const urls = { new: 0, gone: 0, changed: 0, moved: 0, same: 0 }
  try {
    for (const change of urlChanges(old, young)) {
      if (change === undefined) urls.same++
      else {
        urls[change.change]++
        yield change
      }
    }
  } finally {
    old.close()
    young.close()
  }
  const items = yield* diffItems(before, now, by)
  return { before: old.figures, now: young.figures, urls, items }
}

/** Undefined for a URL that is as it was. */
function* urlChanges(old: Side, young: Side): Generator<UrlChange | undefined> {
  for (const now of young.records()) {
    const before = old.of(now.url)
    const change = changeOf(before, now)
    if (change !== null) yield change
  }
  for (const before of old.records()) {
    if (young.of(before.url) === undefined && before.outcome !== 'skipped') {
      yield { change: 'gone', url: before.url, before: factsOf(before) }
    }
  }
}

/** Null: of no interest, as a URL that was skipped and not known before. */
function changeOf(before: PageRecord | undefined, now: PageRecord): UrlChange | undefined | null {
  const { url } = now
  if (before === undefined) return now.outcome === 'skipped' ? null : { change: 'new', url, now: factsOf(now) }
  const both = { url, before: factsOf(before), now: factsOf(now) }
  if (isThere(now.outcome) && isThere(before.outcome)) {
    const hasOther = before.digest !== undefined && now.digest !== undefined && before.digest !== now.digest
    return hasOther ? { change: 'changed', ...both } : undefined
  }
  if (before.outcome === now.outcome) return undefined
  if (isThere(before.outcome) && now.outcome === 'gone') return { change: 'gone', ...both }
  if (before.outcome === 'gone' && isThere(now.outcome)) return { change: 'new', ...both }
  return { change: 'moved', ...both }
}

function isThere(outcome: OutcomeWord): boolean {
  return outcome === 'ok' || outcome === 'unchanged'
}

function factsOf({ outcome, code, status, digest, bytes, title, t }: PageRecord): Facts {
  return {
    outcome,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    ...(digest === undefined ? {} : { digest }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(title === undefined ? {} : { title }),
    t,
  }
}

/** A job as it stood after a run. */
class Side {
  readonly #side: DiffSide
  readonly #reader: Reader
  readonly #fingerprint: Fingerprint
  readonly #latest = new UrlTable()
  #bytes = 0
  #timed = 0
  #ms = 0

  constructor(side: DiffSide, fingerprint: Fingerprint) {
    this.#side = side
    this.#fingerprint = fingerprint
    this.#reader = openReader(side.folder)
    for (const record of this.#settled()) this.#latest.set(this.#fingerprint.of(record.url), record.seq)
  }

  get figures(): SideFigures {
    const meanMs = this.#timed === 0 ? 0 : Math.round(this.#ms / this.#timed)
    return { ...this.#side, urls: this.#latest.size, bytes: this.#bytes, meanMs }
  }

  /** The latest record of each URL; counts what `figures` tells. */
  *records(): Generator<PageRecord> {
    this.#bytes = this.#timed = this.#ms = 0
    for (const record of this.#settled()) {
      if (this.#latest.get(this.#fingerprint.of(record.url)) !== record.seq) continue
      this.#bytes += record.bytes ?? 0
      const ms = record.ms?.['total']
      if (ms !== undefined) {
        this.#timed++
        this.#ms += ms
      }
      yield record
    }
  }

  of(url: string): PageRecord | undefined {
    const seq = this.#latest.get(this.#fingerprint.of(url))
    if (seq === 0) return undefined
    const record = this.#reader.ledger({ afterSeq: seq - 1, limit: 1 })[0]?.record
    return record?.url === url ? record : undefined
  }

  close(): void {
    this.#reader.close()
  }

  *#settled(): Generator<PageRecord> {
    let afterSeq = 0
    for (;;) {
      const rows = this.#reader.ledger({ afterSeq, limit: SLICE })
      for (const { record } of rows) if (record.run <= this.#side.run) yield record
      if (rows.length < SLICE) return
      afterSeq = (rows.at(-1) as { record: PageRecord }).record.seq
    }
  }
}
