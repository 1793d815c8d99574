/**
 * The cookies of one session, by the rules of RFC 6265 (domain, path, secure, public suffixes, `__Host-` and `__Secure-`).
 * Times come from the clock that is given, and what a site may make us remember is bounded.
 */
import { Cookie, CookieJar, MemoryCookieStore } from 'tough-cookie'
import type { Clock } from '../model/clock.ts'

/** RFC 6265 6.1. */
const MAX_BYTES = 4_096
const MAX_PER_DOMAIN = 50

export class Jar {
  readonly #clock: Clock
  #jar = new CookieJar(new MemoryCookieStore(), { prefixSecurity: 'silent' })
  /** Counts changes. */
  version = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes the values of Set-Cookie; what breaks a rule is ignored. Returns the names that were set or removed. */
  take(url: string, values: readonly string[]): string[] {
    const names: string[] = []
    for (const value of values) {
      const cookie = Cookie.parse(value)
      if (cookie === undefined || cookie.key.length + cookie.value.length > MAX_BYTES) continue
      if (this.#put(cookie, url)) names.push(cookie.key)
    }
    return names
  }

  /** A cookie from elsewhere: a browser's file. `expires` in ms since 1970; undefined lasts as long as the session. */
  put(
    url: string,
    init: { name: string; value: string; domain?: string; path: string; secure: boolean; expires?: number },
  ): void {
    const { name, value, domain, path, secure, expires } = init
    const cookie = new Cookie({
      key: name,
      value,
      path,
      secure,
      ...(domain === undefined ? {} : { domain }),
      ...(expires === undefined ? {} : { expires: new Date(expires) }),
    })
    this.#put(cookie, url)
  }

  /** Value of Cookie; undefined where there is none to send. */
  header(url: string): string | undefined {
    const cookies = this.#of(url)
    return cookies.length === 0 ? undefined : cookies.map((cookie) => cookie.cookieString()).join('; ')
  }

  has(url: string, name?: string): boolean {
    return this.#of(url).some(({ key }) => name === undefined || key === name)
  }

  /** Every value, for the search of secrets in texts. */
  values(): string[] {
    return this.#all().map(({ value }) => value)
  }

  toJSON(): unknown {
    return this.#jar.serializeSync()
  }

  /** What `toJSON` gave. Throws for anything else. */
  restore(json: unknown): void {
    this.#jar = CookieJar.deserializeSync(json as Parameters<typeof CookieJar.deserializeSync>[0])
    this.version++
  }

  #of(url: string): Cookie[] {
    const now = this.#clock.wall()
    return this.#jar.getCookiesSync(url, { expire: false, sort: true }).filter((cookie) => isAlive(cookie, now))
  }

  #put(cookie: Cookie, url: string): boolean {
    const wall = this.#clock.wall()
    // The library counts Max-Age from the last use; RFC 6265 5.3 counts from when it came.
    if (typeof cookie.maxAge === 'number') {
      cookie.expires = new Date(cookie.maxAge <= 0 ? 0 : wall + cookie.maxAge * 1_000)
      cookie.maxAge = null
    }
    let kept: Cookie | undefined
    try {
      kept = this.#jar.setCookieSync(cookie, url, { now: new Date(wall), ignoreError: true })
    } catch {
      // A public suffix, another site's domain: as if it had not come.
      return false
    }
    if (kept === undefined) return false
    this.version++
    this.#prune(kept.domain ?? '', wall)
    return true
  }

  /** Removes what has expired, and the oldest above the bound. */
  #prune(domain: string, wall: number): void {
    const own = this.#all().filter((cookie) => cookie.domain === domain)
    const alive = own.filter((cookie) => isAlive(cookie, wall))
    const oldest = alive.toSorted(
      (a, b) => time(a.creation) - time(b.creation) || (a.creationIndex ?? 0) - (b.creationIndex ?? 0),
    )
    const surplus = new Set(oldest.slice(0, Math.max(0, alive.length - MAX_PER_DOMAIN)))
    for (const cookie of own) {
      if (!surplus.has(cookie) && isAlive(cookie, wall)) continue
      this.#jar.store.removeCookie(cookie.domain ?? '', cookie.path ?? '/', cookie.key, () => undefined)
    }
  }

  #all(): Cookie[] {
    let all: Cookie[] = []
    // The store in memory answers at once.
    this.#jar.store.getAllCookies((_error, cookies) => {
      all = cookies ?? []
    })
    return all
  }
}

function isAlive(cookie: Cookie, wall: number): boolean {
  const { expires } = cookie
  return !(expires instanceof Date) || expires.getTime() > wall
}

function time(date: Date | 'Infinity' | null): number {
  return date instanceof Date ? date.getTime() : 0
}
