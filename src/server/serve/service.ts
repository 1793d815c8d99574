/**
 * Many jobs behind one address: pages, API, live streams, JSON-RPC, MCP. It knows HTTP and who may ask; jobs run in
 * processes of their own (`supervisor.ts`). It can be listened to by a server of its own or be a part of another one.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { Hono } from 'hono'
import { openGeo, readStored, systemClock, takeLock, VERSION, writeAudit } from '../../job/index.ts'
import type { GeoFiles } from '../../job/index.ts'
import type { Language } from '../../locales/catalog.ts'
import { SluiceError } from '../../model/errors.ts'
import { createAccess } from '../access.ts'
import type { Access, KeyHolder, Person } from '../access.ts'
import { pageFiles } from '../files.ts'
import type { PageFile } from '../files.ts'
import { callRoute } from './calls.ts'
import { figuresText } from './figures.ts'
import { createFront, isPageOfJob, NOBODY } from './front.ts'
import type { App, Asked, Bindings } from './front.ts'
import { answerGeo } from './geo-answer.ts'
import { JOB_ROUTES } from './job-routes.ts'
import { Jobs, OWN_FOLDER } from './jobs.ts'
import { createMcp } from './mcp.ts'
import { METRICS_TYPE } from './metrics.ts'
import { queueMount } from './queue-mount.ts'
import type { QueueMount } from './queue-mount.ts'
import { createNeeds } from './needs.ts'
import type { Need, Needs } from './needs.ts'
import { openApi } from './openapi.ts'
import { createRateLimit } from './rate.ts'
import type { RateLimit } from './rate.ts'
import { OWN_ROUTES } from './own-routes.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import { paramsOf, pathPattern } from './route.ts'
import type { Params, Route, ServedRoute } from './route.ts'
import { answerRpc } from './rpc.ts'
import type { RpcAnswer, RpcCall } from './rpc.ts'
import { serviceRoutes } from './service-routes.ts'
import { withoutSecrets } from './told.ts'
import { createSockets } from './sockets.ts'
import { acceptUpgrade } from './upgrade.ts'
import { Views, withPage } from './views.ts'

export interface ServiceOptions {
  /** Folder that holds the jobs. Default: the working directory. */
  readonly dir?: string
  /** Most jobs that run at a time. Default 4. */
  readonly jobs?: number
  /** Who may ask. Default: one key, made at random, see `key`. */
  readonly holders?: readonly KeyHolder[]
  /** Names under which the service is asked, beside those of this machine's loopback. */
  readonly hosts?: readonly string[]
  /** Nobody changes anything. Default false. */
  readonly readOnly?: boolean
  /** Path of the application below which it is mounted, such as `/sluice`. Default: the root. */
  readonly base?: string
  /** Of the pages where the viewer has chosen none. Default `en`. */
  readonly language?: Language
  /** Folder of extractor modules that requests may name. Default: none. */
  readonly extractors?: string
  /** Options of every job where it says nothing itself, by name. */
  readonly defaults?: Readonly<Record<string, unknown>>
  /**
   * Options of every job, whatever it says. `private` is false unless it is given here: jobs reach no address inside the
   * network of this machine.
   */
  readonly forced?: Readonly<Record<string, unknown>>
  /** Outputs that every job writes to beside its own: `redis://…`, `postgres://…`. Default: none. */
  readonly outputs?: readonly string[]
  /** MaxMind DB files: `GET /api/geo/{ip}` says what they know of an address. Default: none. */
  readonly geo?: readonly string[]
  /** Most questions of a client to it in an hour. Default 1000. */
  readonly geoQuota?: number
  /** Requests of a client at once and per second after that. Default 1000 and 200. */
  readonly rate?: { readonly burst: number; readonly perSecond: number }
}

export interface Service {
  /** The first holder's key. */
  readonly key: string
  /** Takes the folder and starts again what ran in it. @throws SluiceError FRONTIER_LOCKED: another service has it */
  start(): Promise<void>
  /** For servers that speak the Fetch API. */
  fetch(request: Request, env?: object): Promise<Response>
  /** For `node:http` and what is built on it. */
  listener(request: IncomingMessage, response: ServerResponse): void
  /** For the event `upgrade` of `node:http`: WebSockets. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** The reply to one message of MCP, as a line of JSON; undefined: there is none. For programs on standard input. */
  message(line: string): Promise<string | undefined>
  /** Port of the server, where it has one of its own: part of the cookie's name. */
  port: number
  /** Stops the jobs, state saved; they are started again with the next service. */
  close(): Promise<void>
}

