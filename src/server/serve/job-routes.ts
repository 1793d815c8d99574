/**
 * What the dashboard of each job answers below `/jobs/{job}/api`, for the description of the API and for calls by name. The
 * rows are served by `../job-api.ts` and `../app.ts`; `test/server/service-api.test.ts` fails where one of them is missing
 * here.
 */
import type { Field, Route } from './route.ts'

const JOB: Field = { type: 'string', about: 'name of the job', isNeeded: true, longest: 100 }
const TABLE: Readonly<Record<string, Field>> = {
  q: { type: 'string', about: 'part of a text column' },
  sort: { type: 'string', about: 'column' },
  dir: { type: 'string', about: 'order', choices: ['asc', 'desc'] },
  offset: { type: 'integer', about: 'rows to leave out', min: 0 },
  limit: { type: 'integer', about: 'most rows', min: 0, max: 500 },
}
const URL_FACETS: Readonly<Record<string, Field>> = {
  state: { type: 'string', about: 'left, or an outcome' },
  code: { type: 'string', about: 'error code' },
  status: { type: 'string', about: 'status, or class such as 5xx' },
  host: { type: 'string', about: 'host' },
}

const ITEM_FACETS: Readonly<Record<string, Field>> = {
  type: { type: 'string', about: 'type of item' },
  missing: { type: 'string', about: 'field that they lack' },
  latest: { type: 'string', about: '1: of each key the latest alone', choices: ['1'] },
}
const ITEM_TABLE = { ...ITEM_FACETS, ...TABLE }

interface Row {
  readonly id: string
  readonly method?: 'POST'
  /** Below `/jobs/{job}/api`. */
  readonly path: string
  readonly about: string
  readonly fields?: Readonly<Record<string, Field>>
  readonly changes?: true
  readonly tool?: string
  readonly answers?: NonNullable<Route['answers']>
}

