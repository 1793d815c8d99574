/**
 * The session of a running job: one jar, one recipe, one login at a time for however many requests wait for it. Logins
 * are never repeated where they cannot help: a refused one, or one after which the site asks again at once, ends the
 * session, so that a wrong password is sent once.
 */
import { createHash } from 'node:crypto'
import type { Fetcher } from '../fetch/fetcher.ts'
import { headerValues } from '../http/headers.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { hostOf, registrableDomain } from '../url/key.ts'
import { Jar } from './jar.ts'
import { answerOf, LoginClient } from './login-client.ts'
import { LoginRefused, LoginTrouble, placeOf } from './recipe.ts'
import type { LoginAnswer, LoginContext, SessionRecipe, SessionTools } from './recipe.ts'
import type { Secrets } from './secret.ts'
import type { AnsweredRequest, Session, SessionVerdict } from './session.ts'

/** Where a session is kept between runs. */
export interface SessionStore {
  read(): string | undefined
  write(text: string): void
}

export interface LiveSessionOptions {
  readonly recipe: SessionRecipe
  readonly jar: Jar
  readonly secrets: Secrets
  readonly fetcher: Fetcher
  readonly clock: Clock
  /** Undefined: nothing is kept. */
  readonly store: SessionStore | undefined
}

interface Stored {
  readonly format: 1
  /** Digest of the recipe's identity. */
  readonly recipe: string
  readonly cookies: unknown
  readonly memory: Readonly<Record<string, string>>
  /** ms since 1970. */
  readonly expiresAt?: number
}

/** Where sites send people who are not logged in, whatever the recipe knows of it. */
const LOGIN_PATH = /(?:^|[/_.-])(?:service)?(?:log|sign)[-_]?in(?:$|[/_.-])/i
const MAX_LOGINS = 1_000
/** Tries of one login while no answer comes, and the first wait between two, ms; it doubles. */
const TRIES = 3
const RETRY_MS = 1_000
/** How often one URL may come back for sessions that died under it. */
const MAX_RETURNS = 8
const MAX_RETURNING = 10_000
/** Logins that one URL may bring about: one for itself, one more as the session may have died again before its turn. */
const MAX_CAUSED = 2
/** URLs in a row that ask for a login right after one, without a page in between: the logins do not help. */
const MAX_HELPLESS = 3
/** Changes are stored at most this often, ms; a login at once. */
const STORE_MS = 1_000

export class LiveSession implements Session {
  readonly #options: LiveSessionOptions
  readonly #recipe: SessionRecipe
  readonly #jar: Jar
  readonly #client: LoginClient
  readonly #sites: ReadonlySet<string>
  readonly #memory = new Map<string, string>()
  readonly #tools: SessionTools
  readonly #identity: string
  /** How often each URL has come back, by its id. */
  readonly #returned = new Map<string, number>()
  /** How many logins each of them has brought about. */
  readonly #caused = new Map<string, number>()
  #expiresAt: number | undefined
  #isIn = false
  /** No page has come since the last login. */
  #isFresh = true
  /** A page has come in this process. */
  #isProven = false
  #helpless = 0
  #logins = 0
  #login: Promise<void> | undefined
  #timer: TimerHandle | undefined
  #isDirty = false
  generation = 0
  refused: SluiceError | undefined

