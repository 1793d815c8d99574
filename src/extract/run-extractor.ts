/**
 * Loads a user's extractor module and runs it over one page. Whatever the module does, short of never ending and of
 * ending the process, becomes part of the answer; time, memory and threads are the pool's.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SluiceError } from '../model/errors.ts'
import { defineExtractor } from './define.ts'
import type { Extractor } from './define.ts'
import { codeFrame, describeThrown, syntaxFrame } from './run-extractor-frame.ts'
import type { ExtractedItem, Extraction, FollowedLink, ItemIssue, PageInput } from './extraction.ts'
import { itemJson, shownJson } from './item-json.ts'
import { ExtractPage } from './page.ts'
import { validateItem } from './schema.ts'
import { importDefault } from './user-module.ts'

/**
 * Extractors of a module: its default export, one or a list; plain objects of the same fields do as well. Of a job file:
 * those in its options.
 *
 * @param specifier Path (relative to the working directory) or `file:` URL.
 * @throws {SluiceError} INPUT_UNREADABLE where there is no such file, OPTION_INVALID where it cannot be used.
 */
export async function loadExtractor(specifier: string): Promise<readonly Extractor[]> {
  const path = specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(specifier)
  if (!existsSync(path)) {
    throw new SluiceError('INPUT_UNREADABLE', `there is no extractor ${JSON.stringify(specifier)} (${path})`, {
      hint: 'check the path',
    })
  }
  let exported: unknown
  try {
    exported = await importDefault(pathToFileURL(path).href)
  } catch (cause) {
    throw new SluiceError('OPTION_INVALID', `${path}: ${describeThrown(cause)}${placeOf(cause, path)}`, {
      hint: loadHint(cause),
      cause,
    })
  }
  const list = extractorsIn(exported)
  if (list.length === 0 || list.some((one) => typeof one !== 'object' || one === null)) {
    throw new SluiceError('OPTION_INVALID', `${path}: its default export is not an extractor`, {
      hint: 'export default defineExtractor({ *extract(page) { yield { title: page.title } } })',
    })
  }
  return list.map((one) => (isExtractor(one) ? one : definePlain(one as object, path)))
}

/** Of a job file: those that are written into its option `extract`; paths there are modules of their own. */
function extractorsIn(exported: unknown): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(exported) ? exported : [exported]
  const [first] = list as readonly ({ readonly extract?: unknown } | null | undefined)[]
  const given = first?.extract
  if (list.length !== 1 || typeof given !== 'object' || given === null) return list
  return (Array.isArray(given) ? (given as unknown[]) : [given]).filter((one) => typeof one === 'object')
}

function isExtractor(value: unknown): value is Extractor {
  const { extract, wants } = value as Partial<Extractor>
  return typeof extract === 'function' && typeof wants === 'function'
}

/** For modules that cannot import the package: a command that is installed elsewhere runs them. */
function definePlain(value: object, path: string): Extractor {
  try {
    return defineExtractor(value as Parameters<typeof defineExtractor>[0]) as Extractor
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    throw new SluiceError(error.code, `${path}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    })
  }
}

function placeOf(error: unknown, path: string): string {
  const frame = syntaxFrame(error, path)
  return frame === undefined ? '' : `\n${frame}`
}

function loadHint(error: unknown): string {
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    message?: unknown
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'only TypeScript that can be erased works: no enum, namespace or parameter properties'
  }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return 'an extractor is a .ts, .mts, .js or .mjs file'
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return String(message).includes("'sluice'")
      ? 'install sluice beside the file, or export a plain object: export default { *extract(page) { … } }'
      : 'install what it imports, or check the path'
  }
  return 'see the cause, mend the file and run the same command again'
}

/**
 * Runs all extractors that want the page, one after the other; never rejects. A failure (`EXTRACT_THREW`, or
 * `EXTRACT_TIMEOUT` of a regular expression) drops the items and links of the whole page.
 *
 * @param now Milliseconds for `ms`; without it `ms` is 0.
 */
export async function runExtractor(
  extractors: readonly Extractor[],
  input: PageInput,
  now: () => number = () => 0,
): Promise<Extraction> {
  const start = now()
  const run = new PageRun(input)
  try {
    const wanted = extractors.filter(({ wants }) => wants(input.final, input.contentType, input.label))
    if (wanted.length === 0) return { ...NOTHING, ms: now() - start, matched: false }
    for (const extractor of wanted) await run.extract(extractor)
  } catch (error) {
    // A regular expression that was stopped: its time is up, not that of the thread.
    const isTime = error instanceof SluiceError && error.code === 'EXTRACT_TIMEOUT'
    const code = isTime ? 'EXTRACT_TIMEOUT' : 'EXTRACT_THREW'
    const failure = { code, message: describeThrown(error), frame: codeFrame(error) } as const
    return { ...NOTHING, failure, ms: now() - start, matched: true }
  }
  const { items, links, issues } = run
  return { items, links, issues, failure: undefined, ms: now() - start, matched: true }
}

const NOTHING: Omit<Extraction, 'ms' | 'matched'> = { items: [], links: [], issues: [], failure: undefined }

/** What the extractors of one page have given so far. */
class PageRun {
  readonly items: ExtractedItem[] = []
  readonly links: FollowedLink[] = []
  readonly issues: ItemIssue[] = []
  readonly #page: ExtractPage
  #position = 0

  constructor(input: PageInput) {
    this.#page = new ExtractPage(input, this.links)
  }

  async extract(extractor: Extractor): Promise<void> {
    const given: unknown = await extractor.extract(this.#page)
    if (given === undefined || given === null) return
    if (typeof given === 'object' && (Symbol.asyncIterator in given || Symbol.iterator in given)) {
      for await (const item of given as AsyncIterable<unknown> | Iterable<unknown>) await this.#take(extractor, item)
    } else await this.#take(extractor, given)
  }

  async #take(extractor: Extractor, item: unknown): Promise<void> {
    const position = this.#position++
    let value = item
    if (extractor.schema !== undefined) {
      const validated = await validateItem(extractor.schema, item)
      if (validated.issues !== undefined) {
        for (const issue of validated.issues) this.issues.push({ position, ...issue })
        return
      }
      value = validated.value
    }
    const complain = (path: string, message: string, about: unknown): void => {
      this.issues.push({ position, path, message, value: shownJson(about) })
    }
    const written = itemJson(value)
    if ('problem' in written) {
      complain(written.problem.path, written.problem.message, written.problem.value)
      return
    }
    if (!written.json.startsWith('{')) {
      const hint = Array.isArray(value) ? ', not an array (yield* gives each of its items)' : ''
      complain('', `an item is an object with named fields${hint}`, value)
      return
    }
    const key: unknown = extractor.key?.(value)
    if (extractor.key !== undefined && (typeof key !== 'string' || key === '')) {
      complain('', 'key gave no text for this item', key)
      return
    }
    this.items.push({ json: written.json, position, key: key as string | undefined })
  }
}
