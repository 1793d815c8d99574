/** The job of a view as JSON: tables that are filtered, sorted and paged here, figures, controls. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { URL_SORTS } from '../job/index.ts'
import type { ErrorGroup, HostRow, JobView, UrlQuery, UrlRow, UrlSort, UrlState } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import { OUTCOMES } from '../model/outcome.ts'
import { bodyOf, shortText } from './body.ts'
import { compareApi } from './compare-api.ts'
import { fileName, streamOf } from './download.ts'
import { itemsApi } from './items-api.ts'
import { rulesApi } from './rules-api.ts'
import { siteApi } from './site-api.ts'
import { steerApi } from './steer-api.ts'
import { workersApi } from './workers-api.ts'
import { takePage } from './table.ts'
import type { Page } from './table.ts'
import { tableQuery } from './table-query.ts'

/** Rows of one download, in steps. */
const DOWNLOAD_STEP = 1000

const HOST_COLUMNS: Readonly<Record<string, (row: HostRow) => string | number>> = {
  host: (row) => row.host,
  known: (row) => row.known,
  left: (row) => row.left,
  ok: (row) => row.done.ok + row.done.unchanged,
  failed: (row) => row.done.failed,
  interval: (row) => row.intervalMs,
  errors: (row) => row.errors,
  /** Soonest end of what is left there. */
  ends: (row) => row.left * row.intervalMs,
}

const ERROR_COLUMNS: Readonly<Record<string, (row: ErrorGroup) => string | number>> = {
  outcome: (row) => row.outcome,
  code: (row) => row.code,
  host: (row) => row.host,
  urls: (row) => row.urls,
  first: (row) => row.firstAt,
  last: (row) => row.lastAt,
}

/** @param isReadOnly what changes something is refused. */
export function jobApi(view: JobView, isReadOnly = false): Hono {
  const api = new Hono()
  api.get('/job', async (context) =>
    context.json({ ...(await view.status()), seq: view.seq, complete: view.isComplete, readOnly: isReadOnly }),
  )
  api.get('/series', (context) => context.json({ seq: view.seq, ...view.series() }))
  api.get('/growth', (context) => context.json({ seq: view.seq, ...view.growth() }))
  api.get('/findings', async (context) => context.json({ seq: view.seq, findings: await view.findings() }))
  api.get('/settings', (context) => context.json(view.settings()))
  api.get('/urls', (context) => {
    const query = urlQuery(context)
    const { offset, limit } = tableQuery(context)
    const { matched, rows } = view.urls(query, { offset, limit })
    return context.json({ seq: view.seq, matched, offset, rows, facets: view.facets(query) })
  })
  api.get('/urls.ndjson', (context) => {
    const query = urlQuery(context)
    context.header('content-disposition', `attachment; filename="${fileName(view.name)}-urls.ndjson"`)
    return context.body(streamOf(linesOf(view, query)), 200, { 'content-type': 'application/x-ndjson' })
  })
  api.get('/hosts', (context) =>
    answer(context, view, takePage(view.hosts(), tableQuery(context), HOST_COLUMNS, 'host')),
  )
  api.get('/errors', (context) => {
    const page = takePage(view.errors(), tableQuery(context), ERROR_COLUMNS, 'host', 'code')
    return answer(context, view, { ...page, rows: view.withSamples(page.rows) })
  })
  api.route('/', rulesApi(view))
  api.route('/', itemsApi(view))
  api.route('/', siteApi(view))
  api.route('/', compareApi(view))
  api.route('/', workersApi(view))
  api.get('/why', async (context) => context.json(await view.why(context.req.query('url') ?? '')))
  api.post('/query', async (context) => {
    const { sql } = await bodyOf(context)
    if (typeof sql !== 'string') throw new SluiceError('OPTION_INVALID', 'sql is no text')
    return context.json(await view.query(sql))
  })
  api.route('/', steerApi(view, isReadOnly))
  return api
}

function answer<Row>(context: Context, view: JobView, page: Page<Row>): Response {
  return context.json({ seq: view.seq, ...page })
}

function urlQuery(context: Context): UrlQuery {
  const { state, code, status, host, q, sort, dir } = context.req.query()
  if (state !== undefined && state !== 'left' && !OUTCOMES.includes(state as never))
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(state)} is no state`, {
      hint: `one of left, ${OUTCOMES.join(', ')}`,
    })
  if (sort !== undefined && !URL_SORTS.includes(sort as UrlSort))
    throw new SluiceError('OPTION_INVALID', `the table has no column ${JSON.stringify(sort)}`, {
      hint: `one of ${URL_SORTS.join(', ')}`,
    })
  return {
    state: state as UrlState | undefined,
    code: shortText(code, 'code'),
    status: shortText(status, 'status'),
    host: shortText(host, 'host'),
    search: q,
    sort: sort as UrlSort | undefined,
    descending: dir === 'desc',
  }
}

function* linesOf(view: JobView, query: UrlQuery): Generator<readonly string[], undefined> {
  const slices = view.urlSlices(query, DOWNLOAD_STEP)
  for (let next = slices.next(); next.done !== true; next = slices.next()) yield next.value.map(lineOf)
}

function lineOf({ url, host, depth, state, record }: UrlRow): string {
  return JSON.stringify(record ?? { url, host, depth, state })
}
