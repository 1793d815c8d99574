/** `formLogin`: a page with a form, filled in and sent as a browser without scripts would. */
import { formsOf, type PageForm } from './form.ts'
import { handedOn, placeOf } from './recipe.ts'
import type { LoginAnswer, LoginContext, RecipeOptions, Secret, SessionRecipe } from './recipe.ts'

export interface FormLoginOptions extends RecipeOptions {
  /** Page with the form. A redirect to it means that nobody is logged in. */
  readonly url: string
  /** What is typed, by the names of the controls. Hidden fields and defaults are sent as the page has them. */
  readonly fields: Readonly<Record<string, Secret>>
  /** `id` or `name` of the form. Default: the first with all these controls, hidden ones included. */
  readonly form?: string
  /** The login has worked once this cookie is there. Default: once the answer sets any. */
  readonly cookie?: string
  /** Text of an answer that means no, where the site says so with a status of 200. */
  readonly failure?: string
}

/** Pages and redirects looked at in one login. */
const MAX_HOPS = 10

/** Logs in by a form. Refused: an error status, the same form again, a redirect back to it, no cookie, `failure`. */
export function formLogin(options: FormLoginOptions): SessionRecipe {
  const { url, fields, failure } = options
  const names = Object.keys(fields)
  const isLoginUrl = (other: string): boolean => placeOf(other) === placeOf(url)
  const isLoginPage = (answer: LoginAnswer): boolean =>
    answer.status === 200 && isHtml(answer) && loginForm(answer.text(), options) !== undefined
  return {
    name: 'formLogin',
    identity: JSON.stringify(['formLogin', url, names]),
    sites: [url, ...(options.sites ?? [])],
    loginUrl: url,
    ...handedOn(options),
    isLoggedOut: (answer) => isLoginPage(answer) || options.isLoggedOut?.(answer) === true,
    async login(context) {
      const page = await pageOf(context, url)
      const { forms, base } = formsOf(page.text())
      const form = chosenForm(forms, options)
      if (form === undefined) return context.refuse(`${placeOf(page.url)} has no form with ${names.join(', ')}`)
      if (form.enctype !== '' && form.enctype !== 'application/x-www-form-urlencoded')
        return context.refuse(`the form of ${placeOf(page.url)} is sent as ${form.enctype}, which is not supported`)
      const target = targetOf(form, base, page.url)
      if (target === undefined) return context.refuse(`the form of ${placeOf(page.url)} leads nowhere`)
      if (isWeaker(page.url, target))
        return context.refuse(`the form of ${placeOf(page.url)} sends the password in clear, to ${placeOf(target)}`)
      let answer = await context.request(orderOf(form, target, filled(form, fields, context)))
      let hasSet = false
      for (let hop = 0; ; hop++) {
        hasSet ||= answer.cookies.length > 0
        const { location } = answer
        if (location === undefined) break
        if (isLoginUrl(location)) return context.refuse(`${placeOf(url)} sends back to itself`)
        if (options.cookie === undefined ? hasSet : context.hasCookie(target, options.cookie)) return
        if (hop === MAX_HOPS) return context.refuse(`${placeOf(url)} redirects more than ${MAX_HOPS} times`)
        answer = await context.request({ url: location })
      }
      if (answer.status >= 400) return context.refuse(`${placeOf(answer.url)} answers with ${answer.status}`)
      if (isLoginPage(answer)) return context.refuse(`${placeOf(answer.url)} shows the form again`)
      if (failure !== undefined && answer.text().includes(failure))
        return context.refuse(`${placeOf(answer.url)} says that the login failed`)
      if (
        options.cookie === undefined
          ? !hasSet && !context.hasCookie(target)
          : !context.hasCookie(target, options.cookie)
      )
        return context.refuse(`${placeOf(answer.url)} sets no ${options.cookie ?? 'cookie'}`)
    },
  }
}

/** The page with the form, behind whatever redirects. */
async function pageOf(context: LoginContext, url: string): Promise<LoginAnswer> {
  let answer = await context.request({ url })
  for (let hop = 0; answer.location !== undefined && hop < MAX_HOPS; hop++)
    answer = await context.request({ url: answer.location })
  if (answer.status >= 400 || answer.location !== undefined)
    return context.refuse(`${placeOf(answer.url)} answers with ${answer.status} in place of a form`)
  return answer
}

function isHtml(answer: LoginAnswer): boolean {
  return /^\s*(?:text\/html|application\/xhtml\+xml)/i.test(answer.header('content-type') ?? 'text/html')
}

/** The form of the login in any page; looked for only where a password could be typed. */
function loginForm(html: string, options: FormLoginOptions): PageForm | undefined {
  if (!Object.keys(options.fields).every((name) => html.includes(name)) || !/password/i.test(html)) return undefined
  const form = chosenForm(formsOf(html).forms, options)
  return form !== undefined && form.passwords.length > 0 ? form : undefined
}

function chosenForm(forms: readonly PageForm[], { form, fields }: FormLoginOptions): PageForm | undefined {
  const names = Object.keys(fields)
  return forms.find(({ id, name, controls }) =>
    form === undefined ? names.every((field) => controls.includes(field)) : id === form || name === form,
  )
}

function targetOf(form: PageForm, base: string | undefined, page: string): string | undefined {
  const root = base !== undefined && URL.canParse(base, page) ? new URL(base, page).href : page
  if (form.action === '') return page
  if (!URL.canParse(form.action, root)) return undefined
  const target = new URL(form.action, root)
  return target.protocol === 'http:' || target.protocol === 'https:' ? target.href : undefined
}

/** From TLS to clear text. */
export function isWeaker(from: string, to: string): boolean {
  return from.startsWith('https:') && to.startsWith('http:')
}

function filled(
  form: PageForm,
  fields: Readonly<Record<string, Secret>>,
  context: LoginContext,
): [name: string, value: string][] {
  const sent = form.fields.filter(([name]) => !Object.hasOwn(fields, name))
  for (const [name, secret] of Object.entries(fields)) sent.push([name, context.secret(secret)])
  return sent
}

function orderOf(form: PageForm, target: string, sent: [string, string][]): Parameters<LoginContext['request']>[0] {
  if (form.method === 'POST') return { url: target, form: sent }
  const url = new URL(target)
  url.search = new URLSearchParams(sent).toString()
  return { url: url.href }
}
