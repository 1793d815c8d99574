/** Where a URL scheme, a path or an option picks an implementation: frontier, sinks, fetcher. The only such place. */
import { existsSync, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { AnswerCache } from '../fetch/cache/answer-cache.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { GeoFiles } from '../fetch/geo.ts'
import { httpFetcher } from '../fetch/http.ts'
import type { LimitOptions } from '../fetch/limits.ts'
import type { ProxyNews } from '../fetch/proxies.ts'
import { nameServers } from '../fetch/name-servers.ts'
import type { PartFolder } from '../fetch/part-folder.ts'
import type { KeyDefaults, OpenedFrontier } from '../frontier/frontier.ts'
import { memoryFrontier } from '../frontier/memory.ts'
import { DATABASE } from '../frontier/sqlite/schema.ts'
import { SluiceError } from '../model/errors.ts'
import type { Clock } from '../model/clock.ts'
import { parseOption, parseSize } from '../model/options.ts'
import { shellWord } from '../model/shell-word.ts'
import { csvSink } from '../sink/csv.ts'
import { filesSink } from '../sink/files.ts'
import { itemIndexSink } from '../sink/item-index.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { ndjsonSink } from '../sink/ndjson.ts'
import type { JobInfo, Sink } from '../sink/sink.ts'
import { hasPlaces } from '../source/template.ts'
import type { Fingerprint } from '../url/fingerprint.ts'
import { parseHeaderLines } from './filling.ts'
import { hostSheet } from './host-sheet.ts'
import { inTurn } from './in-turn.ts'
import { countLines } from './lines.ts'
import type { HostOptions, ResolvedOptions } from './options.ts'
import type { OriginLogins } from './origin-logins.ts'
import { itemIndexOf } from './standing-items.ts'

export interface OpenedSinks {
  readonly sinks: readonly Sink[]
  /** True: page records go to standard output after their commit. */
  readonly stdout: boolean
  /** For people: paths. */
  readonly outputs: readonly string[]
}

export async function openSinks(
  options: ResolvedOptions,
  cwd: string,
  folder: string | undefined,
  /** The sinks get items, not page records. */
  hasItems: boolean = findsItems(options),
): Promise<OpenedSinks> {
  const usual = hasItems ? 'items.ndjson' : 'pages.ndjson'
  const outs = options.get<(string | Sink)[]>('out') ?? (folder === undefined ? [] : [join(folder, usual)])
  const durability = options.get<'kill' | 'power'>('durability') ?? 'kill'
  const sinks: Sink[] = []
  const outputs: string[] = []
  let stdout = false
  for (const out of outs) {
    if (typeof out !== 'string') {
      sinks.push(out)
      outputs.push(out.name)
      continue
    }
    const kind = sinkKindOf(out)
    if (kind.kind === 'stdout') {
      stdout = true
      continue
    }
    if (kind.kind === 'postgres' || kind.kind === 'mysql' || kind.kind === 'redis' || kind.kind === 'mongodb') {
      const sink = await openServerSink(kind.kind, kind.path)
      sinks.push(sink)
      outputs.push(sink.name)
      continue
    }
    const path = resolve(cwd, kind.path)
    outputs.push(path)
    const compression = kind.compression === undefined ? {} : { compression: kind.compression }
    if (kind.kind === 'ndjson') {
      sinks.push(ndjsonSink({ path, durability, ...compression }))
      // What a stream or a log gives has no later visit.
      if (findsItems(options) && folder !== undefined) sinks.push(indexOfItems(folder, path, durability))
    } else if (kind.kind === 'csv') sinks.push(csvSink({ path, durability, ...compression }))
    else if (kind.kind === 'warc') sinks.push((await import('../sink/warc.ts')).warcSink({ path, durability }))
    else if (kind.kind === 'parquet') sinks.push((await import('../sink/parquet.ts')).parquetSink({ path, durability }))
    else if (kind.kind === 'sqlite') {
      const { sqliteSink } = await import('../sink/sqlite.ts')
      sinks.push(sqliteSink({ path, durability, ...(kind.table === undefined ? {} : { table: kind.table }) }))
    } else
      sinks.push(
        filesSink({ folder: path, durability, ...(kind.template === undefined ? {} : { template: kind.template }) }),
      )
  }
  if (options.get<boolean>('store') === true) {
    if (folder === undefined) {
      throw new SluiceError('OPTION_INVALID', '--store needs a job with a folder', {
        hint: 'give the job a name: --job NAME',
      })
    }
    const path = join(folder, 'archive', 'pages.warc.gz')
    sinks.push((await import('../sink/warc.ts')).warcSink({ path, durability }))
    outputs.push(join(folder, 'archive'))
  }
  const twice = sinks.find((sink, i) => sinks.some((other, j) => j < i && other.name === sink.name))
  if (twice !== undefined) {
    throw new SluiceError('OPTION_INVALID', `--out names ${twice.name} twice`, { hint: 'give each output once' })
  }
  return { sinks, stdout, outputs }
}

function findsItems(options: ResolvedOptions): boolean {
  return options.given('extract') || options.get<boolean>('text') === true
}

/** Opened and written behind its file: what it tells of is there. */
function indexOfItems(folder: string, path: string, durability: 'kill' | 'power'): Sink {
  return itemIndexSink({ path: itemIndexOf(folder, path), durability, linesBefore: () => countLines(path) })
}

/** Whether an output has to know the columns of the inputs when it is opened: the header of CSV, names of files. */
export function haveColumns(options: ResolvedOptions): boolean {
  const outs = options.get<(string | Sink)[]>('out') ?? []
  return outs.some((out) => {
    if (typeof out !== 'string') return true
    const { kind, template } = sinkKindOf(out)
    return kind === 'csv' || template !== undefined
  })
}

async function openServerSink(kind: 'postgres' | 'mysql' | 'redis' | 'mongodb', url: string): Promise<Sink> {
  if (kind === 'mongodb') return (await import('../sink/mongodb.ts')).mongoSink({ url })
  if (kind === 'redis') return (await import('../sink/redis.ts')).redisSink({ url })
  if (kind === 'mysql') return (await import('../sink/mysql.ts')).mysqlSink({ url })
  return (await import('../sink/postgres.ts')).postgresSink({ url })
}

/** Opens each sink at its position: what a death left behind it is taken back. All or none is open then. */
export async function openEach(
  sinks: readonly Sink[],
  positions: ReadonlyMap<string, Uint8Array>,
  job: JobInfo,
): Promise<void> {
  const opened: Sink[] = []
  try {
    for (const sink of sinks) {
      await sink.open(job, positions.get(`sink:${sink.name}`))
      opened.push(sink)
    }
  } catch (error) {
    // What failed first is told.
    await closeEach(opened).catch(() => undefined)
    throw error
  }
}

/** Closes all, also where one of them fails. @throws what the first of those threw */
export async function closeEach(sinks: readonly Sink[]): Promise<void> {
  await inTurn(sinks.map((sink) => () => sink.close()))
}

/**
 * Where each new output begins; to be committed before its first write: what lies behind it after a death is ours, what
 * lies before it was the user's.
 */
export function startPositions(
  sinks: readonly Sink[],
  positions: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const starts = new Map<string, Uint8Array>()
  for (const sink of sinks) {
    const name = `sink:${sink.name}`
    const position = positions.has(name) ? undefined : sink.position?.()
    if (position !== undefined) starts.set(name, position)
  }
  return starts
}

export async function openFrontier(
  folder: string | undefined,
  options: ResolvedOptions,
  clock: Clock,
  fingerprint: Fingerprint,
  defaults: (key: string) => KeyDefaults,
  progressed?: () => ReadonlySet<bigint>,
): Promise<OpenedFrontier> {
  const inputFp = (source: string, ordinal: number): bigint => fingerprint.ofInput(source, ordinal)
  if (folder === undefined) return memoryFrontier({ clock, defaults, inputFp })
  // The database is made first: a folder with the rest of a job has lost it, and a new one would begin the job anew.
  const database = statSync(join(folder, DATABASE), { throwIfNoEntry: false })
  if (existsSync(join(folder, 'config.json')) && (database === undefined || database.size === 0)) {
    const what = database === undefined ? 'missing' : 'empty'
    throw new SluiceError('FRONTIER_CORRUPT', `${join(folder, DATABASE)} is ${what}: the folder is not whole`, {
      hint: `copy the folder again with all its files; or sluice verify ${shellWord(folder)} --repair; or start over with --fresh (this one is kept)`,
    })
  }
  const { sqliteFrontier } = await import('../frontier/sqlite/index.ts')
  return sqliteFrontier({
    path: folder,
    clock,
    defaults,
    inputFp,
    durability: options.get<'kill' | 'power'>('durability') ?? 'kill',
    unsafeLock: options.get<boolean>('unsafeLock') ?? false,
    repeatUnsafe: options.get<boolean>('retryUnsafe') ?? false,
    ...(progressed === undefined ? {} : { progressed }),
    seenBudgetBytes: options.get<number>('seenBudget') as number,
  })
}

export interface Resolve {
  readonly pattern: string
  readonly address: string
  readonly port?: number
}

/** `HOST=ADDR[:PORT]`: connect there instead, as curl's --connect-to. */
export function parseResolves(texts: readonly string[]): Resolve[] {
  return texts.map((text) => {
    const match = /^([^=]+)=(\[[0-9a-f:.]+\]|[^:]+)(?::(\d+))?$/i.exec(text)
    if (match === null) {
      throw new SluiceError('OPTION_INVALID', `--resolve: ${JSON.stringify(text)} is not HOST=ADDR[:PORT]`, {
        hint: "for example --resolve '*.test=127.0.0.1:8080'",
      })
    }
    const address = (match[2] as string).replace(/^\[|\]$/g, '')
    return {
      pattern: (match[1] as string).toLowerCase(),
      address,
      ...(match[3] === undefined ? {} : { port: Number(match[3]) }),
    }
  })
}

export interface FetcherExtras {
  readonly cache?: AnswerCache | undefined
  readonly parts?: PartFolder
  readonly logins?: OriginLogins
  /** Told of proxies that rest, are stopped, or are back. */
  readonly warn?: (message: string) => void
}

export async function openFetcher(
  options: ResolvedOptions,
  clock: Clock,
  agent: string,
  concurrency: number,
  spoolFolder: string,
  seeds: readonly string[],
  { parts, logins, cache, warn }: FetcherExtras = {},
): Promise<Fetcher> {
  mkdirSync(spoolFolder, { recursive: true })
  const headers = Object.fromEntries(parseHeaderLines(options.get<string[]>('header') ?? []))
  const proxy = options.get<string[]>('proxy')?.filter((text) => !hasPlaces(text))
  const dns = options.get<string[]>('dns')
  const hosts = options.get<Record<string, HostOptions>>('hosts')
  const sheet = hosts === undefined ? undefined : hostSheet(hosts)
  const http2 = options.get<boolean>('http2') === true
  return httpFetcher({
    clock,
    userAgent: agent,
    headers,
    headerOrigins: seeds.flatMap((seed) => (URL.canParse(seed) ? [new URL(seed).origin] : [])),
    timeoutMs: options.get<number>('timeout') as number,
    totalMs: options.get<number>('timeoutTotal'),
    minRate: options.get<number>('minRate') as number,
    rateWindowMs: options.get<number>('minRateWindow') as number,
    maxBytes: options.get<number>('maxSize') as number,
    http2: sheet === undefined ? http2 : (host: string) => sheet(host)?.http2 ?? http2,
    spoolFolder,
    ...(parts === undefined ? {} : { parts }),
    ...(cache === undefined ? {} : { cache }),
    ...(logins === undefined
      ? {}
      : { loginOf: (origin: string) => logins.of(origin), proxyNamed: (name: string) => logins.proxy(name) }),
    maxSockets: Math.min(Math.max(256, concurrency * 2), spareDescriptors()),
    resolve: parseResolves(options.get<string[]>('resolve') ?? []),
    allowPrivate: options.get<boolean>('private') ?? true,
    avoid: options.get<string[]>('avoid') ?? [],
    ...(dns === undefined || dns.length === 0 ? {} : { lookup: nameServers(dns) }),
    ...(proxy === undefined ? {} : { proxy }),
    proxyOrder: options.get<'turn' | 'host'>('proxyOrder') ?? 'turn',
    ...(warn === undefined ? {} : { onProxyNews: proxyWarnings(warn) }),
    ...(sheet === undefined
      ? {}
      : {
          proxyOfHost: (host: string) => sheet(host)?.proxy,
          limitsOfHost: (host: string) => limitsOfHost(sheet(host)),
        }),
  })
}

/** Undefined: those of all hosts. */
function limitsOfHost(own: HostOptions | undefined): LimitOptions | undefined {
  if (own?.timeout === undefined && own?.timeoutTotal === undefined && own?.minRate === undefined) return undefined
  const given = (name: 'timeout' | 'timeoutTotal' | 'minRate'): number | undefined =>
    own[name] === undefined ? undefined : (parseOption(name, own[name]) as number)
  const limits = { timeoutMs: given('timeout'), totalMs: given('timeoutTotal'), minRate: given('minRate') }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}

/** Of proxies by the thousand only the first are told of: each warning is a row of the job. */
const PROXY_WARNINGS = 200

function proxyWarnings(warn: (message: string) => void): (news: ProxyNews) => void {
  let told = 0
  return ({ proxy, state, restMs = 0, why }) => {
    if (told++ >= PROXY_WARNINGS) return
    if (state === 'back') warn(`${proxy} works again`)
    else if (state === 'stopped') warn(`${proxy} is not asked again in this run: ${why}`)
    else warn(`${proxy} rests for ${Math.round(restMs / 1000)} s: ${why}`)
  }
}

/** Files, pipes, workers and the store of a job, with room to spare. */
const OWN_DESCRIPTORS = 64
const FEWEST_SOCKETS = 8

/**
 * Sockets that may be open at a time without taking away what the job itself needs: a run that cannot write its files stops.
 * Where the system does not tell its limit (all but Linux) there is none, and running out is met by waiting.
 */
function spareDescriptors(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? Number.POSITIVE_INFINITY : Math.max(FEWEST_SOCKETS, Number(limit) - OWN_DESCRIPTORS)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Undefined without `--geo`. `warn` is told of a file that was replaced by one that cannot be read. */
export async function openGeoFiles(
  options: ResolvedOptions,
  cwd: string,
  clock: Clock,
  warn: (message: string) => void,
): Promise<GeoFiles | undefined> {
  const files = options.get<string[]>('geo')
  if (files === undefined || files.length === 0) return undefined
  const { openGeo } = await import('../fetch/geo.ts')
  return openGeo({ paths: files.map((file) => resolve(cwd, file)), clock, warn })
}

/** Watches the disk of a folder: returns why it is too full, or undefined. `95%` of it used, or that many bytes left. */
export function diskWatch(folder: string, limit: string): () => string | undefined {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(limit)
  const bytes = percent === null ? parseSize(limit, '--max-disk') : 0
  return () => {
    const { blocks, bavail, bsize } = statfsSync(folder)
    if (blocks === 0) return undefined
    if (percent === null)
      return bavail * bsize < bytes
        ? `--max-disk ${limit}: ${Math.floor((bavail * bsize) / 1048576)} MB are left`
        : undefined
    const used = 100 * (1 - bavail / blocks)
    return used > Number(percent[1]) ? `--max-disk ${limit}: the disk is ${used.toFixed(1)} % full` : undefined
  }
}
