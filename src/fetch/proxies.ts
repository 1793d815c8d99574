/**
 * Which proxy a request goes through, and how the proxies are doing: of several they take turns, one that fails several
 * times in a row rests for a while, one that refuses our login is not asked again. It never decides that a request goes
 * without the proxy it was to have.
 */
import { parseProxy } from './proxy.ts'
import type { Proxy } from './proxy.ts'
import { environmentProxies } from './proxy-environment.ts'
import type { Environment, ProxyChoice } from './proxy-environment.ts'
import type { WireFailure } from './wire.ts'

/** A proxy rests, was stopped, or is back. For the log; holds no credentials. */
export interface ProxyNews {
  /** `http://host:port` */
  readonly proxy: string
  readonly state: 'resting' | 'stopped' | 'back'
  /** Of one that rests. */
  readonly restMs?: number
  /** What its last failure was, for people. */
  readonly why: string
}

export interface ProxiesOptions {
  now(): number
  /** Used in turn for every request; none: those of the environment. */
  readonly given: readonly string[]
  /** `turn`: each request takes the next one. `host`: a host stays with one as long as that one works. */
  readonly order: 'turn' | 'host'
  readonly env: Environment
  /** The proxy of one host, or `direct`; undefined: as for all. */
  readonly ofHost?: ((hostname: string) => string | undefined) | undefined
  /** The URL of what a request names as its own proxy. */
  readonly named?: ((name: string) => string) | undefined
  readonly onNews?: ((news: ProxyNews) => void) | undefined
}

/** Failures in a row after which a proxy rests; how long at first, and at most (each further failure doubles it). */
const FAILURES = 3
const REST_MS = 60_000
const LONGEST_REST_MS = 15 * 60_000
/** Proxies of single requests that are remembered; forgotten all at once when there are more. */
const REMEMBERED = 10_000

interface Health {
  failures: number
  /** `now` until which it rests. */
  restsUntil: number
  /** Why it is not asked any more. */
  stopped: string | undefined
}

export class Proxies {
  readonly #options: ProxiesOptions
  readonly #given: readonly Proxy[]
  readonly #environment: ProxyChoice | undefined
  /** By the text that named them: of hosts and of single requests. */
  #parsed = new Map<string, Proxy>()
  /** By identity: two texts may name one proxy. Without an entry nothing is wrong with it. */
  readonly #health = new Map<string, Health>()
  #turn = 0

  /** @throws SluiceError OPTION_INVALID */
  constructor(options: ProxiesOptions) {
    this.#options = options
    this.#given = options.given.map((text) => parseProxy(text, '--proxy'))
    this.#environment = this.#given.length > 0 ? undefined : environmentProxies(options.env)
  }

  /** True: every request without a proxy of its own goes directly. */
  get isEmpty(): boolean {
    return this.#given.length === 0 && this.#environment === undefined && this.#options.ofHost === undefined
  }

  /**
   * Undefined: connect directly.
   *
   * @param own The proxy of this request alone, or `direct`; goes before that of the host, which goes before those for all.
   * @throws SluiceError OPTION_INVALID for an `own` that is none
   */
  of(isSecure: boolean, hostname: string, port: number, own: string | undefined): Proxy | undefined {
    const { named: urlOf, ofHost } = this.#options
    const named = own === undefined || own === 'direct' ? (own ?? ofHost?.(hostname)) : (urlOf?.(own) ?? own)
    if (named === 'direct') return undefined
    if (named !== undefined)
      return this.#named(named, own === undefined ? 'the proxy of a host' : 'the proxy of a request')
    if (this.#given.length > 0) return this.#next(hostname)
    return this.#environment?.(isSecure, hostname, port)
  }

  /** Why a proxy is not asked any more; undefined where it may be. */
  refusalOf(proxy: Proxy): string | undefined {
    return this.#health.get(proxy.identity)?.stopped
  }

  /** It has let a request through. */
  worked(proxy: Proxy): void {
    const health = this.#health.get(proxy.identity)
    if (health === undefined || health.stopped !== undefined) return
    this.#health.delete(proxy.identity)
    if (health.restsUntil > 0) this.#tell({ proxy: proxy.label, state: 'back', why: '' })
  }

  failed(proxy: Proxy, { message, unauthorized }: WireFailure): void {
    let health = this.#health.get(proxy.identity)
    if (health === undefined) {
      if (this.#health.size >= REMEMBERED) this.#health.clear()
      health = { failures: 0, restsUntil: 0, stopped: undefined }
      this.#health.set(proxy.identity, health)
    }
    if (health.stopped !== undefined) return
    if (unauthorized === true) {
      health.stopped = message
      this.#tell({ proxy: proxy.label, state: 'stopped', why: message })
      return
    }
    const now = this.#options.now()
    // What was under way when it began to rest says nothing new.
    if (++health.failures < FAILURES || health.restsUntil > now) return
    const restMs = Math.min(LONGEST_REST_MS, REST_MS * 2 ** (health.failures - FAILURES))
    health.restsUntil = now + restMs
    this.#tell({ proxy: proxy.label, state: 'resting', restMs, why: message })
  }

  /** The next that does not rest; where all rest the one that has rested longest: it may be back. */
  #next(hostname: string): Proxy {
    const given = this.#given
    const start = this.#options.order === 'host' ? hashOf(hostname) : this.#turn++
    const now = this.#options.now()
    let best = given[start % given.length] as Proxy
    let bestUntil = Number.POSITIVE_INFINITY
    for (let i = 0; i < given.length; i++) {
      const proxy = given[(start + i) % given.length] as Proxy
      const health = this.#health.get(proxy.identity)
      if (health === undefined) return proxy
      if (health.stopped !== undefined) continue
      if (health.restsUntil <= now) return proxy
      if (health.restsUntil >= bestUntil) continue
      best = proxy
      bestUntil = health.restsUntil
    }
    return best
  }

  #named(text: string, source: string): Proxy {
    const known = this.#parsed.get(text)
    if (known !== undefined) return known
    const proxy = parseProxy(text, source)
    if (this.#parsed.size >= REMEMBERED) this.#parsed = new Map()
    this.#parsed.set(text, proxy)
    return proxy
  }

  #tell(news: ProxyNews): void {
    this.#options.onNews?.(news)
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
