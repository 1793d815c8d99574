/** The URL of a database server as `--out` takes it: what is shown of it, what the driver gets, which table. Pure. */
import { SluiceError } from '../../model/errors.ts'

export interface ServerAddress {
  /** Scheme, host and database: no user, no password. */
  readonly name: string
  /** For the driver: without the table. */
  readonly url: string
  /** Behind `#`. */
  readonly table: string | undefined
}

/** @throws SluiceError `OPTION_INVALID`; its message does not repeat the URL, which may hold a password */
export function addressOf(text: string, scheme: 'postgres' | 'mysql'): ServerAddress {
  if (!URL.canParse(text)) throw invalid(scheme, 'is not a URL')
  const url = new URL(text)
  if (url.pathname.length < 2) throw invalid(scheme, 'names no database')
  const name = `${scheme}://${url.host}${url.pathname}`
  const table = fragmentOf(url, scheme)
  url.hash = ''
  return { name, url: `${scheme}:${url.href.slice(url.protocol.length)}`, table }
}

function fragmentOf(url: URL, scheme: string): string | undefined {
  if (url.hash.length < 2) return undefined
  try {
    return decodeURIComponent(url.hash.slice(1))
  } catch {
    throw invalid(scheme, 'has a # that is not followed by the name of a table')
  }
}

function invalid(scheme: string, what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `the ${scheme}: URL of --out ${what}`, {
    hint: `for example ${scheme}://user@localhost/shop or ${scheme}://user@localhost/shop#products`,
  })
}
