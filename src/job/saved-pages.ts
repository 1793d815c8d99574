/**
 * Pages kept beside an extractor, with the items it gave: `product.ts` has them in `product.pages/`, two files a page that
 * people read and version control compares line by line.
 *
 * - `NAME.http`: the answer: status line, headers, an empty line, the body. Bytes of the body as extractors see them.
 * - `NAME.items.json`: what is expected: the URL, the items, their keys, the links to follow.
 *
 * Headers that are not true of the stored body are left out, and so are cookies: they are somebody's session.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Extraction } from '../extract/extraction.ts'
import { SluiceError } from '../model/errors.ts'
import { readHttpHead } from '../warc/http-block.ts'
import { writeWhole } from './whole-file.ts'
import type { Answer } from './page-input.ts'

export interface SavedAnswer extends Answer {
  readonly statusText: string
}

export interface SavedPage {
  /** Of both files, without their endings. */
  readonly name: string
  readonly answer: SavedAnswer
  readonly expected: Expectation
}

/** What an extractor gave, as it is kept. */
export interface Expectation {
  readonly items: readonly unknown[]
  /** Of each item in order; undefined where the extractor has no `key`. */
  readonly keys: readonly string[] | undefined
  /** URLs by label, '' for none; each once. */
  readonly follows: Readonly<Record<string, readonly string[]>>
}

const ANSWER = '.http'
const ITEMS = '.items.json'
const FORMAT = 1
/** Longer names are cut: paths of some systems end at 260 characters. */
const LONGEST_NAME = 80
/** About the connection, the coding and the session, not about the page. */
const LEFT_OUT =
  /^(?:connection|keep-alive|proxy-.*|trailer|transfer-encoding|upgrade|content-encoding|content-length|set-cookie2?)$/i
/** Line ends belong to the page: version control must not change them. */
const ATTRIBUTES = `*${ANSWER} -text\n`

/** Folder of the pages of an extractor: `product.ts` → `product.pages`. @param file path of the module */
export function pagesFolder(file: string): string {
  return `${file.replace(/\.[cm]?[jt]s$/, '')}.pages`
}

/**
 * By name; none where there is no folder.
 *
 * @throws {SluiceError} INPUT_UNREADABLE for a file that is damaged or has lost its twin.
 */
export function readPages(folder: string): SavedPage[] {
  return namesIn(folder).map((name) => readPage(folder, name))
}

/** Keeps an answer and what is expected of it; a page of the same URL and label is replaced. Returns its name. */
export function savePage(folder: string, answer: SavedAnswer, extraction: Extraction): string {
  const name = nameFor(folder, answer)
  mkdirSync(folder, { recursive: true })
  const attributes = join(folder, '.gitattributes')
  if (!existsSync(attributes)) writeWhole(attributes, ATTRIBUTES)
  writeWhole(join(folder, name + ANSWER), Buffer.concat([headOf(answer), answer.body]))
  saveExpectation(folder, { name, answer }, extraction)
  return name
}

/** Takes what an extractor gives now as what is expected. */
export function saveExpectation(
  folder: string,
  { name, answer }: Pick<SavedPage, 'name' | 'answer'>,
  extraction: Extraction,
): void {
  const { items, keys, follows } = expectationOf(extraction)
  const { url, final, label, depth = 0, input } = answer
  const kept = {
    v: FORMAT,
    url,
    ...(final === undefined ? {} : { final }),
    ...(label === undefined ? {} : { label }),
    ...(depth === 0 ? {} : { depth }),
    ...(input === undefined ? {} : { input }),
    items,
    ...(keys === undefined ? {} : { keys }),
    ...(Object.keys(follows).length === 0 ? {} : { follows }),
  }
  writeWhole(join(folder, name + ITEMS), `${JSON.stringify(kept, null, 2)}\n`)
}

export function expectationOf({ items, links }: Extraction): Expectation {
  const follows: Record<string, string[]> = {}
  for (const { url, label = '' } of links) {
    const urls = (follows[label] ??= [])
    if (!urls.includes(url)) urls.push(url)
  }
  return {
    items: items.map(({ json }) => JSON.parse(json) as unknown),
    keys: items.some(({ key }) => key !== undefined) ? items.map(({ key = '' }) => key) : undefined,
    follows,
  }
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => file.endsWith(ANSWER))
    .map((file) => file.slice(0, -ANSWER.length))
    .toSorted()
}

