/**
 * Extractors over stored pages instead of the web: every page of an archive, ours or another tool's, once (its latest
 * answer), on all cores, without one request. Beside the job's own extractors it says field by field what would change;
 * only `accept` writes.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { systemClock } from '../engine/clock.ts'
import { ExtractionReport, type ExtractionFigures } from '../engine/extraction-report.ts'
import type { Extraction, ExtractorPool, PageInput } from '../extract/extraction.ts'
import { SluiceError } from '../model/errors.ts'
import type { Sink, SinkRecord } from '../sink/sink.ts'
import { type ArchiveBreak, openArchive } from '../source/warc.ts'
import { createFingerprint, hexOf } from '../url/fingerprint.ts'
import { readStored, writeStored } from './folder.ts'
import { ItemDiff } from './item-diff.ts'
import { openSinks } from './open-backend.ts'
import { openPool } from './open-pool.ts'
import { resolveOptions } from './options.ts'
import type { OptionLayer } from './options.ts'
import { pageInput, runPage } from './page-input.ts'

export interface ReExtractInit {
  /** A job folder alone, or folders of WARC files and WARC files. */
  readonly subjects: readonly string[]
  /** Extractor modules to run. */
  readonly modules: readonly string[]
  /** Options that matter here: `workers`, `extractTimeout`, `workerMemory`, `out`. */
  readonly layer: OptionLayer
  readonly cwd: string
  /** Write the items and, in a job, keep the modules as its extractors. */
  readonly accept: boolean
}

export interface ReExtraction {
  readonly pages: number
  /** Pages that could not be had from their records, with the first of them. */
  readonly unreadable: number
  readonly firstUnreadable: { readonly url: string; readonly reason: string } | undefined
  /** Where files could not be read to their end. */
  readonly breaks: readonly ArchiveBreak[]
  /** False: a file could not be read to its end. A job may be killed or at work, so the end of its archive may be torn. */
  readonly isWhole: boolean
  readonly figures: ExtractionFigures
  /** False: archives without a job. */
  readonly isJob: boolean
  /** Against the job's own extractors; undefined where it has none. */
  readonly diff: ItemDiff | undefined
  /** Where items were written. */
  readonly outputs: readonly string[]
  readonly ms: number
}

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
  const before = stored?.options['extract']
  const pool = await poolOf(init, init.modules, cwd)
  const old = Array.isArray(before) ? await poolOf(init, before as string[], stored?.cwd ?? cwd) : undefined
  const output = accept ? await openOutput(init, stored?.id, pool) : undefined
  const report = new ExtractionReport(undefined)
  const diff = old === undefined ? undefined : new ItemDiff()
  const fingerprint = await createFingerprint(0n)
  let pages = 0
  let unreadable = 0
  let firstUnreadable: ReExtraction['firstUnreadable']
  let batch: SinkRecord[] = []
  let seq = 0
  const flush = async (): Promise<void> => {
    const full = batch
    batch = []
    for (const sink of output?.sinks ?? []) if (full.length > 0) await sink.write(full)
  }
  try {
    const running = new Set<Promise<void>>()
    for await (const capture of archive.captures('latest')) {
      const page = await archive.read(capture)
      if (page === undefined || page.problem !== undefined) {
        unreadable++
        if (page?.problem !== undefined) firstUnreadable ??= { url: page.url, reason: page.problem }
        continue
      }
      const input = pageInput(page, hexOf(fingerprint.of(page.url)))
      if (!pool.wants(input.url, input.contentType, undefined)) continue
      pages++
      const work = Promise.all([runPage(pool, input), old === undefined ? undefined : runPage(old, input)]).then(
        ([extraction, previous]) => {
          report.add(input.url, extraction)
          if (previous !== undefined) diff?.compare(input.url, previous, extraction)
          if (output !== undefined && extraction.failure === undefined) batch.push(recordOf(input, extraction, ++seq))
        },
      )
      running.add(work)
      void work.finally(() => running.delete(work))
      while (Math.min(pool.room, old?.room ?? 1) <= 0) await Promise.race(running)
      if (batch.length >= BATCH) await flush()
    }
    await Promise.all(running)
    await flush()
    for (const sink of output?.sinks ?? []) await sink.close()
    output?.finish()
    if (accept && stored !== undefined) {
      writeStored(subject, {
        ...stored,
        options: { ...stored.options, extract: init.modules.map((path) => resolve(cwd, path)) },
      })
    }
  } finally {
    await pool.close()
    await old?.close()
    archive.close()
  }
  const outputs = output?.paths ?? []
  const { breaks } = archive
  return {
    pages,
    unreadable,
    firstUnreadable,
    breaks,
    isWhole: breaks.every(({ kind }) => stored !== undefined && kind === 'torn'),
    figures: report.figures,
    isJob: stored !== undefined,
    diff,
    outputs,
    ms: clock.now() - started,
  }
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

async function poolOf(init: ReExtractInit, modules: readonly string[], cwd: string): Promise<ExtractorPool> {
  const options = resolveOptions([init.layer, { origin: 'flag', values: { extract: modules, out: undefined } }])
  return (await openPool(options, cwd, systemClock())) as ExtractorPool
}

interface Output {
  readonly sinks: readonly Sink[]
  readonly paths: readonly string[]
  /** Puts what was written into its place. */
  finish(): void
}

/** `out` where it is given: new files only. Else `items.ndjson` of the job, replaced when everything is written. */
async function openOutput(init: ReExtractInit, id: string | undefined, pool: ExtractorPool): Promise<Output> {
  const given = init.layer.values['out'] as string[] | undefined
  const subject = init.subjects[0] as string
  const place = join(subject, 'items.ndjson')
  const fresh = join(subject, 'items.new.ndjson')
  if (given === undefined && id === undefined) {
    throw new SluiceError('OPTION_INVALID', 'items of an archive without a job need a place', {
      hint: 'give -o items.ndjson',
    })
  }
  for (const path of given ?? []) {
    const file = resolve(init.cwd, path)
    if (existsSync(file) && statSync(file).size > 0) {
      throw new SluiceError('OPTION_INVALID', `${path} is there already`, { hint: 'name a new file' })
    }
  }
  if (given === undefined) rmSync(fresh, { force: true })
  const options = resolveOptions([{ origin: 'flag', values: { out: given ?? [fresh] } }])
  const { sinks, outputs } = await openSinks(options, init.cwd, undefined)
  const info = { name: basename(subject), id: id ?? 'extract', run: 1, committedSeq: 0, columns: [] }
  for (const sink of sinks) await sink.open({ ...info, items: { columns: pool.columns } }, undefined)
  return {
    sinks,
    paths: given === undefined ? [place] : outputs,
    finish: () => {
      if (given === undefined) renameSync(fresh, place)
    },
  }
}

function recordOf({ id, url }: PageInput, { items }: Extraction, seq: number): SinkRecord {
  const t = new Date(0).toISOString()
  const record = { url, outcome: 'ok', depth: 0, attempt: 1, t, run: 1, seq } as const
  return { record, json: JSON.stringify(record), dedupeKey: id, items, body: new Uint8Array(0) }
}
