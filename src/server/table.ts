/** Search, order and page of a table whose rows are all in memory: hosts and error groups, tens of thousands at most. */
import { SluiceError } from '../model/errors.ts'

export interface TableQuery {
  /** Part of one of the searched columns, in either case; '' for all rows. */
  readonly search: string
  /** Absent: the order of the rows. */
  readonly sort: string | undefined
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
}

export interface Page<Row> {
  readonly matched: number
  readonly offset: number
  readonly rows: readonly Row[]
}

type Columns<Row> = Readonly<Record<string, (row: Row) => string | number>>

/** @param searched names of the columns that `search` looks into; others of the row itself are allowed. */
export function takePage<Row>(
  rows: readonly Row[],
  { search, sort, descending, offset, limit }: TableQuery,
  columns: Columns<Row>,
  ...searched: (keyof Row & string)[]
): Page<Row> {
  const wanted = search.toLowerCase()
  const matching =
    wanted === ''
      ? [...rows]
      : rows.filter((row) => searched.some((name) => String(row[name]).toLowerCase().includes(wanted)))
  if (sort !== undefined) {
    const column = Object.hasOwn(columns, sort) ? columns[sort] : undefined
    if (column === undefined)
      throw new SluiceError('OPTION_INVALID', `the table has no column ${JSON.stringify(sort)}`, {
        hint: `one of ${Object.keys(columns).join(', ')}`,
      })
    const sign = descending ? -1 : 1
    matching.sort((a, b) => sign * compare(column(a), column(b)))
  }
  return { matched: matching.length, offset, rows: matching.slice(offset, offset + limit) }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
