/**
 * Who may talk to the server. It listens on loopback, but any page in the user's browser can send requests there too, and
 * a name can be made to lead there: so every request needs the key (a bearer token, or the cookie that the page exchanged
 * it for), a Host that names this server, and what changes something a header that other origins cannot send.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { bodyOf } from './body.ts'

export interface Access {
  /** In the fragment of the printed URL: never sent in a request line, so never in a log. */
  readonly key: string
  /** Refuses what did not come for this server (421), or from a page of another origin (403). */
  readonly sameServer: MiddlewareHandler
  /** Lets through who has the key: 401 otherwise, 429 after five of them within a second. */
  readonly known: MiddlewareHandler
  /** Exchanges the key for the cookie: 204, or 401 and 429 as above. @throws SluiceError OPTION_INVALID for no JSON object */
  readonly exchange: (context: Context) => Promise<Response>
}

/** Sent by the page with everything that changes something; a form or a plain cross-origin request cannot. */
const INTENT = 'x-sluice-intent'
/** Guesses that are answered within so many ms; the right key always is. */
const MOST_FAILURES = 5
const FAILURES_MS = 1000
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i

/**
 * @param port of the server, part of the cookie's name: cookies are shared by all ports of a host.
 * @param key default: 24 random bytes.
 * @param now ms of a clock that never goes back
 */
export function createAccess(
  port: () => number,
  key = randomBytes(24).toString('base64url'),
  now = (): number => performance.now(),
): Access {
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
  const isKey = (given: string | undefined): boolean =>
    given !== undefined && timingSafeEqual(hashOf(given), hashOf(key))
  const cookieName = (): string => `sluice-${port()}`
  return {
    key,
    sameServer: async (context, next) => {
      if (!LOOPBACK.test(context.req.header('host') ?? '')) return refuse(context, 421, 'this is not that host')
      const origin = context.req.header('origin')
      if (origin !== undefined && !LOOPBACK.test(origin.replace(/^https?:\/\//, '')))
        return refuse(context, 403, 'not from another origin')
      await next()
      return undefined
    },
    known: async (context, next) => {
      const bearer = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
      const byBearer = isKey(bearer)
      if (!byBearer && !isKey(getCookie(context, cookieName())))
        return notTheKey(context, 'open the address that `sluice ui` printed, or send the key as a bearer token')
      const changes = context.req.method !== 'GET' && context.req.method !== 'HEAD'
      if (changes && !byBearer && context.req.header(INTENT) === undefined)
        return refuse(context, 403, `send the header ${INTENT}`)
      await next()
      return undefined
    },
    exchange: async (context) => {
      const { key: given } = await bodyOf(context)
      if (typeof given !== 'string' || !isKey(given)) return notTheKey(context, 'that is not the key')
      setCookie(context, cookieName(), key, { httpOnly: true, sameSite: 'Strict', path: '/' })
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
