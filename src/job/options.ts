/**
 * Options of a job: layers (flag, environment, files, defaults) become one validated set with the origin of every
 * value. Everything is checked by the rows of `model/options.ts`; an unknown name is refused with the nearest one.
 */
import { SluiceError } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import { OPTION_NAMES, OPTIONS, flagOf, nearest, optionRow, parseDuration, parseOption } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import { checkHandlers } from '../engine/check-handlers.ts'
import type { Handler } from '../engine/handler.ts'
import type { Extractor } from '../extract/define.ts'
import { parseProxy } from '../fetch/proxy.ts'
import { withoutCredentials } from '../url/canonicalize.ts'
import type { Policy } from '../policy/policy.ts'
import type { Listed } from '../source/listed-request.ts'
import { hasPlaces } from '../source/template.ts'
import type { SessionRecipe } from '../session/recipe.ts'
import type { Sink } from '../sink/sink.ts'
import type { JobKind } from './job.ts'
import { isMasked, masked } from './masks.ts'

/** Settings of one host, `hosts: { 'big.example': { delay: '6s', perHost: 2 } }`. A key `*.example.org` covers subdomains. */
export interface HostOptions {
  readonly delay?: string | number
  readonly perHost?: number
  readonly limit?: number
  /** Nothing is fetched from it: its URLs end as `skipped`, `HOST_BLOCKED`. Default false. */
  readonly block?: boolean
  /** Proxy for this host alone, or `direct`. */
  readonly proxy?: string
  /** HTTP/2 for this host, or not. */
  readonly http2?: boolean
  readonly timeout?: string | number
  readonly timeoutTotal?: string | number
  readonly minRate?: string | number
}

/**
 * What `createJob`, `fetchAll` and a config file take: the flags of the command line in camelCase. Durations and sizes
 * are strings (`'1s'`, `'64MB'`) or numbers in ms and bytes.
 */
