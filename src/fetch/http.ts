/**
 * `httpFetcher`: requests over HTTP/1.1 and HTTP/2, with limits on everything a server can stretch. Puts the parts of this folder
 * together and turns a URL into an order for the wire; what an answer means is the engine's.
 */
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { SluiceError, type ErrorCode } from '../model/errors.ts'
import { createDigest } from '../url/fingerprint.ts'
import { avoiding } from './address.ts'
import type { AnswerCache, Send } from './cache/answer-cache.ts'
import { ACCEPT_ENCODING } from './codings.ts'
import { Deadlines } from './deadlines.ts'
import { createDialler, type Dialler } from './dial.ts'
import type {
  FetchHandle,
  FetchObserver,
  FetchRequest,
  Fetcher,
  StreamHandle,
  StreamObserver,
  StreamRequest,
} from './fetcher.ts'
import { http1Transport } from './http1.ts'
import { HttpExchange, type ExchangeContext } from './http-exchange.ts'
import { Lender } from './kept-bytes.ts'
import { limitsOf, type LimitOptions, type Limits } from './limits.ts'
import { Names, type Lookup } from './names.ts'
import type { Order } from './order.ts'
import { rangeHeaders } from './part-answer.ts'
import type { PartFolder } from './part-folder.ts'
import type { Negotiated, negotiate as Negotiate } from './negotiate.ts'
import { Pool } from './pool.ts'
import { Proxies, type ProxyNews } from './proxies.ts'
import { percentDecoded, takesPlainRequests, type Proxy } from './proxy.ts'
import { areWritable, checkHeaders, mergeHeaders } from './request-headers.ts'
import { resolveMap, type ResolveRule } from './resolve-map.ts'
import { StreamExchange } from './stream-exchange.ts'
import { WebSocketStream } from './web-socket.ts'
import type { Origin } from './wire.ts'

export interface FetcherOptions extends LimitOptions {
  readonly clock: Clock
  readonly userAgent: string
  /** Further default headers, sent to `headerOrigins` only: they may be credentials. */
  readonly headers?: Readonly<Record<string, string>>
  /** Value of Authorization for an origin whose URLs need one, as `URL.origin` gives it. */
  readonly loginOf?: (origin: string) => string | undefined
  /** Origins as `URL.origin` gives them. Default none. */
  readonly headerOrigins?: readonly string[]
  /** Other limits of one host. */
  readonly limitsOfHost?: (hostname: string) => LimitOptions | undefined
  /** Bodies over this go to a file in `spoolFolder`. Default 8 MiB. */
  readonly spoolBytes?: number
  /** Must exist. */
  readonly spoolFolder: string
  /** Where large bodies of requests with a `part` are kept for their next attempt. Default: nowhere. */
  readonly parts?: PartFolder
  /** Answers what it can of the requests that allow it. The fetcher closes it. */
  readonly cache?: AnswerCache
  /** Sockets open at a time, all origins together. Default 1,024. */
  readonly maxSockets?: number
  /** How long an idle connection is kept. Default 4,000. */
  readonly keepAliveMs?: number
  readonly resolve?: readonly ResolveRule[]
  /** `scheme://[user:password@]host:port` with http, https, socks5 or socks5h; several take turns. Default: the environment's. */
  readonly proxy?: string | readonly string[]
  /** The URL, login and all, of what a request names as its own proxy. Default: the name itself. */
  readonly proxyNamed?: (name: string) => string
  /** How several take turns. Default `turn`. */
  readonly proxyOrder?: 'turn' | 'host'
  /** Told of proxies that rest, are stopped, or are back. */
  readonly onProxyNews?: (news: ProxyNews) => void
  /** The proxy of one host, or `direct`; undefined: as for all. */
  readonly proxyOfHost?: (hostname: string) => string | undefined
  /** Where `http_proxy`, `https_proxy` and `no_proxy` are read, both cases. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** False: connected addresses must be of the public internet (`ADDRESS_DENIED`). Default true. */
  readonly allowPrivate?: boolean
  /** `ADDRESS:PORT`, or `*:PORT` for any address of this machine. Default: none. */
  readonly avoid?: readonly string[]
  /** Further trusted roots for TLS, PEM. */
  readonly ca?: string
  /** Offer HTTP/2 to origins of https; by host where some should and others not. Default false. */
  readonly http2?: boolean | ((hostname: string) => boolean)
  /** Default: the system's resolver. */
  readonly lookup?: Lookup
}

const MiB = 1024 * 1024
/** What servers of pages are asked for; anything else is taken too. */
const ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const MAX_HEADER_BYTES = 64 * 1024
/** Prepared origins remembered; forgotten all at once when there are more. */
const REMEMBERED_ORIGINS = 10_000

