/**
 * User names and passwords that came in listed URLs (`https://user:password@your.site/`), by origin. They go to that
 * origin and nowhere else: records, events, messages and the queue hold the URL without them. In a job folder they lie in
 * a file of their own that only the owner can read, so that a resumed job still has them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { writeWhole } from './folder.ts'

const FILE = 'credentials.json'

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
  const path = folder === undefined ? undefined : join(folder, FILE)
  const known = new Map<string, string>(
    path !== undefined && existsSync(path)
      ? Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>)
      : [],
  )
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
      if (path !== undefined) writeWhole(path, `${JSON.stringify(Object.fromEntries(known), undefined, 2)}\n`, 0o600)
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
