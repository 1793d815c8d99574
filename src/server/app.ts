/** Routes of the dashboard's server: the page, its sentences, the job's JSON, the live streams, all behind the key. */
import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { LANGUAGES } from '../locales/catalog.ts'
import type { Language } from '../locales/catalog.ts'
import { messagesOf } from '../locales/open-catalog.ts'
import type { JobView } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import type { Access, Known } from './access.ts'
import type { PageFile } from './files.ts'
import { jobApi } from './job-api.ts'
import type { Live } from './live.ts'

/** Bodies are small JSON. */
const LARGEST_BODY = 64 * 1024
/** Of a long poll, seconds. */
const LONGEST_WAIT = 60
const STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

export interface AppParts {
  readonly view: JobView
  readonly access: Access
  readonly live: Live
  readonly files: ReadonlyMap<string, PageFile>
  /** Language of the page where the viewer has chosen none. */
  readonly language: Language
  /** What changes something is refused. Default false. */
  readonly readOnly?: boolean
}

/** What the server below tells of a connection; absent in a server of another kind. */
export interface Connection {
  readonly outgoing?: { destroy(): unknown } | undefined
}

type JobApp = Hono<Known & { readonly Bindings: Connection }>

export function createApp({ view, access, live, files, language, readOnly = false }: AppParts): JobApp {
  const app: JobApp = new Hono()
  app.onError(answerError)
  app.use(guardHeaders())
  app.use(access.sameServer)
  app.use(limitBody(LARGEST_BODY))
  app.get('/healthz', (context) => context.text('ok\n'))
  app.post('/key', access.exchange)
  app.get('/catalog/:language', async (context) => {
    const wanted = context.req.param('language')
    const known = LANGUAGES.find((one) => one === wanted) ?? language
    const messages = Object.entries(await messagesOf(known)).filter(([key]) => key.startsWith('ui.'))
    return context.json({ language: known, languages: LANGUAGES, messages: Object.fromEntries(messages) })
  })
  app.use('/api/*', access.known)
  app.use('/api/*', async (context, next) => {
    context.header('cache-control', 'no-store')
    await next()
    if (context.req.method === 'POST') await live.look()
  })
  // Each page has its figures as JSON under its own address.
  app.get('/:page{[a-z-]+\\.json}', (context) => {
    const page = context.req.param('page').slice(0, -'.json'.length)
    const url = new URL(context.req.url)
    url.pathname = `/api/${page === 'live' ? 'job' : page}`
    return app.fetch(new Request(url, { headers: context.req.raw.headers }), context.env)
  })
  app.get('/api/live', (context) => context.body(live.frames(context.req.raw.signal, dropOf(context.env)), 200, STREAM))
  app.get('/api/events', async (context) => {
    const { signal } = context.req.raw
    const given = Number(context.req.header('last-event-id') ?? context.req.query('after') ?? 0)
    const after = Number.isSafeInteger(given) && given >= 0 ? given : 0
    const wait = context.req.query('wait')
    if (wait === undefined) return context.body(live.events(after, signal, dropOf(context.env)), 200, STREAM)
    const seconds = Math.min(LONGEST_WAIT, Math.max(0, Number(wait) || 0))
    const told = await live.eventsSoon(after, seconds * 1000, signal)
    if (told.length === 0) return context.body(null, 204)
    return context.json({ last: told.at(-1)?.id, events: told.map(({ event }) => event) })
  })
  app.route('/api', jobApi(view, readOnly))
  app.get('*', (context) => {
    const name = context.req.path.slice(1)
    if (context.req.path.startsWith('/api/')) return context.notFound()
    const file = files.get(name) ?? (name.includes('.') ? undefined : files.get('index.html'))
    return file === undefined
      ? context.notFound()
      : context.body(file.body, 200, { 'content-type': file.type, 'cache-control': 'no-cache' })
  })
  return app
}

/** Answers of errors that whoever asked can mend. */
export function answerError(error: Error, context: Context): Response {
  if (!(error instanceof SluiceError)) throw error
  const { code, message, hint } = error
  return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, 400)
}

/** What browsers are told to forbid. */
export function guardHeaders(): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // Plain http on loopback: a promise of https would lock the user out.
    strictTransportSecurity: false,
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
  })
}

export function limitBody(bytes: number): MiddlewareHandler {
  return bodyLimit({ maxSize: bytes, onError: (context) => context.text('the body is too large\n', 413) })
}

/** Ends the connection of a viewer that takes nothing. */
function dropOf(connection: Connection | undefined): () => void {
  return () => void connection?.outgoing?.destroy()
}
