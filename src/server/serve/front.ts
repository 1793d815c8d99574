/**
 * What everybody has to pass who asks a service, and what is there for everybody: the key's exchange, the sentences, the
 * page itself. Whoever was let in is handed on; what they ask for is none of this file's business.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { etag } from 'hono/etag'
import { LANGUAGES } from '../../locales/catalog.ts'
import type { Language } from '../../locales/catalog.ts'
import { messagesOf } from '../../locales/open-catalog.ts'
import type { Access, Known, Person } from '../access.ts'
import { guardHeaders, limitBody } from '../app.ts'
import type { PageFile } from '../files.ts'
import type { RateLimit } from './rate.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import { withPage } from './views.ts'

/** What the server below adds to a request. */
export interface Bindings {
  readonly incoming?: IncomingMessage
  readonly outgoing?: ServerResponse
  readonly person?: Person
  readonly address?: string
}

export interface Env extends Known {
  readonly Bindings: Bindings
}
export type App = Hono<Env>
export type Asked = Context<Env>

export interface FrontInit {
  readonly access: Access
  readonly limit: RateLimit
  readonly files: ReadonlyMap<string, PageFile>
  /** Where the service is mounted; the paths here are as if it were nowhere. */
  readonly base: string
  readonly language: Language
  /** @param isKnown false: whoever asks has no key. */
  health(isKnown: boolean): Promise<unknown>
  /** Told of the status of each answer. */
  answered(status: number): void
  /** For those who were let in. */
  next(request: Request, env: Bindings): Response | Promise<Response>
}

const BODY = 64 * 1024
/** Of requests that carry lists of URLs. */
const LARGE_BODY = 16 * 1024 * 1024

export const NOBODY: Person = { name: 'nobody', mayChange: false }

/** `/jobs/NAME/` and the pages below it; not its API and the JSON of pages. */
export function isPageOfJob(path: string): boolean {
  return /^\/jobs\/[^/]+\/(?!api$)[a-z-]*$/.test(path)
}

function addressOf(context: Context): string {
  const { incoming } = (context.env ?? {}) as Bindings
  return incoming?.socket?.remoteAddress ?? ''
}

export function createFront({ access, limit, files, base, language, health, answered, next: within }: FrontInit): App {
  const app: App = new Hono()
  app.onError(answerRefusal)
  app.notFound((context) => context.json({ error: { code: 'NOT_FOUND', message: 'there is nothing here' } }, 404))
  app.use('*', async (context, next) => {
    await next()
    answered(context.res.status)
  })
  app.use('*', guardHeaders())
  app.use('*', access.sameServer)
  app.use('*', async (context, next) => {
    const wait = limit.take(addressOf(context))
    if (wait > 0) throw new Refusal(429, 'TOO_MANY_REQUESTS', 'too many requests', { retryAfter: wait })
    await next()
  })
  // What is whole, never a stream: an answer that is the same is not sent again.
  for (const path of ['/', '/:file', '/catalog/*', '/api/*']) app.get(path, etag())
  app.use('/api/jobs/*', limitBody(LARGE_BODY))
  app.use('/rpc', limitBody(LARGE_BODY))
  app.use('/mcp', limitBody(LARGE_BODY))
  app.use('/jobs/*', limitBody(BODY))
  app.use('/key', limitBody(BODY))
  app.get('/healthz', async (context) => {
    const isKnown = access.personOf(context.req.raw.headers) !== undefined
    return context.json(await health(isKnown), 200, { 'cache-control': 'no-store' })
  })
  app.post('/key', access.exchange)
  app.get('/catalog/:language', async (context) => {
    const wanted = context.req.param('language')
    const known = LANGUAGES.find((one) => one === wanted) ?? language
    const messages = Object.entries(await messagesOf(known)).filter(([key]) => key.startsWith('ui.'))
    return context.json({ language: known, languages: LANGUAGES, messages: Object.fromEntries(messages) })
  })
  const page = withPage(files, 'jobs.html', base, base).get('index.html')
  for (const path of ['/', '/:file{[\\w-]+\\.(?:css|js)}']) {
    app.get(path, (context) => {
      const file = path === '/' ? page : files.get(context.req.param('file') ?? '')
      if (file === undefined) return context.notFound()
      return context.body(file.body, 200, { 'content-type': file.type, 'cache-control': 'no-cache' })
    })
  }
  // The page of a job needs no key: what it shows does.
  app.get('/jobs/:job', (context) => context.redirect(`${base}${new URL(context.req.url).pathname}/`, 308))
  app.use('*', async (context, next) => {
    if (isPageOfJob(context.req.path)) return next()
    return access.known(context, next)
  })
  app.all('*', (context) => {
    const env = { ...context.env, person: context.get('person') ?? NOBODY, address: addressOf(context) }
    return within(context.req.raw, env)
  })
  return app
}
