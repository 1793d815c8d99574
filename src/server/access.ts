/**
 * Who may talk to the server. It listens on loopback, but any page in the user's browser can send requests there too, and
 * a name can be made to lead there: so every request needs the key (a bearer token, or the cookie that the page exchanged
 * it for), a Host that names this server, and what changes something a header that other origins cannot send.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { setCookie } from 'hono/cookie'
import { bodyOf } from './body.ts'

/** Who asks, for the audit log. */
export interface Person {
  readonly name: string
  /** False: reads only. */
  readonly mayChange: boolean
}

/** What the routes behind `known` are told. */
export interface Known {
  readonly Variables: { readonly person: Person }
}

export interface KeyHolder extends Person {
  readonly key: string
}

export interface AccessRules {
  /** One at least; the first one's key is the one that is printed. */
  readonly holders: readonly KeyHolder[]
  /** Hosts under which the server is asked, beside those of loopback; without port. */
  readonly hosts?: readonly string[]
  /** Nobody changes anything. */
  readonly isReadOnly?: boolean
}

export interface Access {
  /** In the fragment of the printed URL: never sent in a request line, so never in a log. */
  readonly key: string
  /** Refuses what did not come for this server (421), or from a page of another origin (403). */
  readonly sameServer: MiddlewareHandler
  /** Lets through who has the key: 401 otherwise, 429 after five of them within a second. */
  readonly known: MiddlewareHandler
  /** Who sent the request, by key or cookie; undefined: nobody we know. Counts nothing. */
  readonly personOf: (headers: Headers) => Person | undefined
  /** Whether the Host and Origin are ours: for what is no request of HTTP (WebSocket). */
  readonly isOurs: (headers: Headers) => boolean
  /** Exchanges the key for the cookie: 204, or 401 and 429 as above. @throws SluiceError OPTION_INVALID for no JSON object */
  readonly exchange: (context: Context) => Promise<Response>
}

/** Of a key: what a header, a cookie and a fragment carry as it is. */
export const KEY_SHAPE = /^[\w.~-]{16,256}$/

/** Sent by the page with everything that changes something; a form or a plain cross-origin request cannot. */
const INTENT = 'x-sluice-intent'
/** Guesses that are answered within so many ms; the right key always is. */
const MOST_FAILURES = 5
const FAILURES_MS = 1000
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

/**
 * @param port of the server, part of the cookie's name: cookies are shared by all ports of a host.
 * @param rules default: one key of 24 random bytes.
 * @param now ms of a clock that never goes back
 */
export function createAccess(
  port: () => number,
  rules: string | AccessRules = randomBytes(24).toString('base64url'),
  now = (): number => performance.now(),
): Access {
  const {
    holders,
    hosts = [],
    isReadOnly = false,
  } = typeof rules === 'string' ? { holders: [{ name: 'the key', mayChange: true, key: rules }] } : rules
  const people = holders.map(({ name, mayChange, key }) => ({
    name,
    mayChange: mayChange && !isReadOnly,
    hash: hashOf(key),
  }))
  const names = [...LOOPBACK, ...hosts.map((host) => host.toLowerCase())]
  let since = Number.NEGATIVE_INFINITY
  let failures = 0
  /** 401, or 429 where there were enough of them within the second. */
  const notTheKey = (context: Context, message: string): Response => {
    if (now() - since >= FAILURES_MS) {
      since = now()
      failures = 0
    }
    if (failures >= MOST_FAILURES) {
      context.header('retry-after', '1')
      return refuse(context, 429, 'too many wrong keys: wait a second')
    }
    failures++
    return refuse(context, 401, message)
  }
  /** Looks at all of them, so that the time tells nothing. */
  const holderOf = (given: string | undefined): Person | undefined => {
    if (given === undefined) return undefined
    const hash = hashOf(given)
    let found: Person | undefined
    for (const person of people) if (timingSafeEqual(hash, person.hash)) found ??= person
    return found === undefined ? undefined : { name: found.name, mayChange: found.mayChange }
  }
  const isName = (authority: string): boolean => names.includes(authority.toLowerCase().replace(/:\d+$/, ''))
  const cookieName = (): string => `sluice-${port()}`
  const bearerOf = (headers: Headers): string | undefined =>
    /^Bearer (\S+)$/i.exec(headers.get('authorization') ?? '')?.[1]
  const cookieOf = (headers: Headers): string | undefined => {
    const prefix = `${cookieName()}=`
    const pairs = (headers.get('cookie') ?? '').split(/; */)
    return pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length)
  }
  const isOurOrigin = (origin: string | null): boolean =>
    origin === null || (/^https?:\/\//.test(origin) && isName(origin.replace(/^https?:\/\//, '')))
  return {
    key: (holders[0] as KeyHolder).key,
    personOf: (headers) => holderOf(bearerOf(headers)) ?? holderOf(cookieOf(headers)),
    isOurs: (headers) => isName(headers.get('host') ?? '') && isOurOrigin(headers.get('origin')),
    sameServer: async (context, next) => {
      if (!isName(context.req.header('host') ?? '')) return refuse(context, 421, 'this is not that host')
      if (!isOurOrigin(context.req.header('origin') ?? null)) return refuse(context, 403, 'not from another origin')
      await next()
      return undefined
    },
    known: async (context, next) => {
      const { headers } = context.req.raw
      const byBearer = holderOf(bearerOf(headers))
      const person = byBearer ?? holderOf(cookieOf(headers))
      if (person === undefined)
        return notTheKey(context, 'open the address that was printed at the start, or send the key as a bearer token')
      const changes = context.req.method !== 'GET' && context.req.method !== 'HEAD'
      if (changes && byBearer === undefined && context.req.header(INTENT) === undefined)
        return refuse(context, 403, `send the header ${INTENT}`)
      context.set('person', person)
      await next()
      return undefined
    },
    exchange: async (context) => {
      const { key: given } = await bodyOf(context)
      if (typeof given !== 'string' || holderOf(given) === undefined) return notTheKey(context, 'that is not the key')
      setCookie(context, cookieName(), given, {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/',
        secure: context.req.url.startsWith('https:'),
      })
      return context.body(null, 204)
    },
  }
}

function refuse(context: Context, status: 401 | 403 | 421 | 429, message: string): Response {
  return context.json({ error: { code: 'ACCESS_DENIED', message } }, status)
}

/** Equal lengths, whatever is compared. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
