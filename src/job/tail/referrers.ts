/**
 * `--view referrers`: the last hits of a log that were answered with 200 and came from somewhere, as a page in the job
 * folder. The hits are committed with the cursor; the page is replaced as a whole, so a reader never sees half of it.
 */
import { join } from 'node:path'
import type { RecordView } from '../../engine/stream-commit.ts'
import type { Clock, TimerHandle } from '../../model/clock.ts'
import type { Hit } from '../../source/tail/combined.ts'
import { writeWhole } from '../whole-file.ts'

/** Hits on the page. */
const SHOWN = 35
/** The page is replaced at most this often, ms. */
const EVERY_MS = 5_000
const POSITION = 'view:referrers'

type Shown = Pick<Hit, 'time' | 'path' | 'referrer'>

export class Referrers implements RecordView {
  readonly name = POSITION
  readonly #path: string
  readonly #title: string
  readonly #clock: Clock
  #hits: Shown[]
  #isCommitted = true
  #isWritten = false
  #timer: TimerHandle | undefined

  constructor(folder: string, title: string, clock: Clock, positions: ReadonlyMap<string, Uint8Array>) {
    this.#path = join(folder, 'referrers.html')
    this.#title = title
    this.#clock = clock
    const stored = positions.get(POSITION)
    this.#hits = stored === undefined ? [] : (JSON.parse(Buffer.from(stored).toString()) as Shown[])
  }

  take(json: string): void {
    const { status, time, path, referrer } = JSON.parse(json) as Hit
    if (status !== 200 || referrer === undefined) return
    this.#hits = [...this.#hits, { time, ...(path === undefined ? {} : { path }), referrer }].slice(-SHOWN)
    this.#isCommitted = false
    this.#isWritten = false
  }

  encode(): Uint8Array | undefined {
    if (this.#isCommitted) return undefined
    this.#isCommitted = true
    this.#timer ??= this.#clock.setTimer(() => {
      this.#timer = undefined
      this.write()
    }, EVERY_MS)
    return Buffer.from(JSON.stringify(this.#hits))
  }

  /** Writes the page, where it has changed. */
  write(): void {
    if (this.#isWritten) return
    this.#isWritten = true
    writeWhole(this.#path, pageOf(this.#title, this.#hits))
  }

  close(): void {
    this.#timer?.cancel()
    this.write()
  }
}

/** The newest first. Without words: a table of times, pages and where they came from. */
function pageOf(title: string, hits: readonly Shown[]): string {
  const rows = hits.toReversed().map(({ time, path = '', referrer = '' }) => {
    // Anything may stand in a log: only what is a web address becomes a link.
    const isLink = /^https?:\/\//i.test(referrer)
    const from = isLink
      ? `<a rel="noreferrer nofollow" href="${escaped(referrer)}">${escaped(referrer)}</a>`
      : escaped(referrer)
    return `<tr><td>${escaped(time)}<td>${escaped(path)}<td>${from}`
  })
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${escaped(title)}</title>\n<table>\n${rows.join('\n')}\n</table>\n`
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