/** Fields of requests that take no part. */
const NO_PART = /^(authorization|cookie|range|if-range)$/i

/** What a URL may hold as it is written on the wire. */
const PRINTABLE = /^[\x21-\x7e]*$/

interface Prepared {
  readonly origin: Origin
  readonly limits: Limits
  readonly headers: readonly string[]
  readonly forwarded: boolean
  /** Its default headers hold credentials. */
  readonly hasCredentials: boolean
  /** The same through proxies. Of what goes directly alone. */
  readonly via: Map<Proxy, Prepared> | undefined
}

/** Ways to one origin that are remembered; of 10,000 origins, so not many. */
const REMEMBERED_WAYS = 16

/** Throws `SluiceError` `OPTION_INVALID`. */
export async function httpFetcher(options: FetcherOptions): Promise<Fetcher> {
  // Only where it is wanted: loading it costs every start.
  const negotiate =
    options.http2 !== undefined && options.http2 !== false ? (await import('./negotiate.ts')).negotiate : undefined
  return new HttpFetcher(options, await createDigest(), negotiate)
}

class HttpFetcher implements Fetcher {
  readonly #context: ExchangeContext
  readonly #dialler: Dialler
  readonly #names: Names
  readonly #proxies: Proxies
  readonly #limits: Limits
  readonly #limitOptions: FetcherOptions
  readonly #loginOf: FetcherOptions['loginOf']
  readonly #idle: Deadlines
  readonly #negotiated: Negotiated | undefined
  readonly #baseHeaders: readonly string[]
  readonly #boundHeaders: Readonly<Record<string, string>>
  readonly #boundOrigins: ReadonlySet<string>
  readonly #prepared = new Map<string, Prepared>()
  readonly #spoolPrefix = `body-${process.pid}-${randomBytes(6).toString('hex')}-`
  readonly #cache: AnswerCache | undefined
  readonly #send: Send = (order, observer) => {
    const exchange = new HttpExchange(this.#context, order, observer)
    exchange.start()
    return exchange
  }
  #spooled = 0
  #closed = false

