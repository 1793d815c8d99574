/**
 * Which URLs belong to the job: the scope words, include and exclude patterns, depth, and guards against endless sites.
 * One gate for links, redirects and sitemap entries alike; every refusal names its rule.
 */
import type { ErrorCode } from '../model/errors.ts'
import { hostOf, registrableDomain } from '../url/key.ts'
import { compilePatterns } from '../url/pattern.ts'
import type { Patterns } from '../url/pattern.ts'

export type ScopeWord = 'page' | 'prefix' | 'host' | 'domain' | 'any'

export interface ScopeOptions {
  readonly word: ScopeWord
  /** Canonical URLs. */
  readonly seeds: readonly string[]
  readonly include?: readonly (string | RegExp)[]
  readonly exclude?: readonly (string | RegExp)[]
  /** Links from a seed; undefined = no limit. */
  readonly depth?: number
}

export interface Refusal {
  readonly code: ErrorCode
  readonly reason: string
}

export interface Scope {
  /** undefined: it belongs. `depth` of the URL itself: 0 for seeds. */
  check(url: string, depth: number): Refusal | undefined
  /** A seed was redirected: its target widens the scope. True when that changed anything. */
  widen(url: string): boolean
  /** From now on these are left out instead. @throws SluiceError OPTION_INVALID for a bad pattern */
  exclude(patterns: readonly (string | RegExp)[]): void
}

/** Parameters a query may have, and how often one of them. */
const MAX_PARAMETERS = 40
const MAX_SAME_PARAMETER = 10
/** Path segments a URL may have; Heritrix' default profile rejects more than 20. */
const MAX_SEGMENTS = 30
/** A run of equal segments (or of equal pairs, triples) longer than this is a trap: /a/b/a/b/a/b/a/b. */
const MAX_REPEATS = 3

export function createScope(options: ScopeOptions): Scope {
  const include =
    options.include !== undefined && options.include.length > 0 ? compilePatterns(options.include) : undefined
  let excluded = compiledOrNone(options.exclude ?? [])
  const allowed = new Set<string>()
  const prefixes: string[] = []
  const word = options.word

  const widen = (url: string): boolean => {
    if (word === 'any') return false
    const mark =
      word === 'page'
        ? schemeless(url)
        : word === 'prefix'
          ? folderOf(url)
          : word === 'host'
            ? siteHost(url)
            : registrableDomain(hostOf(url))
    if (allowed.has(mark)) return false
    allowed.add(mark)
    if (word === 'prefix') prefixes.push(mark)
    return true
  }
  for (const seed of options.seeds) widen(seed)

  const inside = (url: string): boolean => {
    switch (word) {
      case 'any':
        return true
      case 'page':
        return allowed.has(schemeless(url))
      case 'host':
        return allowed.has(siteHost(url))
      case 'domain':
        return allowed.has(registrableDomain(hostOf(url)))
      case 'prefix': {
        const bare = schemeless(url)
        for (const prefix of prefixes) if (bare.startsWith(prefix)) return true
        return false
      }
    }
  }

  return {
    widen,
    exclude(patterns) {
      excluded = compiledOrNone(patterns)
    },
    check(url, depth) {
      const pattern = excluded?.match(url)
      if (pattern !== undefined) return { code: 'SCOPE_DENIED', reason: `exclude: ${pattern}` }
      if (!inside(url)) return { code: 'SCOPE_DENIED', reason: `scope: ${word}` }
      if (include !== undefined && depth > 0 && include.match(url) === undefined) {
        return { code: 'SCOPE_DENIED', reason: 'include: no pattern matches' }
      }
      if (options.depth !== undefined && depth > options.depth) {
        return { code: 'LIMIT', reason: `depth: ${options.depth}` }
      }
      return depth > 0 ? trap(url) : undefined
    },
  }
}

function compiledOrNone(patterns: readonly (string | RegExp)[]): Patterns | undefined {
  return patterns.length === 0 ? undefined : compilePatterns(patterns)
}

/** http and https are one site to a scope: sites move between them. */
function schemeless(url: string): string {
  return url.slice(url.indexOf('//') + 2)
}

/** Host without a leading `www.`: a site answers under both. */
function siteHost(url: string): string {
  const host = hostOf(url)
  return host.startsWith('www.') ? host.slice(4) : host
}

/** `host/path/` up to the last slash of the path. */
function folderOf(url: string): string {
  const bare = schemeless(url)
  const query = bare.indexOf('?')
  return bare.slice(0, bare.lastIndexOf('/', query < 0 ? bare.length : query) + 1)
}

/** URLs that only an endless site makes: too many segments, or the same run of segments over and over. */
function trap(url: string): Refusal | undefined {
  let slashes = 0
  for (let i = url.indexOf('/', 8); i >= 0 && i < url.length; i++) {
    const code = url.charCodeAt(i)
    if (code === 63) break
    if (code === 47) slashes++
  }
  const long = query(url)
  if (long !== undefined || slashes <= MAX_REPEATS + 1) return long
  if (slashes > MAX_SEGMENTS) return { code: 'TRAP_LIMIT', reason: `path deeper than ${MAX_SEGMENTS} segments` }
  const path = url.slice(url.indexOf('/', 8) + 1).split('?', 1)[0] as string
  const segments = path.split('/')
  for (let size = 1; size <= 3; size++) {
    let repeats = 0
    for (let i = size; i < segments.length; i++) {
      repeats = segments[i] === segments[i - size] && segments[i] !== '' ? repeats + 1 : 0
      if (repeats >= size * MAX_REPEATS) {
        return { code: 'TRAP_LIMIT', reason: `path segment repeated more than ${MAX_REPEATS} times` }
      }
    }
  }
  return undefined
}

/** Filters that were added to filters. */
function query(url: string): Refusal | undefined {
  const mark = url.indexOf('?')
  if (mark < 0) return undefined
  let pairs = 1
  for (let at = url.indexOf('&', mark); at >= 0; at = url.indexOf('&', at + 1)) pairs++
  if (pairs > MAX_PARAMETERS) return { code: 'TRAP_LIMIT', reason: `query of more than ${MAX_PARAMETERS} parameters` }
  if (pairs <= MAX_SAME_PARAMETER) return undefined
  const times = new Map<string, number>()
  for (const pair of url.slice(mark + 1).split('&')) {
    const name = pair.split('=', 1)[0] as string
    const count = (times.get(name) ?? 0) + 1
    if (count > MAX_SAME_PARAMETER)
      return { code: 'TRAP_LIMIT', reason: `a parameter given more than ${MAX_SAME_PARAMETER} times` }
    times.set(name, count)
  }
  return undefined
}
