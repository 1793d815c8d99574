/** `oauth2ClientCredentials` (RFC 6749 4.4) and `oauth2Refresh` (RFC 6749 6): access tokens, renewed before they expire. */
import { handedOn, LoginTrouble, placeOf } from './recipe.ts'
import type { LoginAnswer, LoginContext, RecipeOptions, Secret, SessionRecipe } from './recipe.ts'

interface TokenOptions extends RecipeOptions {
  /** The token endpoint. */
  readonly tokenUrl: string
  /** Any page of the site; its origin gets the access token and no other. */
  readonly url: string
  /** Space-separated. */
  readonly scope?: string
  /** How the client shows who it is (RFC 6749 2.3.1). Default `basic`: in Authorization; `body`: among the fields. */
  readonly clientAuth?: 'basic' | 'body'
}

export interface OAuth2ClientOptions extends TokenOptions {
  readonly clientId: string
  readonly clientSecret: Secret
}

export interface OAuth2RefreshOptions extends TokenOptions {
  readonly refreshToken: Secret
  /** Absent for public clients with no name. */
  readonly clientId?: string
  readonly clientSecret?: Secret
}

/** The access token of a program. */
export function oauth2ClientCredentials(options: OAuth2ClientOptions): SessionRecipe {
  return tokenRecipe('oauth2ClientCredentials', options, async (context) => {
    const answer = await ask(context, options, [['grant_type', 'client_credentials']])
    take(context, options, answer)
  })
}

/** The access token of a person who has agreed before. A refresh token that is replaced is remembered with the session. */
export function oauth2Refresh(options: OAuth2RefreshOptions): SessionRecipe {
  return tokenRecipe('oauth2Refresh', options, async (context) => {
    const given = context.secret(options.refreshToken)
    const kept = context.memory.get('refresh')
    const asked = (token: string): Promise<LoginAnswer> =>
      ask(context, options, [
        ['grant_type', 'refresh_token'],
        ['refresh_token', context.secret(token)],
      ])
    let answer = await asked(kept ?? given)
    // The one that was stored is no longer good, and a new one has been given.
    if (kept !== undefined && kept !== given && fieldOf(answer, 'error') === 'invalid_grant')
      answer = await asked(given)
    take(context, options, answer)
    const next = fieldOf(answer, 'refresh_token')
    if (next !== undefined) context.memory.set('refresh', context.secret(next))
  })
}

function tokenRecipe(
  name: string,
  options: TokenOptions & { readonly clientId?: string },
  login: (context: LoginContext) => Promise<void>,
): SessionRecipe {
  const { url, tokenUrl, clientId, scope } = options
  const { origin } = new URL(url)
  return {
    name,
    identity: JSON.stringify([name, tokenUrl, origin, clientId, scope]),
    sites: [url, tokenUrl, ...(options.sites ?? [])],
    loginUrl: tokenUrl,
    ...handedOn(options),
    login,
    authorization(request, { memory }) {
      const token = memory.get('access')
      return token !== undefined && new URL(request.url).origin === origin ? `Bearer ${token}` : undefined
    },
  }
}

function ask(
  context: LoginContext,
  options: TokenOptions & { readonly clientId?: string; readonly clientSecret?: Secret },
  grant: readonly (readonly [string, string])[],
): Promise<LoginAnswer> {
  const { clientId, clientSecret, scope, clientAuth = 'basic', tokenUrl } = options
  const form = [...grant, ...(scope === undefined ? [] : ([['scope', scope]] as const))]
  if (clientId === undefined) return context.request({ url: tokenUrl, form })
  if (clientSecret === undefined) return context.request({ url: tokenUrl, form: [...form, ['client_id', clientId]] })
  const secret = context.secret(clientSecret)
  if (clientAuth === 'body') {
    return context.request({ url: tokenUrl, form: [...form, ['client_id', clientId], ['client_secret', secret]] })
  }
  const user = `${formCoded(clientId)}:${formCoded(secret)}`
  const headers = { Authorization: `Basic ${Buffer.from(user, 'utf8').toString('base64')}` }
  return context.request({ url: tokenUrl, form, headers })
}

/** Keeps the access token, or says why there is none (RFC 6749 5.1, 5.2). */
function take(context: LoginContext, { tokenUrl }: TokenOptions, answer: LoginAnswer): void {
  const place = placeOf(tokenUrl)
  if (answer.status >= 500 || answer.status === 429)
    throw new LoginTrouble(`${place} answers with ${answer.status}`, true)
  const token = fieldOf(answer, 'access_token')
  if (answer.status !== 200 || token === undefined) {
    const error = /^[\w.-]{1,60}$/.exec(fieldOf(answer, 'error') ?? '')?.[0]
    return context.refuse(`${place} answers with ${answer.status}${error === undefined ? '' : ` ${error}`}`)
  }
  const type = fieldOf(answer, 'token_type')?.toLowerCase() ?? 'bearer'
  if (type !== 'bearer') return context.refuse(`${place} gives a token of another kind than Bearer`)
  context.memory.set('access', context.secret(token))
  const seconds = Number(fieldOf(answer, 'expires_in'))
  if (seconds > 0) context.expiresIn(seconds)
}

function fieldOf(answer: LoginAnswer, name: string): string | undefined {
  try {
    const value = (JSON.parse(answer.text()) as Record<string, unknown> | null)?.[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  } catch {
    return undefined
  }
}

/** RFC 6749 appendix B. */
function formCoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
