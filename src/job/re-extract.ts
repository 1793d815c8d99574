/**
 * Extractors over stored pages instead of the web: every page of an archive, ours or another tool's, once (its latest
 * answer), on all cores, without one request. Beside the job's own extractors it says field by field what would change;
 * only `accept` writes.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { systemClock } from '../engine/clock.ts'
import { ExtractionReport, type ExtractionFigures } from '../engine/extraction-report.ts'
import { Refusals } from '../engine/refusals.ts'
import type {
  ExtractFailure,
  Extraction,
  ExtractorPool,
  PageInput,
  StoredPage,
  StoredPagePool,
} from '../extract/extraction.ts'
import { SluiceError } from '../model/errors.ts'
import type { RefusedItem, Sink, SinkRecord } from '../sink/sink.ts'
import { openArchive, type Archive, type ArchiveBreak } from '../source/warc.ts'
import { createFingerprint, hexOf } from '../url/fingerprint.ts'
import { AcceptedItems, openAccepted } from './accepted-items.ts'
import { archiveReader } from './archive-reader.ts'
import { ExtractRuns } from './extract-runs.ts'
import { readStored, writeStored } from './folder.ts'
import type { StoredJob } from './folder.ts'
import { ItemDiff } from './item-diff.ts'
import { closeEach, openEach, openSinks } from './open-backend.ts'
import { openPool } from './open-pool.ts'
import { resolveOptions } from './options.ts'
import type { OptionLayer } from './options.ts'
import { latestPages, type IndexedPage } from './latest-pages.ts'
import { pageInput, withoutFolder } from './page-input.ts'

export interface ReExtractInit {
  /** A job folder alone, or folders of WARC files and WARC files. */
  readonly subjects: readonly string[]
  /** Extractor modules to run. */
  readonly modules: readonly string[]
  /** Options that matter here: `workers`, `extractTimeout`, `workerMemory`, `out`. */
  readonly layer: OptionLayer
  readonly cwd: string
  /**
   * Write the items: to `out`, else to the outputs of the job, which then keeps the modules as its extractors.
   */
  readonly accept: boolean
}

/** One way in which the extractor failed. */
export interface FailureReport extends ExtractFailure {
  /** Pages it cost. */
  count: number
  /** The first of them. */
  readonly url: string
}

export interface ReExtraction {
  readonly pages: number
  /** Pages that could not be had from their records, with the first of them. */
  readonly unreadable: number
  readonly firstUnreadable: Unreadable | undefined
  /** Where files could not be read to their end. */
  readonly breaks: readonly ArchiveBreak[]
  /** False: a file could not be read to its end. A job may be killed or at work, so the end of its archive may be torn. */
  readonly isWhole: boolean
  readonly figures: ExtractionFigures
  /** Different failures, most frequent first; what comes beyond `FAILURES` is counted in the figures only. */
  readonly failures: readonly FailureReport[]
  /** False: archives without a job. */
  readonly isJob: boolean
  /** Against the job's own extractors; undefined where it has none. */
  readonly diff: ItemDiff | undefined
  /** Where items were written. */
  readonly outputs: readonly string[]
  /** Extractors that the job had and has now; undefined: it keeps those it has. */
  readonly extractors: { readonly before: readonly string[]; readonly now: readonly string[] } | undefined
  /** What the outputs said. */
  readonly warnings: readonly string[]
  readonly ms: number
}

interface Unreadable {
  readonly url: string
  readonly reason: string
}

/** Different failures kept. */
const FAILURES = 100
/** Items written together. */
const BATCH = 64

