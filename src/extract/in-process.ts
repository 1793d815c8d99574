/**
 * Extractors given as functions instead of modules, for small jobs: they run on the main thread, one page in a turn of
 * the event loop. A loop stops everything and memory has no limit of its own: what needs either is a module
 * (`pool.ts`). A promise that does not resolve in time is given up.
 */
import type { Clock } from '../model/clock.ts'
import { wantsPage, type Extractor } from './define.ts'
import type { Extraction, ExtractorPool, PageInput } from './extraction.ts'
import { runExtractor } from './run-extractor.ts'
import { itemColumns } from './schema.ts'

/** Pages waiting before the engine is told to fetch no more. */
const WAITING = 32
/** Bodies held for them. */
const HELD_BYTES = 16 * 1024 * 1024

export function inProcessPool(extractors: readonly Extractor[], clock: Clock, timeoutMs: number): ExtractorPool {
  const queue: { page: PageInput; done: (extraction: Extraction) => void }[] = []
  let heldBytes = 0
  let running = false
  let closed = false

  const inTime = (running: Promise<Extraction>): Promise<Extraction> =>
    new Promise((resolve) => {
      const message = `the extractor did not finish within ${timeoutMs} ms`
      const failure = { code: 'EXTRACT_TIMEOUT', message, frame: undefined } as const
      const late: Extraction = { items: [], links: [], issues: [], failure, ms: timeoutMs, matched: true }
      const timer = clock.setTimer(() => resolve(late), timeoutMs)
      void running.then((extraction) => {
        timer.cancel()
        resolve(extraction)
      })
    })

  const work = async (): Promise<void> => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      await new Promise((resolve) => setImmediate(resolve))
      const extraction = await inTime(runExtractor(extractors, next.page, () => clock.now()))
      if (closed) return
      queue.shift()
      heldBytes -= next.page.body.length
      next.done(extraction)
    }
    running = false
  }

  return {
    workers: 0,
    columns: itemColumns(extractors),
    get busy() {
      return queue.length
    },
    get room() {
      return heldBytes >= HELD_BYTES ? 0 : WAITING - queue.length
    },
    get roomBytes() {
      return HELD_BYTES - heldBytes
    },
    figures: () => Promise.resolve([]),
    wants: (url, contentType, label) => wantsPage(extractors, url, contentType, label),
    run(page, done) {
      queue.push({ page, done })
      heldBytes += page.body.length
      if (running) return
      running = true
      void work()
    },
    async close() {
      closed = true
      queue.length = 0
    },
  }
}
