/**
 * What a user writes: an extractor says which pages it wants and yields items from them. Holds the types of that module
 * and decides about pages by URL, content type and label alone; running one is run-extractor's.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import { compileGlob } from '../url/glob.ts'
import { compilePatterns } from '../url/pattern.ts'
import type { ExtractPage } from './page.ts'

/** Patterns of URLs as in `--include`: `/c/*` covers path and query, `*.example.com/c/**` the host too, a RegExp the URL. */
export type UrlMatch = string | RegExp

/** All given conditions must hold; of a list one must. */
export interface PageMatch {
  readonly url?: UrlMatch | readonly UrlMatch[]
  /** MIME essence, `*` for any run without a slash: `application/json`, `image/*`. */
  readonly type?: string | readonly string[]
  /** Label that `follow` gave the link. */
  readonly label?: string | readonly string[]
}

/** Which pages an extractor wants; of a list one entry must hold. Without it: every page. */
export type Match = UrlMatch | PageMatch | readonly (UrlMatch | PageMatch)[]

/** What `extract` may give back: items one by one, all at once, a single one, or none; at once or later. */
export type Extracted<Item> =
  | Iterable<Item>
  | AsyncIterable<Item>
  | Promise<Iterable<Item> | Item | undefined | void>
  | Item
  | undefined
  | void

export interface Extractor<Item = unknown> {
  readonly match: Match | undefined
  /** Validates each item; its output is what is stored. Undefined: items are stored as they come. */
  readonly schema: StandardSchemaV1<unknown, Item> | undefined
  /** Identity of an item over pages and runs; undefined: the page and the item's position are it. */
  key?(item: Item): string
  extract(page: ExtractPage): Extracted<unknown>
  /** @param url URL that answered. @param contentType MIME essence. */
  wants(url: string, contentType: string, label: string | undefined): boolean
}

/** Type of the items of an extractor or of a module's list of them. */
export type ItemOf<E> =
  E extends Extractor<infer Item> ? Item : E extends readonly Extractor<infer Item>[] ? Item : never

type AnySchema = StandardSchemaV1<never, unknown> | StandardSchemaV1

/** Items in what `extract` gives back. */
type Yielded<R> =
  Awaited<R> extends infer Given
    ? Given extends string
      ? never
      : Given extends Iterable<infer Item> | AsyncIterable<infer Item>
        ? Awaited<Item>
        : Exclude<Given, undefined | void>
    : never

/** With a schema: `extract` may yield anything, the schema decides and names the type of the items. */
export interface SchemaDefinition<S extends AnySchema> {
  readonly match?: Match
  readonly schema: S
  key?(item: StandardSchemaV1.InferOutput<S>): string
  extract(page: ExtractPage): Extracted<unknown>
}

/** Without one: the items have the type of what `extract` yields. Write `key` below `extract` to have its item typed. */
export interface PlainDefinition<R> {
  readonly match?: Match
  readonly schema?: undefined
  extract(page: ExtractPage): R
  key?(item: Yielded<R>): string
}

const FIELDS = ['match', 'schema', 'key', 'extract']
const CONDITIONS = ['url', 'type', 'label']

/**
 * Types and checks an extractor; the default export of an extractor module.
 *
 * @throws {SluiceError} OPTION_UNKNOWN for a field that does not exist, OPTION_INVALID for one that cannot be used.
 */
export function defineExtractor<S extends AnySchema>(
  definition: SchemaDefinition<S>,
): Extractor<StandardSchemaV1.InferOutput<S>>
export function defineExtractor<R>(definition: PlainDefinition<R>): Extractor<Yielded<R>>
export function defineExtractor(definition: SchemaDefinition<StandardSchemaV1> | PlainDefinition<unknown>): Extractor {
  checkNames(definition, FIELDS, 'defineExtractor')
  const { match, schema, key, extract } = definition
  if (typeof extract !== 'function') {
    throw invalid('extract is not a function', 'write *extract(page) { yield { title: page.title } }')
  }
  if (schema !== undefined && typeof (schema as Partial<StandardSchemaV1>)['~standard']?.validate !== 'function') {
    throw invalid('schema is not a Standard Schema', 'give a schema of zod 3.24 or later, valibot, arktype …')
  }
  if (key !== undefined && typeof key !== 'function') throw invalid('key is not a function', 'key: (item) => item.id')
  return Object.freeze({
    match,
    schema,
    ...(key === undefined ? {} : { key: (item: unknown) => (key as (item: unknown) => string).call(definition, item) }),
    extract: (page: ExtractPage) => extract.call(definition, page) as Extracted<unknown>,
    wants: compileMatch(match),
  })
}

/** Whether any of them wants the page: asked before its body is handed over. */
export function wantsPage(
  extractors: readonly Extractor[],
  url: string,
  contentType: string,
  label: string | undefined,
): boolean {
  return extractors.some((extractor) => extractor.wants(url, contentType, label))
}

function compileMatch(match: Match | undefined): Extractor['wants'] {
  if (match === undefined) return () => true
  const list = listOf(match)
  const tests = list.map((one) => compilePageMatch(isUrlMatch(one) ? { url: one } : one))
  if (tests.length === 0) throw invalid('match is an empty list', 'leave it out to take every page')
  return (url, contentType, label) => tests.some((test) => test(url, contentType, label))
}

function compilePageMatch(match: PageMatch): Extractor['wants'] {
  if (typeof match !== 'object' || match === null) {
    throw invalid(
      `match: ${String(match)} is neither a pattern nor an object`,
      "match: '/c/*' or { type: 'text/html' }",
    )
  }
  checkNames(match, CONDITIONS, 'match')
  const urls = match.url === undefined ? undefined : compilePatterns(listOf(match.url))
  const types = textsOf(match.type, 'type')?.map((type) => compileGlob(type.trim().toLowerCase()))
  const labels = textsOf(match.label, 'label')
  return (url, contentType, label) =>
    (urls === undefined || urls.match(url) !== undefined) &&
    (types === undefined || types.some((test) => test(contentType))) &&
    (labels === undefined || (label !== undefined && labels.includes(label)))
}

function textsOf(value: string | readonly string[] | undefined, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined
  const texts = listOf(value)
  if (texts.some((text) => typeof text !== 'string')) throw invalid(`match.${name} is not a text or a list of texts`)
  return texts
}

function isUrlMatch(value: unknown): value is UrlMatch {
  return typeof value === 'string' || value instanceof RegExp
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}

function checkNames(given: object, known: readonly string[], place: string): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    throw new SluiceError('OPTION_UNKNOWN', `${place}: there is no ${JSON.stringify(name)}`, {
      hint: near === undefined ? `it has ${known.join(', ')}` : `did you mean ${near}?`,
    })
  }
}

function invalid(message: string, hint?: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `defineExtractor: ${message}`, hint === undefined ? {} : { hint })
}
