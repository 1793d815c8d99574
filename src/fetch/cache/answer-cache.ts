/**
 * A private HTTP cache between the engine and the wire (RFC 9111): fresh answers come out of the store without a request,
 * stale ones are asked about with their validators, a 304 gives the answer that is kept, and what may be kept is. Answers
 * to requests with credentials are kept and used only where the site says that they are for everybody. It knows nothing of
 * politeness: an answer says by its flags how it came.
 */
import { hash } from 'node:crypto'
import { cacheControlOf } from '../../http/cache-control.ts'
import {
  agedHeaders,
  isForEverybody,
  isStorable,
  isUsable,
  keptHeaders,
  updatedHeaders,
  validatorsOf,
  varyOf,
} from '../../http/freshness.ts'
import { headerValue } from '../../http/headers.ts'
import { isUnsafe } from '../../model/request.ts'
import type { Clock } from '../../model/clock.ts'
import type { Response, Timing } from '../../model/response.ts'
import { Answer, NO_BYTES } from '../answer.ts'
import type { FetchFailure, FetchHandle, FetchObserver } from '../fetcher.ts'
import type { Order } from '../order.ts'
import { mergeHeaders } from '../request-headers.ts'
import type { AnswerStore, Found, KeptAnswer } from './answer-store.ts'

/** Flags of an answer that was not asked for, and of one that the site has confirmed. */
export const CACHED = 'cached'
export const REVALIDATED = 'revalidated'

export interface AnswerCacheOptions {
  readonly store: AnswerStore
  readonly clock: Clock
  /** Answers that are stale by no more are used, unless they forbid it. */
  readonly maxStaleMs: number
}

export type Send = (order: Order, observer: FetchObserver) => FetchHandle

/** Asks for a part of an answer, or puts conditions of its own. */
const SPECIAL = /^(range|if-range|if-match|if-unmodified-since)$/i
const CONDITIONS = new Set(['if-none-match', 'if-modified-since'])
const CREDENTIALS = /^(authorization|cookie)$/i
const NO_TIME: Timing = {
  waitMs: 0,
  dnsMs: 0,
  connectMs: 0,
  tlsMs: 0,
  firstByteMs: 0,
  bodyMs: 0,
  totalMs: 0,
}

export class AnswerCache {
  readonly #store: AnswerStore
  readonly #clock: Clock
  readonly #maxStaleMs: number

  constructor({ store, clock, maxStaleMs }: AnswerCacheOptions) {
    this.#store = store
    this.#clock = clock
    this.#maxStaleMs = maxStaleMs
  }

