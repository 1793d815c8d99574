/** What the service itself answers: its jobs, and what can be done with each. */
import { readAudit } from '../../job/index.ts'
import { takePage } from '../table.ts'
import type { ServedRoute } from './route.ts'
import type { Field } from './route.ts'
import type { Jobs, JobRow, NewJob } from './jobs.ts'
import { Refusal } from './refusal.ts'

const JOB: Field = { type: 'string', about: 'name of the job', isNeeded: true, longest: 100 }
const NEW_JOB: Readonly<Record<string, Field>> = {
  urls: { type: 'strings', about: 'URLs of the web, http:// or https://', isNeeded: true },
  name: { type: 'string', about: 'name of the job; default: from the first URL', longest: 100 },
  out: { type: 'strings', about: 'outputs in the folder of the job, such as items.ndjson, pages.csv, files/' },
  extract: { type: 'strings', about: "names of extractor modules in the operator's folder" },
  options: { type: 'object', about: 'options of the job by name, such as {"scope":"host","limit":100,"delay":"2s"}' },
  paused: { type: 'boolean', about: 'true: opened, but nothing is fetched before it is resumed' },
}
const COLUMNS: Readonly<Record<string, (row: JobRow) => string | number>> = {
  name: (row) => row.name,
  state: (row) => row.state,
  known: (row) => row.known,
  done: (row) => row.done,
  left: (row) => row.left,
  created: (row) => row.createdAt ?? '',
}
/** Rows of an answer. */
const PAGE = 50
const LARGEST_PAGE = 500

export interface RoutesInit {
  readonly jobs: Jobs
  /** Folder of the service's own audit log. */
  readonly own: string
  /** Base path of the service, for addresses in answers. */
  readonly base: string
  /** Items, or pages where the job has no extractor. */
  items(job: string, offset: number, limit: number): Promise<unknown>
  /** @throws Refusal where what every job needs is away */
  ready(): Promise<void>
  /** The folder of the job goes away. */
  forget(job: string): Promise<void>
}

