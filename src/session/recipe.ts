/**
 * What a login is made of, for the recipes of this folder and for those of users. A recipe is data and pure functions: the
 * cookies, the requests and whatever it remembers belong to the session that runs it.
 */

/**
 * A password or key: itself, the name of an environment variable, or a file whose first line holds it (relative to the
 * working directory).
 */
export type Secret = string | { readonly env: string } | { readonly file: string }

/** One request of a login. Redirects are not followed: a recipe sees each hop. */
export interface LoginRequest {
  readonly url: string
  /** Default GET; POST with `form`. */
  readonly method?: string
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: readonly (readonly [name: string, value: string])[]
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer to a login's request, or one that is judged for whether it shows a page or a login. */
export interface LoginAnswer {
  readonly url: string
  readonly status: number
  /** All values, joined by a comma. */
  header(name: string): string | undefined
  /** Absolute target of a redirect. */
  readonly location: string | undefined
  /** Names of the cookies it set. */
  readonly cookies: readonly string[]
  /** The body as UTF-8. */
  text(): string
}

/** What a recipe remembers between runs; stored with the session. */
export interface SessionMemory {
  get(name: string): string | undefined
  set(name: string, value: string | undefined): void
}

export interface SessionTools {
  /** Throws `OPTION_INVALID` where it is not there. Its value never shows in a message. */
  secret(secret: Secret): string
  readonly memory: SessionMemory
}

export interface LoginContext extends SessionTools {
  /** With the session's cookies; keeps those that come back. Rejects where no answer came. */
  request(request: LoginRequest): Promise<LoginAnswer>
  /** Whether a request for `url` would carry the cookie, or any. */
  hasCookie(url: string, name?: string): boolean
  /** The login is good for so many seconds from now; then the next one is made unasked. */
  expiresIn(seconds: number): void
  /** Ends the login: the site does not want these credentials. `why` must not hold them. */
  refuse(why: string): never
}

/** `formLogin` and the others make these; write your own for a login that none of them knows. */
export interface SessionRecipe {
  readonly name: string
  /** Who logs in where: a stored session is continued only if this has not changed. Holds no secret. */
  readonly identity: string
  /** URLs of the sites that get cookies and are watched for logins, with all hosts of their registrable domains. */
  readonly sites: readonly string[]
  /** Where the site asks for a login: a redirect to it means that nobody is logged in. */
  readonly loginUrl?: string
  /** Absent: there is nothing that could be tried, and a refused request ends the session. */
  login?(context: LoginContext): Promise<void>
  /** Value of Authorization for a request; undefined for origins that must not get it. */
  authorization?(request: { readonly url: string; readonly method: string }, tools: SessionTools): string | undefined
  /** A 401 that tells how to go on without a new login (a stale nonce): true sends the request again. */
  renew?(answer: LoginAnswer, tools: SessionTools): boolean
  /** More than a 401 and a redirect to `loginUrl`: a marker in the page. */
  isLoggedOut?(answer: LoginAnswer): boolean
  /** Links that would end the session, as patterns like those of `exclude`; besides logout and signout. */
  readonly avoid?: readonly string[]
  /** Default 1,000 in one run. */
  readonly maxLogins?: number
  /** False: it cannot be continued after a restart. */
  readonly storable?: false
}

/** What every recipe can be told. */
export interface RecipeOptions {
  /** Further sites that get the session's cookies, by any URL of them. */
  readonly sites?: readonly string[]
  readonly isLoggedOut?: (answer: LoginAnswer) => boolean
  readonly avoid?: readonly string[]
  readonly maxLogins?: number
}

/** The options that a recipe hands on as they are. */
export function handedOn({ isLoggedOut, avoid, maxLogins }: RecipeOptions): RecipeOptions {
  return {
    ...(isLoggedOut === undefined ? {} : { isLoggedOut }),
    ...(avoid === undefined ? {} : { avoid }),
    ...(maxLogins === undefined ? {} : { maxLogins }),
  }
}

/** A site has refused the credentials. */
export class LoginRefused extends Error {}

/** No answer came, or one that says nothing about the credentials. */
export class LoginTrouble extends Error {
  /** Trying again cannot send credentials twice that may have arrived. */
  readonly isRepeatable: boolean
  readonly retryAfterMs: number

  constructor(message: string, isRepeatable: boolean, retryAfterMs = 0) {
    super(message)
    this.isRepeatable = isRepeatable
    this.retryAfterMs = retryAfterMs
  }
}

/** URL without what may be a credential: for messages. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
