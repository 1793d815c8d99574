/** The tree of paths as JSON, a level at a time. */
import { Hono } from 'hono'
import type { JobView, SiteFolder } from '../job/index.ts'
import { takePage } from './table.ts'
import { tableQuery } from './table-query.ts'

const COLUMNS: Readonly<Record<string, (row: SiteFolder) => string | number>> = {
  name: (row) => row.name,
  known: (row) => row.known,
  ok: (row) => row.done.ok + row.done.unchanged,
  gone: (row) => row.done.gone,
  failed: (row) => row.done.failed,
  left: (row) => row.left,
  bytes: (row) => row.bytes,
}

export function siteApi(view: JobView): Hono {
  const api = new Hono()
  api.get('/site', (context) => {
    const prefix = context.req.query('in') ?? ''
    const { share, folder, folders } = view.site.level(prefix)
    const page = takePage(folders, tableQuery(context), COLUMNS, 'name')
    return context.json({ seq: view.seq, share, folder, ...page })
  })
  return api
}
