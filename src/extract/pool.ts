/**
 * Extractor modules in worker threads: pages are handed out, results come back, and whatever an extractor does costs its
 * page alone. A thread that makes no progress is ended, one that died is replaced, a page that ended three threads is
 * set aside; the others in that thread's hands run again at no cost. It knows neither engine nor network.
 */
import { availableParallelism } from 'node:os'
import type { Clock, TimerHandle } from '../model/clock.ts'
import { wantsPage, type Extractor } from './define.ts'
import type {
  Extraction,
  ExtractFailure,
  ItemColumn,
  PageInput,
  StoredPage,
  StoredPagePool,
  ThreadFigures,
} from './extraction.ts'
import { PoolWorker, type Death, type PoolWorkerOptions, type ReaderModule, type Task } from './pool-worker.ts'
import { loadExtractor } from './run-extractor.ts'
import { itemColumns } from './schema.ts'

export interface WorkerPoolOptions {
  /** File URLs of modules whose default export is an extractor, or a list of them. */
  readonly modules: readonly string[]
  /** For pages that threads read themselves. */
  readonly reader?: ReaderModule
  readonly clock: Clock
  /** Threads. Default: one less than the machine's cores, at least one. */
  readonly workers?: number
  /** A page that takes longer ends its thread. Default 30,000. */
  readonly timeoutMs?: number
  /** Objects of one thread, and as much again of buffers, MiB. Default 512. */
  readonly memoryMb?: number
}

/** Threads one page may end (FAULTS.md 3.1: two retries of the extraction from the held body). */
const DEATHS = 3
/** Threads that end without a page in their hands, one after the other, before the pool gives up. */
const IDLE_DEATHS = 5
/** Pages waiting for each thread before the engine is told to fetch no more. */
const WAITING_A_WORKER = 32
/** Bodies held for each thread, until it has answered. Large ones are few: what is over 8 MiB comes as a file. */
const HELD_A_WORKER_BYTES = 16 * 1024 * 1024
/** How often threads are looked at; buffers fill at 1 to 4 GB a second. */
const LOOK_MS = 100
const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MEMORY_MB = 512

/** Resolves when every module has been loaded once. Rejects with `SluiceError` where one cannot be. */
export async function workerPool(options: WorkerPoolOptions): Promise<StoredPagePool> {
  const extractors: Extractor[] = []
  for (const module of options.modules) extractors.push(...(await loadExtractor(module)))
  return new WorkerPool(options, extractors)
}

class WorkerPool implements StoredPagePool {
  readonly workers: number
  readonly columns: readonly ItemColumn[] | undefined
  readonly #extractors: readonly Extractor[]
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #threads: PoolWorker[]
  #queue: Task[] = []
  #willFeed = false
  /** Of all pages that are not answered. */
  #heldBytes = 0
  #timer: TimerHandle | undefined
  #idleDeaths = 0
  #closed = false

  constructor(options: WorkerPoolOptions, extractors: readonly Extractor[]) {
    this.workers = options.workers ?? Math.max(1, availableParallelism() - 1)
    this.#extractors = extractors
    this.columns = itemColumns(extractors)
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const threads: PoolWorkerOptions = {
      modules: options.modules,
      reader: options.reader,
      memoryMb: options.memoryMb ?? DEFAULT_MEMORY_MB,
      answered: (task, extraction) => this.#answered(task, extraction),
      hungry: () => this.#feed(),
      died: (thread, death) => this.#died(thread, death),
    }
    this.#threads = Array.from({ length: this.workers }, () => new PoolWorker(threads))
  }

  get busy(): number {
    return this.#queue.length + this.#threads.reduce((sum, thread) => sum + thread.busy, 0)
  }

  get room(): number {
    return this.roomBytes <= 0 ? 0 : this.workers * WAITING_A_WORKER - this.busy
  }

  get roomBytes(): number {
    return this.workers * HELD_A_WORKER_BYTES - this.#heldBytes
  }

  wants(url: string, contentType: string, label: string | undefined): boolean {
    return wantsPage(this.#extractors, url, contentType, label)
  }

  run(page: PageInput, done: (extraction: Extraction) => void): void {
    const bytes = page.body.length
    this.#heldBytes += bytes
    const answered = (extraction: Extraction): void => {
      this.#heldBytes -= bytes
      done(extraction)
    }
    this.#take({ page, bytes, done: answered, deaths: 0 })
  }

  runStored(page: StoredPage, done: (extraction: Extraction) => void): void {
    this.#take({ page, bytes: 0, done, deaths: 0 })
  }

  figures(): Promise<readonly ThreadFigures[]> {
    const now = this.#clock.now()
    return Promise.all(this.#threads.map((thread) => thread.figures(now)))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#queue = []
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #take(task: Task): void {
    this.#queue.push(task)
    if (this.#willFeed || !this.#threads.some(({ isShort }) => isShort)) return
    this.#willFeed = true
    // What the caller gives in one go becomes one message.
    queueMicrotask(() => this.#feed())
  }

  #feed(): void {
    this.#willFeed = false
    if (this.#closed) return
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const thread = this.#leastBusy(next)
      if (thread === undefined) break
      this.#queue.shift()
      thread.push(next)
    }
    for (const thread of this.#threads) thread.send()
    if (this.busy > 0) this.#watch()
  }

  #leastBusy(task: Task): PoolWorker | undefined {
    let least: PoolWorker | undefined
    for (const thread of this.#threads) {
      if (thread.takes(task) && (least === undefined || thread.busy < least.busy)) least = thread
    }
    return least
  }

  #answered(task: Task, extraction: Extraction): void {
    this.#idleDeaths = 0
    if (!this.#closed) task.done(extraction)
  }

  /** Late by at most one look. */
  #watch(): void {
    this.#timer ??= this.#clock.setTimer(
      () => {
        this.#timer = undefined
        const now = this.#clock.now()
        for (const thread of this.#threads) {
          if (thread.stuckMs(now) >= this.#timeoutMs) thread.kill()
          else thread.weigh()
        }
        if (this.busy > 0) this.#watch()
      },
      Math.min(LOOK_MS, Math.max(10, this.#timeoutMs / 10)),
    )
  }

  #died(thread: PoolWorker, { culprit, others, reason }: Death): void {
    if (this.#closed) return
    this.#queue.unshift(...others)
    if (culprit === undefined) {
      this.#idleDeaths++
      if (this.#idleDeaths >= IDLE_DEATHS) this.#giveUp(reason.message)
    } else if (reason.code === 'EXTRACT_TIMEOUT') {
      // A loop has had its time: it would only loop again.
      const message = `the extractor did not finish within ${this.#timeoutMs} ms`
      culprit.done(failed({ code: 'EXTRACT_TIMEOUT', message, frame: undefined }, this.#timeoutMs))
    } else if (++culprit.deaths >= DEATHS) culprit.done(failed(reason, 0))
    else this.#queue.unshift(culprit)
    thread.restart()
    this.#feed()
  }

  /** The modules end their thread by themselves, whatever the page. */
  #giveUp(why: string): void {
    const queue = this.#queue
    this.#queue = []
    const message = `extractor threads end without a page in their hands: ${why}`
    for (const { done } of queue) done(failed({ code: 'EXTRACT_CRASHED', message, frame: undefined }, 0))
  }
}

function failed(failure: ExtractFailure, ms: number): Extraction {
  return { items: [], links: [], issues: [], failure, ms, matched: true }
}
