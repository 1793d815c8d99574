/**
 * Feeds the frontier from the sources, one batch a turn: a batch and the source's cursor are committed together, so a
 * source continues where it was and nothing is counted twice. Lists are read ahead as fast as the disk takes them
 * (politeness needs to know all hosts early); lazy sources only as far as fetching follows.
 */
import type { NewRequest } from '../model/request.ts'
import type { Source, SourceBatch } from '../source/source.ts'
import type { Admission } from './admit.ts'
import type { Context } from './context.ts'

export class Feed {
  readonly #context: Context
  readonly #admission: Admission
  readonly #abort = new AbortController()
  /** Called after each batch, and at the end. */
  readonly #onFed: () => void
  /** Lazy sources wait while this says so. */
  readonly #isFull: () => Promise<boolean>
  #wake: (() => void) | undefined
  /** True until every source has been read to its end. */
  reading = true
  /** Inputs read so far in this run. */
  read = 0

  constructor(context: Context, admission: Admission, onFed: () => void, isFull: () => Promise<boolean>) {
    this.#context = context
    this.#admission = admission
    this.#onFed = onFed
    this.#isFull = isFull
  }

  async run(): Promise<void> {
    for (const source of this.#context.sources) {
      if (this.#abort.signal.aborted) return
      await this.#drain(source)
    }
    if (this.#abort.signal.aborted) return
    this.reading = false
    this.#onFed()
  }

  /** There is room again. */
  wake(): void {
    this.#wake?.()
  }

  stop(): void {
    this.#abort.abort()
    this.#wake?.()
  }

  async #drain(source: Source): Promise<void> {
    const name = `source:${source.name}`
    const batches = source.batches(this.#context.positions.get(name), this.#abort.signal)[Symbol.asyncIterator]()
    try {
      for (;;) {
        while (source.lazy === true && !this.#abort.signal.aborted && (await this.#isFull())) await this.#room()
        if (this.#abort.signal.aborted) return
        const next = await batches.next()
        if (next.done === true || this.#abort.signal.aborted) return
        await this.#add(source, name, next.value)
      }
    } finally {
      await batches.return?.()
    }
  }

  async #add(source: Source, position: string, batch: SourceBatch): Promise<void> {
    const requests: NewRequest[] = []
    const reread = batch.reread === true
    for (const item of batch.items) requests.push(this.#admission.input(item, source.name, source.via, reread))
    this.read += requests.length
    const { frontier, settings } = this.#context
    if (settings.kind === 'crawl' && settings.sitemaps !== 'off' && settings.robots === 'ignore') {
      // Without robots.txt nobody names the sitemaps: ask for the usual place.
      const origins = new Set(
        requests.filter((request) => request.key !== '').map((request) => new URL(request.url).origin),
      )
      for (const origin of origins) requests.push(...this.#admission.sitemaps([`${origin}/sitemap.xml`], `${origin}/`))
    }
    await frontier.add(requests, new Map([[position, batch.cursor]]))
    this.#onFed()
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
