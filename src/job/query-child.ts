/** The process of `query-process.ts`: asks, sends the first rows, and is ended. */
import type { ShortAnswer, ShortQuery } from './query-process.ts'
import { distinctNames, openQuery } from './query.ts'
import { answerOnce } from './short-process.ts'

async function ask({ folder, sql, rows: most }: ShortQuery): Promise<ShortAnswer> {
  const { names, slices } = await openQuery({ target: folder, cwd: folder, sql, values: [] })
  const rows: (readonly unknown[])[] = []
  for await (const slice of slices) {
    for (const row of slice) rows.push(row.map(plain))
    if (rows.length > most) break
  }
  return { columns: distinctNames(names).columns, rows: rows.slice(0, most), more: rows.length > most }
}

/** As JSON can carry it. */
function plain(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell)
  if (cell instanceof Uint8Array) return `0x${Buffer.from(cell).toString('hex')}`
  return cell
}

answerOnce(ask)
