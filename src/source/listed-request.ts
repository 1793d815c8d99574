/** An input of a program that is more than a URL: how it is asked for, and what its record is to carry. */
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import { withoutCredentials } from '../url/canonicalize.ts'
import type { SourceItem } from './source.ts'

export interface ListedRequest {
  readonly url: string | URL
  /** Default GET. */
  readonly method?: string
  /** Header fields, sent to the origin of the URL alone. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as UTF-8. */
  readonly body?: string
  /** `scheme://[user:password@]host:port` for this request and its redirects, or `direct`. */
  readonly proxy?: string
  /** Returned with its record, as the columns of a row. */
  readonly columns?: Readonly<Record<string, string>>
}

/** What a list of a program may hold. */
export type Listed = string | URL | ListedRequest

const MEMBERS: Readonly<Record<keyof ListedRequest, 'string' | 'object'>> = {
  url: 'string',
  method: 'string',
  headers: 'object',
  body: 'string',
  proxy: 'string',
  columns: 'object',
}
const NAMES = Object.keys(MEMBERS)
/** A tunnel is no request for a page, and a trace sends credentials back. */
const REFUSED_METHODS = ['CONNECT', 'TRACE']
/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** @throws SluiceError `OPTION_UNKNOWN`, `OPTION_INVALID`: the program is to be mended, not the list. */
export function listedItem(given: unknown, ordinal: number): SourceItem {
  if (typeof given !== 'object' || given === null || given instanceof URL) return { url: String(given), ordinal }
  const place = `entry ${ordinal + 1} of the list`
  check(given, place)
  const { url, method: named, headers, body, proxy, columns } = given as ListedRequest
  const method = methodOf(named, body !== undefined, place)
  const ask = {
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(proxy === undefined ? {} : { proxy }),
  }
  const item = { url: String(url), ordinal, ...(columns === undefined ? {} : { columns }) }
  if (Object.keys(ask).length === 0) return item
  // Two ways to ask for one URL are two requests.
  const shown = { ...ask, proxy: withoutCredentials(proxy ?? '') }
  return { ...item, ask, row: { identity: JSON.stringify([item.url, shown]) } }
}

function check(given: object, place: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(MEMBERS, name)) {
      const near = nearest(name, NAMES)
      throw new SluiceError('OPTION_UNKNOWN', `${place} has a member ${name}, which no request has`, {
        hint: near === undefined ? `there are ${NAMES.join(', ')}` : `did you mean ${near}?`,
      })
    }
    const wants = MEMBERS[name as keyof ListedRequest]
    const fits = (typeof value === wants && value !== null) || (name === 'url' && value instanceof URL)
    if (value !== undefined && !fits) {
      throw new SluiceError('OPTION_INVALID', `${place}: ${name} is no ${wants === 'string' ? 'text' : 'object'}`)
    }
  }
  if (!Object.hasOwn(given, 'url')) throw new SluiceError('OPTION_INVALID', `${place} has no url`)
}

function methodOf(named: string | undefined, hasBody: boolean, place: string): string | undefined {
  if (named === undefined) return hasBody ? 'POST' : undefined
  const method = named.toUpperCase()
  if (!TOKEN.test(named) || REFUSED_METHODS.includes(method)) {
    throw new SluiceError('OPTION_INVALID', `${place}: ${JSON.stringify(named)} is no method that fetches`, {
      hint: 'GET, HEAD, POST, PUT, PATCH and DELETE are',
    })
  }
  return method === 'GET' && !hasBody ? undefined : method
}
