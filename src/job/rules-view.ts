/**
 * What keeps URLs out of a job: robots.txt of each origin as it was fetched, the rules of the scope, how many URLs each has
 * refused, and what they would say of a URL that somebody asks about. It reads what is stored and changes nothing.
 */
import { setImmediate } from 'node:timers/promises'
import { robotsCause } from '../engine/robots-gate.ts'
import { LEFT } from '../frontier/sqlite/columns/columns.ts'
import type { JobColumns } from '../frontier/sqlite/columns/columns.ts'
import type { Counts, Refused } from '../frontier/sqlite/columns/counts.ts'
import { robotsOf, robotsRows } from '../frontier/sqlite/columns/robots-rows.ts'
import type { RobotsState } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import { robotsFor } from '../robots/match.ts'
import { parseRobots } from '../robots/parse.ts'
import { canonicalize } from '../url/canonicalize.ts'
import { originOf } from '../url/key.ts'
import { compilePatterns } from '../url/pattern.ts'
import { readStored } from './folder.ts'
import type { StoredJob } from './folder.ts'
import { AGENT } from './prepare.ts'
import { scopeOfJob } from './job-scope.ts'

/** Rows whose URLs are looked at before others have their turn. */
const STEP = 5_000

export interface OriginRules {
  readonly origin: string
  /** `rules`: the file decides; `allow`: there is none; `deny`: it could not be had. */
  readonly verdict: RobotsState['verdict']
  /** Of the answer; 0: none came. */
  readonly status: number
  /** Why no answer came. */
  readonly cause: string
  /** ISO 8601. */
  readonly fetchedAt: string
  readonly size: number
  /** URLs of the origin that robots.txt refused. */
  readonly refused: number
}

export interface RobotsLine {
  readonly text: string
  /** It belongs to the group that this job obeys. */
  readonly ours: boolean
  /** URLs that this line refused; absent for lines that refuse nothing. */
  readonly refused?: number
}

export interface RobotsText extends OriginRules {
  /** Name of the obeyed group; '' where none is for us. */
  readonly group: string
  readonly crawlDelayMs: number | null
  readonly sitemaps: readonly string[]
  readonly lines: readonly RobotsLine[]
  /** What earlier versions of the file refused. */
  readonly earlier: readonly Refused[]
}

export interface ScopeRule {
  /** `exclude: *.pdf`, `scope: host`, `depth: 3`. */
  readonly rule: string
  /** URLs refused; 0: a rule that has not been needed. */
  readonly urls: number
}

/** What the stored rules say of one URL. */
export interface RulesVerdict {
  /** Canonical. */
  readonly url: string
  readonly origin: string
  readonly robots: { readonly allowed: boolean; readonly reason: string } | null
  /** Null: it belongs to the job. */
  readonly scope: { readonly code: string; readonly reason: string } | null
}

export interface Leaving {
  /** URLs that wait and match. */
  readonly urls: number
  /** URLs that wait. */
  readonly left: number
  /** Some of those that match. */
  readonly samples: readonly string[]
}

export class RulesView {
  readonly #folder: string
  readonly #columns: JobColumns
  readonly #counts: Counts
  #origins: { readonly version: string; readonly rows: readonly OriginRules[] } | undefined

  constructor(folder: string, columns: JobColumns, counts: Counts) {
    this.#folder = folder
    this.#columns = columns
    this.#counts = counts
  }

