/**
 * Who we say we are, and when saying it is required (UX.md 3.8): loopback and private sites need no contact; above
 * 1,000 URLs of other people's sites, or faster than the default there, one must be given.
 */
import ipaddr from 'ipaddr.js'
import { SluiceError } from '../model/errors.ts'
import { hostOf } from '../url/key.ts'
import type { ResolvedOptions } from './options.ts'

/** URLs of other people's sites that may be fetched without a contact. */
export const FREE_URLS = 1_000

/** Hosts of documentation (RFC 2606) and those that our own hints and everybody's examples use. */
const PLACEHOLDER_HOST =
  /^(.*\.)?(example\.(com|org|net)|your\.site|your-?(domain|site|name|company)\.[a-z]+|(my|your)?domain\.tld|changeme(\.[a-z]+)?)$/i
/** Mailboxes nobody has: what forms show before they are filled in. */
const PLACEHOLDER_NAME = /^(you|your[._-]?(name|e?mail)|votrenom|changeme)$/i

function isPlaceholder(text: string): boolean {
  const at = text.lastIndexOf('@')
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) && PLACEHOLDER_HOST.test(new URL(text).hostname)
  return PLACEHOLDER_NAME.test(text.slice(0, at)) || PLACEHOLDER_HOST.test(text.slice(at + 1))
}

/** Throws `OPTION_INVALID` for a contact nobody could reach, or one that was copied from an example. */
export function checkContact(contact: string | undefined): void {
  if (contact === undefined) return
  const text = contact.trim()
  const looksRight = /^https?:\/\/[^\s/]+\S*$/i.test(text) || /^(mailto:)?[^\s@]+@[^\s@]+\.[^\s@]+$/i.test(text)
  if (looksRight && isPlaceholder(text.replace(/^mailto:/i, ''))) {
    throw new SluiceError(
      'OPTION_INVALID',
      `--contact: ${JSON.stringify(text)} looks like a placeholder: site owners could not reach you there`,
      { hint: 'give your own page or mailbox' },
    )
  }
  if (!looksRight) {
    throw new SluiceError(
      'OPTION_INVALID',
      `--contact: ${JSON.stringify(text)} is not a URL or mail address where you can be reached`,
      {
        hint: 'give a page about your collection or a mailbox that somebody reads',
      },
    )
  }
}

/** True for hosts that only this machine or its own network answers: they need no contact. */
export function isPrivateHost(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || host.endsWith('.internal'))
    return true
  const literal = host.startsWith('[') ? host.slice(1, -1) : host
  if (!ipaddr.isValid(literal)) return false
  return ipaddr.process(literal).range() !== 'unicast'
}

export function privateTest(resolves: readonly { pattern: string; address: string }[]): (url: string) => boolean {
  const known = new Map<string, boolean>()
  return (url) => {
    const host = hostOf(url)
    let answer = known.get(host)
    if (answer === undefined) {
      if (known.size > 10_000) known.clear()
      const mapped = resolves.find(
        ({ pattern }) =>
          pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1))),
      )
      known.set(host, (answer = isPrivateHost(host) || (mapped !== undefined && isPrivateHost(mapped.address))))
    }
    return answer
  }
}

/** Faster than the polite default anywhere but at home. */
export function fasterThanDefault(options: ResolvedOptions): boolean {
  return (
    (options.get<number>('delay') ?? 1000) < 1000 ||
    (options.get<number>('perHost') ?? 1) > 1 ||
    options.get('robots') !== 'obey'
  )
}

export function contactNeeded(why: string): SluiceError {
  return new SluiceError('CONTACT_MISSING', `${why} needs a contact so that site owners can reach you`, {
    hint: 'add --contact https://your.site/bot (a page about you, or a mail address)',
  })
}

export function userAgent(version: string, contact: string | undefined, own: string | undefined): string {
  if (own !== undefined) return own
  return contact === undefined
    ? `sluice/${version} (+for site owners: see the project's README)`
    : `sluice/${version} (+${contact})`
}
