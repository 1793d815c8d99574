/**
 * What a job has come to, as a file for other programs: the latest record of each URL or row, the failed ones alone, or
 * its items. Reads the job without its lock, live or stopped, and holds little more than one slice in memory.
 */
import { matches } from '../frontier/ledger-filter.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import type { Reader } from '../frontier/sqlite/read.ts'
import { systemClock } from '../engine/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { cellOf } from '../sink/csv-layout.ts'
import { csvRow, ROW_END, withoutFormula } from '../sink/csv-text.ts'
import { PAGE_FIELDS } from '../sink/page-fields.ts'
import { itemOf, itemsFileOf } from './item-file.ts'
import { standingLines } from './standing-items.ts'
import type { RetryQuery } from './job.ts'
import { parseFacets } from './requeue.ts'

export const EXPORT_FORMATS = ['ndjson', 'csv', 'list', 'sitemap'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export interface ExportInit {
  readonly folder: string
  /** `items`: what extractors found; `records`: the latest record of each URL or row. */
  readonly what: 'records' | 'items'
  readonly format: ExportFormat
  /** Which records. */
  readonly query: RetryQuery
  /** Put `'` before CSV texts that spreadsheets would run as a formula. */
  readonly escapeFormulas: boolean
}

const SLICE = 1_000
/** sitemaps.org, "Sitemap file limits". */
const SITEMAP_URLS = 50_000

/** Pieces of text, each of whole lines. Throws `SluiceError` before the first piece where it cannot be done. */
export function exportJob(init: ExportInit): AsyncGenerator<string, undefined> {
  return init.what === 'items' ? itemTexts(init) : recordTexts(init)
}

/** How many URLs of the job are not settled yet. */
export function countLeft(folder: string): number {
  const reader = openReader(folder)
  try {
    const { queued, delayed, inFlight, following } = reader.stats()
    return queued + delayed + inFlight + following
  } finally {
    reader.close()
  }
}

async function* recordTexts(init: ExportInit): AsyncGenerator<string, undefined> {
  const reader = openReader(init.folder)
  try {
    const slices = (): Generator<PageRecord[]> => recordsOf(reader, init.query)
    switch (init.format) {
      case 'ndjson':
        for (const records of slices()) yield records.map((record) => `${JSON.stringify(record)}\n`).join('')
        return
      case 'list':
        for (const records of slices()) yield records.map(({ url }) => `${url}\n`).join('')
        return
      case 'csv':
        yield* reportTexts(slices, init.escapeFormulas)
        return
      case 'sitemap':
        yield sitemapText(slices())
    }
  } finally {
    reader.close()
  }
}

function* recordsOf(reader: Reader, query: RetryQuery): Generator<PageRecord[]> {
  const { scan, code } = parseFacets(query, systemClock().wall())
  let afterSeq = 0
  for (;;) {
    const rows = reader.ledger({ afterSeq, limit: SLICE, standing: true })
    const found = rows.filter((row) => matches({ what: 'ledger', ...scan }, row)).map(({ record }) => record)
    const records = code === undefined ? found : found.filter((record) => code.test(record.code ?? ''))
    if (records.length > 0) yield records
    const last = rows.at(-1)
    if (last === undefined || rows.length < SLICE) return
    afterSeq = last.record.seq
  }
}

/**
 * The input's columns under their own names, in its order, then the fields of the record and `line`. A column named like
 * a field gets `input.` before its name.
 */
function* reportTexts(slices: () => Generator<PageRecord[]>, escapeFormulas: boolean): Generator<string, undefined> {
  const names = new Set<string>()
  for (const records of slices())
    for (const { input } of records) for (const name of Object.keys(input ?? {})) names.add(name)
  const hasLines = names.delete('line')
  const fields = [...PAGE_FIELDS.map(({ name }) => name as string), ...(hasLines ? ['line'] : [])]
  const taken = new Set(fields)
  const shown = escapeFormulas ? withoutFormula : (text: string): string => text
  yield csvRow([...[...names].map((name) => (taken.has(name) ? `input.${name}` : name)), ...fields])
  for (const records of slices()) {
    const rows = records.map((record) => {
      const { input = {} } = record
      const given = [...names].map((name) => (Object.hasOwn(input, name) ? input[name] : undefined))
      const own = PAGE_FIELDS.map(({ name }) => record[name])
      const cells = [...given, ...own, ...(hasLines ? [input['line']] : [])]
      return cells.map((cell) => cellOf(cell, shown)).join(',') + ROW_END
    })
    yield rows.join('')
  }
}

function sitemapText(slices: Generator<PageRecord[]>): string {
  const entries = new Map<string, string | undefined>()
  for (const records of slices) {
    for (const { outcome, url, final, lastModified } of records) {
      if (outcome === 'ok' || outcome === 'unchanged') entries.set(final ?? url, lastModified)
    }
    if (entries.size > SITEMAP_URLS) {
      throw new SluiceError('OPTION_INVALID', `a sitemap holds at most 50,000 URLs, and the job has more`, {
        hint: 'narrow it with --host, or export a list',
      })
    }
  }
  const lines = [...entries].map(([url, modified]) => {
    const time = Date.parse(modified ?? '')
    const lastmod = Number.isNaN(time) ? '' : `<lastmod>${new Date(time).toISOString()}</lastmod>`
    return `<url><loc>${url.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</loc>${lastmod}</url>\n`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${lines.join('')}</urlset>\n`
}

async function* itemTexts({ folder, format, escapeFormulas }: ExportInit): AsyncGenerator<string, undefined> {
  const path = itemsFileOf(folder)
  if (format === 'ndjson') {
    for await (const lines of standingLines(folder, path)) yield lines.map((line) => `${line}\n`).join('')
    return
  }
  if (format !== 'csv') {
    throw new SluiceError('OPTION_INVALID', `items cannot be exported as ${format}`, { hint: '--format ndjson or csv' })
  }
  const names = new Set<string>()
  for await (const lines of standingLines(folder, path))
    for (const line of lines) for (const name of Object.keys(itemOf(line))) names.add(name)
  const shown = escapeFormulas ? withoutFormula : (text: string): string => text
  yield csvRow([...names])
  for await (const lines of standingLines(folder, path)) {
    const rows = lines.map((line) => {
      const item = itemOf(line)
      const cells = [...names].map((name) => cellOf(Object.hasOwn(item, name) ? item[name] : undefined, shown))
      return cells.join(',') + ROW_END
    })
    yield rows.join('')
  }
}