export function serviceRoutes({ jobs, own, base, items, ready, forget }: RoutesInit): ServedRoute[] {
  const links = (name: string): { readonly page: string; readonly api: string } => ({
    page: `${base}/jobs/${encodeURIComponent(name)}/`,
    api: `${base}/jobs/${encodeURIComponent(name)}/api`,
  })
  const one = async (name: string): Promise<unknown> => {
    jobs.folderOf(name)
    return { ...(await jobs.row(name)), ...links(name) }
  }
  const starting = (kind: NewJob['kind']): ServedRoute['run'] => {
    return async ({ urls, name, out, extract, options, paused }, { person }) => {
      await ready()
      const made = jobs.create(
        { kind, urls, name, out, extract, options, isPaused: paused === true } as unknown as NewJob,
        person.name,
      )
      return one(made)
    }
  }
  const control = (method: 'stop' | 'pause' | 'resume'): ServedRoute['run'] => {
    return async ({ job }, { person }) => {
      jobs.folderOf(String(job))
      await jobs[method](String(job), person.name)
      return one(String(job))
    }
  }
  return [
    {
      id: 'jobs.list',
      method: 'GET',
      path: '/api/jobs',
      tool: 'list_jobs',
      about: 'Jobs of the service with their state and counts',
      fields: {
        q: { type: 'string', about: 'part of the name' },
        sort: { type: 'string', about: 'column', choices: Object.keys(COLUMNS) },
        dir: { type: 'string', about: 'order', choices: ['asc', 'desc'] },
        offset: { type: 'integer', about: 'rows to leave out', min: 0 },
        limit: { type: 'integer', about: 'most rows', min: 0, max: LARGEST_PAGE },
      },
      run: async ({ q = '', sort, dir, offset = 0, limit = PAGE }) => {
        const names = jobs.names().filter((name) => name.toLowerCase().includes(String(q).toLowerCase()))
        const slice = { offset: Number(offset), limit: Number(limit) }
        // Names are cheap; of the jobs themselves only those are opened that are shown, unless an order asks for all.
        const needsAll = sort !== undefined && sort !== 'name'
        const ordered = dir === 'desc' && !needsAll ? names.toReversed() : names
        const wanted = needsAll ? names : ordered.slice(slice.offset, slice.offset + slice.limit)
        const rows = await Promise.all(wanted.map(async (name) => ({ ...(await jobs.row(name)), ...links(name) })))
        if (!needsAll) return { matched: names.length, offset: slice.offset, rows }
        const query = { search: '', sort: String(sort), descending: dir === 'desc', ...slice }
        return takePage(rows, query, COLUMNS)
      },
    },
    {
      id: 'jobs.crawl',
      method: 'POST',
      path: '/api/jobs/crawl',
      tool: 'start_crawl',
      about: 'Starts a job that follows links from start pages, politely',
      fields: NEW_JOB,
      changes: true,
      run: starting('crawl'),
    },
    {
      id: 'jobs.fetch',
      method: 'POST',
      path: '/api/jobs/fetch',
      tool: 'start_fetch',
      about: 'Starts a job that fetches a list of URLs and follows no link',
      fields: NEW_JOB,
      changes: true,
      run: starting('fetch'),
    },
    {
      id: 'jobs.get',
      method: 'GET',
      path: '/api/jobs/{job}',
      tool: 'job_status',
      about: 'One job: state, counts by outcome, rate, what is left',
      fields: { job: JOB },
      run: ({ job }) => one(String(job)),
    },
    {
      id: 'jobs.items',
      method: 'GET',
      path: '/api/jobs/{job}/items',
      tool: 'read_items',
      about: 'Items that the extractors of a job found; of a job without any, the records of its pages',
      fields: {
        job: JOB,
        offset: { type: 'integer', about: 'items to leave out', min: 0 },
        limit: { type: 'integer', about: 'most items', min: 1, max: LARGEST_PAGE },
      },
      run: ({ job, offset = 0, limit = PAGE }) => items(String(job), Number(offset), Number(limit)),
    },
    {
      id: 'jobs.start',
      method: 'POST',
      path: '/api/jobs/{job}/start',
      tool: 'start_job',
      about: 'Runs a job that does not run: goes on with what is left, or asks again for what it knows',
      fields: {
        job: JOB,
        again: {
          type: 'string',
          about: 'changed: conditional requests for all pages; due: for those whose time has come',
          choices: ['changed', 'due'],
        },
      },
      changes: true,
      job: 'job',
      run: async ({ job, again }, { person }) => {
        const once = again === 'changed' ? { ifChanged: true } : again === 'due' ? { ifDue: true } : {}
        await ready()
        await jobs.start(String(job), person.name, once)
        return one(String(job))
      },
    },
    {
      id: 'jobs.stop',
      method: 'POST',
      path: '/api/jobs/{job}/stop',
      tool: 'stop_job',
      about: 'Stops a job; its state is saved',
      fields: { job: JOB },
      changes: true,
      job: 'job',
      run: control('stop'),
    },
    {
      id: 'jobs.pause',
      method: 'POST',
      path: '/api/jobs/{job}/pause',
      tool: 'pause_job',
      about: 'Nothing new starts in a running job until it is resumed',
      fields: { job: JOB },
      changes: true,
      job: 'job',
      run: control('pause'),
    },
    {
      id: 'jobs.resume',
      method: 'POST',
      path: '/api/jobs/{job}/resume',
      tool: 'resume_job',
      about: 'Lets a paused job go on',
      fields: { job: JOB },
      changes: true,
      job: 'job',
      run: control('resume'),
    },
    {
      id: 'jobs.delete',
      method: 'DELETE',
      path: '/api/jobs/{job}',
      about: 'Sets a job that does not run aside (the folder .sluice-service/deleted); with erase it is gone for good',
      fields: {
        job: JOB,
        confirm: { type: 'string', about: 'the name of the job once more', isNeeded: true },
        erase: { type: 'boolean', about: 'true: its folder is removed' },
      },
      changes: true,
      run: async ({ job, confirm, erase }) => {
        if (confirm !== job)
          throw new Refusal(409, 'NOT_CONFIRMED', 'confirm is not the name of the job', {
            hint: `{"confirm": ${JSON.stringify(job)}}`,
          })
        await forget(String(job))
        await jobs.remove(String(job), erase === true)
        return { deleted: job, erased: erase === true }
      },
    },
    {
      id: 'service.audit',
      method: 'GET',
      path: '/api/audit',
      about: 'What was done with jobs as a whole, newest first: made, started, stopped, deleted',
      fields: { limit: { type: 'integer', about: 'most entries', min: 1, max: LARGEST_PAGE } },
      run: ({ limit = PAGE }) => ({ entries: readAudit(own).slice(0, Number(limit)) }),
    },
  ]
}
