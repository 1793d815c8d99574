/**
 * Which columns a CSV file has and how a row is made. Pages: the fields of the record in the order of `PAGE_FIELDS`,
 * then `input.line`, one `input.<name>` for each input column known when the file is begun, and `input`, which takes
 * input columns that turned up later, as JSON. Items: the columns of the schema, or without one the fields of the
 * first batch, and `_more`, which takes all others, as JSON. Nested values are JSON; null and missing are an empty
 * cell. Knows no file.
 */
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { csvCell, ROW_END } from './csv-text.ts'
import { countOf, fieldOf, type Fields, fieldsOf, MORE, moreOf, PROVENANCE, warnOfMore } from './item-fields.ts'
import { PAGE_FIELDS } from './page-fields.ts'
import type { SinkRecord } from './sink.ts'

export interface CsvLayout {
  readonly holdsItems: boolean
  readonly header: readonly string[]
  /** Kept with the position of the file; `layoutOfNote` reads it. */
  readonly note: unknown
  /** Rows with their ends; '' where the batch gives none. */
  rows(batch: readonly SinkRecord[]): string
  /** Whether the cells can be a row of this layout that was never committed. */
  isOurs(cells: readonly string[], committedSeq: number): boolean
}

export interface LayoutInit {
  /** For messages. */
  readonly path: string
  /** What becomes of a text before it is quoted. */
  readonly shown: (text: string) => string
  readonly provenance: boolean
  warn: ((message: string) => void) | undefined
}

const SEQ_COLUMN = PAGE_FIELDS.findIndex(({ name }) => name === 'seq')

/** `line`, the number of the input line, is always there. */
export function inputColumns(names: readonly string[]): string[] {
  return [...new Set(['line', ...names])]
}

export function pageLayout(columns: readonly string[], { shown }: LayoutInit): CsvLayout {
  const header = [...PAGE_FIELDS.map(({ name }) => name), ...columns.map((name) => `input.${name}`), 'input']
  return {
    holdsItems: false,
    header,
    note: columns,
    rows: (batch) => batch.map(({ record }) => pageRow(record, columns, shown)).join(''),
    isOurs: (cells, committedSeq) => cells.length === header.length && Number(cells[SEQ_COLUMN]) > committedSeq,
  }
}

export function itemLayout(columns: readonly string[], init: LayoutInit): CsvLayout {
  const own = new Set(columns)
  const origin = init.provenance ? PROVENANCE : []
  const header = [...columns, ...origin, MORE]
  const seqColumn = columns.length + PROVENANCE.indexOf('_seq')
  let warned = false

  function row(record: PageRecord, fields: Fields): string {
    let text = ''
    let held = 0
    for (const name of columns) {
      const value = fieldOf(fields, name)
      if (value !== undefined) held++
      text += `${cellOf(value, init.shown)},`
    }
    if (init.provenance) text += `${csvCell(init.shown(record.url))},${record.seq},${record.run},`
    const more = held === countOf(fields) ? undefined : moreOf(fields, (name) => own.has(name))
    if (more === undefined) return text + ROW_END
    if (!warned) warnOfMore(init.path, more, init.warn)
    warned = true
    return text + csvCell(more) + ROW_END
  }

  return {
    holdsItems: true,
    header,
    note: { items: columns, provenance: init.provenance },
    rows(batch) {
      let text = ''
      for (const { record, items = [] } of batch) for (const { json } of items) text += row(record, fieldsOf(json))
      return text
    },
    isOurs: (cells, committedSeq) =>
      cells.length === header.length && (!init.provenance || Number(cells[seqColumn]) > committedSeq),
  }
}

/**
 * The layout that was kept with a position; undefined where it held items and none had been seen.
 * @throws SluiceError `FORMAT_UNSUPPORTED`
 */
export function layoutOfNote(note: unknown, init: LayoutInit): CsvLayout | undefined {
  if (isNames(note)) return pageLayout(note, init)
  const kept = note as { items?: unknown; provenance?: unknown } | undefined
  if (kept?.items === null) return undefined
  if (isNames(kept?.items)) return itemLayout(kept.items, { ...init, provenance: kept?.provenance === true })
  throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${init.path} is not one this version can read`)
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

function pageRow(record: PageRecord, columns: readonly string[], shown: (text: string) => string): string {
  let row = ''
  for (const { name } of PAGE_FIELDS) row += `${cellOf(record[name], shown)},`
  const { input } = record
  if (input === undefined) return `${row}${','.repeat(columns.length)}${ROW_END}`
  let placed = 0
  for (const name of columns) {
    if (Object.hasOwn(input, name)) {
      row += cellOf(input[name], shown)
      placed++
    }
    row += ','
  }
  if (Object.keys(input).length > placed) row += csvCell(JSON.stringify(restOf(input, columns)))
  return row + ROW_END
}

/** `fromEntries` defines own properties, so a column called `__proto__` is a column like any other. */
function restOf(input: Readonly<Record<string, string | number>>, columns: readonly string[]): object {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !columns.includes(name)))
}

/** A value as a cell; nested ones as JSON, nothing as an empty cell. */
export function cellOf(value: unknown, shown: (text: string) => string): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return csvCell(shown(value))
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return csvCell(JSON.stringify(value))
}
