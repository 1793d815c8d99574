/**
 * Extractors against pages that were saved beside them: what each gives now and what it gave when somebody said that it
 * was right. No request is made but the one of `recordPage`, which goes through a job like any other.
 */
import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../engine/clock.ts'
import type { Extraction, ExtractFailure, ExtractorPool, ItemIssue } from '../extract/extraction.ts'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'
import { fetchOne } from './fetch-one.ts'
import { ItemDiff } from './item-diff.ts'
import type { FieldDiff } from './item-diff.ts'
import { modulesOf, openPool } from './open-pool.ts'
import type { GivenExtractor } from './open-pool.ts'
import { replaceOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'
import { pageInput, runPage, withoutFolder } from './page-input.ts'
import { expectationOf, pagesFolder, readPages, saveExpectation, savePage } from './saved-pages.ts'
import type { Expectation, SavedAnswer } from './saved-pages.ts'

/** A file with extractors, and the folder of their pages. */
export interface ExtractorFile {
  /** Path of the file from the working directory. */
  readonly file: string
  /** Absolute. */
  readonly folder: string
  /** Absolute. */
  readonly module: string
}

/** `same`: as expected. The others do not pass; `failed` and `rejected` are so whatever was expected. */
export type PageState = 'same' | 'differs' | 'rejected' | 'failed'

export interface PageCheck {
  /** Path of the answer from the working directory. */
  readonly page: string
  readonly url: string
  readonly state: PageState
  /** False: `match` does not want the page any more. */
  readonly wanted: boolean
  readonly items: number
  /** Items against what was expected; `fields` are those that differ. */
  readonly diff: Pick<ItemDiff, 'same' | 'changed' | 'added' | 'removed'> & { readonly fields: readonly FieldDiff[] }
  /** URLs that it follows now and did not before, and the other way round. */
  readonly follows: { readonly added: readonly string[]; readonly removed: readonly string[] }
  readonly issues: readonly ItemIssue[]
  readonly failure?: ExtractFailure
  /** What it gives now is what is expected from now on. */
  readonly accepted: boolean
}

export interface ExtractorCheck {
  readonly file: string
  readonly pages: readonly PageCheck[]
  /** The file cannot be used at all. */
  readonly problem?: SluiceError
}

export interface RecordedPage extends PageCheck {
  readonly file: string
  /** Fields that another run over the same page gave otherwise: a check could never pass. */
  readonly unstable: readonly string[]
}

export interface Recording {
  readonly record: PageRecord
  /** A page for each file that wants it; empty where the URL did not end `ok`. */
  readonly pages: readonly RecordedPage[]
}

/** Files with the extractors of the options. @param config Path of the file that extractors given as functions are in. */
export function extractorFiles(options: ResolvedOptions, config: string | undefined, cwd: string): ExtractorFile[] {
  const given = options.get<GivenExtractor[]>('extract') ?? []
  const modules = modulesOf(given)
  // A job file is a module as well: in threads of its own no loop in it can hold up the check.
  const paths = modules.length < given.length ? (config === undefined ? [] : [config]) : modules.map(String)
  return paths.map((text) => {
    const path = text.startsWith('file:') ? fileURLToPath(text) : resolve(cwd, text)
    return { file: shownPath(path, cwd), folder: pagesFolder(path), module: path }
  })
}

/**
 * Runs extractors over their saved pages, the pages in the order of their names.
 *
 * @param options Limits of the threads.
 * @param accept Pages that differ and are sound become what is expected.
 */
export async function checkExtractors(
  options: ResolvedOptions,
  files: readonly ExtractorFile[],
  cwd: string,
  accept: boolean,
): Promise<ExtractorCheck[]> {
  const checks: ExtractorCheck[] = []
  for (const file of files) {
    try {
      checks.push({ file: file.file, pages: await checkFile(options, file, cwd, accept) })
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      checks.push({ file: file.file, pages: [], problem: error })
    }
  }
  return checks
}

async function checkFile(
  options: ResolvedOptions,
  { folder, module }: ExtractorFile,
  cwd: string,
  accept: boolean,
): Promise<PageCheck[]> {
  const pool = await poolOf(options, module, cwd)
  try {
    const pages = readPages(folder)
    return await Promise.all(
      pages.map(async (page) => {
        const extraction = await runPage(pool, pageInput(page.answer, page.name))
        const check = judge(pathOf(folder, page.name, cwd), page.answer.url, page.expected, extraction, cwd)
        if (!accept || check.state !== 'differs' || !check.wanted) return check
        saveExpectation(folder, page, extraction)
        return { ...check, accepted: true }
      }),
    )
  } finally {
    await pool.close()
  }
}

/**
 * Fetches one page and saves it beside each extractor that wants it, with what that one makes of it.
 *
 * @param options `seeds` holds the URL.
 * @param label What `follow` would have said of the link.
 * @throws {SluiceError} for bad options and files that cannot be loaded, before the request.
 */
export async function recordPage(
  options: ResolvedOptions,
  files: readonly ExtractorFile[],
  cwd: string,
  label: string | undefined,
): Promise<Recording> {
  const pools: { readonly file: ExtractorFile; readonly pool: ExtractorPool }[] = []
  try {
    for (const file of files) pools.push({ file, pool: await poolOf(options, file.module, cwd) })
    return await fetchOne(options, cwd, async (record, response) => {
      const pages: RecordedPage[] = []
      if (record.outcome !== 'ok' || response === undefined) return { record, pages }
      const answer = answerOf(record, response, label)
      for (const { file, pool } of pools) {
        if (!pool.wants(answer.final ?? answer.url, response.contentType, label)) continue
        const again = (): Promise<Extraction> =>
          runPage(pool, pageInput({ ...answer, body: Uint8Array.from(answer.body) }))
        const extraction = await again()
        const before = readPages(file.folder).find(
          (page) => page.answer.url === answer.url && page.answer.label === label,
        )
        const name = savePage(file.folder, answer, extraction)
        const now = expectationOf(extraction)
        const page = pathOf(file.folder, name, cwd)
        const check = judge(page, answer.url, before?.expected ?? now, extraction, cwd)
        const unstable = judge(page, answer.url, now, await again(), cwd).diff.fields.map((field) => field.name)
        pages.push({ ...check, file: file.file, unstable, accepted: true })
      }
      return { record, pages }
    })
  } finally {
    for (const { pool } of pools) await pool.close()
  }
}

/** The body of a large page lies in a file that is gone after this turn. */
function answerOf({ url, final }: PageRecord, response: Response, label: string | undefined): SavedAnswer {
  const { status, statusText, rawHeaders, body, file } = response
  return { url, final, label, status, statusText, rawHeaders, body: file === undefined ? body : readFileSync(file) }
}

async function poolOf(options: ResolvedOptions, module: string, cwd: string): Promise<ExtractorPool> {
  return (await openPool(replaceOptions(options, { extract: [module] }), cwd, systemClock())) as ExtractorPool
}

function judge(page: string, url: string, expected: Expectation, extraction: Extraction, cwd: string): PageCheck {
  const { failure, issues, matched } = extraction
  const now = expectationOf(extraction)
  const diff = new ItemDiff()
  diff.compare(url, asItems(expected), asItems(now))
  const { same, changed, added, removed } = diff
  const follows = { added: onlyIn(now.follows, expected.follows), removed: onlyIn(expected.follows, now.follows) }
  const differs = !matched || changed + added + removed + follows.added.length + follows.removed.length > 0
  return {
    page,
    url,
    state: failure !== undefined ? 'failed' : issues.length > 0 ? 'rejected' : differs ? 'differs' : 'same',
    wanted: matched,
    items: now.items.length,
    diff: {
      ...{ same, changed, added, removed },
      fields: diff.fields.filter((field) => field.changed + field.added + field.removed > 0),
    },
    follows,
    issues,
    ...(failure === undefined ? {} : { failure: withoutFolder(failure, cwd) }),
    accepted: false,
  }
}

function asItems({ items, keys }: Expectation): Pick<Extraction, 'items'> {
  return {
    items: items.map((item, position) => ({
      json: JSON.stringify(item),
      position,
      key: keys?.[position] || undefined,
    })),
  }
}

/** `label url` of links that the second does not have; a link without a label is its URL. */
function onlyIn(these: Expectation['follows'], those: Expectation['follows']): string[] {
  return Object.entries(these).flatMap(([label, urls]) =>
    urls.filter((url) => !those[label]?.includes(url)).map((url) => (label === '' ? url : `${label} ${url}`)),
  )
}

function pathOf(folder: string, name: string, cwd: string): string {
  return shownPath(join(folder, `${name}.http`), cwd)
}

/** From the working directory where it lies below it. */
function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, resolve(cwd, path))
  return short === '' || short.startsWith('..') ? path : short
}
