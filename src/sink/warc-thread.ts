/** The archive's thread as the fetching thread sees it: pages in, bytes out in order, one call at a time. */
import { Worker } from 'node:worker_threads'
import type { FromThread, ToThread, WarcThreadData } from './warc-worker.ts'
import type { WarcPage } from './warc-writer.ts'

export interface ThreadOutput {
  /** Resolved = appended. */
  bytes(bytes: Buffer): Promise<void>
  rotate(number: number): void
}

export class WarcThread {
  readonly #worker: Worker
  readonly #output: ThreadOutput
  #pending: { resolve(): void; reject(error: unknown): void } | undefined
  #failure: Error | undefined

  constructor(data: WarcThreadData, output: ThreadOutput) {
    this.#output = output
    const file = import.meta.url.endsWith('.ts') ? './warc-worker.ts' : './warc-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: data, execArgv: ['--no-warnings'] })
    // Between two calls it keeps no process alive.
    this.#worker.unref()
    this.#worker.on('message', (message: FromThread) => void this.#take(message))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the thread of the archive ended')))
  }

  /** Resolves when all bytes of these pages are appended. @param bytes given away */
  write(pages: readonly WarcPage[], bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#call({ kind: 'write', pages, bytes }, [bytes.buffer])
  }

  /** Resolves when the index is sorted. */
  finish(): Promise<void> {
    return this.#call({ kind: 'finish' }, [])
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  async #call(message: ToThread, transfer: ArrayBuffer[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending = { resolve, reject }
    this.#worker.ref()
    this.#post(message, transfer)
    try {
      await promise
    } finally {
      this.#pending = undefined
      this.#worker.unref()
    }
  }

  async #take(message: FromThread): Promise<void> {
    try {
      switch (message.kind) {
        case 'bytes':
          await this.#output.bytes(Buffer.from(message.bytes.buffer))
          break
        case 'rotate':
          this.#output.rotate(message.number)
          break
        case 'done':
          this.#pending?.resolve()
          return
        case 'failed':
          throw Object.assign(new Error(message.message), message.code === '' ? {} : { code: message.code })
      }
      this.#post({ kind: 'taken' }, [])
    } catch (error) {
      this.#fail(error)
    }
  }

  #post(message: ToThread, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer)
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error))
    this.#pending?.reject(this.#failure)
  }
}
