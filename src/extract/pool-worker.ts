/**
 * One extractor thread as the pool sees it: what it has been given, which page it is at, and why it ended. The page it
 * is at stands in shared memory, so that a thread that loops or dies in the middle can still be asked.
 */
import { Worker } from 'node:worker_threads'
import type { ExtractFailure, Extraction, PageInput, StoredPage, ThreadFigures } from './extraction.ts'
import { moduleResolver } from './user-module.ts'

/** One page on its way. */
export interface Task {
  readonly page: PageInput | StoredPage
  /** Of its body in memory. */
  readonly bytes: number
  readonly done: (extraction: Extraction) => void
  /** Threads it has ended. From the first on it runs alone. */
  deaths: number
}

/** Main thread to worker. */
export interface Handed {
  readonly pages: readonly { readonly number: number; readonly page: Task['page'] }[]
}

/** Worker to main thread. */
export interface Answered {
  readonly results: readonly { readonly number: number; readonly extraction: Extraction }[]
}

/** Where threads get stored pages from: what `openReader(data)` of the module gives. */
export interface ReaderModule {
  /** File URL. */
  readonly module: string
  /** Crosses threads by structured clone. */
  readonly data: unknown
}

export interface WorkerStart {
  readonly modules: readonly string[]
  readonly reader: ReaderModule | undefined
  /** Two Int32: number of the page at work, 0 between pages; 1 once the modules are loaded. */
  readonly current: SharedArrayBuffer
  /** File that makes the package findable from anywhere, where the command line has one. */
  readonly resolver: string | undefined
}

export interface Death {
  /** The page it was at; undefined: none. */
  readonly culprit: Task | undefined
  /** Handed out and not answered, in order. */
  readonly others: readonly Task[]
  readonly reason: ExtractFailure
}

export interface PoolWorkerOptions {
  readonly modules: readonly string[]
  readonly reader: ReaderModule | undefined
  readonly memoryMb: number
  answered(task: Task, extraction: Extraction): void
  /** It could take more. */
  hungry(): void
  /** Told once a thread; the pool restarts it. */
  died(thread: PoolWorker, death: Death): void
}

const MiB = 1024 * 1024
/** Pages in the hands of a thread: enough that it never waits for the main thread, few enough to lose nothing by. */
const PAGES = 16
/** With fewer it is given what there is at once; otherwise with its next answers, many in one message. */
const FEW = PAGES / 2
/** Bodies in its hands, unless it is only one. */
const BYTES = 4 * MiB
/** Stands for no page in `seen` and `killed`: a thread may loop for what an earlier page left behind. */
const BETWEEN = -1
/** How long a thread may take to load its modules. */
const LOADING_MS = 60_000
/** Buffers that nobody refers to any more and V8 has not collected (its limit for that), and bodies handed over. */
const UNCOLLECTED_BYTES = 64 * MiB
const FILE = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'

export class PoolWorker {
  readonly #options: PoolWorkerOptions
  readonly #current = new Int32Array(new SharedArrayBuffer(8))
  #worker: Worker | undefined
  readonly #given = new Map<number, Task>()
  #bytes = 0
  #outgoing: { number: number; page: Task['page'] }[] = []
  #numbers = 0
  /** Set while a page that has ended a thread before is in its hands. */
  #alone = false
  /** Why it was ended, and the page it was at. */
  #killed: { readonly page: number; readonly code: 'EXTRACT_TIMEOUT' | 'EXTRACT_MEMORY' } | undefined
  #weighing = false
  #error: (Error & { code?: string }) | undefined
  /** Number that was seen at work last, and since when. */
  #seen = 0
  #seenAt = 0
  #pages = 0
  #restarts = 0

  constructor(options: PoolWorkerOptions) {
    this.#options = options
  }

  get busy(): number {
    return this.#given.size
  }

  /** It may be out of work before its next answers come. */
  get isShort(): boolean {
    return this.#given.size < FEW && !this.#alone && this.#killed === undefined
  }

  async figures(now: number): Promise<ThreadFigures> {
    // It may end before it can answer.
    const heap = await this.#worker?.getHeapStatistics().catch(() => undefined)
    return {
      pages: this.#pages,
      busy: this.#given.size,
      restarts: this.#restarts,
      memoryBytes: heap === undefined ? null : heap.total_heap_size + heap.external_memory,
      stuckMs: this.#seen === 0 ? 0 : now - this.#seenAt,
    }
  }

