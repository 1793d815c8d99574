/**
 * Opens one connection to an origin: names to addresses, the address policy, TCP (both families raced, RFC 8305), a
 * proxy's tunnel, TLS. It keeps the marks of time and says in which phase it stands, so that whoever watches the clock
 * can name what took too long. It has no timers of its own.
 */
import type { LookupAddress } from 'node:dns'
import { connect as connectTcp, isIP, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import type { ErrorCode } from '../model/errors.ts'
import { isPublicAddress } from './address.ts'
import type { Names } from './names.ts'
import { takesPlainRequests } from './proxy.ts'
import type { Proxy } from './proxy.ts'
import type { Endpoint } from './resolve-map.ts'
import { connectFailure, nameFailure, tlsFailure } from './socket-errors.ts'
import { SocksHandshake } from './socks.ts'
import type { Origin, WireFailure } from './wire.ts'

export type DialPhase = 'dns' | 'connect' | 'proxy' | 'tls' | 'open'

export type Dialled = (failure: WireFailure | undefined, socket: Socket | undefined) => void

export interface Dialler {
  /**
   * @param onread takes the bytes of a plain socket past its stream (`reads`); a secured one has none of it.
   * @param protocols offered by ALPN to an origin of https. Default HTTP/1.1 alone.
   */
  dial(origin: Origin, done: Dialled, onread?: OnReadOpts, protocols?: readonly string[]): Dial
}

export interface DiallerOptions {
  readonly now: () => number
  readonly names: Names
  readonly endpointOf: (hostname: string, port: number) => Endpoint
  readonly allowPrivate: boolean
  /** Nothing connects there, such as to the server that runs the job. */
  readonly isAvoided: (address: string, port: number) => boolean
  /** Further trusted roots, PEM. */
  readonly ca?: string
}

/** Code and words for each phase that takes too long. */
const SLOW_PHASE: Readonly<Record<DialPhase, readonly [ErrorCode, string]>> = {
  dns: ['TIMEOUT_DNS', 'looking up its name'],
  connect: ['TIMEOUT_CONNECT', 'connecting'],
  proxy: ['PROXY_FAILED', 'opening the way to the site'],
  tls: ['TIMEOUT_TLS', 'the TLS handshake'],
  open: ['TIMEOUT_CONNECT', 'connecting'],
}

/** How long an address is tried before the next one is tried beside it. */
const NEXT_ADDRESS_MS = 250
/** Head of a proxy's answer to CONNECT. */
const TUNNEL_HEAD_BYTES = 16 * 1024
/** What a proxy is asked for, and an origin where nothing else was said. */
const HTTP1: readonly string[] = ['http/1.1']
/** TLS sessions kept for resumption. */
const SESSIONS = 1_000

interface Shared extends DiallerOptions {
  readonly sessions: Map<string, Buffer>
  context(): SecureContext
}

export function createDialler(options: DiallerOptions): Dialler {
  let context: SecureContext | undefined
  const shared: Shared = {
    ...options,
    sessions: new Map(),
    // One context for all connections: loading the roots costs more than a handshake.
    context: () =>
      (context ??= createSecureContext(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] })),
  }
  return {
    dial: (origin, done, onread, protocols) => new Dial(shared, origin, done, onread, protocols),
  }
}

export class Dial {
  phase: DialPhase = 'dns'
  /** When the phase began. */
  phaseAt: number
  dnsMs = 0
  connectMs = 0
  tlsMs = 0
  /** Connected IP address; '' while there is none and where a proxy connects in our place. */
  address = ''
  readonly origin: Origin
  /** Bytes go to `onread`, never through the stream of the socket. */
  readonly reads: boolean
  readonly #onread: OnReadOpts | undefined
  readonly #protocols: readonly string[]
  readonly #shared: Shared
  readonly #proxy: Proxy | undefined
  #done: Dialled | undefined
  #socket: Socket | undefined
  #starting = true
  /** Where a SOCKS proxy is to connect to, where that was looked up here. */
  #target: { readonly host: string; readonly port: number } | undefined
  /** Who is waited for: what fails now is theirs. */
  #partner: 'origin' | 'proxy' = 'origin'

  constructor(
    shared: Shared,
    origin: Origin,
    done: Dialled,
    onread: OnReadOpts | undefined,
    protocols: readonly string[] = HTTP1,
  ) {
    this.#shared = shared
    this.origin = origin
    this.#done = done
    this.#protocols = protocols
    const { proxy } = origin
    this.#proxy = proxy
    // A handshake before the request is read by the stream.
    const isBare = !origin.secure && (proxy === undefined || proxy.kind === 'http')
    this.#onread = isBare ? onread : undefined
    this.reads = this.#onread !== undefined
    this.phaseAt = shared.now()
    this.#resolve()
    this.#starting = false
  }

  /** Gives up; `done` is not called any more. */
  abort(): void {
    this.#done = undefined
    this.#socket?.destroy()
  }

