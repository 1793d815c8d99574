/** Recipes that log in with every request: `basicAuth` (RFC 7617), `digestAuth` (RFC 7616), `bearer` (RFC 6750). */
import { randomBytes } from 'node:crypto'
import { parseChallenges } from '../http/challenge.ts'
import { bestDigest, digestAuthorization } from './digest.ts'
import { handedOn, placeOf } from './recipe.ts'
import type { LoginAnswer, RecipeOptions, Secret, SessionRecipe, SessionTools } from './recipe.ts'

export interface BasicAuthOptions extends RecipeOptions {
  /** Any page of the site; its origin (scheme, host and port) gets the credentials and no other. */
  readonly url: string
  readonly user: string
  readonly password: Secret
}

/** Sent with every request, unasked. */
export function basicAuth(options: BasicAuthOptions): SessionRecipe {
  const { url, user, password } = options
  const { origin } = new URL(url)
  return {
    name: 'basicAuth',
    identity: JSON.stringify(['basicAuth', origin, user]),
    sites: [url, ...(options.sites ?? [])],
    ...handedOn(options),
    authorization: (request, { secret }) =>
      new URL(request.url).origin === origin
        ? `Basic ${Buffer.from(`${user}:${secret(password)}`, 'utf8').toString('base64')}`
        : undefined,
  }
}

export interface BearerOptions extends RecipeOptions {
  /** Any page of the site; its origin gets the token and no other. */
  readonly url: string
  readonly token: Secret
}

export function bearer(options: BearerOptions): SessionRecipe {
  const { url, token } = options
  const { origin } = new URL(url)
  return {
    name: 'bearer',
    identity: JSON.stringify(['bearer', origin]),
    sites: [url, ...(options.sites ?? [])],
    ...handedOn(options),
    authorization: (request, { secret }) =>
      new URL(request.url).origin === origin ? `Bearer ${secret(token)}` : undefined,
  }
}

export interface DigestAuthOptions extends BasicAuthOptions {
  /** Makes the client's nonce. Default: 16 random bytes. */
  readonly cnonce?: () => string
}

/**
 * Asks `url` for the server's nonce, then signs every request. A stale nonce is renewed from the answer that says so. MD5,
 * SHA-256 and SHA-512-256, each also as `-sess`; `qop` auth or none.
 */
export function digestAuth(options: DigestAuthOptions): SessionRecipe {
  const { url, user, password, cnonce = () => randomBytes(16).toString('hex') } = options
  const { origin } = new URL(url)
  const sign = (request: { url: string; method: string }, { secret, memory }: SessionTools): string | undefined => {
    const stored = memory.get('challenge')
    const target = new URL(request.url)
    if (stored === undefined || target.origin !== origin) return undefined
    const count = Number(memory.get('count') ?? 0) + 1
    memory.set('count', String(count))
    return digestAuthorization({
      parameters: JSON.parse(stored) as Record<string, string>,
      user,
      password: secret(password),
      method: request.method,
      target: target.pathname + target.search,
      cnonce: cnonce(),
      count,
    })
  }
  const learn = (answer: LoginAnswer, { memory }: SessionTools): Record<string, string> | undefined => {
    const parameters = bestDigest(parseChallenges(answer.header('www-authenticate') ?? ''))
    if (parameters === undefined) return undefined
    memory.set('challenge', JSON.stringify(parameters))
    memory.set('count', '0')
    return parameters
  }
  return {
    name: 'digestAuth',
    identity: JSON.stringify(['digestAuth', origin, user]),
    sites: [url, ...(options.sites ?? [])],
    // A nonce is counted from one process only.
    storable: false,
    ...handedOn(options),
    authorization: sign,
    renew(answer, tools) {
      if (answer.status !== 401 || new URL(answer.url).origin !== origin) return false
      const parameters = bestDigest(parseChallenges(answer.header('www-authenticate') ?? ''))
      return parameters?.['stale']?.toLowerCase() === 'true' && learn(answer, tools) !== undefined
    },
    async login(context) {
      context.memory.set('challenge', undefined)
      const asked = await context.request({ url })
      if (asked.status !== 401) return
      if (learn(asked, context) === undefined) return context.refuse(`${placeOf(url)} offers no Digest that is known`)
      const answer = await context.request({ url })
      if (answer.status === 401) context.refuse(`${placeOf(url)} answers with 401`)
    },
  }
}
