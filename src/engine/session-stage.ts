/**
 * Where requests of a session wait for a login, and where an answer that is no page is turned back before anybody judges
 * or stores it. What a session is made of is none of its business.
 */
import { methodOf } from './ask.ts'
import type { Claim } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import type { Response } from '../model/response.ts'
import type { Session } from '../session/session.ts'

export interface SessionStageOwner {
  /** Gives the claim back. `loggedIn`: the host has been asked meanwhile, its clock starts anew. */
  giveBack(claim: Claim, loggedIn: boolean): void
  /** No login is possible any more. */
  refused(error: SluiceError): void
  failed(error: unknown): void
}

export class SessionStage {
  readonly #session: Session | undefined
  readonly #owner: SessionStageOwner
  #isOver = false
  /** Claims that wait for a login. */
  waiting = 0

  constructor(session: Session | undefined, owner: SessionStageOwner) {
    this.#session = session
    this.#owner = owner
  }

  /** 0 where there is no session. */
  get generation(): number {
    return this.#session?.generation ?? 0
  }

  /** True: the claim waits for a login and comes back to the queue after it. robots.txt is public. */
  holds(claim: Claim, paceMs: number): boolean {
    if (this.#session === undefined || claim.gate === true) return false
    const ready = this.#session.ready(claim.url, paceMs)
    if (ready === undefined) return false
    this.waiting++
    ready
      .then(
        () => this.#release(claim, true),
        (error: unknown) => {
          this.#release(claim, false)
          if (error instanceof SluiceError && error.code === 'CANCELLED') return
          if (error instanceof SluiceError) this.#refused(error)
          else throw error
        },
      )
      .catch((error: unknown) => this.#owner.failed(error))
    return true
  }

  /** What the session adds to the request. */
  headers(claim: Claim): Readonly<Record<string, string>> | undefined {
    return claim.gate === true ? undefined : this.#session?.headers(claim.url, methodOf(claim))
  }

  /** Undefined: it is an answer like any other. */
  turnsBack(claim: Claim, generation: number, response: Response | undefined): 'again' | 'denied' | undefined {
    if (this.#session === undefined || claim.gate === true || response === undefined) return undefined
    const id = String(claim.root ?? claim.fp)
    const verdict = this.#session.judge({ id, url: claim.url, generation, response })
    if (this.#session.refused !== undefined) this.#refused(this.#session.refused)
    return verdict === 'in' ? undefined : verdict
  }

  /** Whoever waits is given back at once. */
  cancel(): void {
    this.#session?.cancel()
  }

  #release(claim: Claim, loggedIn: boolean): void {
    this.waiting--
    this.#owner.giveBack(claim, loggedIn)
  }

  #refused(error: SluiceError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.refused(error)
  }
}