  /** Why the phase under way has taken too long: whose fault that is depends on whom we wait for. */
  slow(limitMs: number): WireFailure {
    const [code, doing] = SLOW_PHASE[this.phase]
    const proxy = this.#proxy
    if (proxy !== undefined && this.#partner === 'proxy') {
      const message = `the proxy ${proxy.label}: ${doing} took longer than ${limitMs} ms`
      return { code: 'PROXY_FAILED', message }
    }
    return { code, message: `${this.origin.key}: ${doing} took longer than ${limitMs} ms` }
  }

  #resolve(): void {
    const proxy = this.#proxy
    const { allowPrivate, endpointOf } = this.#shared
    if (proxy === undefined) {
      const endpoint = endpointOf(this.origin.hostname, this.origin.port)
      this.#lookUp(endpoint.host, (found) => this.#connect(found, endpoint.port))
      return
    }
    const toProxy = (): void => {
      this.#partner = 'proxy'
      this.#enter('dns')
      this.#lookUp(proxy.hostname, (found) => this.#connect(found, proxy.port))
    }
    if (!allowPrivate && isIP(this.origin.hostname) !== 0 && !isPublicAddress(this.origin.hostname)) {
      this.#deny(this.origin.hostname)
      return
    }
    // Whom a name leads to is known only where it is looked up: with the policy on, SOCKS gets an address that was judged.
    if (proxy.kind === 'socks5' || (proxy.kind === 'socks5h' && !allowPrivate)) {
      const endpoint = endpointOf(this.origin.hostname, this.origin.port)
      this.#lookUp(endpoint.host, (found) => {
        const address = this.#allowed(found)[0]?.address
        if (address === undefined) return
        this.#target = { host: address, port: endpoint.port }
        toProxy()
      })
    } else toProxy()
  }

  #lookUp(host: string, then: (found: readonly LookupAddress[]) => void): void {
    const family = isIP(host)
    if (family !== 0) {
      then([{ address: host, family }])
      return
    }
    this.#shared.names.resolve(host, (error, addresses) => {
      if (this.#done === undefined) return
      const now = this.#shared.now()
      this.dnsMs += now - this.phaseAt
      if (error === null && addresses.length > 0) {
        then(addresses)
        return
      }
      const failure = nameFailure(error, host)
      if (this.#partner === 'proxy' && failure.local !== true)
        this.#fail({ ...failure, code: 'PROXY_FAILED', message: `the name of the proxy: ${failure.message}` })
      else this.#fail(failure)
    })
  }

  /** What the address policy lets through; nothing: it has failed. */
  #allowed(found: readonly LookupAddress[]): readonly LookupAddress[] {
    if (this.#shared.allowPrivate) return found
    const allowed = found.filter(({ address }) => isPublicAddress(address))
    if (allowed.length === 0) this.#deny(found[0]?.address ?? '')
    return allowed
  }

  #connect(found: readonly LookupAddress[], port: number): void {
    const open = this.#proxy === undefined ? this.#allowed(found) : found
    if (open.length === 0) return
    const addresses =
      this.#proxy === undefined ? open.filter(({ address }) => !this.#shared.isAvoided(address, port)) : open
    if (addresses.length === 0) {
      this.#fail({
        code: 'ADDRESS_DENIED',
        message: `${this.origin.hostname} leads to port ${port} of ${found[0]?.address}, which nothing may connect to`,
      })
      return
    }
    this.#enter('connect')
    const socket = connectTcp(targetOf(addresses, port, this.#onread))
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('error', (error) => this.#fail(this.#brokeWith(error)))
    socket.on('close', () => this.#fail(this.#brokeWith(undefined)))
    socket.once('connect', () => this.#connected(socket))
  }

  #connected(socket: Socket): void {
    const now = this.#shared.now()
    this.connectMs = now - this.phaseAt
    const address = socket.remoteAddress ?? ''
    if (this.#proxy === undefined) {
      // The policy holds for what was connected, whatever was looked up.
      if (!this.#shared.allowPrivate && !isPublicAddress(address)) {
        this.#deny(address)
        return
      }
      this.address = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
      if (this.origin.secure) this.#secure(socket, this.origin.hostname, () => this.#finish(), this.#protocols)
      else this.#finish()
      return
    }
    const proxy = this.#proxy
    if (proxy.kind === 'https') this.#secure(socket, proxy.hostname, (secured) => this.#throughProxy(secured, proxy))
    else this.#throughProxy(socket, proxy)
  }

  #throughProxy(socket: Socket, proxy: Proxy): void {
    const opened = (): void => {
      this.#partner = 'origin'
      if (this.origin.secure) this.#secure(socket, this.origin.hostname, () => this.#finish(), this.#protocols)
      else this.#finish()
    }
    if (!takesPlainRequests(proxy)) this.#socks(socket, proxy, opened)
    else if (this.origin.secure) this.#tunnel(socket, proxy, opened)
    else this.#finish()
  }

  /** RFC 1928. */
  #socks(socket: Socket, proxy: Proxy, opened: () => void): void {
    this.#enter('proxy')
    const target = this.#target ?? { host: this.origin.hostname, port: this.origin.port }
    const handshake = new SocksHandshake({ ...target, login: proxy.login })
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        const step = handshake.push(chunk)
        if (step.do === 'send') socket.write(step.bytes)
        if (step.do === 'send' || step.do === 'wait') continue
        socket.off('readable', read)
        if (step.do === 'done') opened()
        else {
          this.#fail({
            code: 'PROXY_FAILED',
            message: `the proxy ${proxy.label} ${step.why} when asked for ${this.origin.key}`,
            ...(step.unauthorized === true ? { unauthorized: true } : {}),
          })
        }
        return
      }
    }
    socket.on('readable', read)
    socket.write(handshake.greeting())
  }

  /** RFC 9110 9.3.6. */
  #tunnel(socket: Socket, proxy: Proxy, opened: () => void): void {
    this.#enter('proxy')
    const host = this.origin.hostname.includes(':') ? `[${this.origin.hostname}]` : this.origin.hostname
    const target = `${host}:${this.origin.port}`
    const authorization = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`
    let head = ''
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end === -1 && head.length < TUNNEL_HEAD_BYTES) continue
        socket.off('readable', read)
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
        if (end !== -1 && end + 4 === head.length && status?.startsWith('2') === true) opened()
        else this.#fail(proxyRefused(proxy, target, status))
        return
      }
    }
    socket.on('readable', read)
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`, 'latin1')
  }

  #secure(
    socket: Socket,
    hostname: string,
    secured: (socket: Socket) => void,
    protocols: readonly string[] = HTTP1,
  ): void {
    this.#enter('tls')
    // Of a way of its own: a session that is resumed elsewhere would tell the site that both are one.
    const key = `${this.origin.route} ${hostname}`
    const session = this.#shared.sessions.get(key)
    const tls = connectTls({
      socket,
      host: hostname,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(session === undefined ? {} : { session }),
      secureContext: this.#shared.context(),
      ALPNProtocols: [...protocols],
    })
    this.#socket = tls
    tls.on('session', (fresh) => keepSession(this.#shared.sessions, key, fresh))
    tls.on('error', (error) => this.#fail(this.#brokeWith(error)))
    tls.once('secureConnect', () => {
      this.tlsMs += this.#shared.now() - this.phaseAt
      secured(tls)
    })
  }

  #enter(phase: DialPhase): void {
    this.phase = phase
    this.phaseAt = this.#shared.now()
  }

  #finish(): void {
    const done = this.#done
    const socket = this.#socket
    this.#done = undefined
    this.phase = 'open'
    if (done === undefined) socket?.destroy()
    else done(undefined, socket)
  }

  #fail(failure: WireFailure): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.#socket?.destroy()
    // Never before whoever dials holds the dial.
    if (this.#starting) queueMicrotask(() => done(failure, undefined))
    else done(failure, undefined)
  }

  #deny(address: string): void {
    this.#fail({
      code: 'ADDRESS_DENIED',
      message: `${this.origin.hostname} leads to ${address}, which is not an address of the public internet`,
    })
  }

  #brokeWith(error: NodeJS.ErrnoException | undefined): WireFailure {
    const proxy = this.#proxy
    const named = this.#partner === 'origin' || proxy === undefined ? this.origin.key : `the proxy ${proxy.label}`
    const failure = this.phase === 'tls' ? tlsFailure(error, named) : connectFailure(error, named)
    // TLS trouble behind an open tunnel is the site's; everything before that is the proxy's.
    if (proxy === undefined || failure.local === true || this.#partner === 'origin') return failure
    return { ...failure, code: 'PROXY_FAILED' }
  }
}

