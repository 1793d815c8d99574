/** What kind of list a file is, by its name and its first 64 KiB. */
import { parse } from 'csv-parse/sync'
import { uniqueNames } from '../model/columns.ts'
import { SluiceError } from '../model/errors.ts'
import { textOf } from './text.ts'

/** How the rows of a table give URLs. */
export interface Table {
  readonly delimiter: string
  /** Name of each column. */
  readonly names: readonly string[]
  /** Index of the column with the URLs; -1: the rows are to fill a template. */
  readonly url: number
  /** The first row holds names, not values. */
  readonly hasHeader: boolean
}

export type Format =
  | { readonly kind: 'list' }
  | { readonly kind: 'ndjson' }
  | { readonly kind: 'sitemap' }
  | { readonly kind: 'har' }
  | { readonly kind: 'jsonFeed' }
  | { readonly kind: 'xlsx' }
  | { readonly kind: 'csv'; readonly table: Table }

/** Bytes that are looked at. */
export const HEAD = 65_536
/** Rows that are asked whether a column holds URLs. */
const ROWS = 20
const PDF = Buffer.from('%PDF-')
const DELIMITERS = [',', '\t', ';', '|']
const URL_NAMES = ['url', 'urls', 'link', 'links', 'href', 'uri', 'address', 'loc', 'page', 'page_url', 'website']

/** What is wanted of an input. */
export interface Wanted {
  /** Name of a column: makes a table of anything that can be one. */
  readonly urlColumn?: string
  /** Rows that fill a template: a table with a header, or NDJSON. */
  readonly rows?: boolean
}

/**
 * @param path Its extension decides where the contents could be several things.
 * @throws {SluiceError} INPUT_UNREADABLE for a table without URLs, naming its columns, and for what holds no rows.
 */
