/**
 * Politeness keys and origins, cut out of canonical URLs without parsing them again. Only canonical URLs may be given:
 * `canonicalize` has already decided where the host ends.
 */
import { getDomain } from 'tldts'

const COLON = 58
const OPEN_BRACKET = 91

/** Host of a canonical URL: no port, no userinfo, IPv6 in brackets. */
export function hostOf(url: string): string {
  const start = url.charCodeAt(4) === COLON ? 7 : 8
  const slash = url.indexOf('/', start)
  const end = slash < 0 ? url.length : slash
  const from = hostStart(url, start, end)
  if (url.charCodeAt(from) === OPEN_BRACKET) return url.slice(from, url.indexOf(']', from) + 1)
  const colon = url.indexOf(':', from)
  return url.slice(from, colon < 0 || colon > end ? end : colon)
}

/** `https://example.com:8443` of a canonical URL, without userinfo: what robots.txt is kept by. */
export function originOf(url: string): string {
  const start = url.charCodeAt(4) === COLON ? 7 : 8
  const slash = url.indexOf('/', start)
  const end = slash < 0 ? url.length : slash
  const from = hostStart(url, start, end)
  return from === start ? url.slice(0, end) : url.slice(0, start) + url.slice(from, end)
}

function hostStart(url: string, start: number, end: number): number {
  const at = url.indexOf('@', start)
  // A canonical userinfo has its own @ escaped, so the first one in the authority ends it.
  return at < 0 || at >= end ? start : at + 1
}

/** Entries in each of the two halves of the cache; the older half is dropped when the younger is full. */
const CACHE_HALF = 8192
let young = new Map<string, string>()
let old = new Map<string, string>()

/**
 * Registrable domain of a host by the Public Suffix List, private suffixes (`github.io`) included. Addresses, names of
 * one label and suffixes themselves have none: for those the host itself.
 */
export function registrableDomain(host: string): string {
  const known = young.get(host)
  if (known !== undefined) return known
  const domain =
    old.get(host) ??
    getDomain(host, { allowPrivateDomains: true, extractHostname: false, validateHostname: false }) ??
    host
  if (young.size >= CACHE_HALF) {
    old = young
    young = new Map()
  }
  young.set(host, domain)
  return domain
}

/** Politeness key of a canonical URL. */
export function keyOf(url: string, by: 'host' | 'domain'): string {
  const host = hostOf(url)
  return by === 'host' ? host : registrableDomain(host)
}