function targetOf(addresses: readonly LookupAddress[], port: number, onread: OnReadOpts | undefined): NetConnectOpts {
  const reading = onread === undefined ? { highWaterMark: 65_536 } : { onread }
  const only = addresses[0] as LookupAddress
  if (addresses.length === 1)
    return {
      host: only.address,
      port,
      family: only.family,
      autoSelectFamily: false,
      ...reading,
    } as NetConnectOpts
  return {
    host: 'pinned',
    port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    ...reading,
    // What was looked up and let through, nothing else: a second lookup could answer differently.
    lookup: (_host: string, _options: unknown, callback: (error: null, addresses: readonly LookupAddress[]) => void) =>
      callback(null, addresses),
  } as unknown as NetConnectOpts
}

function keepSession(sessions: Map<string, Buffer>, key: string, session: Buffer): void {
  sessions.delete(key)
  if (sessions.size >= SESSIONS) {
    for (const oldest of sessions.keys()) {
      sessions.delete(oldest)
      break
    }
  }
  sessions.set(key, session)
}

function proxyRefused(proxy: Proxy, target: string, status: string | undefined): WireFailure {
  const why =
    status === '407'
      ? 'wants a login (407)'
      : status === undefined
        ? 'gave no HTTP answer'
        : `answered ${status}${status.startsWith('2') ? ' with a body' : ''}`
  return {
    code: 'PROXY_FAILED',
    message: `the proxy ${proxy.label} ${why} when asked for a tunnel to ${target}`,
    ...(status === '407' ? { unauthorized: true } : {}),
  }
}
