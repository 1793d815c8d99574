/** Pages on their way through the pool of new extractors, and beside it through that of the old ones. */
import type { Extraction, PageInput, StoredPage, StoredPagePool } from '../extract/extraction.ts'
import { SluiceError } from '../model/errors.ts'

type Page = PageInput | StoredPage
type OnDone = (page: Page, now: Extraction, previous: Extraction | undefined) => void

export class ExtractRuns {
  readonly #pool: StoredPagePool
  readonly #old: StoredPagePool | undefined
  readonly #onDone: OnDone
  #busy = 0
  #unreadable: string | undefined
  #wake: (() => void) | undefined

  /** @param onDone told of each page once both have answered; `previous` is of the old extractors. */
  constructor(pool: StoredPagePool, old: StoredPagePool | undefined, onDone: OnDone) {
    this.#pool = pool
    this.#old = old
    this.#onDone = onDone
  }

  start(page: Page): void {
    this.#busy++
    let now: Extraction | undefined
    let previous: Extraction | undefined
    const answered = (): void => {
      if (now === undefined || (this.#old !== undefined && previous === undefined)) return
      this.#busy--
      if (now.failure?.code === 'INPUT_UNREADABLE') this.#unreadable ??= now.failure.message
      else this.#onDone(page, now, previous)
      this.#wake?.()
    }
    run(this.#pool, page, (extraction) => {
      now = extraction
      answered()
    })
    if (this.#old === undefined) return
    run(this.#old, page, (extraction) => {
      previous = extraction
      answered()
    })
  }

  /** Resolves when another page may be started. @throws SluiceError `INPUT_UNREADABLE` */
  room(): Promise<void> {
    return this.#until(() => Math.min(this.#pool.room, this.#old?.room ?? 1) > 0)
  }

  /** Resolves when all have answered. @throws SluiceError `INPUT_UNREADABLE` */
  end(): Promise<void> {
    return this.#until(() => this.#busy === 0)
  }

  async #until(met: () => boolean): Promise<void> {
    for (;;) {
      if (this.#unreadable !== undefined) {
        throw new SluiceError('INPUT_UNREADABLE', this.#unreadable, {
          hint: 'delete the index beside it (.cdxj): without one the archive is read from its start',
        })
      }
      if (met()) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

function run(pool: StoredPagePool, page: Page, done: (extraction: Extraction) => void): void {
  if ('place' in page) pool.runStored(page, done)
  else pool.run(page, done)
}
