/**
 * Moves the write-ahead log into the database from a second connection in a worker thread: a checkpoint takes about
 * 100 ms, which the fetching thread must not wait for. The worker starts with the first one that is needed; short jobs
 * never need it.
 */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

/** Size of the log from which on it is worth it. */
const START_BYTES = 16 * 1024 * 1024
/** The log's file is cut to this when the log starts over, so that its size tells how long it is. */
export const KEPT_BYTES = 8 * 1024 * 1024
/** Above this the little that came in since the worker's last pass is moved here, so that the log can start over. */
const LIMIT_BYTES = 64 * 1024 * 1024
/** Above this adds wait for the worker: a producer that never lets go of the event loop must not outrun it. */
const FULL_BYTES = 256 * 1024 * 1024
/** Commits between two looks at the size. */
const EVERY = 16

const DONE = Promise.resolve()

export class Checkpointer {
  readonly #db: DatabaseSync
  readonly #path: string
  #commits = 0
  /** Size of the log when it was last looked at. */
  #bytes = 0
  #worker: Worker | undefined
  #running: Promise<void> | undefined

  constructor(db: DatabaseSync, path: string) {
    this.#db = db
    this.#path = path
  }

  /** A transaction has been committed. */
  committed(): void {
    if (++this.#commits % EVERY !== 0) return
    this.#bytes = this.#size()
    if (this.#running === undefined && this.#bytes >= START_BYTES) this.#running = this.#start()
  }

  /** Resolves at once while the log is short, else after the event loop or the worker has had its turn. */
  room(): Promise<void> {
    if (this.#running === undefined || this.#bytes < LIMIT_BYTES) return DONE
    if (this.#bytes >= FULL_BYTES) return this.#running
    return new Promise((resolve) => setImmediate(resolve))
  }

  async stop(): Promise<void> {
    await this.#running
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #start(): Promise<void> {
    let worker = this.#worker
    if (worker === undefined) {
      const file = import.meta.url.endsWith('.ts') ? './checkpoint-worker.ts' : './checkpoint-worker.js'
      worker = new Worker(new URL(file, import.meta.url), {
        workerData: { path: this.#path },
        execArgv: ['--no-warnings'],
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      })
      worker.unref()
      this.#worker = worker
    }
    const running = worker
    return new Promise((resolve) => {
      const over = (): void => {
        running.off('message', moved)
        running.off('error', failed)
        running.off('exit', failed)
        this.#running = undefined
        resolve()
      }
      const moved = (): void => {
        over()
        // What was committed meanwhile is little; with it moved, the next commit starts the log over.
        if (this.#worker === undefined || this.#db.isTransaction || this.#size() < LIMIT_BYTES) return
        this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
      }
      const failed = (): void => {
        // The log grows until the close, which moves it; nothing is lost.
        this.#worker = undefined
        over()
      }
      running.once('message', moved)
      running.once('error', failed)
      running.once('exit', failed)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      running.postMessage('checkpoint')
    })
  }

  #size(): number {
    try {
      return statSync(`${this.#path}-wal`).size
    } catch {
      return 0
    }
  }
}