/** Throws `SluiceError`: no archive, a module that cannot be loaded, an output that is there already. */
export async function reExtract(init: ReExtractInit): Promise<ReExtraction> {
  const { subjects, cwd, accept } = init
  const subject = subjects[0] as string
  const clock = systemClock()
  const started = clock.now()
  const stored = existsSync(join(subject, 'config.json')) ? readStored(subject) : undefined
  const archive = openArchive(stored === undefined ? subjects : archiveOf(subject))
  const places = archive.isIndexed ? latestPages(archive.files) : undefined
  const before = stored?.options['extract']
  const modules = init.modules.map((path) => resolve(cwd, path))
  const pool = await poolOf(init, init.modules, cwd, archive)
  const old = Array.isArray(before) ? await poolOf(init, before as string[], stored?.cwd ?? cwd, archive) : undefined
  const report = new ExtractionReport(undefined)
  const warnings: string[] = []
  const output = accept ? await openOutput(init, stored, pool, report, warnings) : undefined
  const failures = new Map<string, FailureReport>()
  const diff = old === undefined ? undefined : new ItemDiff()
  let isWritten = false
  let pages = 0
  let unreadable = 0
  let firstUnreadable: Unreadable | undefined
  const lost = (page: Unreadable | undefined): void => {
    unreadable++
    firstUnreadable ??= page
  }
  const answered = ({ id, url }: Pick<StoredPage, 'id' | 'url'>, now: Extraction, previous?: Extraction): void => {
    if (!now.matched) {
      output?.add(url, [], id)
      return
    }
    pages++
    report.add(url, now)
    if (now.failure !== undefined) note(failures, withoutFolder(now.failure, cwd), url)
    if (previous !== undefined) diff?.compare(url, previous, now)
    if (now.failure === undefined) output?.add(url, now.items, id)
  }
  try {
    const runs = new ExtractRuns(pool, old, answered)
    const unwanted = (id: string, url: string): void => output?.add(url, [], id)
    const found = places === undefined ? scanned(archive, pool, lost, unwanted) : indexed(places, pool, unwanted)
    for await (const page of found) {
      runs.start(page)
      await output?.flush()
      await runs.room()
    }
    await runs.end()
    await output?.flush(true)
    isWritten = true
    await output?.close()
  } finally {
    if (!isWritten) await output?.close().catch(() => undefined)
    await pool.close()
    await old?.close()
    archive.close()
  }
  const outputs = output?.outputs ?? []
  const extractors =
    output instanceof AcceptedItems && stored !== undefined ? keepExtractors(subject, stored, modules) : undefined
  const { breaks } = archive
  return {
    pages,
    unreadable,
    firstUnreadable,
    breaks,
    isWhole: breaks.every(({ kind }) => stored !== undefined && kind === 'torn'),
    isJob: stored !== undefined,
    figures: report.figures,
    failures: [...failures.values()].toSorted((a, b) => b.count - a.count),
    diff,
    outputs,
    extractors,
    warnings,
    ms: clock.now() - started,
  }
}

/** One mistake mostly costs many pages. */
function note(failures: Map<string, FailureReport>, failure: ExtractFailure, url: string): void {
  const kind = `${failure.code}\n${failure.message}\n${failure.frame ?? ''}`
  const known = failures.get(kind)
  if (known !== undefined) known.count++
  else if (failures.size < FAILURES) failures.set(kind, { ...failure, count: 1, url })
}

function archiveOf(folder: string): string {
  const path = join(folder, 'archive')
  if (!existsSync(path)) {
    throw new SluiceError('INPUT_UNREADABLE', `${folder} has no archive`, {
      hint: 'a job keeps its pages with --store; run it once more with that',
    })
  }
  return path
}

async function poolOf(
  init: ReExtractInit,
  modules: readonly string[],
  cwd: string,
  archive: Archive,
): Promise<StoredPagePool> {
  const options = resolveOptions([init.layer, { origin: 'flag', values: { extract: modules, out: undefined } }])
  return (await openPool(options, cwd, systemClock(), archiveReader(archive.files))) as StoredPagePool
}

/** Where the items of pages go. */
interface Output {
  /** For people. */
  readonly outputs: readonly string[]
  /** What a page gives; none: nothing, whatever it gave before. @param url that answered */
  add(url: string, items: Extraction['items'], id: string): void
  flush(isEnd?: boolean): Promise<void>
  close(): Promise<void>
}

async function openOutput(
  init: ReExtractInit,
  stored: StoredJob | undefined,
  pool: StoredPagePool,
  report: ExtractionReport,
  warnings: string[],
): Promise<Output> {
  const given = init.layer.values['out'] as string[] | undefined
  const refuse = (one: RefusedItem): void => report.refuse(one)
  if (given !== undefined) return openOwnOutput(init, given, stored, pool, refuse)
  if (stored === undefined) {
    throw new SluiceError('OPTION_INVALID', 'items of an archive without a job need a place', {
      hint: 'give -o items.ndjson',
    })
  }
  return openAccepted({
    folder: init.subjects[0] as string,
    stored,
    modules: init.modules.map((path) => resolve(init.cwd, path)),
    pool,
    clock: systemClock(),
    refuse,
    warn: (message) => warnings.push(message),
  })
}