const ROWS: readonly Row[] = [
  { id: 'job.status', path: '/job', about: 'Counters of the job, as `sluice status --json`' },
  { id: 'job.series', path: '/series', about: 'Settlements over time by outcome' },
  { id: 'job.growth', path: '/growth', about: 'URLs known and done over time, and the projected end' },
  { id: 'job.findings', path: '/findings', about: 'What holds the job up or went wrong, each with what helps' },
  { id: 'job.settings', path: '/settings', about: 'Options of the job; what may hold a secret is not told' },
  {
    id: 'job.urls',
    path: '/urls',
    tool: 'read_urls',
    about: 'URLs of a job with outcome, status and error: search, facets, order, pages',
    fields: { ...URL_FACETS, ...TABLE },
  },
  {
    id: 'job.urlsNdjson',
    path: '/urls.ndjson',
    about: 'All URLs that match, a line each',
    fields: { ...URL_FACETS, q: TABLE['q'] as Field, sort: TABLE['sort'] as Field, dir: TABLE['dir'] as Field },
    answers: 'application/x-ndjson',
  },
  { id: 'job.hosts', path: '/hosts', about: 'Hosts of the job: left, done, interval', fields: TABLE },
  {
    id: 'job.errors',
    path: '/errors',
    tool: 'read_errors',
    about: 'Failures of a job by cause and host',
    fields: TABLE,
  },
  {
    id: 'job.why',
    path: '/why',
    tool: 'why',
    about: 'Why a URL of a job is as it is, or how one of its hosts is paced',
    fields: { url: { type: 'string', about: 'URL or host', isNeeded: true, longest: 8192 } },
  },
  { id: 'job.robots', path: '/robots', about: 'robots.txt by origin: state, age, what it refused', fields: TABLE },
  {
    id: 'job.robotsFile',
    path: '/robots/file',
    about: 'The robots.txt that holds for an origin, as it was read',
    fields: { origin: { type: 'string', about: 'such as https://your.site', isNeeded: true } },
  },
  {
    id: 'job.robotsTest',
    path: '/robots/test',
    about: 'What robots.txt, scope and blocks say of a URL',
    fields: { url: { type: 'string', about: 'URL', isNeeded: true, longest: 8192 } },
  },
  {
    id: 'job.scope',
    path: '/scope',
    about: 'Rules of the scope with what each refused, and the patterns that leave out',
  },
  {
    id: 'job.scopePreview',
    method: 'POST',
    path: '/scope/preview',
    about: 'How many queued URLs other patterns would leave out; nothing is changed',
    fields: { exclude: { type: 'strings', about: 'patterns', isNeeded: true } },
  },
  { id: 'job.items', path: '/items', about: 'Items: search, type, missing fields, order, pages', fields: ITEM_TABLE },
  {
    id: 'job.itemsNdjson',
    path: '/items.ndjson',
    about: 'All items that match, a line each',
    fields: { ...ITEM_FACETS, q: TABLE['q'] as Field, sort: TABLE['sort'] as Field, dir: TABLE['dir'] as Field },
    answers: 'application/x-ndjson',
  },
  {
    id: 'job.site',
    path: '/site',
    about: 'One folder of the site: what lies in it, with counts by outcome',
    fields: { in: { type: 'string', about: 'folder; absent: the hosts', longest: 8192 }, ...TABLE },
  },
  { id: 'job.compareJobs', path: '/compare/jobs', about: 'Jobs and runs that this one can be compared with' },
  {
    id: 'job.compare',
    path: '/compare',
    about: 'What is new, gone or changed since another job or run',
    fields: {
      before: { type: 'string', about: 'JOB or JOB@RUN', isNeeded: true },
      now: { type: 'string', about: 'the same; default: this job' },
      change: { type: 'string', about: 'kind of change' },
      ...TABLE,
    },
  },
  { id: 'job.workers', path: '/workers', about: 'The process, its extractor threads, pages that were set aside' },
  { id: 'job.audit', path: '/audit', about: 'Who changed what in this job, newest first', fields: TABLE },
  {
    id: 'job.live',
    path: '/live',
    about: 'A snapshot a second at most, as event `frame`',
    answers: 'text/event-stream',
  },
  {
    id: 'job.events',
    path: '/events',
    about:
      'Durable events after `Last-Event-ID` (or `after`), and those to come. With `wait` a long poll: those that are there, or the first within so many seconds (at most 60), as JSON; 204 where there is none',
    fields: {
      after: { type: 'integer', about: 'number of the last event that is known', min: 0 },
      wait: { type: 'integer', about: 'seconds', min: 0, max: 60 },
    },
    answers: 'text/event-stream',
  },
  {
    id: 'job.socket',
    path: '/socket',
    about: 'The same events over a WebSocket, a JSON text each; nothing is taken from the client',
    fields: { after: { type: 'integer', about: 'number of the last event that is known', min: 0 } },
    answers: 'websocket',
  },
  { id: 'job.pause', method: 'POST', path: '/pause', about: 'Pauses the running job', changes: true },
  { id: 'job.resume', method: 'POST', path: '/resume', about: 'Lets it go on', changes: true },
  { id: 'job.stop', method: 'POST', path: '/stop', about: 'Stops the run; its state is saved', changes: true },
  {
    id: 'job.query',
    method: 'POST',
    path: '/query',
    tool: 'query',
    about: 'One SQL statement that reads `pages`, `items` or the SQL output of a job; at most 500 rows, within 10 s',
    fields: { sql: { type: 'string', about: 'the statement', isNeeded: true, longest: 60_000 } },
  },
  {
    id: 'job.set',
    method: 'POST',
    path: '/set',
    about: 'Changes a setting, for all hosts or one: delay, perHost, block, rate, concurrency, limit, bandwidth',
    fields: {
      name: { type: 'string', about: 'setting', isNeeded: true },
      value: { type: 'scalar', about: 'as on the command line', isNeeded: true },
      host: { type: 'string', about: 'host; absent: all' },
    },
    changes: true,
  },
  {
    id: 'job.retry',
    method: 'POST',
    path: '/retry',
    tool: 'retry',
    about: 'Queues matching URLs again; with dryRun they are only counted',
    fields: {
      query: { type: 'object', about: 'outcome, code, status, host, since; unsafe: true for POST and the like' },
      dryRun: { type: 'boolean', about: 'count only' },
    },
    changes: true,
  },
  {
    id: 'job.add',
    method: 'POST',
    path: '/add',
    about: 'Adds URLs to the job; with dryRun they are only counted',
    fields: {
      urls: { type: 'strings', about: 'at most 5,000 URLs', isNeeded: true },
      dryRun: { type: 'boolean', about: 'count only' },
    },
    changes: true,
  },
]

export const JOB_API = '/jobs/{job}/api'

export const JOB_ROUTES: readonly Route[] = ROWS.map(({ method = 'GET' as const, path, fields = {}, ...row }) => ({
  ...row,
  method,
  path: JOB_API + path,
  fields: { job: JOB, ...fields },
}))
