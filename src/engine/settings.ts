/** Everything the engine is told about one run. Numbers in ms and bytes; already validated. */
import type { LinkKind } from '../extract/extractor.ts'
import type { Policy } from '../policy/policy.ts'
import type { Scope } from '../policy/scope.ts'

/** Live settings of one key: the job's own, or those of a `hosts` entry. */
export interface HostSettings {
  readonly delayMs: number
  readonly perHost: number
  readonly isBlocked: boolean
}

export interface EngineSettings {
  readonly kind: 'fetch' | 'crawl'
  readonly run: number
  /** `sluice` and the like: the product token matched in robots.txt and meta robots. */
  readonly agent: string
  readonly policy: Policy
  readonly scope: Scope
  /** The scope has changed since requests were queued: look at each again before it is started. */
  recheckScope: boolean
  /** Pages of one shape that may say nothing new before it counts as endless; 0: no limit. */
  readonly trapBudget: number
  readonly kinds: ReadonlySet<LinkKind>
  /** Outputs get no `unchanged` records; archives do. */
  readonly changedOnly: boolean
  /** Obey rel=nofollow, meta robots nofollow and X-Robots-Tag nofollow. */
  readonly nofollow: boolean
  readonly robots: 'obey' | 'record' | 'ignore'
  readonly sitemaps: 'auto' | 'only' | 'off'
  /** Redirects in a row that are followed. */
  readonly maxRedirects: number
  /** Requests that may do something twice are repeated like all others. */
  readonly retryUnsafe: boolean
  concurrency: number
  /** URLs settled other than skipped, over the life of the job. */
  limit: number | undefined
  maxTimeMs: number | undefined
  /** Requests a second over all keys. */
  ratePerSecond: number | undefined
  bytesPerSecond: number | undefined
  readonly drainMs: number
  hostSettings(key: string): HostSettings
  keyOf(url: string): string
  groupsOf(url: string): readonly string[] | undefined
  /** Hosts that do not answer at all rest. */
  readonly restsHosts: boolean
  /** Gate by connected IP address as well. */
  /** Requests may be answered by the fetcher's HTTP cache. */
  readonly cache: boolean
  readonly ipGate: boolean
  /** Free bytes of the disk below which the job stops; asked now and then. Undefined: not watched. */
  readonly diskLow: (() => string | undefined) | undefined
  /** URLs outside loopback and private ranges allowed without a contact. */
  readonly publicLimit: number
  /** A listed URL carries a user name or password: they are remembered here, the URL goes on without them. */
  takeLogin(url: string): void
  /**
   * A request has a proxy of its own: what stands for it from now on; its login is remembered here. `problem`, for people,
   * where it is no proxy.
   */
  takeProxy(text: string): { readonly name: string } | { readonly problem: string }
  /** Header fields of every listed input, sent to its origin alone. */
  readonly inputHeaders: Readonly<Record<string, string>> | undefined
  isPrivate(url: string): boolean
}

/** Smallest group that is committed at once, and the age at which a smaller one is. */
export const GROUP = 64
export const GROUP_MS = 20
/** Requests started per turn of the event loop, and the time after which a turn ends (DESIGN.md 7, slices). */
export const SLICE = 32
export const SLICE_MS = 2
