/**
 * One claim at work: from its start to the message of the fetcher that it is over. The object is the observer of the
 * fetcher itself, so that an attempt costs one allocation. What the end means is decided in `judge.ts`.
 */
import type { Claim } from '../frontier/frontier.ts'
import type { FetchFailure, FetchHandle, FetchObserver } from '../fetch/fetcher.ts'
import { headerValue } from '../http/headers.ts'
import type { Response } from '../model/response.ts'
import { isRedirect } from '../policy/redirect.ts'
import type { Handler } from './handler.ts'
import { askHead, textOf } from './handlers.ts'

/** Whom an attempt tells that it is over. */
export interface AttemptOwner {
  ended(attempt: Attempt, response: Response | undefined, failure: FetchFailure | undefined, endedAt: number): void
}

export class Attempt implements FetchObserver {
  readonly claim: Claim
  readonly #owner: AttemptOwner
  handle: FetchHandle | undefined
  /** True: fetched although robots.txt says no (`--robots record`). */
  readonly denied: boolean
  readonly ip: string | undefined
  readonly handler: Handler | undefined
  /** Which login it was started with. */
  readonly generation: number
  /** What a hook threw before the body, and what one promised. */
  thrown: string | undefined
  promised: Promise<unknown> | undefined
  /** It is we who ended it. */
  isStopped = false

  constructor(
    claim: Claim,
    owner: AttemptOwner,
    denied: boolean,
    ip: string | undefined,
    handler: Handler | undefined,
    generation: number,
  ) {
    this.claim = claim
    this.#owner = owner
    this.denied = denied
    this.ip = ip
    this.handler = handler
    this.generation = generation
  }

  onHead(status: number, rawHeaders: readonly string[]): string | undefined {
    const { handler } = this
    // Where an answer leads elsewhere, the hooks of its target are the ones that count.
    if (handler === undefined || (isRedirect(status) && headerValue(rawHeaders, 'location') !== undefined)) {
      return undefined
    }
    try {
      const asked = askHead(handler, this.claim, status, rawHeaders, (reason) => this.handle?.cancel(reason))
      if (!(asked instanceof Promise)) return asked
      this.promised = asked
      return undefined
    } catch (error) {
      this.thrown = textOf(error)
      return 'a hook threw'
    }
  }

  onDone(response: Response, endedAt: number): void {
    this.#owner.ended(this, response, undefined, endedAt)
  }

  onFailed(failure: FetchFailure, endedAt: number): void {
    this.#owner.ended(this, undefined, failure, endedAt)
  }
}
