/**
 * What one agent may fetch by one robots.txt (RFC 9309 section 2.2): its groups merged, the longest matching rule wins,
 * of equal ones the permission. How robots.txt is fetched, and what its absence means, is for others.
 *
 * Where Google's parser and the RFC read escapes of unreserved characters differently, the stricter reading counts:
 * `Disallow: /%62` denies `/b` as the RFC has it, `Allow: /%62` permits only that very spelling as Google has it.
 */
import { decodeUnreserved } from './escape.ts'
import type { RobotsAgent, RobotsFile, RobotsGroup, RobotsRule, RobotsSitemap } from './parse.ts'
import { indexRules, type RuleIndex } from './rule-index.ts'

export interface RobotsVerdict {
  readonly allowed: boolean
  /** The deciding line as written, and its number; absent where no rule matched. */
  readonly rule?: string
  readonly line?: number
  /** Agent whose group decided, as written in the file: the agent's own, `*`, or '' where none applies. */
  readonly group: string
}

export interface RobotsRules {
  /** @param pathAndQuery As it is requested: begins with a slash, escaped, no fragment. See `robotsPath`. */
  verdict(pathAndQuery: string): RobotsVerdict
  /** Agent whose group is obeyed, as in the verdict. */
  readonly group: string
  /** Longest Crawl-delay for the agent, not capped. */
  readonly crawlDelayMs?: number
  readonly sitemaps: readonly RobotsSitemap[]
}

interface WeighedRule {
  readonly pattern: string
  readonly octets: number
  readonly source: RobotsRule
}

/** @param agent Product token, or a User-Agent that begins with it (`Sluice/1.0 (+https://…)`); case does not matter. */
export function robotsFor(file: RobotsFile, agent: string): RobotsRules {
  const token = /^[^/]*/.exec(agent)![0].trim().toLowerCase()
  const own = select(file, (name) => names(name, token))
  const chosen = own.length > 0 ? own : select(file, isEverybody)
  const group = chosen[0]?.agent.name ?? ''
  const rules = [...new Set(chosen.map((entry) => entry.group))].flatMap((entry) => entry.rules)
  const permissions = indexRules(rules.filter((rule) => rule.allow).flatMap(permissionsOf))
  const denials = indexRules(rules.filter((rule) => !rule.allow).map(denialOf))
  const delays = chosen.flatMap((entry) => entry.agent.crawlDelayMs ?? [])
  return {
    group,
    sitemaps: file.sitemaps,
    ...(delays.length > 0 ? { crawlDelayMs: Math.max(...delays) } : {}),
    verdict: (path) => decide(path, permissions, denials, group),
  }
}

function decide(
  path: string,
  permissions: RuleIndex<WeighedRule>,
  denials: RuleIndex<WeighedRule>,
  group: string,
): RobotsVerdict {
  // Section 2.2.2: the file itself is always allowed.
  if (path === '/robots.txt') return { allowed: true, group }
  const permission = permissions.longest(path)
  const denial = denials.longest(decodeUnreserved(path))
  const allowed = denial === undefined || (permission !== undefined && permission.octets >= denial.octets)
  const winner = (allowed ? permission : denial)?.source
  return winner === undefined ? { allowed, group } : { allowed, rule: winner.text, line: winner.line, group }
}

/** Path and query of any URL, the way Google's parser takes it: `/` at least, without fragment. */
export function robotsPath(url: string): string {
  const rest = /^(?:[^/?;#]*:\/\/|\/\/)?[^/?;#]*([/?;][^#]*)?/.exec(url)?.[1]
  if (rest === undefined) return '/'
  return rest.startsWith('/') ? rest : `/${rest}`
}

interface Chosen {
  readonly group: RobotsGroup
  readonly agent: RobotsAgent
}

function select(file: RobotsFile, wanted: (name: string) => boolean): Chosen[] {
  const chosen: Chosen[] = []
  for (const group of file.groups) {
    for (const agent of group.agents) if (wanted(agent.name)) chosen.push({ group, agent })
  }
  return chosen
}

/**
 * A line names the agent by its letters, `-` and `_` up to the first other character (section 2.2.1); agents with digits
 * or dots in their name also by its first word.
 */
function names(name: string, token: string): boolean {
  if (token === '') return false
  const lower = name.toLowerCase()
  return /^[a-z_-]*/.exec(lower)![0] === token || /^[^\s/]*/.exec(lower)![0] === token
}

function isEverybody(name: string): boolean {
  return /^\*(?:\s|$)/.test(name)
}

function denialOf(source: RobotsRule): WeighedRule {
  const pattern = decodeUnreserved(source.pattern)
  return { pattern, octets: pattern.length, source }
}

/** A permission for `…/index.html` covers its folder as well, as Google has it. */
function permissionsOf(source: RobotsRule): WeighedRule[] {
  const { pattern } = source
  const rule = { pattern, octets: pattern.length, source }
  const slash = pattern.lastIndexOf('/')
  if (slash < 0 || !pattern.startsWith('/index.htm', slash)) return [rule]
  const folder = `${pattern.slice(0, slash + 1)}$`
  return [rule, { pattern: folder, octets: folder.length, source }]
}