  origins(): readonly OriginRules[] {
    const { version, db } = this.#columns
    if (this.#origins?.version === version) return this.#origins.rows
    const refused = this.#counts.refused()
    const rows = robotsRows(db).map((row) => {
      const state = row.verdict === 'deny' ? robotsOf(db, row.origin) : undefined
      return originRules(row, state, refused.get(row.origin) ?? [])
    })
    this.#origins = { version, rows }
    return rows
  }

  /** @throws SluiceError OPTION_INVALID for an origin whose robots.txt was never asked for */
  file(origin: string): RobotsText {
    const state = this.#stateOf(origin)
    if (state === undefined) {
      throw new SluiceError('OPTION_INVALID', `${origin} was not asked for its robots.txt`, {
        hint: 'an origin looks like https://example.org',
      })
    }
    const refused = (this.#counts.refused().get(origin) ?? []).filter(isRobots)
    const parsed = parseRobots(state.body)
    const rules = robotsFor(parsed, AGENT)
    const own = parsed.groups.filter(({ agents }) => agents.some(({ name }) => name === rules.group))
    const ownLines = new Map(
      own.flatMap((group) => [
        ...group.agents.map(({ line }) => [line, undefined] as const),
        ...group.rules.map((rule) => [rule.line, rule] as const),
      ]),
    )
    const byRule = new Map(refused.map(({ rule, urls }) => [rule, urls]))
    const lines = (state.verdict === 'rules' ? state.body.split(/\r\n?|\n/) : []).map((text, i): RobotsLine => {
      const rule = ownLines.get(i + 1)
      if (rule === undefined) return { text, ours: ownLines.has(i + 1) }
      if (rule.allow) return { text, ours: true }
      const name = `robots.txt line ${rule.line}: ${rule.text} (group ${rules.group})`
      const urls = byRule.get(name) ?? 0
      byRule.delete(name)
      return { text, ours: true, refused: urls }
    })
    return {
      ...originRules({ ...state, size: state.body.length }, state, refused),
      group: rules.group,
      crawlDelayMs: rules.crawlDelayMs ?? null,
      sitemaps: rules.sitemaps.map(({ url }) => url),
      lines,
      earlier: refused.filter(({ rule }) => byRule.has(rule)),
    }
  }

  /** Rules of the scope with what they refused, those that refused nothing included. */
  scope(): readonly ScopeRule[] {
    const counts = new Map<string, number>()
    for (const pattern of patternsOf(this.#stored(), 'exclude')) counts.set(`exclude: ${pattern}`, 0)
    for (const rules of this.#counts.refused().values()) {
      for (const rule of rules) if (!isRobots(rule)) counts.set(rule.rule, (counts.get(rule.rule) ?? 0) + rule.urls)
    }
    return [...counts].map(([rule, urls]) => ({ rule, urls })).sort((a, b) => b.urls - a.urls)
  }

  /** @throws SluiceError OPTION_INVALID for what is no URL */
  test(text: string): RulesVerdict {
    const canonical = canonicalize(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`)
    if (!canonical.ok) {
      throw new SluiceError('OPTION_INVALID', `${JSON.stringify(text)} is no URL: ${canonical.reason}`, {
        hint: 'for example https://example.org/page',
      })
    }
    const { url } = canonical
    const origin = originOf(url)
    const state = this.#stateOf(origin)
    const refusal = scopeOfJob(this.#stored()).check(url, 1)
    return {
      url,
      origin,
      robots: state === undefined ? null : robotsVerdict(state, url.slice(origin.length)),
      scope: refusal ?? null,
    }
  }

  /** Patterns by which links are left out now. */
  excludes(): readonly string[] {
    return patternsOf(this.#stored(), 'exclude')
  }

  /** How many of the URLs that wait patterns would take away. @throws SluiceError OPTION_INVALID for a bad pattern */
  async leaving(patterns: readonly string[]): Promise<Leaving> {
    const excludes = compilePatterns(patterns)
    const { rows, counted, state } = this.#columns
    const samples: string[] = []
    let left = 0
    let urls = 0
    let ids: number[] = []
    const look = (): void => {
      for (const url of this.#columns.urlsOf(ids).values()) {
        if (excludes.match(url) === undefined) continue
        urls++
        if (samples.length < 5) samples.push(url)
      }
      ids = []
    }
    for (let row = 1; row <= rows; row++) {
      if (counted.values[row] === 0 || state.values[row] !== LEFT) continue
      left++
      ids.push(row)
      if (ids.length < STEP) continue
      look()
      await setImmediate()
    }
    look()
    return { urls, left, samples }
  }

  #stateOf(origin: string): RobotsState | undefined {
    return robotsOf(this.#columns.db, origin)
  }

  #stored(): StoredJob | undefined {
    return readStored(this.#folder)
  }
}

function originRules(
  { origin, verdict, status, fetchedAt, size }: Omit<RobotsState, 'body' | 'validForMs'> & { readonly size: number },
  state: RobotsState | undefined,
  refused: readonly Refused[],
): OriginRules {
  const urls = refused.filter(isRobots).reduce((sum, rule) => sum + rule.urls, 0)
  const cause = state === undefined ? undefined : robotsCause(state)
  return { origin, verdict, status, cause: cause?.message ?? '', fetchedAt, size, refused: urls }
}

function isRobots({ code }: Refused): boolean {
  return code.startsWith('ROBOTS_')
}

function robotsVerdict(state: RobotsState, path: string): NonNullable<RulesVerdict['robots']> {
  if (state.verdict === 'allow') return { allowed: true, reason: `robots.txt ${state.status}` }
  if (state.verdict === 'deny') {
    const why = robotsCause(state)?.message ?? `status ${state.status}`
    return { allowed: false, reason: `robots.txt could not be had: ${why}` }
  }
  const { allowed, rule, line, group } = robotsFor(parseRobots(state.body), AGENT).verdict(path)
  return {
    allowed,
    reason: rule === undefined ? `group ${group}: no rule matches` : `line ${line}: ${rule} (group ${group})`,
  }
}

function patternsOf(stored: StoredJob | undefined, name: 'include' | 'exclude'): string[] {
  const given = stored?.options[name]
  return Array.isArray(given) ? given.map(String) : []
}