  constructor(options: LiveSessionOptions) {
    const { recipe, jar, secrets, fetcher, clock } = options
    this.#options = options
    this.#recipe = recipe
    this.#jar = jar
    this.#identity = createHash('sha256').update(recipe.identity).digest('hex')
    this.#sites = new Set(recipe.sites.map((url) => siteOf(new URL(url).href)))
    this.#tools = {
      secret: (secret) => secrets.read(secret),
      memory: {
        get: (name) => this.#memory.get(name),
        set: (name, value) => {
          if (value === undefined) this.#memory.delete(name)
          else this.#memory.set(name, value)
        },
      },
    }
    const authorization = (url: string, method: string): string | undefined => this.#authorization(url, method)
    this.#client = new LoginClient({ clock, fetcher, jar, authorization })
    const isRestored = this.#restore()
    this.#isIn = recipe.login === undefined || isRestored
    // Fails at the start where a credential is missing.
    if (recipe.login === undefined) for (const url of recipe.sites) this.#authorization(url, 'GET')
  }

  ready(url: string, paceMs: number): Promise<void> | undefined {
    if (!this.#covers(url)) return undefined
    if (this.refused !== undefined) return Promise.reject(this.refused)
    if (this.#isIn && this.#expiresAt !== undefined && this.#expiresAt <= this.#options.clock.wall()) this.#isIn = false
    if (this.#isIn) return undefined
    this.#login ??= this.#logIn(paceMs).finally(() => {
      this.#login = undefined
    })
    return this.#login
  }

  headers(url: string, method: string): Readonly<Record<string, string>> | undefined {
    if (!this.#covers(url)) return undefined
    const cookie = this.#jar.header(url)
    const authorization = this.#authorization(url, method)
    if (cookie === undefined && authorization === undefined) return undefined
    return {
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    }
  }

  judge({ id, url, generation, response }: AnsweredRequest): SessionVerdict {
    if (!this.#covers(url)) return 'in'
    const answer = answerOf(url, response, [])
    const isPresent = generation === this.generation && this.#isIn
    if (isPresent && this.#recipe.renew?.(answer, this.#tools) === true) return this.#comeBack(id)
    if (!this.#isLoggedOut(answer)) {
      if (isPresent) this.#page(id, url, response.rawHeaders)
      return 'in'
    }
    // It was sent with cookies that have been replaced since, or are being replaced.
    if (!isPresent) return this.#comeBack(id)
    if (this.#recipe.login === undefined) return this.#asksAnyway(id, answer)
    if (!this.#isFresh) return this.#asksAgain(id, answer)
    if (!this.#isProven && this.#logins > 0) {
      return this.#refuse(`the login was accepted, but ${placeOf(url)} asks for one again`)
    }
    return this.#returned.has(id) ? this.#asksAnyway(id, answer) : this.#asksAgain(id, answer)
  }

  cancel(): void {
    this.#client.cancel()
  }

  close(): void {
    this.cancel()
    this.#timer?.cancel()
    if (this.#isDirty) this.#store()
  }

  #covers(url: string): boolean {
    return this.#sites.has(siteOf(url))
  }

  #authorization(url: string, method: string): string | undefined {
    return this.#recipe.authorization?.({ url, method }, this.#tools)
  }

  #isLoggedOut(answer: LoginAnswer): boolean {
    if (answer.status === 401) return true
    const { loginUrl, isLoggedOut } = this.#recipe
    if (answer.location !== undefined) {
      if (loginUrl !== undefined && placeOf(answer.location) === placeOf(loginUrl)) return true
      if (LOGIN_PATH.test(new URL(answer.location).pathname) && !LOGIN_PATH.test(new URL(answer.url).pathname))
        return true
    }
    if (isLoggedOut === undefined) return false
    try {
      return isLoggedOut(answer)
    } catch (error) {
      this.#refuse(`isLoggedOut threw: ${reasonOf(error)}`)
      return true
    }
  }

  /** A page of somebody who is logged in. */
  #page(id: string, url: string, rawHeaders: readonly string[]): void {
    this.#isFresh = false
    this.#isProven = true
    this.#helpless = 0
    this.#forget(id)
    const before = this.#jar.version
    this.#jar.take(url, headerValues(rawHeaders, 'set-cookie'))
    if (this.#jar.version !== before) this.#touch()
  }

  #forget(id: string): void {
    this.#returned.delete(id)
    this.#caused.delete(id)
  }

  #comeBack(id: string): SessionVerdict {
    if (this.refused !== undefined) return 'again'
    const times = (this.#returned.get(id) ?? 0) + 1
    if (times > MAX_RETURNS) {
      this.#forget(id)
      return 'denied'
    }
    // Entries of URLs that ended otherwise: forgotten all at once.
    if (this.#returned.size >= MAX_RETURNING) {
      this.#returned.clear()
      this.#caused.clear()
    }
    this.#returned.set(id, times)
    return 'again'
  }

  /** The session has died, unless it is always this URL that says so. */
  #asksAgain(id: string, answer: LoginAnswer): SessionVerdict {
    const caused = (this.#caused.get(id) ?? 0) + 1
    if (caused > MAX_CAUSED) return this.#asksAnyway(id, answer)
    this.#isIn = false
    const verdict = this.#comeBack(id)
    this.#caused.set(id, caused)
    return verdict
  }

  /** No login helps this URL; several of them in a row, and none helps at all. */
  #asksAnyway(id: string, { url, status }: LoginAnswer): SessionVerdict {
    if (!this.#isProven) return this.#refuse(`${placeOf(url)} does not accept the credentials`)
    this.#forget(id)
    // A status of its own says it well enough.
    if (++this.#helpless < MAX_HELPLESS) return status >= 400 ? 'in' : 'denied'
    return this.#refuse(`${MAX_HELPLESS} pages in a row ask for a login right after one, at last ${placeOf(url)}`)
  }

  #refuse(why: string): 'again' {
    // Something was fetched in this run: the state is worth keeping, and the same command goes on from it.
    const exit = this.#isProven ? 5 : 2
    this.refused ??= new SluiceError(
      'LOGIN_REFUSED',
      this.#options.secrets.mask(`session ${this.#recipe.name}: ${why}`),
      { exit },
    )
    this.#isIn = false
    return 'again'
  }

  async #logIn(paceMs: number): Promise<void> {
    const { recipe, secrets } = this.#options
    if (++this.#logins > (recipe.maxLogins ?? MAX_LOGINS)) {
      this.#refuse(`more than ${recipe.maxLogins ?? MAX_LOGINS} logins in one run`)
    } else {
      try {
        await this.#tryLogin(paceMs)
        for (const value of [...this.#jar.values(), ...this.#memory.values()]) secrets.keep(value)
        this.generation++
        this.#isIn = true
        this.#isFresh = true
        this.#store()
        return
      } catch (error) {
        if (this.#client.isCancelled) throw new SluiceError('CANCELLED', 'the login was cancelled')
        if (error instanceof SluiceError) this.refused = error
        else if (error instanceof LoginRefused || error instanceof LoginTrouble) this.#refuse(error.message)
        else this.#refuse(`login threw: ${reasonOf(error)}`)
      }
    }
    throw this.refused as unknown as SluiceError
  }

  /** Again only where nothing was refused and the credentials cannot arrive twice. */
  async #tryLogin(paceMs: number): Promise<void> {
    this.#client.begin(paceMs)
    for (let tried = 1; ; tried++) {
      try {
        this.#expiresAt = undefined
        await this.#recipe.login?.(this.#context())
        return
      } catch (error) {
        if (!(error instanceof LoginTrouble) || !error.isRepeatable || tried === TRIES) throw error
        await this.#client.wait(Math.max(paceMs, RETRY_MS * 2 ** (tried - 1), error.retryAfterMs))
      }
    }
  }

  #context(): LoginContext {
    return {
      ...this.#tools,
      request: (request) => this.#client.request(request),
      hasCookie: (url, name) => this.#jar.has(url, name),
      expiresIn: (seconds) => {
        // Early, so that no request is sent with a token that dies on its way.
        const early = Math.min(30, seconds / 10)
        this.#expiresAt = this.#options.clock.wall() + (seconds - early) * 1_000
      },
      refuse(why) {
        throw new LoginRefused(why)
      },
    }
  }

  #touch(): void {
    this.#isDirty = true
    this.#timer ??= this.#options.clock.setTimer(() => {
      this.#timer = undefined
      this.#store()
    }, STORE_MS)
  }

  #store(): void {
    this.#isDirty = false
    const { store } = this.#options
    if (store === undefined || this.#recipe.storable === false || !this.#isIn) return
    const stored: Stored = {
      format: 1,
      recipe: this.#identity,
      cookies: this.#jar.toJSON(),
      memory: Object.fromEntries(this.#memory),
      ...(this.#expiresAt === undefined ? {} : { expiresAt: this.#expiresAt }),
    }
    store.write(`${JSON.stringify(stored)}\n`)
  }

  /** True where the stored session is of the same login. One of another, or a torn one, is as none. */
  #restore(): boolean {
    const { store, secrets } = this.#options
    const text = this.#recipe.storable === false ? undefined : store?.read()
    if (text === undefined) return false
    try {
      const stored = JSON.parse(text) as Stored
      if (stored.format !== 1 || stored.recipe !== this.#identity) return false
      this.#jar.restore(stored.cookies)
      for (const [name, value] of Object.entries(stored.memory)) this.#memory.set(name, value)
      this.#expiresAt = stored.expiresAt
    } catch {
      return false
    }
    for (const value of [...this.#jar.values(), ...this.#memory.values()]) secrets.keep(value)
    return true
  }
}

function siteOf(url: string): string {
  return registrableDomain(hostOf(url))
}
