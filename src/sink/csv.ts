/**
 * Page records as CSV. The columns are fixed when the file is begun: the fields of the record in the order of
 * `PAGE_FIELDS`, then `input.line`, one `input.<name>` for each input column known by then, and `input`, which takes
 * input columns that turned up later, as JSON. Nested fields are JSON. Values are lossless, with two limits of the
 * format: a number and its digits look the same, and UTF-8 has no lone surrogates (they become U+FFFD).
 */
import { resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import type { PageRecord } from '../model/record.ts'
import { AppendFile, type Durability } from './append-file.ts'
import { csvCell, csvRow, firstRow, ROW_END, withoutFormula } from './csv-text.ts'
import { PAGE_FIELDS } from './page-fields.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface CsvSinkOptions {
  /** Where to write; relative paths are below the working directory. */
  readonly path: string
  /** Default `kill`. */
  readonly durability?: Durability
  /**
   * Put `'` before texts that begin with `=`, `+`, `-`, `@`, tab or carriage return, which spreadsheets run as
   * formulas. Default false: values are written as they are.
   */
  readonly escapeFormulas?: boolean
}

/** Room for the header of a file: far more than the 28 fixed columns and hundreds of the user's need. */
const HEADER_BYTES = 1_048_576
const SEQ_COLUMN = PAGE_FIELDS.findIndex(({ name }) => name === 'seq')

/** A sink that appends one row per settlement, RFC 4180 with CRLF, UTF-8 without a byte order mark. */
export function csvSink(options: CsvSinkOptions): Sink {
  const path = resolve(options.path)
  const file = new AppendFile({ path, durability: options.durability ?? 'kill', followLink: true })
  const shown = options.escapeFormulas === true ? withoutFormula : (text: string) => text
  let columns: readonly string[] = []
  let header = ''
  let glue = ''

  return {
    name: `csv:${path}`,
    wantsBodies: false,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      const { known, size, note } = file.open(position, (surplus, columnsThen) =>
        areOurRows(surplus.toString(), columnsOf(path, columnsThen), job.committedSeq),
      )
      columns = known ? columnsOf(path, note) : inputColumns(job.columns)
      file.note = columns
      header = csvRow(headerOf(columns))
      glue = size === 0 ? header : file.lastByte() === 0x0a ? '' : ROW_END
      if (!known && size > 0) refuseOtherColumns(file, header)
    },

    position: () => file.position(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      if (batch.length === 0) return file.position()
      let text = glue
      for (const { record } of batch) text += rowOf(record, columns, shown)
      const position = await file.append(Buffer.from(text))
      glue = ''
      return position
    },

    async close(): Promise<void> {
      file.close()
    },
  }
}

/** `line`, the number of the input line, is always there. */
function inputColumns(names: readonly string[]): string[] {
  return [...new Set(['line', ...names])]
}

function headerOf(columns: readonly string[]): string[] {
  return [...PAGE_FIELDS.map(({ name }) => name), ...columns.map((name) => `input.${name}`), 'input']
}

function rowOf(record: PageRecord, columns: readonly string[], shown: (text: string) => string): string {
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

function cellOf(value: unknown, shown: (text: string) => string): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return csvCell(shown(value))
  if (typeof value === 'number') return String(value)
  return csvCell(JSON.stringify(value))
}

function columnsOf(path: string, note: unknown): string[] {
  if (Array.isArray(note) && note.every((name) => typeof name === 'string')) return note
  throw new SluiceError('FORMAT_UNSUPPORTED', `the stored position of ${path} is not one this version can read`)
}

/** Whether a surplus can be rows of this job that were never committed. Its first row tells, or the header does. */
function areOurRows(surplus: string, columns: readonly string[], committedSeq: number): boolean {
  const header = csvRow(headerOf(columns))
  if (surplus.startsWith(header) || header.startsWith(surplus)) return true
  const row = firstRow(surplus.startsWith(ROW_END) ? surplus.slice(ROW_END.length) : surplus)
  if (row === undefined) return true
  return row.length === headerOf(columns).length && Number(row[SEQ_COLUMN]) > committedSeq
}

function refuseOtherColumns(file: AppendFile, header: string): void {
  if (file.head(HEADER_BYTES).toString().startsWith(header)) return
  file.close()
  throw new SluiceError('OPTION_INVALID', `${file.path} exists and has other columns than this job writes`, {
    hint: 'choose another name for --out',
  })
}
