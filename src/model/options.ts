/**
 * The one options table. Flags, environment names, config keys, validation, `--help`, the reference and the types of
 * the library all come from these rows; an option that is not here does not exist.
 *
 * Sentences for people are in the catalogues under `option.<name>`.
 */
import { SluiceError } from './errors.ts'

export type OptionKind =
  | 'string'
  | 'strings'
  | 'number'
  | 'boolean'
  | 'duration'
  | 'size'
  | 'rate'
  | 'choice'
  | 'object'
  | 'any'

export interface OptionRow {
  readonly kind: OptionKind
  /** Short flag letter. */
  readonly short?: string
  /** What stands behind the flag in `--help`; absent for booleans. */
  readonly value?: string
  readonly default?: unknown
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  /** Commands that take it; default: fetch, crawl and run. */
  readonly commands?: readonly string[]
  /** On the first `--help` screen. */
  readonly main?: true
  /** Not a flag or environment variable: library and config file only. */
  readonly libraryOnly?: true
  /** A flag only: about this invocation, never stored with the job. */
  readonly flagOnly?: true
  /** Value that is taken when the flag is given without one. */
  readonly bare?: string
}

export const OPTIONS = {
  seeds: { kind: 'strings', libraryOnly: true },
  lists: { kind: 'strings', libraryOnly: true },
  out: { kind: 'strings', short: 'o', value: 'PATH|-', main: true },
  job: { kind: 'string', short: 'j', value: 'NAME', main: true },
  contact: { kind: 'string', value: 'URL|MAIL', main: true },
  delay: { kind: 'duration', value: 'DUR', default: 1000, min: 0, main: true },
  perHost: { kind: 'number', value: 'N', default: 1, min: 1, max: 1000, main: true },
  concurrency: { kind: 'number', short: 'c', value: 'N', min: 1, max: 20000, main: true },
  rate: { kind: 'rate', value: 'N/s', main: true },
  bandwidth: { kind: 'size', value: 'N/s', main: true },
  robots: { kind: 'choice', choices: ['obey', 'record', 'ignore'], default: 'obey', value: 'MODE', main: true },
  reason: { kind: 'string', value: 'TEXT' },
  scope: {
    kind: 'choice',
    choices: ['page', 'prefix', 'host', 'domain', 'any'],
    default: 'prefix',
    value: 'WORD',
    commands: ['crawl', 'run'],
    main: true,
  },
  depth: { kind: 'number', value: 'N', min: 0, commands: ['crawl', 'run'], main: true },
  include: { kind: 'strings', value: 'GLOB', main: true },
  exclude: { kind: 'strings', value: 'GLOB', main: true },
  limit: { kind: 'number', value: 'N', min: 1, main: true },
  hostLimit: { kind: 'number', value: 'N', min: 1 },
  follow: {
    kind: 'strings',
    value: 'LIST',
    default: ['a', 'area', 'frame', 'canonical', 'refresh'],
    commands: ['crawl', 'run'],
    main: true,
  },
  trapBudget: { kind: 'number', value: 'N', default: 1000, min: 0, commands: ['crawl', 'run'] },
  nofollow: { kind: 'boolean', default: true, commands: ['crawl', 'run'] },
  timeout: { kind: 'duration', value: 'DUR', default: 30_000, min: 1, main: true },
  timeoutTotal: { kind: 'duration', value: 'DUR', min: 1 },
  minRate: { kind: 'size', value: 'SIZE', default: 16, min: 0 },
  minRateWindow: { kind: 'duration', value: 'DUR', default: 60_000, min: 1 },
  retries: { kind: 'number', value: 'N', default: 3, min: 0, max: 100, main: true },
  maxRedirects: { kind: 'number', value: 'N', default: 20, min: 0, max: 100, commands: ['fetch', 'crawl', 'run'] },
  maxSize: { kind: 'size', value: 'SIZE', default: 64 * 1024 * 1024, min: 0, main: true },
  maxTime: { kind: 'duration', value: 'DUR', min: 1, main: true },
  maxDisk: { kind: 'string', value: 'PCT|SIZE', default: '95%', main: true },
  ifChanged: { kind: 'boolean', default: false, flagOnly: true, main: true },
  ifDue: { kind: 'boolean', default: false, flagOnly: true },
  revisit: { kind: 'duration', value: 'DUR', default: 86_400_000, min: 1 },
  revisitMin: { kind: 'duration', value: 'DUR', default: 3_600_000, min: 1 },
  revisitMax: { kind: 'duration', value: 'DUR', default: 90 * 86_400_000, min: 1 },
  changedOnly: { kind: 'boolean', default: false },
  alike: { kind: 'boolean', default: false },
  cache: { kind: 'string', bare: '', value: '[=DIR]' },
  cacheSize: { kind: 'size', value: 'SIZE', default: 1024 * 1024 * 1024, min: 1024 * 1024 },
  maxStale: { kind: 'duration', value: 'DUR', default: 0, min: 0 },
  json: { kind: 'choice', choices: ['settled', 'all'], bare: 'settled', value: '[=all]', flagOnly: true, main: true },
  after: { kind: 'number', value: 'ID', min: 0, flagOnly: true },
  progress: {
    kind: 'choice',
    choices: ['auto', 'bar', 'lines', 'plain', 'json', 'none'],
    default: 'auto',
    value: 'KIND',
    flagOnly: true,
    main: true,
  },
  failIf: { kind: 'strings', value: 'EXPR', main: true },
  extract: { kind: 'strings', value: 'FILE', main: true },
  text: { kind: 'boolean', default: false },
  extractTimeout: { kind: 'duration', value: 'DUR', default: 30_000, min: 1 },
  workers: { kind: 'number', value: 'N', min: 1, max: 256 },
  workerMemory: { kind: 'size', value: 'SIZE', default: 512 * 1024 * 1024, min: 16 * 1024 * 1024 },
  ui: { kind: 'number', min: 0, max: 65_535, bare: '0', value: '[=PORT]', flagOnly: true, main: true },
  quiet: { kind: 'boolean', short: 'q', default: false, flagOnly: true, main: true },
  verbose: { kind: 'boolean', short: 'v', default: false, flagOnly: true, main: true },
  private: { kind: 'boolean', default: true, main: true },
  fresh: { kind: 'boolean', default: false, flagOnly: true, main: true },
  paused: { kind: 'boolean', default: false, flagOnly: true, main: true },
  lang: { kind: 'choice', choices: ['en', 'pt-BR', 'es', 'zh-CN', 'ko'], value: 'LANG', flagOnly: true, main: true },
  urlColumn: { kind: 'string', value: 'NAME', commands: ['fetch', 'run'] },
  rows: { kind: 'string', value: 'FILE', commands: ['fetch', 'run'] },
  template: { kind: 'string', value: 'URL', commands: ['fetch', 'run'] },
  param: { kind: 'strings', value: 'NAME=VALUE', commands: ['fetch', 'run'] },
  method: { kind: 'string', value: 'METHOD', commands: ['fetch', 'run'] },
  data: { kind: 'string', value: 'TEXT|@FILE', commands: ['fetch', 'run'] },
  retryUnsafe: { kind: 'boolean', default: false, commands: ['fetch', 'run'] },
  total: { kind: 'number', value: 'N', min: 1, commands: ['fetch', 'run'] },
  glob: { kind: 'boolean', default: true, commands: ['fetch', 'run'] },
  sitemaps: {
    kind: 'choice',
    choices: ['auto', 'only', 'off'],
    default: 'off',
    value: 'MODE',
    commands: ['crawl', 'run'],
  },
  header: { kind: 'strings', short: 'H', value: "'K: V'" },
  userAgent: { kind: 'string', value: 'TEXT' },
  geo: { kind: 'strings', value: 'FILE' },
  proxy: { kind: 'strings', value: 'URL' },
  proxyOrder: { kind: 'choice', choices: ['turn', 'host'], default: 'turn', value: 'WORD' },
  http2: { kind: 'boolean', default: false },
  session: { kind: 'string', value: 'FILE' },
  cookies: { kind: 'string', value: 'FILE' },
  resolve: { kind: 'strings', value: 'HOST=ADDR[:PORT]' },
  dns: { kind: 'strings', value: 'ADDR[:PORT]' },
  key: { kind: 'choice', choices: ['host', 'domain'], default: 'host', value: 'WORD' },
  gate: { kind: 'strings', value: 'domain|ip' },
  adaptive: { kind: 'boolean', default: true },
  durability: { kind: 'choice', choices: ['kill', 'power'], default: 'kill', value: 'kill|power' },
  drain: { kind: 'duration', value: 'DUR', default: 10_000, min: 0 },
  store: { kind: 'boolean', default: false },
  as: {
    kind: 'choice',
    choices: ['sse', 'ndjson', 'lines', 'delimited', 'ws'],
    value: 'SHAPE',
    commands: ['tail', 'run'],
  },
  cursor: { kind: 'string', value: 'FIELD[:PARAM]', commands: ['tail', 'run'] },
  stall: { kind: 'duration', value: 'DUR', min: 1, commands: ['tail', 'run'] },
  parse: { kind: 'choice', choices: ['combined'], value: 'FORMAT', commands: ['tail', 'run'] },
  last: { kind: 'number', value: 'N', min: 0, commands: ['tail', 'run'] },
  serve: { kind: 'number', min: 0, max: 65_535, bare: '0', value: '[=PORT]', flagOnly: true, commands: ['tail'] },
  serveTcp: { kind: 'number', min: 0, max: 65_535, bare: '0', value: '[=PORT]', flagOnly: true, commands: ['tail'] },
  view: { kind: 'choice', choices: ['referrers'], value: 'VIEW', commands: ['tail', 'run'] },
  seenBudget: { kind: 'size', value: 'SIZE', default: 256 * 1024 * 1024, min: 1024 * 1024 },
  unsafeLock: { kind: 'boolean', default: false },
  avoid: { kind: 'strings', libraryOnly: true },
  hosts: { kind: 'object', libraryOnly: true },
  handlers: { kind: 'any', libraryOnly: true },
  policy: { kind: 'any', libraryOnly: true },
  keyOf: { kind: 'any', libraryOnly: true },
  groupsOf: { kind: 'any', libraryOnly: true },
  signal: { kind: 'any', libraryOnly: true },
  clock: { kind: 'any', libraryOnly: true },
} as const satisfies Record<string, OptionRow>

