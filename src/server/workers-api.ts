/** What the process of the job and its extractor threads are doing, as JSON, beside the process that shows it. */
import { Hono } from 'hono'
import type { JobView } from '../job/index.ts'

/** Codes of pages that were set aside: their extractor ended its thread, did not end, or took too much memory. */
const SET_ASIDE = ['EXTRACT_CRASHED', 'EXTRACT_TIMEOUT', 'EXTRACT_MEMORY'] as const
const MOST = 100

export function workersApi(view: JobView): Hono {
  const api = new Hono()
  api.get('/workers', async (context) => {
    const setAside = SET_ASIDE.map((code) => {
      const { matched, rows } = view.urls({ code, sort: 'settled', descending: true }, { offset: 0, limit: MOST })
      return { code, urls: matched, pages: rows.map(({ url, record }) => ({ url, message: record?.message ?? '' })) }
    }).filter(({ urls }) => urls > 0)
    const { rss, heapUsed } = process.memoryUsage()
    const owner = await view.workers()
    return context.json({
      seq: view.seq,
      owner: owner ?? null,
      setAside,
      viewer: { rssBytes: rss, heapBytes: heapUsed },
    })
  })
  return api
}
