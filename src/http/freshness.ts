/**
 * What a private cache may keep, and when it may use what it has without asking (RFC 9111). Heuristic freshness is off: an
 * answer that says nothing of its lifetime is stale at once. Pure: the time is an argument.
 */
import { cacheControlOf, parseSeconds, strictDate } from './cache-control.ts'
import { headerValue, headerValues } from './headers.ts'

/** An answer as it was kept. */
export interface KeptHead {
  readonly status: number
  /** Without the fields that are about one connection. */
  readonly rawHeaders: readonly string[]
  /** Wall-clock ms at which it was asked for, and at which it had come. */
  readonly askedAt: number
  readonly receivedAt: number
}

/** Final answers that are the same for everybody who asks again; troubles of the moment are not. */
const KEPT_STATUSES = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 410])
/** RFC 9111 3.1, and the fields of a proxy that is not there next time. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** RFC 9111 3.2: they are about the bytes that are kept, which a 304 does not bring. */
const OF_BODY = new Set(['content-encoding', 'content-length', 'content-range', 'content-type'])
/** A wall clock may be set back by so much before what is kept seems to come from the future. */
const CLOCK_SLACK_MS = 60_000

/** @param maxStaleMs by how much it may be used when it is stale: then it needs no lifetime and no validator */
export function isStorable(head: KeptHead, maxStaleMs: number): boolean {
  const { status, rawHeaders } = head
  if (!KEPT_STATUSES.has(status) || varyOf(rawHeaders) === undefined) return false
  const control = cacheControlOf(rawHeaders)
  if (control.has('no-store') && !control.has('must-understand')) return false
  return maxStaleMs > 0 || validatorsOf(rawHeaders) !== undefined || lifetimeMs(head) > 0
}

/** Names of the request's fields that chose this answer; undefined where no other request can be known to match. */
export function varyOf(rawHeaders: readonly string[]): readonly string[] | undefined {
  const names = headerValues(rawHeaders, 'vary').flatMap((value) => value.toLowerCase().split(','))
  const wanted = [...new Set(names.map((name) => name.trim()))].filter((name) => name !== '').sort()
  return wanted.includes('*') ? undefined : wanted
}

/** True where an answer to a request with credentials may be kept, and used for another (RFC 9111 3.5). */
export function isForEverybody(rawHeaders: readonly string[]): boolean {
  return cacheControlOf(rawHeaders).has('public')
}

/** How long it was fresh from its birth on, ms (RFC 9111 4.2.1, as a private cache: s-maxage says nothing). */
export function lifetimeMs({ rawHeaders, receivedAt }: KeptHead): number {
  const maxAge = cacheControlOf(rawHeaders).seconds('max-age')
  if (maxAge !== undefined) return maxAge * 1000
  const expires = headerValues(rawHeaders, 'expires')
  if (expires.length !== 1) return 0
  const until = strictDate((expires[0] as string).trim(), receivedAt)
  return until === undefined ? 0 : until - bornAt(rawHeaders, receivedAt)
}

/** RFC 9111 4.2.3. Infinity where the wall clock has gone back behind the day it was kept. */
export function ageMs({ rawHeaders, askedAt, receivedAt }: KeptHead, wallNowMs: number): number {
  if (wallNowMs < receivedAt - CLOCK_SLACK_MS) return Number.POSITIVE_INFINITY
  const [line = ''] = headerValues(rawHeaders, 'age')
  const told = (parseSeconds((line.split(',', 1)[0] as string).trim()) ?? 0) * 1000
  const apparent = Math.max(0, receivedAt - bornAt(rawHeaders, receivedAt))
  return Math.max(apparent, told + receivedAt - askedAt) + Math.max(0, wallNowMs - receivedAt)
}

/**
 * True: it may be used as it is, without a word to the site (RFC 9111 4.2, 4.2.4 and the directives of the request).
 *
 * @param maxStaleMs by how much it may be stale, unless the answer forbids that
 */
export function isUsable(
  head: KeptHead,
  requestHeaders: readonly string[],
  wallNowMs: number,
  maxStaleMs: number,
): boolean {
  const control = cacheControlOf(head.rawHeaders)
  const asked = cacheControlOf(requestHeaders)
  if (control.has('no-cache') || asked.has('no-cache')) return false
  if (
    headerValues(requestHeaders, 'cache-control').length === 0 &&
    /no-cache/i.test(headerValue(requestHeaders, 'pragma') ?? '')
  )
    return false
  const age = ageMs(head, wallNowMs)
  const most = asked.seconds('max-age')
  if (most !== undefined && age > most * 1000) return false
  const left = lifetimeMs(head) - age - (asked.seconds('min-fresh') ?? 0) * 1000
  if (left > 0) return true
  const allowed = Math.max(maxStaleMs, (asked.seconds('max-stale') ?? 0) * 1000)
  return allowed > 0 && -left <= allowed && !control.has('must-revalidate')
}

/** What asks whether it has changed; undefined where it brought no validator. */
export function validatorsOf(rawHeaders: readonly string[]): Record<string, string> | undefined {
  const etag = writable(headerValue(rawHeaders, 'etag'))
  const modified = writable(headerValue(rawHeaders, 'last-modified'))
  if (etag === undefined && modified === undefined) return undefined
  return {
    ...(etag === undefined ? {} : { 'If-None-Match': etag }),
    ...(modified === undefined ? {} : { 'If-Modified-Since': modified }),
  }
}

/** The fields that are kept: not those of the connection, nor those that it names. */
export function keptHeaders(rawHeaders: readonly string[]): string[] {
  const named = headerValues(rawHeaders, 'connection').flatMap((value) => value.toLowerCase().split(','))
  const dropped = new Set([...OF_CONNECTION, ...named.map((name) => name.trim())])
  return without(rawHeaders, dropped)
}

/** The kept fields after a 304, or the answer to a HEAD, has confirmed them (RFC 9111 3.2). */
export function updatedHeaders(kept: readonly string[], told: readonly string[]): string[] {
  const news = without(keptHeaders(told), OF_BODY)
  const names = new Set<string>()
  for (let i = 0; i < news.length; i += 2) names.add((news[i] as string).toLowerCase())
  return [...without(kept, names), ...news]
}

/** The fields of an answer that comes out of the cache: its age is said (RFC 9111 5.1). */
export function agedHeaders(head: KeptHead, wallNowMs: number): string[] {
  const age = Math.min(ageMs(head, wallNowMs), Number.MAX_SAFE_INTEGER)
  return [...without(head.rawHeaders, new Set(['age'])), 'Age', String(Math.floor(age / 1000))]
}

function bornAt(rawHeaders: readonly string[], receivedAt: number): number {
  return strictDate((headerValue(rawHeaders, 'date') ?? '').trim(), receivedAt) ?? receivedAt
}

function without(rawHeaders: readonly string[], names: ReadonlySet<string>): string[] {
  const left: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!names.has((rawHeaders[i] as string).toLowerCase()))
      left.push(rawHeaders[i] as string, rawHeaders[i + 1] as string)
  }
  return left
}

/** A validator with characters that no field may hold (RFC 9110 5.5) cannot be sent back. */
function writable(value: string | undefined): string | undefined {
  return value !== undefined && /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined
}