export type OptionName = keyof typeof OPTIONS
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[]

export function optionRow(name: OptionName): OptionRow {
  return OPTIONS[name]
}

/** `perHost` → `--per-host`. */
export function flagOf(name: OptionName): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
}

/** `perHost` → `SLUICE_PER_HOST`. */
export function envOf(name: OptionName): string {
  return `SLUICE_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`
}

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/
const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|k|kb|kib|m|mb|mib|g|gb|gib|t|tb|tib)?$/i

/** `'1.5s'`, `'2m'`, `'250ms'` or a number of milliseconds → milliseconds. A bare number in a string is seconds. */
export function parseDuration(value: string | number, name = 'duration'): number {
  if (typeof value === 'number') {
    if (Number.isFinite(value) && value >= 0) return value
    throw invalid(name, value, 'a duration such as 500ms, 1s, 2m')
  }
  const match = DURATION.exec(value.trim())
  if (match === null) throw invalid(name, value, 'a duration such as 500ms, 1s, 2m')
  return Number(match[1]) * (DURATION_MS[match[2] ?? 's'] as number)
}

/** `'64MB'`, `'1.5GiB'` or a number of bytes → bytes. Powers of 1024 for all units. A trailing `/s` is allowed. */
export function parseSize(value: string | number, name = 'size'): number {
  if (typeof value === 'number') {
    if (Number.isFinite(value) && value >= 0) return value
    throw invalid(name, value, 'a size such as 64MB')
  }
  const match = SIZE.exec(value.trim().replace(/\/s$/, ''))
  if (match === null) throw invalid(name, value, 'a size such as 64MB')
  const power = 'bkmgt'.indexOf((match[2] ?? 'b').charAt(0).toLowerCase())
  return Math.round(Number(match[1]) * 1024 ** power)
}

