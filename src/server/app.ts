/** Routes of the dashboard's server: the page, its sentences, the job's JSON, the live streams, all behind the key. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import type { JobView } from '../job/index.ts'
import { LANGUAGES } from '../locales/catalog.ts'
import type { Language } from '../locales/catalog.ts'
import { messagesOf } from '../locales/open-catalog.ts'
import { SluiceError } from '../model/errors.ts'
import type { Access } from './access.ts'
import type { PageFile } from './files.ts'
import { jobApi } from './job-api.ts'
import type { Live } from './live.ts'

/** Bodies are small JSON. */
const LARGEST_BODY = 64 * 1024
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

export function createApp({ view, access, live, files, language, readOnly = false }: AppParts): Hono {
  const app = new Hono()
  app.onError((error, context) => {
    if (!(error instanceof SluiceError)) throw error
    const { code, message, hint } = error
    return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, 400)
  })
  app.use(
    secureHeaders({
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
    }),
  )
  app.use(access.sameServer)
  app.use(bodyLimit({ maxSize: LARGEST_BODY, onError: (context) => context.text('the body is too large\n', 413) }))
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
  app.get('/api/live', (context) => context.body(live.frames(context.req.raw.signal), 200, STREAM))
  app.get('/api/events', (context) => {
    const after = Number(context.req.header('last-event-id') ?? context.req.query('after') ?? 0)
    return context.body(live.events(Number.isSafeInteger(after) ? after : 0, context.req.raw.signal), 200, STREAM)
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