export interface JobOptions {
  /** Start pages of a crawl; URLs (and ranges) of a list, or requests: `{ url, method, headers, body, proxy, columns }`. */
  readonly seeds?: Listed | readonly Listed[] | Iterable<Listed> | AsyncIterable<Listed>
  /** Files with URLs. */
  readonly lists?: string | readonly string[]
  /** Path, URL or a `Sink` of your own; repeatable. Default: the job folder. */
  readonly out?: string | Sink | readonly (string | Sink)[]
  /** Name or path of the job; its folder is `<name>.sluice`. */
  readonly job?: string
  readonly contact?: string
  readonly delay?: string | number
  readonly perHost?: number
  readonly concurrency?: number
  readonly rate?: string | number
  readonly bandwidth?: string | number
  readonly robots?: 'obey' | 'record' | 'ignore'
  readonly reason?: string
  readonly scope?: 'page' | 'prefix' | 'host' | 'domain' | 'any'
  readonly depth?: number
  readonly include?: string | RegExp | readonly (string | RegExp)[]
  readonly exclude?: string | RegExp | readonly (string | RegExp)[]
  readonly limit?: number
  readonly hostLimit?: number
  readonly follow?: readonly string[] | string
  readonly nofollow?: boolean
  readonly timeout?: string | number
  /** Longest time of one attempt. Default: ten times `timeout`. */
  readonly timeoutTotal?: string | number
  /** Bytes a second below which a body counts as dripping; 0: none does. */
  readonly minRate?: string | number
  readonly minRateWindow?: string | number
  readonly retries?: number
  /** Redirects in a row that are followed; at the limit the URL ends as `TOO_MANY_REDIRECTS`. 0: none. Default 20. */
  readonly maxRedirects?: number
  readonly maxSize?: string | number
  readonly maxTime?: string | number
  readonly maxDisk?: string
  readonly ifChanged?: boolean
  /** As `ifChanged`, but only the pages whose time has come. */
  readonly ifDue?: boolean
  readonly revisit?: string | number
  readonly revisitMin?: string | number
  readonly revisitMax?: string | number
  /** Outputs get no `unchanged` records; the archive does. */
  readonly changedOnly?: boolean
  /** Pages of one shape that may say nothing new before the rest is skipped (`TRAP_LIMIT`). Default 1,000; 0: no limit. */
  readonly trapBudget?: number
  /** `alike` of each record says which page before it had the same text. */
  readonly alike?: boolean
  /** HTTP cache (RFC 9111): a folder, or true for the one beside the job. Fresh answers cost no request. */
  readonly cache?: string | true
  /** Default 1 GiB. */
  readonly cacheSize?: string | number
  /** Cached answers that are stale by no more are used as they are. Default 0. */
  readonly maxStale?: string | number
  readonly failIf?: string | readonly string[]
  /** Extractor modules (path or URL of a file), run in worker threads; or extractors themselves, run on the main thread. */
  readonly extract?: string | URL | Extractor | readonly (string | URL | Extractor)[]
  /** An item per page of every PDF file, `{ url, page, pages, text }`; needs the package `unpdf`. */
  readonly text?: boolean
  readonly extractTimeout?: string | number
  /** Threads that run extractor modules. Default: one less than the machine has cores. */
  readonly workers?: number
  readonly workerMemory?: string | number
  readonly private?: boolean
  /** `ADDRESS:PORT` that nothing connects to, whatever name leads there; `*:PORT` is that port of this machine. */
  readonly avoid?: string | readonly string[]
  readonly fresh?: boolean
  readonly paused?: boolean
  readonly urlColumn?: string
  /** File of rows that fill `template`: CSV, TSV, NDJSON or XLSX with a header; `-` is standard input. */
  readonly rows?: string
  /** URL with places for columns: `https://your.site/{column}`. */
  readonly template?: string
  /** `NAME=VALUE`: values that are the same for all rows. */
  readonly param?: string | readonly string[]
  readonly method?: string
  /** Body with places for columns, or `@` and the path of a file that holds it. */
  readonly data?: string
  readonly retryUnsafe?: boolean
  readonly total?: number
  readonly glob?: boolean
  readonly sitemaps?: 'auto' | 'only' | 'off'
  readonly header?: string | readonly string[]
  readonly userAgent?: string
  /** MaxMind DB files (`.mmdb`): `geo` of each record says what they know of its address. Needs the package `mmdb-lib`. */
  readonly geo?: string | readonly string[]
  /**
   * `scheme://[user:password@]host:port` with http, https, socks5 (names looked up here) or socks5h (by the proxy); several
   * take turns. Of `fetch`: places for columns (`{proxy}`) give each input its own.
   */
  readonly proxy?: string | readonly string[]
  /** How several proxies take turns: `turn` (each request takes the next, the default) or `host` (a host stays with one). */
  readonly proxyOrder?: 'turn' | 'host'
  /** Offer HTTP/2 to origins of https. */
  readonly http2?: boolean
  /** Who logs in and how: a recipe such as `formLogin({ … })`, or the path of a module or JSON file that gives one. */
  readonly session?: SessionRecipe | string
  /** Cookies to begin with: a file in the format of Netscape (cookies.txt). */
  readonly cookies?: string
  readonly resolve?: string | readonly string[]
  /** Name servers to ask in place of the system's resolver: `address` or `address:port`. */
  readonly dns?: string | readonly string[]
  readonly key?: 'host' | 'domain'
  readonly gate?: string | readonly string[]
  readonly adaptive?: boolean
  readonly durability?: 'kill' | 'power'
  readonly drain?: string | number
  readonly store?: boolean
  /** Of `tail`: how records are told apart; else by scheme, Content-Type and ending. */
  readonly as?: 'sse' | 'ndjson' | 'lines' | 'delimited' | 'ws'
  /** Of `tail`: `field` or `field:parameter`: dotted field of the records that says how far the stream has been read. */
  readonly cursor?: string
  /** Of `tail`: longest silence of a stream. */
  readonly stall?: string | number
  /** Of `tail`: format of log lines. */
  readonly parse?: 'combined'
  /** Of `tail`: begin so many lines before the end of a file. */
  readonly last?: number
  /** Of `tail`: page kept in the job folder. */
  readonly view?: 'referrers'
  readonly seenBudget?: string | number
  readonly unsafeLock?: boolean
  readonly hosts?: Readonly<Record<string, HostOptions>>
  /** Lifecycle hooks by name; `*` is for requests that no other is for. */
  readonly handlers?: Readonly<Record<string, Handler>>
  readonly policy?: Policy
  /** Own politeness key: a pure function of the canonical URL. */
  readonly keyOf?: (url: string) => string
  /** Further buckets that gate at once. */
  readonly groupsOf?: (url: string) => readonly string[]
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

export interface OptionLayer {
  /** For people and `config --origin`: `flag`, `SLUICE_DELAY`, `sluice.config.ts`. */
  readonly origin: string
  readonly values: Readonly<Record<string, unknown>>
}

export interface ResolvedOptions {
  /** Normalised: durations in ms, sizes in bytes, rates per second, lists as arrays. Absent = not set, no default. */
  readonly values: Readonly<Partial<Record<OptionName, unknown>>>
  readonly origins: Readonly<Partial<Record<OptionName, string>>>
  get<Value>(name: OptionName): Value | undefined
  /** True where a layer (not the default) gave it. */
  given(name: OptionName): boolean
}

/** Layers from the weakest to the strongest. Throws `OPTION_UNKNOWN` or `OPTION_INVALID`, naming the origin. */
export function resolveOptions(layers: readonly OptionLayer[]): ResolvedOptions {
  const values: Partial<Record<OptionName, unknown>> = {}
  const origins: Partial<Record<OptionName, string>> = {}
  for (const name of OPTION_NAMES) {
    const row = optionRow(name)
    if (row.default !== undefined) values[name] = row.default
  }
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer.values)) {
      if (value === undefined) continue
      values[name as OptionName] = parseValue(name, value, layer.origin)
      origins[name as OptionName] = layer.origin
    }
  }
  checkTogether(values)
  checkHandlers((values.handlers ?? {}) as Readonly<Record<string, Handler>>)
  return {
    values,
    origins,
    get: <Value>(name: OptionName) => values[name] as Value | undefined,
    given: (name) => origins[name] !== undefined,
  }
}

