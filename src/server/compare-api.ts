/** Two jobs, or two runs of one, side by side as JSON: the figures, and the differences as a table. */
import { Hono } from 'hono'
import type { Comparison, JobView } from '../job/index.ts'
import { shortText } from './body.ts'
import { takePage } from './table.ts'
import { tableQuery } from './table-query.ts'

type Change = Comparison['rows'][number]
type Row = Change & { readonly name: string }

const COLUMNS: Readonly<Record<string, (row: Row) => string | number>> = {
  change: (row) => row.change,
  name: (row) => row.name,
}

export function compareApi(view: JobView): Hono {
  const api = new Hono()
  const { compare } = view
  api.get('/compare/jobs', (context) => context.json({ job: view.name, jobs: compare.jobs() }))
  api.get('/compare', async (context) => {
    const { before = '', now = view.name, change } = context.req.query()
    const { rows, ...figures } = await compare.of(before, now, view.seq)
    const chosen = shortText(change, 'change')
    const named = rows
      .filter((row) => chosen === undefined || row.change === chosen)
      .map((row): Row => ({ ...row, name: nameOf(row) }))
    return context.json({
      seq: view.seq,
      told: rows.length,
      figures,
      ...takePage(named, tableQuery(context), COLUMNS, 'name'),
    })
  })
  return api
}

/** URL, or the value that tells an item from the others. */
function nameOf(change: Change): string {
  if ('url' in change) return change.url
  return typeof change.item === 'string' ? change.item : JSON.stringify(change.item ?? change.value ?? '')
}
