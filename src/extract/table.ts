/**
 * Tables as rows of named texts: cells are laid out as the HTML standard does ("forming a table"), spans resolved by giving
 * each slot the text of the cell that covers it, headers found. Nothing throws, and a span costs no more than the cells
 * that a page may have.
 */
import { uniqueNames } from '../model/columns.ts'
import type { PageElement } from './selection.ts'

export type TableRow = Record<string, string>

interface Cell {
  readonly text: string
  readonly isHeader: boolean
}

/** A row of slots; undefined where no cell reaches. */
type Slots = (Cell | undefined)[]

/** Limits of the standard for the attributes, and ours for the slots of one table. */
const MOST_COLUMNS = 1000
const MOST_ROWS = 65_534
const MOST_SLOTS = 1_000_000

/**
 * A header is what stands in `thead`, else the rows at the top that hold `th` only; without one a first column of `th` only,
 * which makes each further column a row. Columns without a name are `column1` and so on, of several headers above each
 * other the texts are joined.
 */
export function tableRows(table: PageElement): TableRow[] {
  const { rows, heads } = layOut(table)
  const width = Math.max(0, ...rows.map((row) => row.length))
  const first = rows.findIndex((row) => !isHeading(row))
  const count = heads > 0 ? heads : Math.max(0, first)
  if (count === 0 && width > 1 && rows.every((row) => row[0]?.isHeader === true && row[1]?.isHeader !== true)) {
    return turned(rows, width)
  }
  const names = uniqueNames(Array.from({ length: width }, (_, column) => nameOf(rows.slice(0, count), column)))
  return rows.slice(count).map((row) => record(names, (column) => row[column]))
}

function record(names: readonly string[], cellOf: (index: number) => Cell | undefined): TableRow {
  return Object.fromEntries(names.map((name, index) => [name, cellOf(index)?.text ?? '']))
}

function turned(rows: readonly Slots[], width: number): TableRow[] {
  const names = uniqueNames(rows.map((row) => row[0]!.text))
  return Array.from({ length: width - 1 }, (_, i) => record(names, (index) => rows[index]![i + 1]))
}

function isHeading(row: Slots): boolean {
  return row.length > 0 && row.every((cell) => cell === undefined || cell.isHeader)
}

/** `Sales 2019` of a header that spans its years. A row that is one text over all columns is a caption. */
function nameOf(header: readonly Slots[], column: number): string {
  const texts: string[] = []
  for (const row of header) {
    const isCaption = header.length > 1 && row.length > 1 && row.every((cell) => cell === row[0])
    const text = row[column]?.text ?? ''
    if (!isCaption && text !== '' && texts.at(-1) !== text) texts.push(text)
  }
  return texts.join(' ')
}

/** @returns `heads`: how many rows at the top are those of `thead`. */
function layOut(table: PageElement): { rows: Slots[]; heads: number } {
  const head = table.$$('> thead').map((group) => group.$$('> tr'))
  const foot = table.$$('> tfoot').map((group) => group.$$('> tr'))
  const loose = table.$$('> tr')
  const body = table.$$('> tbody').map((group) => group.$$('> tr'))
  const grid = new Grid()
  for (const rows of head) grid.add(rows)
  const heads = grid.rows.length
  for (const rows of [loose, ...body, ...foot]) grid.add(rows)
  return { rows: grid.rows, heads }
}

class Grid {
  readonly rows: Slots[] = []
  #room = MOST_SLOTS

  /** The rows of one group: a cell does not reach beyond it. */
  add(group: readonly PageElement[]): void {
    const first = this.rows.length
    const made: Slots[] = group.map(() => [])
    const filled = group.map((row, y) => {
      const cells = row.$$('> td, > th')
      let x = 0
      for (const cell of cells) {
        while (made[y]![x] !== undefined) x++
        const width = span(cell.attr('colspan'), MOST_COLUMNS, 1)
        // 0: down to the end of the group.
        const height = span(cell.attr('rowspan'), MOST_ROWS, 0) || group.length - y
        const value: Cell = { text: cell.text(), isHeader: cell.name === 'th' }
        const bottom = Math.min(group.length, y + height)
        for (let below = y; below < bottom; below++) {
          for (let right = x; right < x + width && this.#room > 0; right++) {
            made[below]![right] ??= value
            this.#room--
          }
        }
        x += width
      }
      return cells.length > 0
    })
    this.rows.splice(first, 0, ...made.filter((row, y) => filled[y] === true && row.length > 0))
  }
}

/** A span as the standard reads it: 1 for what is no number, or too small. */
function span(written: string | undefined, most: number, least: number): number {
  const digits = /^\s*\+?(\d{1,9})/.exec(written ?? '')?.[1]
  if (digits === undefined) return 1
  const number = Number(digits)
  // Above 1,000 columns browsers take 1,000.
  return number < least ? 1 : Math.min(number, most)
}