export function detectFormat(path: string, head: Uint8Array, { urlColumn, rows = false }: Wanted): Format {
  if (isZip(head)) {
    if (rows) return { kind: 'xlsx' }
    throw aSpreadsheet(path)
  }
  if (isBinary(head)) throw notText(path)
  const text = textOf(wholeLines(head))
  const extension = /\.([a-z0-9]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  const start = text.trimStart()
  if (start.startsWith('<')) {
    if (/<(?:[\w.-]+:)?(?:urlset|sitemapindex|rss|rdf|feed)[\s>]/i.test(start)) return { kind: 'sitemap' }
    if (/^<(?:!doctype\s+html|html)/i.test(start)) throw notAList(path)
  }
  if (start.startsWith('{') || start.startsWith('"')) {
    if (extension === 'har' || isHar(start)) return { kind: 'har' }
    if (/"version"\s*:\s*"https?:(?:\\?\/){2}(?:www\.)?jsonfeed\.org\\?\/version/.test(start))
      return { kind: 'jsonFeed' }
    if (extension === 'ndjson' || extension === 'jsonl' || isJsonLine(start)) return { kind: 'ndjson' }
  }
  if (rows) return { kind: 'csv', table: rowTable(path, text, extension) }
  const table = tableOf(text, extension, urlColumn)
  if (table !== undefined) return { kind: 'csv', table }
  if (extension === 'csv' || extension === 'tsv' || urlColumn !== undefined)
    throw noUrlColumn(path, text, extension, urlColumn)
  return { kind: 'list' }
}

/** XLSX and ODS are ZIP archives (APPNOTE 4.3.7). */
function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4
}

/** A character cut in two would make the whole beginning look like another charset. */
function wholeLines(head: Uint8Array): Uint8Array {
  if (head.length < HEAD) return head
  const beginning = head.subarray(0, HEAD)
  const end = beginning.lastIndexOf(10)
  return end < 0 ? beginning : beginning.subarray(0, end + 1)
}

export function looksLikeUrl(text: string): boolean {
  return /^\s*(?:https?:)?\/\/[^\s/]/i.test(text)
}

function isHar(start: string): boolean {
  return /^\{\s*"log"\s*:\s*\{/.test(start)
}

function isJsonLine(start: string): boolean {
  const end = start.indexOf('\n')
  try {
    const value: unknown = JSON.parse(end < 0 ? start : start.slice(0, end))
    return typeof value === 'string' ? looksLikeUrl(value) : typeof value === 'object'
  } catch {
    // A line too long to be seen whole.
    return end < 0 && start.startsWith('{"')
  }
}

function tableOf(text: string, extension: string, urlColumn: string | undefined): Table | undefined {
  const isTable = extension === 'csv' || extension === 'tsv' || urlColumn !== undefined
  const delimiter = delimiterOf(text, extension)
  const rows = rowsOf(text, delimiter)
  const [first] = rows
  if (first === undefined) return undefined
  const names = first.map((name) => name.trim())
  const lower = names.map((name) => name.toLowerCase())
  const isHeader = !names.some(looksLikeUrl)
  if (urlColumn !== undefined) {
    const url = names.includes(urlColumn) ? names.indexOf(urlColumn) : lower.indexOf(urlColumn.toLowerCase())
    return url < 0 ? undefined : { delimiter, names: uniqueNames(names), url, hasHeader: true }
  }
  if (isHeader) {
    const name = URL_NAMES.find((known) => lower.includes(known))
    // A list of one column is a table only if its first line says so.
    if (
      name !== undefined &&
      (isTable || names.length > 1 || rows.slice(1).some(([value]) => looksLikeUrl(value ?? '')))
    ) {
      return { delimiter, names: uniqueNames(names), url: lower.indexOf(name), hasHeader: true }
    }
  }
  if (!isTable) return undefined
  const values = isHeader ? rows.slice(1) : rows
  const url = names.findIndex((_, i) => values.length > 0 && values.every((row) => looksLikeUrl(row[i] ?? '')))
  if (url < 0) return undefined
  return { delimiter, names: uniqueNames(isHeader ? names : names.map(() => '')), url, hasHeader: isHeader }
}

/** The first row names the columns, whatever it holds. */
function rowTable(path: string, text: string, extension: string): Table {
  const delimiter = delimiterOf(text, extension)
  const [first] = rowsOf(text, delimiter)
  if (first === undefined) throw noRows(path)
  return { delimiter, names: uniqueNames(first), url: -1, hasHeader: true }
}

function delimiterOf(text: string, extension: string): string {
  if (extension === 'tsv') return '\t'
  const line = text.trimStart().split(/\r\n|\n|\r/, 1)[0] ?? ''
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!
}

/** The first rows. A quote that is never closed, which is complained of later, leaves the first line. */
function rowsOf(text: string, delimiter: string): string[][] {
  // The last row may be cut off.
  const end = text.length < HEAD ? text.length : text.lastIndexOf('\n') + 1
  const rows = parseRows(text.slice(0, end), delimiter)
  return rows.length > 0 ? rows : parseRows(text.slice(0, text.search(/[\r\n]/) + 1), delimiter)
}

function parseRows(text: string, delimiter: string): string[][] {
  try {
    return parse(text, {
      delimiter,
      to: ROWS,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
    })
  } catch {
    return []
  }
}

/** No text holds a zero byte (UTF-16 has been turned into UTF-8); a small PDF may do without one. */
function isBinary(head: Uint8Array): boolean {
  return head.includes(0) || Buffer.from(head.buffer, head.byteOffset, Math.min(5, head.length)).equals(PDF)
}

function notText(path: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `${path} is no text: it cannot be a list of URLs`, {
    hint: 'a list is text with a URL a line, CSV, NDJSON, a sitemap or HAR, plain or in .gz or .zst',
  })
}

function notAList(path: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `${path} is an HTML page, not a list of URLs`, {
    hint: 'to follow the links of a page: sluice crawl URL',
  })
}

function aSpreadsheet(path: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `${path} is a spreadsheet or another ZIP archive, not a list of URLs`, {
    hint: "save it as CSV, or fill a URL from its columns: --rows FILE --template 'https://your.site/{column}'",
  })
}

function noRows(path: string): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', `${path} has no rows`, {
    hint: 'its first row names the columns, each further row is a request',
  })
}

function noUrlColumn(path: string, text: string, extension: string, urlColumn: string | undefined): SluiceError {
  const columns = (rowsOf(text, delimiterOf(text, extension))[0] ?? []).map((name) => name.trim()).join(', ')
  const what = urlColumn === undefined ? 'no column with URLs' : `no column ${JSON.stringify(urlColumn)}`
  return new SluiceError('INPUT_UNREADABLE', `${path} has ${what}`, {
    hint: columns === '' ? 'the file is empty or no table' : `--url-column NAME: its columns are ${columns}`,
  })
}
