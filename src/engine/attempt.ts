/**
 * One claim at work: from its start to the message of the fetcher that it is over. The object is the observer of the
 * fetcher itself, so that an attempt costs one allocation. What the end means is decided in `judge.ts`.
 */
import type { Claim } from '../frontier/frontier.ts'
import type { FetchFailure, FetchHandle, FetchObserver } from '../fetch/fetcher.ts'
import type { Response } from '../model/response.ts'

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

  constructor(claim: Claim, owner: AttemptOwner, denied: boolean, ip: string | undefined) {
    this.claim = claim
    this.#owner = owner
    this.denied = denied
    this.ip = ip
  }

  onDone(response: Response, endedAt: number): void {
    this.#owner.ended(this, response, undefined, endedAt)
  }

  onFailed(failure: FetchFailure, endedAt: number): void {
    this.#owner.ended(this, undefined, failure, endedAt)
  }
}
