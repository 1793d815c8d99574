/**
 * User names and passwords that came in listed URLs (`https://user:password@your.site/`), by origin. They go to that
 * origin and nowhere else: records, events, messages and the queue hold the URL without them. In a job folder they lie in
 * credentials.json, so that a resumed job still has them.
 */
import { SluiceError } from '../model/errors.ts'
import { readCredentials, writeCredentials } from './credentials.ts'

export interface OriginLogins {
  /**
   * Remembers what a canonical URL carries, in place of what an earlier run was given.
   * @throws SluiceError OPTION_INVALID for another login of an origin that has one in this run: only one can be sent
   */
  take(url: string): void
  /** Value of Authorization for an origin; undefined where no URL of it had a login. */
  of(origin: string): string | undefined
}

/** @param folder undefined: nothing is written. */
export function originLogins(folder: string | undefined): OriginLogins {
  const known = new Map(folder === undefined ? [] : Object.entries(readCredentials(folder).logins))
  const taken = new Map<string, string>()
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
      if (known.get(origin) === value) return
      known.set(origin, value)
      if (folder !== undefined) writeCredentials(folder, { logins: Object.fromEntries(known) })
    },
    of: (origin) => known.get(origin),
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
