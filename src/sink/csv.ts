/**
 * Page records or items as CSV: the file, its header and what a death left behind. The columns are fixed when the file
 * is begun (`csv-layout.ts`). Values are lossless, with two limits of the format: a number and its digits look the
 * same, and UTF-8 has no lone surrogates (they become U+FFFD).
 */
import { resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import type { Durability } from './append-file.ts'
import { type TextFile, textFile } from './compressed-file.ts'
import type { Compression } from './compression.ts'
import { type CsvLayout, inputColumns, itemLayout, type LayoutInit, layoutOfNote, pageLayout } from './csv-layout.ts'
import { csvRow, firstRow, ROW_END, withoutFormula } from './csv-text.ts'
import { columnNames, firstColumns, hasItems, MORE, PROVENANCE } from './item-fields.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface CsvSinkOptions {
  /** Where to write; relative paths are below the working directory. */
  readonly path: string
  /** Default: plain text. */
  readonly compression?: Compression
  /** Default `kill`. */
  readonly durability?: Durability
  /**
   * Put `'` before texts that begin with `=`, `+`, `-`, `@`, tab or carriage return, which spreadsheets run as
   * formulas. Default false: values are written as they are.
   */
  readonly escapeFormulas?: boolean
  /** Add the columns `_url`, `_seq` and `_run` to items. Default false. */
  readonly provenance?: boolean
}

/** Room for the header of a file: far more than the fixed columns and hundreds of the user's need. */
const HEADER_BYTES = 1_048_576

/** A sink that appends one row per settlement or item, RFC 4180 with CRLF, UTF-8 without a byte order mark. */
export function csvSink(options: CsvSinkOptions): Sink {
  const path = resolve(options.path)
  const file = textFile({ path, durability: options.durability ?? 'kill', followLink: true }, options.compression)
  const init: LayoutInit = {
    path,
    shown: options.escapeFormulas === true ? withoutFormula : (text: string) => text,
    provenance: options.provenance === true,
    warn: undefined,
  }
  /** Undefined: items without a schema, and none was seen yet. */
  let layout: CsvLayout | undefined
  let isEmpty = true
  let glue = ''

  function begin(job: JobInfo): CsvLayout | undefined {
    if (job.items === undefined) return pageLayout(inputColumns(job.columns), init)
    const { columns } = job.items
    if (columns !== undefined) return itemLayout(columnNames(columns.map(({ name }) => name)), init)
    return isEmpty ? undefined : itemLayout(columnsInFile(file, init.provenance), init)
  }

  return {
    name: `csv:${path}`,
    wantsBodies: false,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      init.warn = job.warn
      const holdsItems = job.items !== undefined
      const { known, size, note } = file.open(position, (surplus, then) =>
        areOurRows(surplus.toString(), layoutOfNote(then, init), job.committedSeq),
      )
      isEmpty = size === 0
      try {
        layout = known ? layoutOfNote(note, init) : begin(job)
        if (known && layout === undefined && holdsItems) layout = begin(job)
        if (layout !== undefined && layout.holdsItems !== holdsItems) throw otherColumns(path)
        if (!known && !isEmpty && layout !== undefined) refuseOtherColumns(file, csvRow(layout.header))
      } catch (error) {
        await file.close()
        throw error
      }
      file.note = layout?.note ?? { items: null }
      glue = isEmpty || file.lastByte() === 0x0a ? '' : ROW_END
    },

    position: () => file.position(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      if (layout === undefined && hasItems(batch)) {
        layout = itemLayout(firstColumns(batch), init)
        file.note = layout.note
      }
      const rows = layout?.rows(batch) ?? ''
      if (layout === undefined || rows === '') return file.position()
      const position = await file.append(Buffer.from((isEmpty ? csvRow(layout.header) : glue) + rows))
      isEmpty = false
      glue = ''
      return position
    },

    async close(): Promise<void> {
      await file.close()
    },
  }
}

/** Whether a surplus can be rows of this job that were never committed. Its first row tells, or the header does. */
function areOurRows(surplus: string, layout: CsvLayout | undefined, committedSeq: number): boolean {
  const row = firstRow(surplus.startsWith(ROW_END) ? surplus.slice(ROW_END.length) : surplus)
  if (layout === undefined) return row === undefined || row.at(-1) === MORE
  const header = csvRow(layout.header)
  if (surplus.startsWith(header) || header.startsWith(surplus)) return true
  return row === undefined || layout.isOurs(row, committedSeq)
}

/** The item columns of a file that an earlier job wrote. */
function columnsInFile(file: TextFile, provenance: boolean): string[] {
  const header = firstRow(file.head(HEADER_BYTES).toString())
  if (header?.at(-1) !== MORE) throw otherColumns(file.path)
  return header.slice(0, provenance ? -1 - PROVENANCE.length : -1)
}

function refuseOtherColumns(file: TextFile, header: string): void {
  if (!file.head(HEADER_BYTES).toString().startsWith(header)) throw otherColumns(file.path)
}

function otherColumns(path: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${path} exists and has other columns than this job writes`, {
    hint: 'choose another name for --out',
  })
}
