/**
 * Rows of the first sheet of a spreadsheet (Office Open XML, `.xlsx`), read by the optional package `read-excel-file`.
 * It is one ZIP archive and has to be in memory as a whole.
 */
import { SluiceError } from '../model/errors.ts'
import { setColumn } from './columns.ts'
import { uniqueNames } from '../model/columns.ts'
import type { Input } from './input.ts'
import type { Position } from './position.ts'
import { KIND } from './position.ts'
import { replayedBatches } from './replay.ts'
import type { SourceBatch } from './source.ts'

const LARGEST = 64 * 1024 * 1024

export interface XlsxTable {
  readonly names: readonly string[]
  /** Cells as text: numbers in digits, dates in ISO 8601, '' where there is nothing. */
  readonly rows: readonly (readonly string[])[]
}

/** Line numbers are those of the sheet. @throws {SluiceError} INPUT_UNREADABLE, DEPENDENCY_MISSING */
export async function* xlsxBatches(
  name: string,
  input: () => Input,
  reopen: () => Promise<unknown>,
  start: Position,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  let names: readonly string[] = []
  async function* texts(): AsyncGenerator<string, undefined> {
    const table = await xlsxTable(name, input())
    names = table.names
    for (const row of table.rows) yield JSON.stringify(row)
  }
  for await (const batch of replayedBatches(KIND.xlsx, texts, reopen, start, signal)) {
    const items = batch.items.map(({ url, ordinal }) => {
      const columns: Record<string, string> = {}
      for (const [i, cell] of (JSON.parse(url) as string[]).entries())
        setColumn(columns, names[i] ?? `column${i + 1}`, cell)
      return { url: '', ordinal, line: ordinal + 2, columns }
    })
    yield { ...batch, items }
  }
}

/** @throws {SluiceError} INPUT_UNREADABLE, DEPENDENCY_MISSING */
export async function xlsxTable(name: string, input: Input): Promise<XlsxTable> {
  const bytes = await bytesOf(name, input)
  const readSheet = await loadReader(name)
  let sheet: Awaited<ReturnType<typeof readSheet>>
  try {
    sheet = await readSheet(bytes)
  } catch (cause) {
    throw new SluiceError('INPUT_UNREADABLE', `cannot read ${name} as a spreadsheet`, {
      hint: 'it has to be an .xlsx file; save it as CSV otherwise',
      cause,
    })
  }
  const [header, ...rows] = sheet.map((row) => row.map(textOfCell))
  if (header === undefined)
    throw new SluiceError('INPUT_UNREADABLE', `the first sheet of ${name} is empty`, {
      hint: 'its first row names the columns, each further row is a request',
    })
  return { names: uniqueNames(header), rows }
}

async function bytesOf(name: string, input: Input): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
    pieces.push(piece)
    length += piece.length
    if (length > LARGEST)
      throw new SluiceError('INPUT_UNREADABLE', `${name} is over 64 MiB`, { hint: 'save it as CSV' })
  }
  return Buffer.concat(pieces)
}

async function loadReader(name: string): Promise<(bytes: Buffer) => Promise<readonly (readonly unknown[])[]>> {
  try {
    const { readSheet } = await import('read-excel-file/node')
    return (bytes) => readSheet(bytes)
  } catch (cause) {
    throw new SluiceError('DEPENDENCY_MISSING', `reading the spreadsheet ${name} needs the package read-excel-file`, {
      hint: 'npm install read-excel-file   or save the sheet as CSV',
      cause,
    })
  }
}

function textOfCell(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  if (!(cell instanceof Date)) return String(cell)
  const text = cell.toISOString()
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text
}