  constructor(
    options: FetcherOptions,
    digester: ExchangeContext['store']['digester'],
    negotiate: typeof Negotiate | undefined,
  ) {
    const { clock } = options
    positive(options.timeoutMs ?? 1, 'timeoutMs')
    this.#limitOptions = options
    this.#limits = limitsOf(options)
    this.#loginOf = options.loginOf
    this.#cache = options.cache
    this.#boundHeaders = options.headers ?? {}
    checkHeaders({ 'User-Agent': options.userAgent })
    checkHeaders(this.#boundHeaders)
    this.#boundOrigins = new Set(options.headerOrigins ?? [])
    this.#baseHeaders = ['User-Agent', options.userAgent, 'Accept', ACCEPT, 'Accept-Encoding', ACCEPT_ENCODING]
    this.#names = new Names(() => clock.now(), options.lookup)
    this.#proxies = new Proxies({
      now: () => clock.now(),
      given: typeof options.proxy === 'string' ? [options.proxy] : (options.proxy ?? []),
      order: options.proxyOrder ?? 'turn',
      env: options.env ?? process.env,
      ofHost: options.proxyOfHost,
      named: options.proxyNamed,
      onNews: options.onProxyNews,
    })
    this.#dialler = createDialler({
      now: () => clock.now(),
      names: this.#names,
      endpointOf: resolveMap(options.resolve ?? []),
      allowPrivate: options.allowPrivate ?? true,
      isAvoided: avoiding(options.avoid ?? []),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    })
    const keepAliveMs = positive(options.keepAliveMs ?? 4_000, 'keepAliveMs')
    this.#idle = new Deadlines(clock, Math.min(500, Math.max(5, keepAliveMs / 8)))
    const wire = {
      ...{ clock, keepAliveMs, dialler: this.#dialler, idle: this.#idle },
      maxHeaderBytes: MAX_HEADER_BYTES,
    }
    const http1 = http1Transport(wire)
    this.#negotiated = negotiate?.({ ...wire, http1, wants: options.http2 })
    const open = this.#negotiated?.open ?? http1.open
    this.#context = {
      clock,
      store: {
        digester,
        lender: new Lender(),
        spoolBytes: options.spoolBytes ?? 8 * MiB,
        spoolFolder: options.spoolFolder,
        spoolName: () => `${this.#spoolPrefix}${++this.#spooled}`,
      },
      pool: new Pool({ open, maxSockets: positive(options.maxSockets ?? 1_024, 'maxSockets') }),
      parts: options.parts,
      proxies: this.#proxies,
      deadlines: new Deadlines(clock, Math.min(500, Math.max(5, this.#limits.connectMs / 8))),
    }
  }

  get sockets(): number {
    return this.#context.pool.sockets
  }

  start(request: FetchRequest, observer: FetchObserver): FetchHandle {
    if (this.#closed) return this.#refuse(observer, 'CANCELLED', 'the fetcher is closed')
    const order = this.#orderOf(request)
    if (order === undefined) return this.#refuse(observer, 'URL_INVALID', 'not a URL of http or https')
    const refusal = this.#refusalOf(order)
    if (refusal !== undefined) return this.#refuse(observer, 'PROXY_FAILED', refusal)
    if (request.headers !== undefined && !areWritable(request.headers))
      return this.#refuse(observer, 'URL_INVALID', 'cannot be asked for: a header of the request cannot be written')
    // What comes by another way may be another page.
    const mayBeKept = request.cache === true && request.proxy === undefined
    if (!mayBeKept || this.#cache === undefined) return this.#send(order, observer)
    return this.#cache.start(order, observer, request.maxBytes ?? order.limits.maxBytes, this.#send)
  }

  stream(request: StreamRequest, observer: StreamObserver): StreamHandle {
    // A WebSocket begins as a request over HTTP (RFC 6455 3).
    const isSocket = /^wss?:/i.test(request.url)
    const order = this.#orderOf({
      ...request,
      url: isSocket ? request.url.replace(/^ws/i, 'http') : request.url,
      headers: { Accept: '*/*', ...request.headers, 'Accept-Encoding': 'identity' },
    })
    const refusal = order === undefined ? undefined : this.#refusalOf(order)
    if (this.#closed || order === undefined || refusal !== undefined) {
      const code = this.#closed ? 'CANCELLED' : order === undefined ? 'URL_INVALID' : 'PROXY_FAILED'
      const message = this.#closed ? 'the fetcher is closed' : (refusal ?? 'not a URL of http, https, ws or wss')
      queueMicrotask(() => observer.onEnded({ code, message }, false))
      return { cancel() {}, pause() {}, resume() {} }
    }
    const stallMs = request.stallMs ?? Number.POSITIVE_INFINITY
    if (!isSocket) return new StreamExchange(this.#context, order, stallMs, observer).start()
    const maxBytes = request.maxMessageBytes ?? order.limits.maxBytes
    return new WebSocketStream({ ...this.#context, dialler: this.#dialler }, order, { stallMs, maxBytes }, observer)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { deadlines, parts, pool, store } = this.#context
    for (const exchange of deadlines.all() as (HttpExchange | StreamExchange | WebSocketStream)[])
      exchange.cancel('the fetcher is closed')
    pool.close()
    this.#negotiated?.close()
    this.#idle.close()
    this.#names.close()
    this.#cache?.close()
    deadlines.close()
    await parts?.closed()
    if (this.#spooled === 0) return
    const names = await readdir(store.spoolFolder).catch(() => [])
    await Promise.all(
      names
        .filter((name) => name.startsWith(this.#spoolPrefix))
        .map((name) => rm(join(store.spoolFolder, name), { force: true })),
    )
  }

  /** Told later, as every end is: whoever starts a request holds its handle first. */
  #refuse(observer: FetchObserver, code: ErrorCode, message: string): FetchHandle {
    queueMicrotask(() => observer.onFailed({ code, message }, this.#context.clock.now()))
    return { cancel() {} }
  }

  /** A proxy that has refused us is not asked again: the same login would be refused again. */
  #refusalOf({ origin: { proxy } }: Order): string | undefined {
    return proxy === undefined ? undefined : this.#proxies.refusalOf(proxy)
  }

  #orderOf(request: FetchRequest): Order | undefined {
    const { url } = request
    // Canonical URLs have their origin before the first slash after `https://` (8 letters, `http://x` too).
    const slash = url.indexOf('/', 8)
    let prepared = slash === -1 || !PRINTABLE.test(url) ? undefined : this.#prepared.get(url.slice(0, slash))
    let path: string
    let credentials: string | undefined
    if (prepared !== undefined) {
      const hash = url.indexOf('#', slash)
      path = url.slice(slash, hash === -1 ? undefined : hash)
    } else {
      if (!URL.canParse(url)) return undefined
      const parsed = new URL(url)
      if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return undefined
      prepared = this.#prepare(parsed)
      path = parsed.pathname + parsed.search
      if (parsed.username !== '' || parsed.password !== '') credentials = basic(parsed)
    }
    if (request.proxy !== undefined || !this.#proxies.isEmpty) prepared = this.#wayOf(prepared, request.proxy)
    credentials ??= this.#loginOf?.(prepared.origin.key)
    let headers = prepared.headers
    if (request.headers !== undefined) headers = this.#withOwn(headers, request.headers)
    if (credentials !== undefined && !hasOwn(request, 'authorization'))
      headers = mergeHeaders(headers, { Authorization: credentials })
    const part = credentials === undefined ? this.#partOf(request, prepared) : undefined
    const unfinished = part === undefined ? undefined : this.#context.parts?.find(part, url)
    // Asked for as it lies there: a range of a coded answer is of other bytes.
    if (unfinished !== undefined) {
      headers = mergeHeaders(headers, { ...rangeHeaders(unfinished), 'Accept-Encoding': 'identity' })
    }
    return {
      url,
      origin: prepared.origin,
      method: request.method ?? 'GET',
      host: prepared.origin.key.slice(prepared.origin.secure ? 8 : 7),
      target: prepared.forwarded ? prepared.origin.key + path : path,
      headers,
      body: request.body,
      connections: request.maxConnections,
      limits: prepared.limits,
      maxBytes: request.maxBytes,
      forwarded: prepared.forwarded,
      lendBody: request.lendBody === true,
      part,
      unfinished,
    }
  }

  /** What is fetched with credentials stays in nobody's folder, and a range of the caller's is no whole. */
  #partOf({ part, method, body, headers }: FetchRequest, prepared: Prepared): bigint | undefined {
    if (part === undefined || this.#context.parts === undefined || prepared.hasCredentials) return undefined
    if ((method !== undefined && method !== 'GET') || body !== undefined) return undefined
    if (headers !== undefined && Object.keys(headers).some((name) => NO_PART.test(name))) return undefined
    return part
  }

  #withOwn(base: readonly string[], own: Readonly<Record<string, string>>): string[] {
    const merged = mergeHeaders(base, own)
    // A range is of the bytes as they are sent; of coded ones it would be worth nothing.
    if (!Object.keys(own).some((name) => name.toLowerCase() === 'range')) return merged
    return mergeHeaders(merged, { 'Accept-Encoding': 'identity' })
  }

  #prepare(url: URL): Prepared {
    const known = this.#prepared.get(url.origin)
    if (known !== undefined) return known
    const secure = url.protocol === 'https:'
    const origin: Origin = {
      key: url.origin,
      route: url.origin,
      proxy: undefined,
      secure,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    }
    const isBound = this.#boundOrigins.has(url.origin)
    const own = this.#limitOptions.limitsOfHost?.(origin.hostname)
    const prepared: Prepared = {
      origin,
      headers: isBound ? mergeHeaders(this.#baseHeaders, this.#boundHeaders) : this.#baseHeaders,
      forwarded: false,
      limits: own === undefined ? this.#limits : limitsOf({ ...this.#limitOptions, ...own }),
      hasCredentials: isBound && Object.keys(this.#boundHeaders).some((name) => NO_PART.test(name)),
      via: new Map(),
    }
    if (this.#prepared.size >= REMEMBERED_ORIGINS) this.#prepared.clear()
    this.#prepared.set(url.origin, prepared)
    return prepared
  }

  /** The same origin through the proxy whose turn it is, or that of the request. */
  #wayOf(direct: Prepared, own: string | undefined): Prepared {
    const { origin, via } = direct
    const proxy = this.#proxies.of(origin.secure, origin.hostname, origin.port, own)
    if (proxy === undefined || via === undefined) return direct
    const known = via.get(proxy)
    if (known !== undefined) return known
    const forwarded = !origin.secure && takesPlainRequests(proxy)
    // Of a tunnel its opening alone carries the login: what goes through it is read by the origin.
    const authorization = forwarded ? proxy.authorization : undefined
    const prepared: Prepared = {
      ...direct,
      origin: { ...origin, proxy, route: `${origin.key} by ${proxy.identity}` },
      headers: authorization === undefined ? direct.headers : [...direct.headers, 'Proxy-Authorization', authorization],
      forwarded,
      via: undefined,
    }
    if (via.size >= REMEMBERED_WAYS) via.clear()
    via.set(proxy, prepared)
    return prepared
  }
}

function hasOwn({ headers }: FetchRequest, name: string): boolean {
  return headers !== undefined && Object.keys(headers).some((one) => one.toLowerCase() === name)
}

function basic(url: URL): string {
  return `Basic ${Buffer.from(`${percentDecoded(url.username)}:${percentDecoded(url.password)}`).toString('base64')}`
}

function positive(value: number, name: string): number {
  if (!(value > 0)) throw new SluiceError('OPTION_INVALID', `${name} must be more than 0, not ${value}`)
  return value
}