  /** @param maxBytes larger bodies are not wanted */
  start(order: Order, observer: FetchObserver, maxBytes: number, send: Send): FetchHandle {
    const { method, headers } = order
    if (isUnsafe(method)) return send(order, new Unsafe(this.#store, order, observer))
    const isSpecial = headers.some((name, i) => i % 2 === 0 && SPECIAL.test(name))
    if ((method !== 'GET' && method !== 'HEAD') || isSpecial || order.unfinished !== undefined)
      return send(order, observer)
    if (cacheControlOf(headers).has('no-store')) return send(order, observer)
    const kept = this.#find(order)
    if (method === 'HEAD') return send(order, new HeadOf(this.#store, order.url, kept, observer, this.#clock))
    if (kept !== undefined && kept.answer.size <= maxBytes) {
      if (isUsable(kept.answer, headers, this.#clock.wall(), this.#maxStaleMs)) return this.#give(order, kept, observer)
      const validators = validatorsOf(kept.answer.rawHeaders)
      if (validators !== undefined) {
        const asked = { ...order, headers: mergeHeaders(unconditional(headers), validators) }
        return send(asked, new Keeping(this, asked, kept, observer))
      }
    }
    return send(order, new Keeping(this, order, kept, observer))
  }

  close(): void {
    this.#store.close()
  }

  /** Keeps an answer that has come, where it may be kept, in place of the one before it. */
  keep(order: Order, response: Response, before: Found | undefined): void {
    const { body, status, statusText, rawHeaders, contentType, address, startedAt, flags = [], size, digest } = response
    // What went to a file, or came in two attempts, is no page.
    if (response.file !== undefined || response.resumedAt !== undefined || body.length !== size) return
    const head = { status, rawHeaders: keptHeaders(rawHeaders), askedAt: startedAt, receivedAt: this.#clock.wall() }
    if (!isStorable(head, this.#maxStaleMs)) {
      // It is gone: what was there before is no answer any more, however stale one may be.
      if (before !== undefined && (status === 404 || status === 410)) this.#store.remove(order.url)
      return
    }
    if (hasCredentials(order.headers) && !isForEverybody(rawHeaders)) return
    const chosenBy = (varyOf(rawHeaders) ?? []).map((name) => [name, valueHash(order.headers, name)] as const)
    const answer = { ...head, statusText, contentType, address, flags, chosenBy, size, digest }
    const isSame = before !== undefined && sameChoice(before.answer, answer)
    this.#store.put(order.url, answer, body, isSame ? before.id : undefined)
  }

  /** The kept answer after the site has confirmed it with a 304. */
  confirmed(order: Order, kept: Found, told: Response): Answer {
    const answer = renewed(kept.answer, told, this.#clock.wall())
    this.#store.update(kept.id, order.url, answer)
    return answerOf(order, answer, answer.rawHeaders, kept.body, REVALIDATED, told)
  }

  #find(order: Order): Found | undefined {
    const isOpen = !hasCredentials(order.headers)
    return this.#store.find(
      order.url,
      (answer) =>
        (isOpen || isForEverybody(answer.rawHeaders)) &&
        answer.chosenBy.every(([name, value]) => valueHash(order.headers, name) === value),
    )
  }

  #give(order: Order, kept: Found, observer: FetchObserver): FetchHandle {
    const { id, answer, body } = kept
    const rawHeaders = agedHeaders(answer, this.#clock.wall())
    this.#store.used(id)
    let cancelled: string | undefined
    // Told later, as every end is: whoever starts a request holds its handle first.
    queueMicrotask(() => {
      const reason = cancelled ?? observer.onHead?.(answer.status, rawHeaders) ?? cancelled
      const now = this.#clock.now()
      if (reason !== undefined) observer.onFailed({ code: 'CANCELLED', message: reason }, now)
      else observer.onDone(answerOf(order, answer, rawHeaders, body, CACHED, undefined), now)
    })
    return {
      cancel(reason) {
        cancelled ??= reason
      },
    }
  }
}

/** A GET on its way: its answer is kept, or confirms what is kept. */
class Keeping implements FetchObserver {
  readonly #cache: AnswerCache
  readonly #order: Order
  readonly #kept: Found | undefined
  readonly #observer: FetchObserver

  constructor(cache: AnswerCache, order: Order, kept: Found | undefined, observer: FetchObserver) {
    this.#cache = cache
    this.#order = order
    this.#kept = kept
    this.#observer = observer
  }

  /** The kept answer that a 304 would be about: the one whose validators were sent. */
  get #confirmable(): Found | undefined {
    const { headers } = this.#order
    const etag = headerValue(headers, 'if-none-match')
    const modified = headerValue(headers, 'if-modified-since')
    if (this.#kept === undefined || (etag === undefined && modified === undefined)) return undefined
    const { rawHeaders } = this.#kept.answer
    const isSame = etag === headerValue(rawHeaders, 'etag') && modified === headerValue(rawHeaders, 'last-modified')
    return isSame ? this.#kept : undefined
  }

  onHead(status: number, rawHeaders: readonly string[]): string | undefined {
    const kept = status === 304 ? this.#confirmable : undefined
    if (kept === undefined) return this.#observer.onHead?.(status, rawHeaders)
    const { answer } = kept
    return this.#observer.onHead?.(answer.status, updatedHeaders(answer.rawHeaders, rawHeaders))
  }

  onDone(response: Response, endedAt: number): void {
    const kept = response.status === 304 ? this.#confirmable : undefined
    if (kept !== undefined) {
      this.#observer.onDone(this.#cache.confirmed(this.#order, kept, response), endedAt)
      return
    }
    this.#cache.keep(this.#order, response, this.#kept)
    this.#observer.onDone(response, endedAt)
  }

  onFailed(failure: FetchFailure, endedAt: number): void {
    this.#observer.onFailed(failure, endedAt)
  }
}

/** A HEAD on its way: it says whether what is kept still stands (RFC 9111 4.3.5). */
class HeadOf implements FetchObserver {
  readonly #store: AnswerStore
  readonly #url: string
  readonly #kept: Found | undefined
  readonly #observer: FetchObserver
  readonly #clock: Clock

  constructor(store: AnswerStore, url: string, kept: Found | undefined, observer: FetchObserver, clock: Clock) {
    this.#store = store
    this.#url = url
    this.#kept = kept
    this.#observer = observer
    this.#clock = clock
  }

  onHead(status: number, rawHeaders: readonly string[]): string | undefined {
    return this.#observer.onHead?.(status, rawHeaders)
  }

  onDone(response: Response, endedAt: number): void {
    if (this.#kept !== undefined && response.status === 200) this.#compare(this.#kept, response)
    this.#observer.onDone(response, endedAt)
  }

  onFailed(failure: FetchFailure, endedAt: number): void {
    this.#observer.onFailed(failure, endedAt)
  }

  #compare({ id, answer }: Found, response: Response): void {
    const isOther = ['etag', 'last-modified', 'content-length'].some((name) => {
      const told = headerValue(response.rawHeaders, name)
      return told !== undefined && told !== headerValue(answer.rawHeaders, name)
    })
    if (isOther) this.#store.remove(this.#url)
    else this.#store.update(id, this.#url, renewed(answer, response, this.#clock.wall()))
  }
}

/** An unsafe request on its way: what is kept of its URL, and of those that its answer names, stands no longer (4.4). */
class Unsafe implements FetchObserver {
  readonly #store: AnswerStore
  readonly #order: Order
  readonly #observer: FetchObserver

  constructor(store: AnswerStore, order: Order, observer: FetchObserver) {
    this.#store = store
    this.#order = order
    this.#observer = observer
  }

  onHead(status: number, rawHeaders: readonly string[]): string | undefined {
    if (status >= 200 && status < 400) {
      this.#store.remove(this.#order.url)
      for (const name of ['location', 'content-location']) this.#forget(headerValue(rawHeaders, name))
    }
    return this.#observer.onHead?.(status, rawHeaders)
  }

  onDone(response: Response, endedAt: number): void {
    this.#observer.onDone(response, endedAt)
  }

  onFailed(failure: FetchFailure, endedAt: number): void {
    this.#observer.onFailed(failure, endedAt)
  }

  /** Another origin may not empty this one's. */
  #forget(named: string | undefined): void {
    const { url } = this.#order
    if (named === undefined || !URL.canParse(named, url)) return
    const target = new URL(named, url)
    if (target.origin !== new URL(url).origin) return
    target.hash = ''
    this.#store.remove(target.href)
  }
}

function answerOf(
  order: Order,
  kept: KeptAnswer,
  rawHeaders: readonly string[],
  body: Uint8Array,
  flag: string,
  told: Response | undefined,
): Answer {
  const { status, statusText, contentType, askedAt } = kept
  const address = told?.address ?? kept.address
  const head = {
    url: order.url,
    status,
    statusText,
    // What is kept is the message, whatever carried it.
    protocol: 'http/1.1' as const,
    rawHeaders,
    contentType,
    address,
    startedAt: askedAt,
    asked: order,
  }
  const flags = [...kept.flags, flag]
  return new Answer(
    head,
    kept.size === 0 ? NO_BYTES : body,
    undefined,
    kept.size,
    kept.digest,
    told?.timing ?? NO_TIME,
    flags,
    0,
  )
}

/** What is kept, with what the site says of it now. */
function renewed(kept: KeptAnswer, { rawHeaders, startedAt }: Response, receivedAt: number): KeptAnswer {
  return { ...kept, rawHeaders: updatedHeaders(kept.rawHeaders, rawHeaders), askedAt: startedAt, receivedAt }
}

function sameChoice(a: KeptAnswer, b: KeptAnswer): boolean {
  return JSON.stringify(a.chosenBy) === JSON.stringify(b.chosenBy)
}

function unconditional(headers: readonly string[]): string[] {
  return headers.filter((_, i) => !CONDITIONS.has((headers[i - (i % 2)] as string).toLowerCase()))
}

function hasCredentials(headers: readonly string[]): boolean {
  return headers.some((name, i) => i % 2 === 0 && CREDENTIALS.test(name))
}

/** A value may be a secret: only whether it is the same is kept. White space between parts says nothing. */
function valueHash(headers: readonly string[], name: string): string {
  const value = headerValue(headers, name)
  if (value === undefined) return ''
  return hash(
    'sha256',
    value
      .replace(/\s*,\s*/g, ',')
      .replace(/\s+/g, ' ')
      .trim(),
    'base64url',
  ).slice(0, 22)
}
