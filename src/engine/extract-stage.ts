/**
 * Between the judgement of a page and its commit: pages that an extractor wants go through the pool and come back with
 * items and links. What an extractor does wrong ends its page, never the loop. It settles nothing itself.
 */
import type { Extraction, ExtractorPool, PageInput } from '../extract/extraction.ts'
import { parseContentType } from '../http/content-type.ts'
import { headerValue } from '../http/headers.ts'
import { hexOf } from '../url/fingerprint.ts'
import type { Admission } from './admit.ts'
import { isUnsafeClaim } from './ask.ts'
import type { Ended } from './commit.ts'

/** Answers over which the mean size is taken: a few large pages show at once. */
const MEAN_OVER = 16
/** Size of a page while none has been seen: a job of large ones must not begin with all its requests at once. */
const UNKNOWN_BYTES = 1024 * 1024

export class ExtractStage {
  readonly #pool: ExtractorPool | undefined
  readonly #admission: Admission
  readonly #frees: boolean
  readonly #onReady: (ended: Ended) => void
  /** Pages in the pool, until they come back or are given up. */
  readonly #held = new Set<Ended>()
  /** Of the last answers: what each brought for the pool to hold. */
  #meanBytes = UNKNOWN_BYTES

  /** @param isLast Nobody asks for the body of a page once its extractor has answered. */
  constructor(pool: ExtractorPool | undefined, admission: Admission, isLast: boolean, onReady: (ended: Ended) => void) {
    this.#pool = pool
    this.#admission = admission
    // Functions of the program may have kept what they were given; a thread has a copy.
    this.#frees = isLast && pool !== undefined && pool.workers > 0
    this.#onReady = onReady
  }

  /** Pages taken and not given back. */
  get busy(): number {
    return this.#held.size
  }

  /**
   * How many requests may be started beside those under way, so that the pool is not given more than it can work on for a
   * while: in pages, and in bytes by the size of what came lately.
   */
  room(underWay: number): number {
    if (this.#pool === undefined) return Number.POSITIVE_INFINITY
    if (this.#pool.room <= 0) return 0
    const most = Math.floor(this.#pool.roomBytes / Math.max(1, this.#meanBytes)) - underWay
    // One page larger than all the room there is must not stop the job.
    return Math.max(most, underWay === 0 ? 1 : 0)
  }

  /** False: the page is not for an extractor and goes on as it is. True: `onReady` gets it, changed or not. */
  take(ended: Ended): boolean {
    const isTaken = this.#take(ended)
    const bytes = isTaken ? (ended.response?.body.length ?? 0) : 0
    this.#meanBytes += (bytes - this.#meanBytes) / MEAN_OVER
    return isTaken
  }

  #take(ended: Ended): boolean {
    const { claim, draft, response } = ended
    if (this.#pool === undefined || draft === undefined || response === undefined) return false
    // What is unchanged keeps the items it gave.
    if (draft.outcome !== 'ok' || claim.meta?.handler === 'sitemap') return false
    if (!this.#pool.wants(claim.url, response.contentType, claim.meta?.label)) return false
    this.#held.add(ended)
    const page: PageInput = {
      id: hexOf(claim.root ?? claim.fp),
      url: draft.url,
      final: claim.url,
      status: response.status,
      rawHeaders: response.rawHeaders,
      contentType: response.contentType,
      charset: parseContentType(headerValue(response.rawHeaders, 'content-type')).charset,
      body: response.body,
      file: response.file,
      depth: claim.depth,
      label: claim.meta?.label,
      input: draft.input,
    }
    this.#pool.run(page, (extraction) => {
      if (!this.#held.delete(ended)) return
      if (this.#frees) free(page.body)
      this.#onReady(this.#done(ended, extraction))
    })
    return true
  }

  /** Gives back what is in the pool: the pages go into the queue again, unless asking again could do something twice. */
  abandon(): void {
    const held = [...this.#held]
    this.#held.clear()
    for (const ended of held) {
      const { claim, response } = ended
      const settlement = { id: claim.id, do: 'release' as const }
      const released = { claim, settlement, draft: undefined, response, links: undefined }
      this.#onReady(isUnsafeClaim(claim) ? ended : released)
    }
  }

  #done(ended: Ended, extraction: Extraction): Ended {
    const { claim, draft } = ended
    if (draft === undefined || !extraction.matched) return ended
    const { failure, items, issues } = extraction
    if (failure !== undefined) {
      // The links of the scanner stay: a broken parser does not end a crawl.
      draft.outcome = 'failed'
      draft.code = failure.code
      draft.message = failure.frame === undefined ? failure.message : `${failure.message}\n${failure.frame}`
      return { ...ended, extraction }
    }
    draft.items = items.length
    if (issues.length > 0) draft.rejected = new Set(issues.map(({ position }) => position)).size
    if (extraction.links.length === 0) return { ...ended, extraction }
    const page = { url: claim.url, depth: claim.depth }
    const links = [...(ended.links ?? []), ...this.#admission.followed(extraction.links, page)]
    return { ...ended, extraction, links }
  }
}

/** Now instead of at the next large collection: bodies live long enough to be moved among the old, and grow to many MB. */
function free(body: Uint8Array): void {
  const { buffer } = body
  // An empty one may be anybody's.
  if (body.length > 0 && buffer instanceof ArrayBuffer && buffer.byteLength === body.length) buffer.transfer(0)
}
