/** Cookies as curl, wget and browser extensions write them: the file format of Netscape, one cookie a line. */
import { SluiceError } from '../model/errors.ts'
import type { Jar } from './jar.ts'

const HTTP_ONLY = '#HttpOnly_'

/**
 * Puts the cookies of a file into the jar; returns a URL of each host. Fields are separated by tabs: domain, whether
 * subdomains get it, path, secure, expiry in seconds since 1970 (0: end of the session), name, value. Throws
 * `OPTION_INVALID` for a line that is none, without showing it.
 *
 * @param name of the file, for the message.
 */
export function takeNetscape(text: string, name: string, jar: Jar): string[] {
  const sites = new Set<string>()
  let number = 0
  for (const raw of text.split('\n')) {
    number++
    const line = raw.replace(/\r$/, '')
    const bare = line.startsWith(HTTP_ONLY) ? line.slice(HTTP_ONLY.length) : line
    if (bare.trim() === '' || bare.startsWith('#')) continue
    const [domain, subdomains, path, secure, expires, key, value] = bare.split('\t')
    const host = (domain ?? '').replace(/^\./, '')
    const url = `${secure === 'TRUE' ? 'https' : 'http'}://${host}${path ?? ''}`
    if (key === undefined || key === '' || value === undefined || !/^\d+$/.test(expires ?? '') || !URL.canParse(url)) {
      throw new SluiceError('OPTION_INVALID', `${name}:${number} is not a line of a cookie file`, {
        hint: 'save the cookies in the format of Netscape (cookies.txt): seven fields separated by tabs',
      })
    }
    jar.put(url, {
      name: key,
      value,
      path: path as string,
      secure: secure === 'TRUE',
      ...(subdomains === 'TRUE' ? { domain: host } : {}),
      ...(expires === '0' ? {} : { expires: Number(expires) * 1_000 }),
    })
    sites.add(new URL('/', url).href)
  }
  return [...sites]
}
