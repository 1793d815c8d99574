/**
 * Sources of files and pipes, whatever they are: plain lists (also those of wget and aria2), CSV and TSV, NDJSON, sitemaps, feeds, HAR;
 * plain, gzip or zstd; spreadsheets for rows. What a file is shows when it is read. Each is read again from the start when what was read of it
 * has changed; one that has only grown is continued.
 */
import { stat } from 'node:fs/promises'
import { expandRange, hasRange } from '../url/range.ts'
import { csvBatches } from './csv.ts'
import { HEAD, detectFormat } from './detect.ts'
import type { Format } from './detect.ts'
import { openInput, unreadable } from './input.ts'
import type { Input } from './input.ts'
import { documentUrls } from './json-document.ts'
import { lineBatches } from './lines.ts'
import type { LineFormat, LineItem } from './lines.ts'
import { ndjsonColumns, ndjsonFormat, ndjsonRows } from './ndjson.ts'
import { AGAIN, KIND, START, decodePosition } from './position.ts'
import type { Kind, Position } from './position.ts'
import { skipKnown } from './prefix.ts'
import { replayedBatches } from './replay.ts'
import { sitemapUrls } from './sitemap-file.ts'
import type { Source, SourceBatch } from './source.ts'
import { xlsxBatches, xlsxTable } from './xlsx.ts'

export interface ListOptions {
  /** Column (of a table) or member (of NDJSON) with the URL. Default: found by its name, then by its values. */
  readonly urlColumn?: string
  /** Ranges (`[1-500]`, `{a,b}`) in plain lists stand for many URLs. Default true; malformed ones are taken as they are. */
  readonly glob?: boolean
  /** Rows of a table (a spreadsheet too) or NDJSON to fill a template: all columns are data, the URL of each item is ''. */
  readonly rows?: boolean
}

/**
 * A source over a file of URLs, named `list:` and the path; of rows, `rows:` and the path.
 *
 * @param path Absolute. Nothing is opened before `batches` or `columns`, which throw INPUT_UNREADABLE where it cannot be
 *   read, is damaged, or is a table without URLs.
 */
export function openListSource(path: string, options: ListOptions = {}): Source {
  const open = (): Promise<Input> => openInput(path)
  return {
    name: `${options.rows === true ? 'rows' : 'list'}:${path}`,
    columns: () => inputColumns(path, open, options),
    batches: (cursor, signal) => inputBatches(path, open, options, cursor, signal),
  }
}

/**
 * Batches of an input of any of the formats.
 *
 * @param name For messages; its extension counts.
 * @param open Opens the input at its start; called a second time only for files whose beginning has changed.
 */
export async function* inputBatches(
  name: string,
  open: () => Promise<Input>,
  options: ListOptions,
  cursor: Uint8Array | undefined,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  let input = await open()
  // What was waited for when the run ends is not waited for any longer.
  const onAbort = (): void => void input.close()
  signal.addEventListener('abort', onAbort, { once: true })
  const reopen = async (): Promise<Input> => {
    await input.close()
    input = await open()
    return input
  }
  try {
    if (signal.aborted) return
    const format = detectFormat(name, await headOf(input), options)
    const kind = KIND[format.kind]
    const start = startOf(kind, input, cursor)
    if (format.kind === 'sitemap') yield* replayedBatches(kind, () => sitemapUrls(input), reopen, start, signal)
    else if (format.kind === 'har' || format.kind === 'jsonFeed') {
      const document = format.kind
      yield* replayedBatches(kind, () => documentUrls(name, document, input), reopen, start, signal)
    } else if (format.kind === 'xlsx') yield* xlsxBatches(name, () => input, reopen, start, signal)
    else {
      const known = await skipKnown(input, start)
      if (known === undefined) await reopen()
      const position = known ?? AGAIN
      if (format.kind === 'csv') yield* csvBatches(name, input, position, format.table, signal)
      else yield* lineBatches(input, position, lineFormat(format, options), signal)
    }
  } catch (error) {
    if (!signal.aborted) throw unreadable(name, error)
  } finally {
    signal.removeEventListener('abort', onAbort)
    await input.close()
  }
}

async function inputColumns(
  path: string,
  open: () => Promise<Input>,
  options: ListOptions,
): Promise<readonly string[] | undefined> {
  // What comes through a pipe can be read once only.
  if (!(await isRegular(path))) return undefined
  const input = await open()
  try {
    return await columnsIn(path, input, options)
  } finally {
    await input.close()
  }
}

/** Columns of an input by its beginning, which it gives again; of a spreadsheet by the whole of it, only from a file. */
export async function columnsIn(
  name: string,
  input: Input,
  options: ListOptions,
): Promise<readonly string[] | undefined> {
  try {
    const head = await headOf(input)
    const format = detectFormat(name, head, options)
    if (format.kind === 'csv') return format.table.names.filter((_, i) => i !== format.table.url)
    if (format.kind === 'xlsx') return input.isFile ? (await xlsxTable(name, input)).names : undefined
    return format.kind === 'ndjson' ? ndjsonColumns(head, lineFormat(format, options)) : undefined
  } catch (error) {
    throw unreadable(name, error)
  }
}

async function isRegular(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Where to read on from. A pipe has no past: whatever it gives is read again. */
function startOf(kind: Kind, input: Input, cursor: Uint8Array | undefined): Position {
  if (cursor === undefined) return START
  return input.isFile ? (decodePosition(kind, cursor) ?? AGAIN) : AGAIN
}

/** 64 KiB of a file; of a pipe what it gives at once, a line at least. */
async function headOf(input: Input): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < HEAD && (input.isFile || !head.includes(10))) {
    const piece = await input.next()
    if (piece === undefined) break
    head = head.length === 0 ? piece : Buffer.concat([head, piece])
  }
  input.unread(head)
  return head
}

function lineFormat(format: Format, options: ListOptions): LineFormat {
  if (format.kind === 'ndjson') return options.rows === true ? ndjsonRows() : ndjsonFormat(options.urlColumn)
  const isExpanded = options.glob ?? true
  return { kind: KIND.list, item: (line, isIndented) => listItem(line, isIndented, isExpanded) }
}

function listItem(line: string, isIndented: boolean, isExpanded: boolean): LineItem | undefined {
  const first = line.charCodeAt(0)
  if (first === 35) return undefined
  // Options of aria2 stand indented below their URL: `  out=name`.
  if (isIndented && /^[a-z][a-z0-9-]*=/.test(line)) return undefined
  // Mirrors of one file stand on one line, parted by tabs: the first will do.
  const tab = line.indexOf('\t')
  const url = tab < 0 ? line : line.slice(0, tab).trimEnd()
  if (isExpanded && (url.includes('[') || url.includes('{')) && isRange(url)) return { url, range: expandRange(url) }
  return { url }
}

/** Braces and brackets of real URLs are more frequent in lists than ranges: `{id}` and `[0]` are no ranges here. */
function isRange(url: string): boolean {
  if (!/\{[^{}]*,[^{}]*\}|\[[0-9a-zA-Z]+-[0-9a-zA-Z]+(?::\d+)?\]/.test(url)) return false
  try {
    expandRange(url)
    return hasRange(url)
  } catch {
    return false
  }
}