  takes({ bytes, deaths }: Task): boolean {
    if (this.#alone || this.#killed !== undefined) return false
    if (this.#given.size === 0) return true
    return deaths === 0 && this.#given.size < PAGES && this.#bytes + bytes <= BYTES
  }

  push(task: Task): void {
    const number = (this.#numbers = (this.#numbers % 0x7fff_fffe) + 1)
    this.#given.set(number, task)
    this.#bytes += task.bytes
    if (task.deaths > 0) this.#alone = true
    this.#outgoing.push({ number, page: task.page })
  }

  /** What was pushed goes out as one message. Bodies are copied: they are needed again should the thread die. */
  send(): void {
    if (this.#outgoing.length === 0) return
    const handed: Handed = { pages: this.#outgoing }
    this.#outgoing = []
    this.#started().postMessage(handed)
  }

  /** How long it has been at the same place: a page, or between pages with some in hand. 0 without any. */
  stuckMs(now: number): number {
    const page = Atomics.load(this.#current, 0)
    const isIdle = this.#given.size === 0
    const current = page === 0 && !isIdle ? BETWEEN : page
    if (current === 0 || current !== this.#seen) {
      this.#seen = current
      this.#seenAt = now
      return 0
    }
    const ms = now - this.#seenAt
    // Loading the modules has a time of its own.
    return Atomics.load(this.#current, 1) === 1 || ms >= LOADING_MS ? ms : 0
  }

  /** It has had its time. */
  kill(): void {
    this.#kill('EXTRACT_TIMEOUT', this.#seen)
  }

  /** Ends it where its buffers have outgrown the limit: V8 limits objects alone. Looks even into a loop. */
  weigh(): void {
    const worker = this.#worker
    if (worker === undefined || this.#weighing) return
    this.#weighing = true
    worker.getHeapStatistics().then(
      ({ external_memory: bytes }) => {
        this.#weighing = false
        if (this.#worker !== worker || bytes <= this.#options.memoryMb * MiB + UNCOLLECTED_BYTES) return
        this.#kill('EXTRACT_MEMORY', Atomics.load(this.#current, 0) || BETWEEN)
      },
      () => {
        // It ended before it could answer.
        this.#weighing = false
      },
    )
  }

  #kill(code: 'EXTRACT_TIMEOUT' | 'EXTRACT_MEMORY', page: number): void {
    if (this.#worker === undefined || this.#killed !== undefined) return
    this.#killed = { page, code }
    void this.#worker.terminate()
  }

  /** After a death; the thread itself starts with the next page. */
  restart(): void {
    this.#restarts++
    this.#killed = undefined
    this.#alone = false
    this.#error = undefined
    this.#seen = 0
    Atomics.store(this.#current, 0, 0)
    Atomics.store(this.#current, 1, 0)
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#given.clear()
    await worker?.terminate()
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const { modules, reader, memoryMb } = this.#options
    const workerData: WorkerStart = {
      modules,
      reader,
      current: this.#current.buffer as SharedArrayBuffer,
      resolver: moduleResolver(),
    }
    const worker = new Worker(new URL(FILE, import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 32 },
      // Standard output belongs to the records of the job: what an extractor prints is for the person who watches.
      stdout: true,
      stderr: true,
    })
    worker.stdout.pipe(process.stderr, { end: false })
    worker.stderr.pipe(process.stderr, { end: false })
    worker.on('message', (message: Answered) => this.#received(worker, message))
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#error = error as Error
    })
    worker.on('exit', (code) => this.#exited(worker, code))
    worker.unref()
    this.#worker = worker
    return worker
  }

  #received(worker: Worker, { results }: Answered): void {
    if (this.#worker !== worker) return
    for (const { number, extraction } of results) {
      const task = this.#given.get(number)
      if (task === undefined) continue
      this.#given.delete(number)
      this.#pages++
      this.#bytes -= task.bytes
      if (this.#given.size === 0) this.#alone = false
      this.#options.answered(task, extraction)
    }
    this.#options.hungry()
  }

  #exited(worker: Worker, code: number): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const culprit = this.#given.get(this.#killed?.page ?? Atomics.load(this.#current, 0))
    const others = [...this.#given.values()].filter((task) => task !== culprit)
    this.#given.clear()
    this.#bytes = 0
    this.#options.died(this, { culprit, others, reason: this.#reason(code) })
  }

  #reason(code: number): ExtractFailure {
    if (this.#killed?.code === 'EXTRACT_TIMEOUT')
      return { code: 'EXTRACT_TIMEOUT', message: 'the extractor did not finish', frame: undefined }
    const error = this.#error
    if (this.#killed !== undefined || error?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      const message = `the extractor needed more than ${this.#options.memoryMb} MiB of memory`
      return { code: 'EXTRACT_MEMORY', message, frame: undefined }
    }
    const why = error === undefined ? `it left with exit code ${code}` : String(error.stack ?? error.message)
    return { code: 'EXTRACT_CRASHED', message: `the extractor ended its thread: ${why}`, frame: undefined }
  }
}