function readPage(folder: string, name: string): SavedPage {
  const path = join(folder, name + ANSWER)
  const bytes = readFileSync(path)
  const head = readHttpHead(bytes)
  if (head === undefined || head.status === 0) throw damaged(path, 'it does not begin with a status line')
  const { url, final, label, depth, input, ...expected } = readExpectation(join(folder, name + ITEMS))
  const { status, statusText, headers: rawHeaders, length } = head
  // A buffer of its own: the page is handed to another thread.
  const body = new Uint8Array(bytes.subarray(length))
  return { name, answer: { url, final, label, depth, input, status, statusText, rawHeaders, body }, expected }
}

function readExpectation(path: string): Expectation & Pick<Answer, 'url' | 'final' | 'label' | 'depth' | 'input'> {
  let value: Partial<Record<string, unknown>> | null
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as typeof value
  } catch (cause) {
    throw damaged(path, (cause as Error).message, cause)
  }
  const { v, url, final, label, depth, input, items, keys, follows = {} } = value ?? {}
  if (v !== FORMAT) throw damaged(path, `"v" is not ${FORMAT}: it is not of this version of Sluice`)
  if (typeof url !== 'string' || !URL.canParse(url)) throw damaged(path, '"url" is not a URL')
  if (final !== undefined && !(typeof final === 'string' && URL.canParse(final))) {
    throw damaged(path, '"final" is not a URL')
  }
  if (label !== undefined && typeof label !== 'string') throw damaged(path, '"label" is not a text')
  if (depth !== undefined && !(Number.isSafeInteger(depth) && Number(depth) >= 0)) {
    throw damaged(path, '"depth" is not a whole number from 0')
  }
  if (input !== undefined && !isRow(input)) throw damaged(path, '"input" is not an object of texts and numbers')
  if (!Array.isArray(items)) throw damaged(path, '"items" is not a list')
  if (keys !== undefined && !(isTexts(keys) && keys.length === items.length)) {
    throw damaged(path, '"keys" is not a list with a text for each item')
  }
  if (typeof follows !== 'object' || follows === null || !Object.values(follows).every(isTexts)) {
    throw damaged(path, '"follows" is not an object of lists of URLs')
  }
  const facts = { url, final, label, depth: depth as number | undefined, input }
  return { ...facts, items, keys, follows: follows as Expectation['follows'] }
}

/** Columns of an input row. */
export function isRow(value: unknown): value is Readonly<Record<string, string | number>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((cell) => typeof cell === 'string' || typeof cell === 'number')
  )
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function damaged(path: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `cannot read ${path}: ${why}`, {
    hint: 'get it back from version control, or delete the page and save it again with --record URL',
    ...(cause === undefined ? {} : { cause }),
  })
}

function headOf({ status, statusText, rawHeaders }: SavedAnswer): Buffer {
  const lines = [`HTTP/1.1 ${status} ${statusText}`.trimEnd()]
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (!LEFT_OUT.test(name)) lines.push(`${name}: ${rawHeaders[i + 1]}`)
  }
  return Buffer.from(`${lines.map((line) => line.replaceAll(/[\r\n\0]+/g, ' ')).join('\n')}\n\n`, 'latin1')
}

/** From the path of the URL, so that people find it; with a digest where that is not enough. */
function nameFor(folder: string, { url, label }: Answer): string {
  const known = new Map(namesIn(folder).map((name) => [name, readExpectation(join(folder, name + ITEMS))]))
  for (const [name, page] of known) if (page.url === url && page.label === label) return name
  const { pathname, search } = new URL(url)
  const words = (pathname + search)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  const plain = words === '' ? 'index' : words
  if (plain.length <= LONGEST_NAME && !known.has(plain)) return plain
  const digest = createHash('sha256')
    .update(`${url}\n${label ?? ''}`)
    .digest('hex')
  return `${plain.slice(0, LONGEST_NAME)}-${digest.slice(0, 8)}`
}
