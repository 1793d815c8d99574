/** What changes a job: each action is refused where the server only shows, and kept in the audit log whatever came of it. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { addUrls, previewAdd, readAudit, writeAudit } from '../job/index.ts'
import type { AuditEntry, JobView, RetryQuery } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import type { Known } from './access.ts'
import { asObject, bodyOf, shortText } from './body.ts'
import type { Body } from './body.ts'
import { patternsOf } from './rules-api.ts'
import { takePage } from './table.ts'
import { tableQuery } from './table-query.ts'

const BY = 'the dashboard'
const CONTROLS = ['pause', 'resume', 'stop'] as const
/** With `dryRun` they only count. */
const COUNTED: readonly string[] = ['retry', 'add']
const RETRY_FACETS = ['outcome', 'code', 'status', 'host', 'since'] as const
/** URLs of one request; the page sends more in several. */
const MOST_URLS = 5_000

const AUDIT_COLUMNS: Readonly<Record<string, (row: AuditRow) => string>> = {
  t: (row) => row.t,
  action: (row) => row.action,
  user: (row) => row.who ?? row.user,
  by: (row) => row.by,
  result: (row) => row.result,
}

interface AuditRow extends AuditEntry {
  readonly told: string
}

interface Action {
  readonly action: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly why: string | undefined
}

export function steerApi(view: JobView, isReadOnly: boolean): Hono<Known> {
  const api = new Hono<Known>()

  /** Does it, and keeps what came of it. */
  async function steer(context: Context<Known>, action: Action, work: () => Promise<Response>): Promise<Response> {
    const { name } = context.get('person')
    const keep = (result: string): void => void writeAudit(view.folder, { ...action, who: name, by: BY, result })
    try {
      const response = await work()
      keep(response.ok ? 'done' : 'JOB_NOT_RUNNING')
      return response
    } catch (error) {
      keep(error instanceof SluiceError ? error.code : 'INTERNAL')
      throw error
    }
  }

  // Before what was sent is looked at: who only reads learns nothing of it. Counting first changes nothing.
  for (const path of [...CONTROLS, 'set', 'retry', 'add'])
    api.use(`/${path}`, async (context, next) => {
      const isAllowed = !isReadOnly && context.get('person').mayChange
      if (isAllowed || (COUNTED.includes(path) && (await isTrial(context)))) return next()
      const message = 'this key, or the whole server, is for reading only'
      return context.json({ error: { code: 'READ_ONLY', message } }, 403)
    })
  for (const method of CONTROLS) {
    api.post(`/${method}`, async (context) =>
      steer(context, { action: method, why: await whyOf(context) }, async () => {
        const done = await view.control(method, { by: BY })
        return done === undefined ? notRunning(context, view) : context.json(await view.status())
      }),
    )
  }
  api.post('/set', async (context) => {
    const { name, value, host, reason } = await bodyOf(context)
    const isList = name === 'exclude' && Array.isArray(value)
    if (!isList && !['string', 'number', 'boolean'].includes(typeof value))
      throw new SluiceError('OPTION_INVALID', 'value is neither a text, a number nor a boolean')
    const setting = isList ? patternsOf(value) : value
    const change = { name: shortText(name, 'name') ?? '', value: setting, by: BY, host: shortText(host, 'host') }
    const details = { name: change.name, value: setting, host: change.host }
    return steer(context, { action: 'set', details, why: shortText(reason, 'reason') }, async () =>
      context.json({ live: await view.set(change) }),
    )
  })
  api.post('/retry', async (context) => {
    const { query = {}, dryRun, reason } = await bodyOf(context)
    const wanted = retryQuery(asObject(query, 'query'))
    if (dryRun === true) return context.json({ urls: await view.retry(wanted, true) })
    const action = { action: 'retry', details: { ...wanted }, why: shortText(reason, 'reason') }
    return steer(context, action, async () => context.json({ urls: await view.retry(wanted, false) }))
  })
  api.post('/add', async (context) => {
    const { urls: given, dryRun, reason } = await bodyOf(context)
    const urls = urlsOf(given)
    if (dryRun === true) return context.json(await previewAdd(view.folder, urls))
    const details = { urls: urls.length, first: withoutLogin(urls[0] ?? '') }
    return steer(context, { action: 'add', details, why: shortText(reason, 'reason') }, async () =>
      context.json(await addUrls(view.folder, urls, BY)),
    )
  })
  api.get('/audit', (context) => {
    const rows = readAudit(view.folder).map((entry): AuditRow => ({ ...entry, told: JSON.stringify(entry) }))
    return context.json({ seq: view.seq, ...takePage(rows, tableQuery(context), AUDIT_COLUMNS, 'told') })
  })
  return api
}

function notRunning(context: Context, { folder }: JobView): Response {
  const error = { code: 'JOB_NOT_RUNNING', message: 'nobody runs this job', hint: `sluice resume ${folder}` }
  return context.json({ error }, 409)
}

async function isTrial(context: Context): Promise<boolean> {
  return ((await context.req.json().catch(() => ({}))) as { dryRun?: unknown } | null)?.dryRun === true
}

/** Of an action that needs no body. */
async function whyOf(context: Context): Promise<string | undefined> {
  if (((await context.req.text()) || '{}') === '{}') return undefined
  return shortText((await bodyOf(context))['reason'], 'reason')
}

/** @throws SluiceError OPTION_INVALID */
function urlsOf(given: unknown): string[] {
  if (Array.isArray(given) && given.length <= MOST_URLS && given.every((one) => typeof one === 'string')) return given
  throw new SluiceError('OPTION_INVALID', `urls is no list of at most ${MOST_URLS} texts`)
}

/** The log is read by more people than the URL was written for. */
function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//')
}

function retryQuery(query: Body): RetryQuery {
  const facets = RETRY_FACETS.flatMap((name) => {
    const text = shortText(query[name], name)
    return text === undefined ? [] : [[name, text] as const]
  })
  return { ...Object.fromEntries(facets), unsafe: query['unsafe'] === true }
}
