/**
 * Sites with a login: a form, a token that is changed for a cookie, tokens of OAuth 2.0, pages that only members see.
 * Sessions end by use, not by time, so that a test says exactly when.
 */
import type { Behaviour } from './behaviour.ts'
import { htmlPage, type Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

/** Whom `/login` and `/token` let in. */
export const MEMBER = { user: 'reader', password: 'canary open sesame' } as const
/** The client of `/token` for OAuth 2.0, and the first refresh token. */
export const CLIENT = { id: 'sluice', secret: 'canary:client/secret', refreshToken: 'canary-refresh-0' } as const

interface Membership {
  readonly host: string
  /** Pages that it is still good for. */
  left: number
}

export function logins(): Record<string, Behaviour> {
  const memberships = new Map<string, Membership>()
  const tokens = new Map<string, number>()
  let refreshToken: string = CLIENT.refreshToken
  let made = 0

  const open = (kind: string, host: string, uses: number): string => {
    const id = `canary-${kind}-${++made}`
    memberships.set(id, { host, left: uses })
    return id
  }
  const use = (id: string | undefined, host: string): boolean => {
    const membership = id === undefined ? undefined : memberships.get(id)
    if (membership === undefined || membership.host !== host || membership.left <= 0) return false
    membership.left--
    return true
  }

  return {
    /**
     * The form, with a hidden field that must come back; sent with the right words it sets a cookie for `?uses=` pages
     * (any number) and leads to /private/0. Wrong words show the form again, or answer `?refuse=` (a status).
     */
    login(_, request) {
      const { query, target, method } = request
      if (method !== 'POST') {
        return { headers: { 'Set-Cookie': 'visit=canary-visit; Path=/' }, body: formPage(target, '') }
      }
      const sent = new URLSearchParams(request.body.toString())
      const isMember =
        sent.get('user') === MEMBER.user &&
        sent.get('password') === MEMBER.password &&
        sent.get('ticket') === 'from the form' &&
        cookieOf(request, 'visit') === 'canary-visit'
      if (!isMember) {
        const refuse = Number(query.get('refuse') ?? 200)
        return { status: refuse, body: formPage(target, '<p>Wrong user or password</p>') }
      }
      const id = open('session', request.host, Number(query.get('uses') ?? Infinity))
      return {
        status: 303,
        headers: { 'Set-Cookie': [`session=${id}; Path=/; HttpOnly`, 'theme=dark; Path=/'], Location: '/private/0' },
      }
    },
    /** Fields Email and Passwd: lines with SID, LSID and Auth, whose value holds `=`. `grant_type`: JSON of RFC 6749. */
    token(_, request) {
      if (request.method !== 'POST') return { status: 405, body: 'POST\n' }
      const sent = new URLSearchParams(request.body.toString())
      if (sent.has('grant_type')) return grant(request, sent)
      if (sent.get('Email') !== MEMBER.user || sent.get('Passwd') !== MEMBER.password)
        return { status: 403, headers: { 'Content-Type': 'text/plain' }, body: 'Error=BadAuthentication\n' }
      const token = `canary=token==${++made}`
      tokens.set(token, Number(request.query.get('uses') ?? Infinity))
      return { headers: { 'Content-Type': 'text/plain' }, body: `SID=canary-sid\nLSID=canary-lsid\nAuth=${token}\n` }
    },
    /** /_ah/login?continue=&auth= : the token for a cookie, and on to the page. */
    _ah(arg, request) {
      if (arg !== 'login') return undefined
      const token = request.query.get('auth') ?? ''
      const uses = tokens.get(token)
      tokens.delete(token)
      if (uses === undefined) return { status: 403, body: htmlPage('Forbidden', '') }
      const id = open('acsid', request.host, uses)
      return {
        status: 302,
        headers: { 'Set-Cookie': `ACSID=${id}; Path=/; HttpOnly`, Location: request.query.get('continue') ?? '/' },
      }
    },
    /** A page of members with a way out on it; others go to /login, or get `?as=` 401, or the form in its place (`page`). */
    private(arg, request) {
      const bearer = /^Bearer (.+)$/.exec(request.header('authorization') ?? '')?.[1]
      const id = cookieOf(request, 'session') ?? cookieOf(request, 'ACSID') ?? bearer
      if (use(id, request.host)) {
        return { body: htmlPage(`Private ${arg}`, `<h1>Private ${arg}</h1><a href="/logout">log out</a>`) }
      }
      const as = request.query.get('as')
      if (as === 'page') return { body: formPage('/login', '<p>Please log in</p>') }
      if (as === '401') return { status: 401, body: htmlPage('Unauthorized', '') }
      return { status: 302, headers: { Location: `/login?next=${encodeURIComponent(request.target)}` } }
    },
    logout(_, request) {
      memberships.delete(cookieOf(request, 'session') ?? cookieOf(request, 'ACSID') ?? '')
      return { status: 302, headers: { 'Set-Cookie': 'session=; Path=/; Max-Age=0', Location: '/login' } }
    },
  }

  function grant(request: OriginRequest, sent: URLSearchParams): Reply {
    const basic = Buffer.from(`${encodeURIComponent(CLIENT.id)}:${encodeURIComponent(CLIENT.secret)}`).toString(
      'base64',
    )
    const isClient =
      request.header('authorization') === `Basic ${basic}` ||
      (sent.get('client_id') === CLIENT.id && sent.get('client_secret') === CLIENT.secret)
    if (!isClient) return json(401, { error: 'invalid_client' })
    const kind = sent.get('grant_type')
    if (kind !== 'client_credentials' && kind !== 'refresh_token') return json(400, { error: 'unsupported_grant_type' })
    if (kind === 'refresh_token' && sent.get('refresh_token') !== refreshToken)
      return json(400, { error: 'invalid_grant' })
    const uses = Number(request.query.get('uses') ?? Infinity)
    const answer = { access_token: open('access', request.host, uses), token_type: 'bearer', expires_in: 3600 }
    if (kind === 'client_credentials') return json(200, answer)
    refreshToken = `canary-refresh-${made}`
    return json(200, { ...answer, refresh_token: refreshToken })
  }
}

function json(status: number, value: object): Reply {
  return { status, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(value)}\n` }
}

function formPage(action: string, text: string): string {
  return htmlPage(
    'Log in',
    `${text}<form method="post" action="${action}"><input type="hidden" name="ticket" value="from the form">` +
      '<input name="user"><input type="password" name="password"><button>Log in</button></form>',
  )
}

function cookieOf(request: OriginRequest, name: string): string | undefined {
  for (const pair of (request.header('cookie') ?? '').split(/;\s*/)) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1)
  }
  return undefined
}
