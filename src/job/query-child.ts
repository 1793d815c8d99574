/** The process of `query-process.ts`: asks, sends the first rows, and is ended. */
import { SluiceError } from '../model/errors.ts'
import type { ChildAnswer, ShortQuery } from './query-process.ts'
import { distinctNames, openQuery } from './query.ts'

async function ask({ folder, sql, rows: most }: ShortQuery): Promise<ChildAnswer> {
  try {
    const { names, slices } = await openQuery({ target: folder, cwd: folder, sql, values: [] })
    const rows: (readonly unknown[])[] = []
    for await (const slice of slices) {
      for (const row of slice) rows.push(row.map(plain))
      if (rows.length > most) break
    }
    return { answer: { columns: distinctNames(names).columns, rows: rows.slice(0, most), more: rows.length > most } }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const { code, message, hint } = error
    return { error: { code, message, hint } }
  }
}

/** As JSON can carry it. */
function plain(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : String(cell)
  if (cell instanceof Uint8Array) return `0x${Buffer.from(cell).toString('hex')}`
  return cell
}

process.once('message', (query) => void ask(query as ShortQuery).then((answer) => process.send?.(answer)))
// Whoever asked is gone.
process.once('disconnect', () => process.exit())
