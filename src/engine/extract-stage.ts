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

export class ExtractStage {
  readonly #pool: ExtractorPool | undefined
  readonly #admission: Admission
  readonly #onReady: (ended: Ended) => void
  /** Pages in the pool, until they come back or are given up. */
  readonly #held = new Set<Ended>()

  constructor(pool: ExtractorPool | undefined, admission: Admission, onReady: (ended: Ended) => void) {
    this.#pool = pool
    this.#admission = admission
    this.#onReady = onReady
  }

  /** Pages taken and not given back. */
  get busy(): number {
    return this.#held.size
  }

  /** The pool has as much as it can work on for a while: nothing new should be fetched. */
  get full(): boolean {
    return this.#pool !== undefined && this.#pool.room <= 0
  }

  /** False: the page is not for an extractor and goes on as it is. True: `onReady` gets it, changed or not. */
  take(ended: Ended): boolean {
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
