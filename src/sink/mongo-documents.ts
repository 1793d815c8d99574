/**
 * What a batch becomes in MongoDB: the documents that are there when it is stored, by key. Knows no driver.
 *
 *     { _id: "<job>:<key>", <fields>, _more?, _key, _url, _run, _seq, _page, _job }
 *
 * `_more` takes, as JSON, the fields that BSON or a server cannot take as they are: names that are empty, begin with `$`
 * or hold `.` or NUL (also inside of a value), values that are nested too deep, and names that are the sink's own.
 */
import { type Fields, fieldsOf, itemKey, MORE } from './item-fields.ts'
import type { SinkRecord } from './sink.ts'
import { type Origin, originOf } from './sql/rows.ts'

export interface StoredDocument {
  readonly _id: string
  readonly _key: string
  readonly _url: string
  readonly _run: number
  readonly _seq: number
  readonly _page: string
  readonly _job: string
  readonly [field: string]: unknown
}

/** A page that was visited: what it gave before `seq` and does not give any more is to go. */
export interface Visit {
  readonly page: string
  readonly seq: number
}

export interface Changes {
  /** The last of each key. */
  readonly documents: readonly StoredDocument[]
  /** The last of each page; none where the documents are page records. */
  readonly visits: readonly Visit[]
}

const OWN: ReadonlySet<string> = new Set(['_id', '_key', '_url', '_run', '_seq', '_page', '_job', MORE])
/** The server takes 100 levels (docs.mongodb.com/manual/reference/limits). */
const DEEPEST = 90

export function changesOf(batch: readonly SinkRecord[], job: string, hasItems: boolean): Changes {
  const documents = new Map<string, StoredDocument>()
  const visits = new Map<string, Visit>()
  for (const page of batch) {
    const { dedupeKey, record, json, items } = page
    if (!hasItems) documents.set(dedupeKey, documentOf(fieldsOf(json), page, dedupeKey, job))
    if (!hasItems || items === undefined) continue
    visits.set(dedupeKey, { page: dedupeKey, seq: record.seq })
    for (const item of items) {
      const key = itemKey(page, item)
      documents.set(key, documentOf(fieldsOf(item.json), page, key, job))
    }
  }
  for (const [key, { _page, _seq }] of documents) {
    // An earlier visit in this very batch gave it, and a later one does not.
    if ((visits.get(_page)?.seq ?? _seq) > _seq) documents.delete(key)
  }
  return { documents: [...documents.values()], visits: [...visits.values()] }
}

/** What a document of the batch was made of, for the report where the database does not take it. */
export function sourceOf({ _key, _url, _seq }: StoredDocument, batch: readonly SinkRecord[]): Origin {
  const page = batch.find(({ record }) => record.seq === _seq)
  const item = page?.items?.findLast((one) => itemKey(page, one) === _key)
  return originOf({ url: _url, seq: _seq }, item?.position ?? 0, item?.json ?? page?.json ?? '')
}

function documentOf(fields: Fields, { record, dedupeKey }: SinkRecord, key: string, job: string): StoredDocument {
  const taken: [string, unknown][] = []
  const more: [string, unknown][] = []
  for (const [name, value] of Object.entries(fields)) {
    if (!OWN.has(name) && isName(name) && fits(value, 1)) taken.push([name, value])
    else more.push([name, value])
  }
  // `fromEntries` defines own properties: a field called `__proto__` is a field like any other.
  const rest = more.length === 0 ? [] : [[MORE, JSON.stringify(Object.fromEntries(more))] as const]
  return Object.fromEntries([
    ['_id', `${job}:${key}`],
    ...taken,
    ...rest,
    ['_key', key],
    ['_url', record.url],
    ['_run', record.run],
    ['_seq', record.seq],
    ['_page', dedupeKey],
    ['_job', job],
  ]) as unknown as StoredDocument
}

function isName(name: string): boolean {
  return name !== '' && !name.startsWith('$') && !/[.\0]/.test(name)
}

function fits(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth > DEEPEST) return false
  if (Array.isArray(value)) return value.every((inner) => fits(inner, depth + 1))
  return Object.entries(value).every(([name, inner]) => isName(name) && fits(inner, depth + 1))
}
