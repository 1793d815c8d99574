/** All recipes by name: for the façade, and for files of plain data that say which one they mean. */
import { SluiceError } from '../model/errors.ts'
import { basicAuth, bearer, digestAuth } from './authorization.ts'
import { formLogin } from './form-login.ts'
import { oauth2ClientCredentials, oauth2Refresh } from './oauth2.ts'
import type { SessionRecipe } from './recipe.ts'
import { tokenLogin } from './token-login.ts'

export { basicAuth, bearer, digestAuth } from './authorization.ts'
export type { BasicAuthOptions, BearerOptions, DigestAuthOptions } from './authorization.ts'
export { formLogin } from './form-login.ts'
export type { FormLoginOptions } from './form-login.ts'
export { oauth2ClientCredentials, oauth2Refresh } from './oauth2.ts'
export type { OAuth2ClientOptions, OAuth2RefreshOptions } from './oauth2.ts'
export { tokenLogin } from './token-login.ts'
export type { TokenLoginOptions } from './token-login.ts'

const RECIPES: Readonly<Record<string, (options: never) => SessionRecipe>> = {
  formLogin,
  tokenLogin,
  basicAuth,
  digestAuth,
  bearer,
  oauth2ClientCredentials,
  oauth2Refresh,
}

/** Options each recipe cannot do without. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  formLogin: ['url', 'fields'],
  tokenLogin: ['url', 'fields', 'cookieUrl'],
  basicAuth: ['url', 'user', 'password'],
  digestAuth: ['url', 'user', 'password'],
  bearer: ['url', 'token'],
  oauth2ClientCredentials: ['url', 'tokenUrl', 'clientId', 'clientSecret'],
  oauth2Refresh: ['url', 'tokenUrl', 'refreshToken'],
}

/**
 * A recipe as it is, or the one that plain data names (`{ "recipe": "formLogin", "url": …, "fields": … }`). Throws
 * `OPTION_INVALID`; no value of it shows in the message.
 *
 * @param origin where it was found, for the message.
 */
export function recipeOf(value: unknown, origin: string): SessionRecipe {
  const wrong = (why: string): SluiceError =>
    new SluiceError('OPTION_INVALID', `${origin}: ${why}`, {
      hint: `make it with one of ${Object.keys(RECIPES).join(', ')}`,
    })
  if (value === null || typeof value !== 'object') throw wrong('this is no session')
  if ('identity' in value && 'sites' in value) {
    const recipe = value as SessionRecipe
    for (const site of recipe.sites)
      if (!isWebUrl(site)) throw wrong('a site of the session is not a URL of http or https')
    return recipe
  }
  const { recipe: name, ...options } = value as Record<string, unknown>
  const make = typeof name === 'string' && Object.hasOwn(RECIPES, name) ? RECIPES[name] : undefined
  if (make === undefined) throw wrong('it names no recipe')
  for (const needed of NEEDED[name as string] ?? [])
    if (options[needed] === undefined) throw wrong(`${needed} is missing`)
  for (const [key, text] of Object.entries(options)) {
    if (/url$/i.test(key) && !isWebUrl(text)) throw wrong(`${key} is not a URL of http or https`)
  }
  return make(options as never)
}

function isWebUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
