/**
 * A session as the engine sees it: cookies and authorization that belong together, and the login that makes them. It
 * decides which requests carry what and whether an answer shows that nobody is logged in; when requests start, wait or
 * come back is the engine's.
 */
import type { SluiceError } from '../model/errors.ts'
import type { Response } from '../model/response.ts'

/**
 * What an answer says of the session:
 * - `in`: nothing against it, the page is a page;
 * - `again`: it is no page, the same request comes back once the session is a good one;
 * - `denied`: it asks for a login even right after one, so this account may not see it.
 */
export type SessionVerdict = 'in' | 'again' | 'denied'

/** One answered request, for `judge`. */
export interface AnsweredRequest {
  /** The same for every attempt of one URL. */
  readonly id: string
  readonly url: string
  /** `generation` when it was started. */
  readonly generation: number
  readonly response: Response
}

export interface Session {
  /** Counts logins; answers to requests of an older one say nothing about the present one. */
  readonly generation: number
  /** Set once the site has refused a login: nothing may be started any more. Exit code 2 at the start of a run, 5 later. */
  readonly refused: SluiceError | undefined
  /**
   * Undefined: start it now. Else somebody has to log in first: resolves when that has been done (one login for all who
   * wait), rejects with `LOGIN_REFUSED` or `CANCELLED`.
   *
   * @param paceMs between two requests of the login, as the host of `url` has it.
   */
  ready(url: string, paceMs: number): Promise<void> | undefined
  /** Cookie and Authorization for this URL; undefined for hosts that are none of its business. */
  headers(url: string, method: string): Readonly<Record<string, string>> | undefined
  /** Takes cookies along and says what the answer is. Sets `refused` where logging in again would not help. */
  judge(answered: AnsweredRequest): SessionVerdict
  /** Ends a login that is under way with `CANCELLED`. */
  cancel(): void
  /** Stores what has changed; nothing is sent afterwards. */
  close(): void
}