/** New files, or tables in which every extraction has rows of its own. */
async function openOwnOutput(
  init: ReExtractInit,
  given: readonly string[],
  stored: StoredJob | undefined,
  pool: StoredPagePool,
  refuse: (one: RefusedItem) => void,
): Promise<Output> {
  for (const path of given) {
    const file = resolve(init.cwd, path)
    if (existsSync(file) && statSync(file).size > 0) {
      throw new SluiceError('OPTION_INVALID', `${path} is there already`, { hint: 'name a new file' })
    }
  }
  const options = resolveOptions([{ origin: 'flag', values: { out: given } }])
  const { sinks, outputs } = await openSinks(options, init.cwd, undefined)
  if (stored !== undefined) await refuseOwn(sinks, stored)
  // An id of the job, or of an earlier extraction, would make their rows leftovers of a death to the sink.
  const info = { name: basename(init.subjects[0] as string), id: randomUUID(), run: 1, committedSeq: 0, columns: [] }
  await openEach(sinks, new Map(), { ...info, items: { columns: pool.columns } })
  let batch: SinkRecord[] = []
  let seq = 0
  return {
    outputs,
    add(url, items, id) {
      if (items.length > 0) batch.push(recordOf(id, url, items, ++seq))
    },
    async flush(isEnd = false) {
      if (batch.length === 0 || (!isEnd && batch.length < BATCH)) return
      const full = batch
      batch = []
      const refusals = new Refusals()
      for (const sink of sinks) {
        await sink.write(full)
        refusals.take(sink)
      }
      for (const one of refusals.all()) refuse(one)
    },
    close: () => closeEach(sinks),
  }
}

function keepExtractors(folder: string, stored: StoredJob, modules: readonly string[]): ReExtraction['extractors'] {
  const before = (stored.options['extract'] as readonly string[] | undefined) ?? []
  const inJob = (path: string): string => resolve(stored.cwd, path)
  if (before.length === modules.length && before.every((path, i) => inJob(path) === modules[i])) return undefined
  writeStored(folder, { ...stored, options: { ...stored.options, extract: modules } })
  return { before, now: modules }
}

/** The job goes on writing its own outputs: what is extracted beside it has no place in them. */
async function refuseOwn(sinks: readonly Sink[], { options, cwd }: StoredJob): Promise<void> {
  const out = options['out']
  if (!Array.isArray(out) || out.length === 0) return
  const own = await openSinks(resolveOptions([{ origin: 'flag', values: { out } }]), cwd, undefined)
  const names = new Set(own.sinks.map(({ name }) => placeOf(name)))
  const taken = sinks.find(({ name }) => names.has(placeOf(name)))
  if (taken === undefined) return
  throw new SluiceError('OPTION_INVALID', `${taken.name} is an output of the job itself`, {
    hint: 'name another table or collection, or a new file',
  })
}

/** Items go to the table `items` also where none is named. */
function placeOf(name: string): string {
  return name.replace(/#items$/, '')
}

/** By the indexes: threads read the pages themselves. What no extractor can want is not read at all. */
async function* indexed(
  places: readonly IndexedPage[],
  pool: ExtractorPool,
  unwanted: (id: string, url: string) => void,
): AsyncGenerator<StoredPage, undefined> {
  const fingerprint = await createFingerprint(0n)
  for (const { url, mime, place } of places) {
    // An index may name something that is no type: `unk`, `warc/revisit`.
    const id = hexOf(fingerprint.of(url))
    if (mime !== undefined && !pool.wants(url, mime, undefined)) unwanted(id, url)
    else yield { id, url, place }
  }
}

/** Without indexes, or with those of others: the archive lists its answers itself. */
async function* scanned(
  archive: Archive,
  pool: ExtractorPool,
  lost: (page: Unreadable | undefined) => void,
  unwanted: (id: string, url: string) => void,
): AsyncGenerator<PageInput, undefined> {
  const fingerprint = await createFingerprint(0n)
  for await (const capture of archive.captures('latest')) {
    const page = await archive.read(capture)
    if (page === undefined || page.problem !== undefined) {
      lost(page === undefined ? undefined : { url: page.url, reason: page.problem ?? '' })
      continue
    }
    const input = pageInput(page, hexOf(fingerprint.of(page.url)))
    if (pool.wants(input.url, input.contentType, undefined)) yield input
    else unwanted(input.id, input.url)
  }
}

function recordOf(id: string, url: string, items: Extraction['items'], seq: number): SinkRecord {
  const t = new Date(0).toISOString()
  const record = { url, outcome: 'ok', depth: 0, attempt: 1, t, run: 1, seq } as const
  return { record, json: JSON.stringify(record), dedupeKey: id, items, body: new Uint8Array(0) }
}