/** `'5'`, `'5/s'`, `'300/m'` or a number → per second. */
export function parseRate(value: string | number, name = 'rate'): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(String(value).trim())
  if (match === null || Number(match[1]) <= 0) throw invalid(name, value, 'a rate such as 10/s or 300/m')
  return Number(match[1]) / ({ s: 1, m: 60, h: 3600 } as Record<string, number>)[match[2] ?? 's']!
}

function invalid(name: string, value: unknown, wants: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `${name}: ${JSON.stringify(value)} is not ${wants}`, {
    hint: `give ${wants}`,
  })
}

/** Checks and normalises one value by its row; strings from flags and environment are converted. */
export function parseOption(name: OptionName, value: unknown): unknown {
  const row = optionRow(name)
  const label = flagOf(name)
  switch (row.kind) {
    case 'duration':
      return inRange(parseDuration(value as string | number, label), row, label)
    case 'size':
      return inRange(parseSize(value as string | number, label), row, label)
    case 'rate':
      return parseRate(value as string | number, label)
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid(label, value, 'a whole number')
      return inRange(number, row, label)
    }
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (value === '1' || value === 'true') return true
      if (value === '0' || value === 'false' || value === '') return false
      throw invalid(label, value, 'true or false')
    case 'choice':
      if (typeof value === 'string' && row.choices!.includes(value)) return value
      throw invalid(label, value, `one of ${row.choices!.join(', ')}`)
    case 'string':
      if (typeof value === 'string') return value
      if (typeof value === 'number') return String(value)
      if (value === true && row.bare !== undefined) return row.bare
      if (value !== null && typeof value === 'object' && OBJECTS.includes(name)) return value
      throw invalid(label, value, 'a text')
    case 'strings': {
      const list = Array.isArray(value) ? value : [value]
      for (const item of list) {
        if (typeof item === 'string') continue
        // Sinks and extractors of one's own and URL objects are handed to the library as objects.
        if (item !== null && typeof item === 'object' && OBJECTS.includes(name)) continue
        if (item instanceof RegExp) continue
        throw invalid(label, item, 'a text')
      }
      return list
    }
    case 'object':
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value
      throw invalid(label, value, 'an object')
    case 'any':
      return value
  }
}

/** What programs give as objects, alone or in lists. */
const OBJECTS: readonly OptionName[] = ['out', 'seeds', 'lists', 'extract', 'session']

function inRange(number: number, row: OptionRow, label: string): number {
  if (row.min !== undefined && number < row.min) throw invalid(label, number, `at least ${row.min}`)
  if (row.max !== undefined && number > row.max) throw invalid(label, number, `at most ${row.max}`)
  return number
}

/** Known names of options near a misspelt one, by edit distance; undefined where none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) {
      bestDistance = distance
      best = name
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