const RATE = { burst: 1000, perSecond: 200 }
const GEO_QUOTA = 1000

export function createService(options: ServiceOptions = {}): Service {
  return new HttpService(options)
}

class HttpService implements Service {
  port = 0
  readonly key: string
  readonly fetch: Service['fetch']
  readonly listener: Service['listener']
  readonly #options: ServiceOptions
  readonly #dir: string
  readonly #own: string
  readonly #base: string
  readonly #clock = systemClock()
  readonly #access: Access
  readonly #jobs: Jobs
  readonly #views: Views
  readonly #files: ReadonlyMap<string, PageFile>
  readonly #routes: readonly ServedRoute[]
  readonly #inner: App
  readonly #answered = new Map<string, number>()
  readonly #sockets = createSockets()
  readonly #needs: Needs
  readonly #limit: RateLimit
  readonly #geoQuota: RateLimit
  readonly #queues: QueueMount
  #geo: GeoFiles | undefined
  #lock: { release(): void } | undefined

  constructor(options: ServiceOptions) {
    this.#options = options
    const { dir = '.', jobs = 4, holders, hosts, readOnly = false, base = '', language = 'en' } = options
    this.#dir = resolve(dir)
    this.#own = join(this.#dir, OWN_FOLDER)
    this.#base = base.replace(/\/$/, '')
    this.#access = createAccess(() => this.port, {
      holders: holders ?? [{ name: 'the key', key: randomBytes(24).toString('base64url'), mayChange: true }],
      ...(hosts === undefined ? {} : { hosts }),
      isReadOnly: readOnly,
    })
    this.key = this.#access.key
    this.#jobs = new Jobs({
      dir: this.#dir,
      clock: this.#clock,
      most: jobs,
      extractors: options.extractors === undefined ? undefined : resolve(options.extractors),
      defaults: options.defaults ?? {},
      forced: () => ({
        private: false,
        ...options.forced,
        // Not by any name: a job never asks the server that runs it.
        ...(this.port === 0 ? {} : { avoid: [`*:${this.port}`] }),
      }),
      outputs: options.outputs ?? [],
    })
    this.#needs = createNeeds(options.outputs ?? [], this.#clock)
    const { geoQuota = GEO_QUOTA, rate = RATE } = options
    this.#limit = createRateLimit({ ...rate, now: () => this.#clock.now() })
    this.#geoQuota = createRateLimit({ burst: geoQuota, perSecond: geoQuota / 3600, now: () => this.#clock.now() })
    this.#queues = queueMount(join(this.#own, 'queues'))
    this.#files = pageFiles()
    this.#views = new Views({
      language,
      files: this.#files,
      base: this.#base,
      steered: (job, method) => this.#jobs.steered(job, method),
    })
    this.#routes = serviceRoutes({
      jobs: this.#jobs,
      own: this.#own,
      base: this.#base,
      items: (job, offset, limit) => this.#items(job, offset, limit),
      forget: (job) => this.#views.forget(job),
      ready: () => this.#ready(),
    })
    this.#inner = this.#innerApp()
    const outer = createFront({
      access: this.#access,
      limit: this.#limit,
      files: this.#files,
      base: this.#base,
      language,
      health: (isKnown) => this.#health(isKnown),
      answered: (status) => {
        const kind = `${Math.floor(status / 100)}xx`
        this.#answered.set(kind, (this.#answered.get(kind) ?? 0) + 1)
      },
      next: (request, env) => this.#inner.fetch(request, env),
    })
    this.fetch = async (request, env = {}) => outer.fetch(this.#below(request), env)
    // Loaded with the first of them: it changes globals when it is imported.
    const listening = once(async () => {
      const { getRequestListener } = await import('@hono/node-server')
      return getRequestListener((request, env) => outer.fetch(this.#below(plain(request)), env as Bindings), {
        overrideGlobalObjects: false,
      })
    })
    this.listener = (request, response) => {
      // Express takes the path of a mount away.
      const { originalUrl } = request as { originalUrl?: string }
      if (originalUrl !== undefined) request.url = originalUrl
      void listening().then((listen) => listen(request, response))
    }
  }

  async start(): Promise<void> {
    mkdirSync(this.#own, { recursive: true })
    this.#lock ??= this.#taken()
    const { geo: paths = [] } = this.#options
    if (paths.length > 0)
      this.#geo = await openGeo({ paths, clock: this.#clock, warn: (message) => console.error(message) })
    this.#jobs.recover()
  }

  #taken(): { release(): void } {
    try {
      return takeLock(this.#own, this.#options.forced?.['unsafeLock'] === true)
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'FRONTIER_LOCKED') throw error
      throw new SluiceError('FRONTIER_LOCKED', `another service has the jobs in ${this.#dir}`, {
        hint: 'use that one, or give this one a folder of its own: --dir FOLDER',
      })
    }
  }

  async message(line: string): Promise<string | undefined> {
    const person = { name: 'mcp', mayChange: this.#options.readOnly !== true }
    const reply = await answerRpc(line, this.#mcp({ person, address: '' }))
    return reply === undefined ? undefined : JSON.stringify(reply)
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const parts = { access: this.#access, limit: this.#limit, base: this.#base }
    acceptUpgrade(
      { ...parts, jobs: this.#jobs, views: this.#views, sockets: this.#sockets },
      request,
      socket,
      head,
    ).catch(() => socket.destroy())
  }

  async close(): Promise<void> {
    this.#sockets.close()
    await this.#jobs.close()
    await this.#views.close()
    await this.#queues.close()
    this.#lock?.release()
    this.#lock = undefined
  }

  /** As if it were mounted nowhere; what lies elsewhere finds nothing. */
  #below(request: Request): Request {
    if (this.#base === '') return request
    const url = new URL(request.url)
    url.pathname = url.pathname.startsWith(`${this.#base}/`) ? url.pathname.slice(this.#base.length) : '/outside/'
    return new Request(url, request)
  }

  /** For those who were let in. */
  #innerApp(): App {
    const app: App = new Hono()
    app.onError(answerRefusal)
    app.notFound((context) => context.json({ error: { code: 'NOT_FOUND', message: 'there is nothing here' } }, 404))
    app.get('/healthz', async (context) => context.json(await this.#health(true)))
    app.get('/openapi.json', (context) => context.json(openApi(this.#all(), VERSION, this.#base)))
    app.get('/jobs.json', (context) => this.#forward(context, '/api/jobs'))
    app.get('/metrics', async (context) => context.body(await this.#figures(), 200, { 'content-type': METRICS_TYPE }))
    for (const path of ['/api/geo', '/api/geo/:ip']) app.get(path, (context) => this.#ofAddress(context))
    app.post('/rpc', (context) => this.#rpc(context, (method, params) => this.#call(context.env, method, params)))
    // There is nothing to stream from us.
    app.get('/mcp', (context) => context.json({ error: { code: 'NO_STREAM', message: 'send a POST' } }, 405))
    app.post('/mcp', (context) => this.#rpc(context, this.#mcp(context.env)))
    for (const route of this.#routes)
      app.on(route.method, pathPattern(route.path), (context) => this.#serve(context, route))
    for (const path of ['/queues', '/queues/*'])
      app.all(path, (context) => this.#queues.fetch(context.req.raw, context.env))
    app.all('/jobs/:job/*', (context) => this.#ofJob(context))
    return app
  }

  #all(): readonly Route[] {
    return [...this.#routes, ...JOB_ROUTES, ...OWN_ROUTES]
  }

  async #serve(context: Asked, route: ServedRoute): Promise<Response> {
    const caller = { person: context.env.person ?? NOBODY, address: context.env.address ?? '' }
    context.header('cache-control', 'private, no-cache')
    if (route.changes !== true) return context.json((await route.run(await paramsOf(context, route), caller)) ?? null)
    if (!caller.person.mayChange)
      throw new Refusal(403, 'READ_ONLY', 'this key, or the whole service, is for reading only')
    const params = await paramsOf(context, route)
    let status = 500
    try {
      const answer = await route.run(params, caller)
      status = 200
      return context.json(answer ?? null)
    } catch (error) {
      status = error instanceof Refusal ? error.status : error instanceof SluiceError ? 400 : 500
      throw error
    } finally {
      this.#note(route, params, caller.person, status)
    }
  }

  #note(route: ServedRoute, params: Params, { name }: Person, status: number): void {
    const { reason, ...given } = params
    const action = {
      ...{ action: route.id, by: 'sluice serve', who: name, result: status < 400 ? 'done' : String(status) },
      details: withoutSecrets(given) as Readonly<Record<string, unknown>>,
      why: typeof reason === 'string' ? reason : undefined,
    }
    mkdirSync(this.#own, { recursive: true })
    const at = this.#clock.wall()
    writeAudit(this.#own, action, at)
    const job = route.job === undefined ? undefined : String(params[route.job])
    if (job !== undefined && status < 400) writeAudit(this.#jobs.folderOf(job), action, at)
  }

  async #ofJob(context: Asked): Promise<Response> {
    const name = context.req.param('job') as string
    const url = new URL(context.req.url)
    const rest = url.pathname.slice(url.pathname.indexOf('/', '/jobs/'.length))
    const isApi = !isPageOfJob(`/jobs/x${rest}`)
    // Whoever has no key learns of no job whether it is there.
    if (!isApi) {
      const place = `${this.#base}/jobs/${encodeURIComponent(name)}`
      const page = withPage(this.#files, 'index.html', this.#base, place).get('index.html') as PageFile
      return context.body(page.body, 200, { 'content-type': page.type, 'cache-control': 'no-cache' })
    }
    const folder = this.#jobs.folderOf(name)
    if (!this.#jobs.isOpened(name))
      throw new Refusal(503, 'JOB_NOT_OPEN', `the job ${name} has not been opened yet`, { retryAfter: 1 })
    url.pathname = rest
    return this.#views.of(name, folder).fetch(new Request(url, context.req.raw), {
      outgoing: context.env.outgoing,
      person: context.env.person ?? NOBODY,
    })
  }

  #ofAddress(context: Asked): Response {
    const { person = NOBODY, address = '' } = context.env
    const asked = { asked: context.req.param('ip') ?? '', client: `${person.name} ${address}`, address }
    return answerGeo(context, asked, this.#geo, this.#geoQuota, this.#options.geoQuota ?? GEO_QUOTA)
  }

  #forward(context: Asked, path: string): Promise<Response> {
    const url = new URL(context.req.url)
    url.pathname = path
    return Promise.resolve(this.#inner.fetch(new Request(url, { headers: context.req.raw.headers }), context.env))
  }

  async #items(job: string, offset: number, limit: number): Promise<unknown> {
    const folder = this.#jobs.folderOf(job)
    if (!this.#jobs.isOpened(job)) return { kind: 'pages', rows: [], more: false }
    const stored = readStored(folder)?.options ?? {}
    const kind = stored['extract'] !== undefined || stored['text'] === true ? 'items' : 'pages'
    const { view } = this.#views.of(job, folder)
    const { columns, rows, more } = await view.query(`SELECT * FROM ${kind} LIMIT ${limit + 1} OFFSET ${offset}`)
    const objects = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
    return { kind, offset, rows: objects.slice(0, limit), more: more || rows.length > limit }
  }

  /** @param isKnown false: whoever asks has no key, and learns no more than that. */
  async #health(isKnown: boolean): Promise<unknown> {
    const needs = await this.#needs.look()
    const status = needs.every(({ isThere }) => isThere) ? 'ok' : 'degraded'
    return isKnown ? { status, running: this.#jobs.running, needs } : { status }
  }

  /** @throws Refusal 503 where a server that every job writes to is away */
  async #ready(): Promise<void> {
    const away: Need | undefined = (await this.#needs.look()).find(({ isThere }) => !isThere)
    if (away === undefined) return
    throw new Refusal(503, 'SINK_UNREACHABLE', `${away.name} does not answer`, {
      hint: 'try again when it is back; /healthz says so',
      retryAfter: 5,
    })
  }

  async #rpc(context: Asked, call: RpcCall): Promise<Response> {
    const reply = await answerRpc(await context.req.text(), call)
    return reply === undefined ? context.body(null, 202) : context.json(reply)
  }

  #mcp(env: Bindings): RpcCall {
    const run = (id: string, params: Params): Promise<RpcAnswer> => this.#call(env, id, params) as Promise<RpcAnswer>
    return createMcp({ routes: this.#all(), version: VERSION, run })
  }

  /** An operation by its id, as the same caller. */
  #call(env: Bindings, id: string, params: Params): Promise<RpcAnswer> | undefined {
    return callRoute(this.#all(), id, params, (request) => this.#inner.fetch(request, env))
  }

  #figures(): Promise<string> {
    const viewers = { sse: this.#views.viewers, websocket: this.#sockets.open }
    return figuresText({ jobs: this.#jobs, needs: this.#needs, answered: this.#answered, viewers })
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** The listener's own kind of request cannot be made into another one, which limits of bodies without a length have to. */
function plain(request: Request): Request {
  const { method, headers, signal } = request
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(request.url, {
    method,
    headers,
    signal,
    ...(hasBody ? { body: request.body, duplex: 'half' } : {}),
  })
}
