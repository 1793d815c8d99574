/**
 * Where a redirect leads, or why it leads nowhere. Every hop is a new request for somebody's queue: this file only
 * resolves and judges the Location (RFC 9110 15.4, WHATWG Fetch "HTTP-redirect fetch").
 */
import type { ErrorCode } from '../model/errors.ts'
import { canonicalize, withoutCredentials } from '../url/canonicalize.ts'

/** Hops a chain may have where nobody says otherwise; the limit of WHATWG Fetch. */
export const MAX_HOPS = 20

export type RedirectVerdict =
  | { readonly to: string }
  /** `leadsTo`: where it would have gone on. */
  | { readonly code: ErrorCode; readonly reason: string; readonly leadsTo?: string }

/** True for the statuses that redirect when they carry a Location. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/**
 * @param url the URL that answered
 * @param locations values of its Location headers
 * @param chain canonical URLs before `url`, the root's first
 * @param maxHops hops that are followed; 0: none
 */
export function resolveRedirect(
  url: string,
  locations: readonly string[],
  chain: readonly string[],
  maxHops: number = MAX_HOPS,
): RedirectVerdict {
  const location = locations[0]
  if (location === undefined) return { code: 'HTTP_STATUS', reason: 'redirect without a Location' }
  if (locations.some((other) => other !== location)) {
    return { code: 'BAD_REDIRECT', reason: 'two different Location headers' }
  }
  // Header values arrive as latin1; servers send raw UTF-8 in Location, and browsers read it as such.
  const text = decodeLocation(location)
  if (text === '') return { code: 'BAD_REDIRECT', reason: 'empty Location' }
  const resolved = canonicalize(text, url)
  if (!resolved.ok)
    return { code: 'BAD_REDIRECT', reason: `Location ${JSON.stringify(text.slice(0, 200))}: ${resolved.reason}` }
  // A login that a server puts there is none that we were given.
  const to = withoutCredentials(resolved.url)
  if (to === url || chain.includes(to)) {
    return { code: 'REDIRECT_LOOP', reason: `redirected back to ${to}` }
  }
  if (chain.length + 1 > maxHops) {
    const reason = maxHops === 0 ? `redirects are not followed: to ${to}` : `more than ${maxHops} redirects`
    return { code: 'TOO_MANY_REDIRECTS', reason, leadsTo: to }
  }
  return { to }
}

function decodeLocation(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 127) return unicodeOf(value).trim()
  }
  return value.trim()
}

/** Bytes that are no UTF-8 are sent back as they came: escaped, byte for byte. */
function unicodeOf(value: string): string {
  const text = Buffer.from(value, 'latin1').toString('utf8')
  if (!text.includes('\u{fffd}')) return text
  return value.replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}
