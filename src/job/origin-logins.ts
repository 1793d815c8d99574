/**
 * User names and passwords that came in listed URLs (`https://user:password@your.site/`), by origin, and those of the
 * proxies of single requests. They go to that origin or proxy and nowhere else: records, events, messages and the queue
 * hold the URL without them. In a job folder they lie in credentials.json, so that a resumed job still has them.
 */
import { parseProxy } from '../fetch/proxy.ts'
import { SluiceError } from '../model/errors.ts'
import { readCredentials, writeCredentials } from './credentials.ts'

/** Logins of proxies in one job: the file is written anew for each. */
const MOST_PROXY_LOGINS = 1_000
/** Texts of proxies that were taken lately; forgotten all at once when there are more. */
const REMEMBERED = 10_000

export interface OriginLogins {
  /**
   * Remembers what a canonical URL carries, in place of what an earlier run was given.
   * @throws SluiceError OPTION_INVALID for another login of an origin that has one in this run: only one can be sent
   */
  take(url: string): void
  /** Value of Authorization for an origin; undefined where no URL of it had a login. */
  of(origin: string): string | undefined
  /**
   * Remembers the login of a proxy; several of one proxy are kept apart. A password that differs from that of an earlier
   * run takes its place.
   *
   * @returns what stands for it: its address, and `#` with a number where it has a login
   * @throws SluiceError OPTION_INVALID for what is no proxy, and for more logins than can be kept
   */
  takeProxy(text: string): string
  /** URL of a proxy by what `takeProxy` gave. */
  proxy(name: string): string
}

/** @param folder undefined: nothing is written. */
export function originLogins(folder: string | undefined): OriginLogins {
  // Origins as `URL.origin` gives them; proxies as address and number, which no origin looks like.
  const known = new Map<string, string>(folder === undefined ? [] : Object.entries(readCredentials(folder).logins))
  const taken = new Map<string, string>()
  let names = new Map<string, string>()
  const keep = (key: string, value: string): void => {
    if (known.get(key) === value) return
    known.set(key, value)
    if (folder !== undefined) writeCredentials(folder, { logins: Object.fromEntries(known) })
  }
  const numberOf = (text: string): string => {
    const { label, login, authorization } = parseProxy(text, 'the proxy of a request')
    if (login === undefined && authorization === undefined) return label
    const url = text.includes('://') ? text.trim() : `http://${text.trim()}`
    const user = new URL(url).username
    let count = 0
    let old: string | undefined
    for (const [key, value] of known) {
      if (!key.includes('#')) continue
      count++
      if (!key.startsWith(`${label}#`)) continue
      if (value === url) return key
      if (!taken.has(key) && new URL(value).username === user) old ??= key
    }
    if (old !== undefined) return old
    if (count >= MOST_PROXY_LOGINS) {
      throw new SluiceError(
        'OPTION_INVALID',
        `a job keeps ${MOST_PROXY_LOGINS} logins of proxies, and this is one more`,
      )
    }
    return `${label}#${count + 1}`
  }
  return {
    take(url) {
      const { origin, username, password } = new URL(url)
      const value = `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`
      if ((taken.get(origin) ?? value) !== value) {
        throw new SluiceError('OPTION_INVALID', `two different logins are given for ${origin}`, {
          hint: 'list the URLs of each login in a job of its own',
        })
      }
      taken.set(origin, value)
      keep(origin, value)
    },
    of: (origin) => known.get(origin),
    takeProxy(text) {
      const told = names.get(text)
      if (told !== undefined) return told
      const name = numberOf(text)
      if (name.includes('#')) {
        const url = text.includes('://') ? text.trim() : `http://${text.trim()}`
        taken.set(name, url)
        keep(name, url)
      }
      if (names.size >= REMEMBERED) names = new Map()
      names.set(text, name)
      return name
    },
    proxy: (name) => known.get(name) ?? name,
  }
}

/** For the requests that are admitted: what is no proxy ends one request. */
export function proxyTaken(text: string, logins: OriginLogins): { name: string } | { problem: string } {
  try {
    return { name: text === 'direct' ? text : logins.takeProxy(text) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { problem: error.message }
  }
}

/** As it stands where it is no valid percent-encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
