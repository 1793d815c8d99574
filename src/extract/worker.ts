/**
 * What runs in an extractor thread: loads the modules once, then takes one page after the other. It says in shared
 * memory which page it is at, before it touches it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { describeThrown } from './run-extractor-frame.ts'
import type { Extractor } from './define.ts'
import type { Extraction, PageInput, PageReader, StoredPage } from './extraction.ts'
import type { Answered, Handed, WorkerStart } from './pool-worker.ts'
import { loadExtractor, runExtractor } from './run-extractor.ts'
import { setModuleResolver } from './user-module.ts'

/** Results that are sent together, and how long one may wait for others, ms. */
const TOGETHER = 8
const WAIT_MS = 10

const NOTHING: Extraction = { items: [], links: [], issues: [], failure: undefined, ms: 0, matched: false }

const port = parentPort as NonNullable<typeof parentPort>
const { modules, reader, current, resolver } = workerData as WorkerStart
const at = new Int32Array(current)
const queue: Handed['pages'][number][] = []
let results: Answered['results'][number][] = []
let sentAt = 0
let running = false

setModuleResolver(resolver)

const loaded: Promise<Extractor[]> = load()
// Told to whoever waits for it, with a page in hand.
loaded.catch(() => undefined)

const reading: Promise<PageReader | undefined> = openReader()
reading.catch(() => undefined)

port.on('message', ({ pages }: Handed) => {
  queue.push(...pages)
  if (!running) void work()
})

async function load(): Promise<Extractor[]> {
  const extractors: Extractor[] = []
  for (const module of modules) extractors.push(...(await loadExtractor(module)))
  return extractors
}

async function openReader(): Promise<PageReader | undefined> {
  if (reader === undefined) return undefined
  const module = (await import(reader.module)) as { readonly openReader: (data: unknown) => PageReader }
  return module.openReader(reader.data)
}

async function work(): Promise<void> {
  running = true
  const extractors = await loaded
  const read = await reading
  Atomics.store(at, 1, 1)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    Atomics.store(at, 0, next.number)
    const extraction = await extract(extractors, next.page, read)
    Atomics.store(at, 0, 0)
    results.push({ number: next.number, extraction })
    if (results.length >= TOGETHER || performance.now() - sentAt >= WAIT_MS) send()
  }
  send()
  running = false
}

async function extract(
  extractors: readonly Extractor[],
  page: PageInput | StoredPage,
  read: PageReader | undefined,
): Promise<Extraction> {
  let input: PageInput | undefined
  try {
    input = 'place' in page ? await read?.(page) : page
  } catch (error) {
    const failure = { code: 'INPUT_UNREADABLE', message: describeThrown(error), frame: undefined } as const
    return { ...NOTHING, failure, matched: true }
  }
  return input === undefined ? NOTHING : runExtractor(extractors, input, () => performance.now())
}

function send(): void {
  if (results.length === 0) return
  const answered: Answered = { results }
  port.postMessage(answered)
  results = []
  sentAt = performance.now()
}
