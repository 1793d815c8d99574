/** `tokenLogin`: credentials for a token, the token for a cookie (as Google's ClientLogin and `_ah/login` did it). */
import { isWeaker } from './form-login.ts'
import { handedOn, placeOf } from './recipe.ts'
import type { LoginAnswer, RecipeOptions, Secret, SessionRecipe } from './recipe.ts'

export interface TokenLoginOptions extends RecipeOptions {
  /** Gets the fields by POST and answers with the token, as lines `name=value` or as JSON. */
  readonly url: string
  readonly fields: Readonly<Record<string, Secret>>
  /** Name of the token in the answer. Default `Auth`. */
  readonly token?: string
  /** Turns the token into a cookie: a URL with `{token}` in it. */
  readonly cookieUrl: string
  /** The cookie that has to come. Default: any. */
  readonly cookie?: string
}

/** Logs in by a token. Refused: an error status, an answer without the token, a hop that sets no cookie. */
export function tokenLogin(options: TokenLoginOptions): SessionRecipe {
  const { url, cookieUrl, token: name = 'Auth' } = options
  return {
    name: 'tokenLogin',
    identity: JSON.stringify(['tokenLogin', url, cookieUrl]),
    sites: [url, cookieUrl.replaceAll('{token}', ''), ...(options.sites ?? [])],
    loginUrl: url,
    ...handedOn(options),
    async login(context) {
      const form = Object.entries(options.fields).map(([key, secret]): [string, string] => [
        key,
        context.secret(secret),
      ])
      const answer = await context.request({ url, form })
      if (answer.status !== 200) return context.refuse(`${placeOf(url)} answers with ${answer.status}`)
      const token = tokenIn(answer, name)
      if (token === undefined) return context.refuse(`${placeOf(url)} answers without ${name}`)
      if (isWeaker(url, cookieUrl)) return context.refuse(`${placeOf(cookieUrl)} would get the token in clear`)
      const hop = await context.request({
        url: cookieUrl.replaceAll('{token}', encodeURIComponent(context.secret(token))),
      })
      if (hop.status >= 400) return context.refuse(`${placeOf(hop.url)} answers with ${hop.status}`)
      const { cookie } = options
      if (cookie === undefined ? hop.cookies.length === 0 : !hop.cookies.includes(cookie))
        return context.refuse(`${placeOf(hop.url)} sets no ${cookie ?? 'cookie'}`)
    },
  }
}

/** A value may hold `=`: the first one ends the name. */
function tokenIn(answer: LoginAnswer, name: string): string | undefined {
  const text = answer.text()
  if (text.trimStart().startsWith('{')) {
    try {
      const value = (JSON.parse(text) as Record<string, unknown>)[name]
      return typeof value === 'string' && value !== '' ? value : undefined
    } catch {
      return undefined
    }
  }
  const line = text.split(/\r?\n/).find((row) => row.startsWith(`${name}=`))
  return line === undefined || line.length === name.length + 1 ? undefined : line.slice(name.length + 1)
}
