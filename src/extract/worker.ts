/**
 * What runs in an extractor thread: loads the modules once, then takes one page after the other. It says in shared
 * memory which page it is at, before it touches it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Extractor } from './define.ts'
import type { Answered, Handed, WorkerStart } from './pool-worker.ts'
import { loadExtractor, runExtractor } from './run-extractor.ts'
import { setModuleResolver } from './user-module.ts'

/** Results that are sent together, and how long one may wait for others, ms. */
const TOGETHER = 8
const WAIT_MS = 10

const port = parentPort as NonNullable<typeof parentPort>
const { modules, current, resolver } = workerData as WorkerStart
const at = new Int32Array(current)
const queue: Handed['pages'][number][] = []
let results: Answered['results'][number][] = []
let sentAt = 0
let running = false

setModuleResolver(resolver)

const loaded: Promise<Extractor[]> = load()
// Told to whoever waits for it, with a page in hand.
loaded.catch(() => undefined)

port.on('message', ({ pages }: Handed) => {
  queue.push(...pages)
  if (!running) void work()
})

async function load(): Promise<Extractor[]> {
  const extractors: Extractor[] = []
  for (const module of modules) extractors.push(...(await loadExtractor(module)))
  return extractors
}

async function work(): Promise<void> {
  running = true
  const extractors = await loaded
  Atomics.store(at, 1, 1)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    Atomics.store(at, 0, next.number)
    const extraction = await runExtractor(extractors, next.page, () => performance.now())
    Atomics.store(at, 0, 0)
    results.push({ number: next.number, extraction })
    if (results.length >= TOGETHER || performance.now() - sentAt >= WAIT_MS) send()
  }
  send()
  running = false
}

function send(): void {
  if (results.length === 0) return
  const answered: Answered = { results }
  port.postMessage(answered)
  results = []
  sentAt = performance.now()
}