/** One value, checked by its row. Throws `OPTION_UNKNOWN` or `OPTION_INVALID`, naming the origin. */
export function parseValue(name: string, value: unknown, origin: string): unknown {
  if (!Object.hasOwn(OPTIONS, name)) throw unknownOption(name, origin)
  try {
    return parseOption(name as OptionName, value)
  } catch (error) {
    if (!(error instanceof SluiceError) || origin === 'flag') throw error
    throw new SluiceError(error.code, `${error.message} (${origin})`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
}

/** The same options with other values in places; undefined: as if it had not been given. */
export function replaceOptions(
  options: ResolvedOptions,
  replaced: Readonly<Partial<Record<OptionName, unknown>>>,
): ResolvedOptions {
  const values = { ...options.values, ...replaced }
  return {
    values,
    origins: options.origins,
    get: <Value>(name: OptionName) => values[name] as Value | undefined,
    given: (name) => (Object.hasOwn(replaced, name) ? replaced[name] !== undefined : options.given(name)),
  }
}

export function unknownOption(name: string, origin: string): SluiceError {
  const near = nearest(name, OPTION_NAMES)
  const where = origin === 'flag' ? '' : ` (${origin})`
  return new SluiceError('OPTION_UNKNOWN', `there is no option ${name}${where}`, {
    hint: near === undefined ? 'sluice --help all lists them' : `did you mean ${near}?`,
  })
}

const HOST_SETTINGS: readonly string[] = [
  ...['delay', 'perHost', 'limit', 'block', 'proxy', 'http2', 'timeout', 'timeoutTotal', 'minRate'],
]

function checkTogether(values: Partial<Record<OptionName, unknown>>): void {
  if (values.robots === 'ignore' && typeof values.reason !== 'string') {
    throw new SluiceError('OPTION_INVALID', '--robots ignore needs a reason, which is kept with the job', {
      hint: 'add --reason "it is our own site"',
    })
  }
  for (const gate of (values.gate as string[] | undefined) ?? []) {
    if (gate !== 'domain' && gate !== 'ip') {
      throw new SluiceError('OPTION_INVALID', `${flagOf('gate')}: "${gate}" is not one of domain, ip`, {
        hint: 'give domain or ip',
      })
    }
  }
  const proxies = (values.proxy as string[] | undefined) ?? []
  for (const proxy of proxies) {
    checkProxy(proxy, flagOf('proxy'))
    if (hasPlaces(proxy) && proxies.length > 1) {
      throw new SluiceError(
        'OPTION_INVALID',
        `--proxy ${withoutCredentials(proxy)} gives each input its own: no other can be given`,
        {
          hint: 'give it alone',
        },
      )
    }
  }
  for (const [host, settings] of Object.entries((values.hosts as Record<string, HostOptions> | undefined) ?? {})) {
    for (const name of Object.keys(settings)) {
      if (HOST_SETTINGS.includes(name)) continue
      const near = nearest(name, HOST_SETTINGS)
      throw new SluiceError('OPTION_UNKNOWN', `hosts['${host}'] has no setting ${name}`, {
        hint: near === undefined ? `${HOST_SETTINGS.join(', ')} can be set by host` : `did you mean ${near}?`,
      })
    }
    if (settings.delay !== undefined) parseDuration(settings.delay, `hosts['${host}'].delay`)
    for (const name of ['timeout', 'timeoutTotal', 'minRate'] as const) {
      if (settings[name] !== undefined) parseOption(name, settings[name])
    }
    if (settings.proxy !== undefined && settings.proxy !== 'direct')
      checkProxy(settings.proxy, `hosts['${host}'].proxy`)
  }
}

/** Throws `OPTION_INVALID`. Messages and files show URLs without logins, so a login is to be seen as one. */
function checkProxy(text: string, source: string): void {
  if (text.includes('@') && !text.includes('://')) {
    throw new SluiceError('OPTION_INVALID', `${source}: a proxy with a login needs its scheme`, {
      hint: 'http://user:password@host:port',
    })
  }
  if (!hasPlaces(text)) parseProxy(text, source)
}

/**
 * Part of the options that is stored with the job, so that `resume` never needs the flags again.
 *
 * @throws SluiceError OPTION_INVALID where the secret of one is not with the job any more
 */
export function storedOptions(resolved: ResolvedOptions): Record<string, unknown> {
  const stored: Record<string, unknown> = {}
  for (const name of OPTION_NAMES) {
    const row = optionRow(name)
    const value = resolved.values[name]
    if (row.flagOnly === true || value === undefined || !resolved.given(name) || row.kind === 'any') continue
    // A recipe may hold a password: only the path of a file is kept.
    if (row.kind === 'string' && typeof value !== 'string') continue
    // Iterables, expressions and sinks of a program cannot be stored: the program gives them again.
    if (row.kind === 'strings' && (value as unknown[]).some((item) => typeof item !== 'string')) continue
    if (isMasked(name, value)) {
      throw new SluiceError('OPTION_INVALID', `credentials.json of the job does not hold what ${flagOf(name)} was`, {
        hint: `give ${flagOf(name)} again on the command line, with its login or value`,
      })
    }
    stored[name] = value
  }
  return stored
}

/** Names of options whose stored value differs, for "config: delay 1s -> 2s". */
export function changedOptions(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { name: string; from: string; to: string }[] {
  const changes: { name: string; from: string; to: string }[] = []
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    // Which folder it is cannot change: it is the one that was opened.
    if (name === 'job') continue
    const from = asTyped(name, before[name])
    const to = asTyped(name, after[name])
    if (from !== to) changes.push({ name, from, to })
  }
  return changes
}

/** A value as the user would type it: `10ms`, `5MB`, `host`. */
function asTyped(name: string, value: unknown): string {
  if (value === undefined) return 'default'
  const kind = (OPTION_NAMES as readonly string[]).includes(name) ? optionRow(name as OptionName).kind : undefined
  if (typeof value === 'number' && kind === 'duration') return inUnits(value, DURATIONS)
  if (typeof value === 'number' && kind === 'size') return inUnits(value, SIZES)
  const shown = shownValue(masked(name, value))
  return typeof shown === 'string' ? shown : JSON.stringify(shown)
}

/** A stored value without the user names and passwords of the URLs in it, at any depth. */
export function shownValue(value: unknown): unknown {
  if (typeof value === 'string') return withoutCredentials(value).replaceAll(PASSWORD_FIELD, '$1***')
  if (Array.isArray(value)) return value.map(shownValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shownValue(inner)]))
}

/** Database URLs may carry the password in their query. */
const PASSWORD_FIELD = /([?&]password=)[^&#]*/gi

const DURATIONS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

const SIZES = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
  ['', 1],
] as const

/** In the largest unit that divides it. */
function inUnits(value: number, units: readonly (readonly [string, number])[]): string {
  if (value === 0) return '0'
  const [unit, size] = units.find((row) => value % row[1] === 0) ?? (units.at(-1) as (typeof units)[number])
  return `${value / size}${unit}`
}

export type { JobKind }
