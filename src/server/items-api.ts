/** Items of the job as JSON: a table with facets, what is missing and what was wrong by field, all of it as a download. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { ItemQuery, JobView } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import { shortText } from './body.ts'
import { fileName, streamOf } from './download.ts'
import { tableQuery } from './table-query.ts'

export function itemsApi(view: JobView): Hono {
  const api = new Hono()
  const { items } = view
  api.get('/items', async (context) => {
    await items.advance()
    const { offset, limit } = tableQuery(context)
    const { matched, rows } = await items.page(itemQuery(context), offset, limit)
    const { extraction } = await view.status()
    return context.json({ seq: view.seq, matched, offset, rows, figures: items.figures(), extraction })
  })
  api.get('/items.ndjson', async (context) => {
    await items.advance()
    if (!items.figures().isReadable)
      throw new SluiceError('OPTION_INVALID', 'this job keeps no items as plain NDJSON', {
        hint: 'sluice export JOB --items',
      })
    const lines = items.lines(itemQuery(context))
    context.header('content-disposition', `attachment; filename="${fileName(view.name)}-items.ndjson"`)
    return context.body(streamOf(lines), 200, { 'content-type': 'application/x-ndjson' })
  })
  return api
}

function itemQuery(context: Context): ItemQuery {
  const { search, sort, descending } = tableQuery(context)
  const { type, missing, latest } = context.req.query()
  return {
    search,
    sort,
    descending,
    type: shortText(type, 'type'),
    missing: shortText(missing, 'missing'),
    latest: latest === '1',
  }
}
