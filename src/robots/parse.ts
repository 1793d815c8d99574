/**
 * Reads robots.txt (RFC 9309) as forgivingly as Google's parser: whatever is not understood is passed over, nothing
 * throws, and the time is linear in the bytes read. Which group an agent obeys is not decided here.
 */
import { escapePattern } from './escape.ts'

export interface RobotsRule {
  readonly allow: boolean
  /** Path pattern with `*` and `$`, escaped as URLs are. */
  readonly pattern: string
  /** The line as written, without its comment. */
  readonly text: string
  /** 1-based. */
  readonly line: number
}

export interface RobotsAgent {
  /** As written, `*` included. */
  readonly name: string
  readonly line: number
  /** Crawl-delay, which holds for the agents named so far in its group; the longest where there are several. */
  readonly crawlDelayMs?: number
}

/** Agents and the rules they share, in the order of the file. Agents without rules may do anything. */
export interface RobotsGroup {
  readonly agents: readonly RobotsAgent[]
  readonly rules: readonly RobotsRule[]
}

export interface RobotsSitemap {
  /** As written: absolute by the specification, but not checked. */
  readonly url: string
  readonly line: number
}

export interface RobotsFile {
  readonly groups: readonly RobotsGroup[]
  /** They belong to no group. Each once. */
  readonly sitemaps: readonly RobotsSitemap[]
  /** True where the file was longer than the limit and its rest was not read. */
  readonly truncated: boolean
}

/** RFC 9309 section 2.5 asks for 500 KiB at least. */
const LIMIT_BYTES = 512_000

/** Octets of a line that count, the rest of it is dropped; as Google's parser has it (8 times 2083, less one). */
const LINE_OCTETS = 16_663

type Key = 'agent' | 'allow' | 'disallow' | 'delay' | 'sitemap'

/** Beginnings of keys in lower case, with the misspellings that Google accepts. Longer words count by their beginning. */
const KEYS: readonly (readonly [beginning: string, key: Key])[] = [
  ['disallow', 'disallow'],
  ['user-agent', 'agent'],
  ['allow', 'allow'],
  ['sitemap', 'sitemap'],
  ['site-map', 'sitemap'],
  ['crawl-delay', 'delay'],
  ['crawldelay', 'delay'],
  ['useragent', 'agent'],
  ['user agent', 'agent'],
  ['dissallow', 'disallow'],
  ['dissalow', 'disallow'],
  ['disalow', 'disallow'],
  ['diasllow', 'disallow'],
  ['disallaw', 'disallow'],
]

interface OpenGroup {
  readonly agents: { name: string; line: number; crawlDelayMs?: number }[]
  readonly rules: RobotsRule[]
}

/** @param limitBytes Bytes read at most; a line that is cut by the limit is dropped, as its end could change its sense. */
export function parseRobots(text: string | Uint8Array, limitBytes: number = LIMIT_BYTES): RobotsFile {
  const { octets, truncated } = octetsOf(text, limitBytes)
  const groups: OpenGroup[] = []
  const sitemaps = new Map<string, RobotsSitemap>()
  let group: OpenGroup | undefined
  let closed = true
  const lines = octets.split(/\r\n?|\n/)
  if (truncated) lines.pop()
  for (let index = 0; index < lines.length; index++) {
    const statement = stripComment(lines[index]!)
    if (statement === '') continue
    const found = split(statement)
    const key = found === undefined ? undefined : keyOf(found[0])
    if (found === undefined || key === undefined) continue
    const value = found[1]
    const line = index + 1
    if (key === 'agent') {
      if (closed) {
        group = { agents: [], rules: [] }
        groups.push(group)
        closed = false
      }
      group!.agents.push({ name: readable(value), line })
    } else if (key === 'sitemap') {
      const url = readable(value)
      if (url !== '' && !sitemaps.has(url)) sitemaps.set(url, { url, line })
    } else if (group === undefined) {
      // Rules before any user-agent belong to nobody.
    } else if (key === 'delay') {
      const delay = delayMs(value)
      if (delay === undefined) continue
      for (const agent of group.agents) agent.crawlDelayMs = Math.max(agent.crawlDelayMs ?? 0, delay)
    } else {
      closed = true
      // An empty rule says nothing, but it ends the list of agents.
      if (value === '') continue
      group.rules.push({ allow: key === 'allow', pattern: escapePattern(value), text: readable(statement), line })
    }
  }
  return { groups, sitemaps: [...sitemaps.values()], truncated }
}

/** Text whose character codes are the octets of the file in UTF-8 (UTF-16 is converted), without byte order mark. */
function octetsOf(text: string | Uint8Array, limitBytes: number): { octets: string; truncated: boolean } {
  let bytes: Uint8Array
  if (typeof text === 'string') {
    // No character needs less than a byte: what lies beyond the limit in characters does in bytes.
    bytes = Buffer.from(text.slice(0, limitBytes + 1), 'utf8')
  } else {
    const wide =
      text[0] === 0xff && text[1] === 0xfe ? 'utf-16le' : text[0] === 0xfe && text[1] === 0xff ? 'utf-16be' : ''
    const part = text.subarray(0, limitBytes + 1)
    bytes = wide === '' ? part : Buffer.from(new TextDecoder(wide).decode(part), 'utf8')
  }
  const truncated = text.length > limitBytes || bytes.length > limitBytes
  // As much of the mark is skipped as is there: some files begin with a torn one.
  const start = bytes[0] === 0xef ? (bytes[1] === 0xbb ? (bytes[2] === 0xbf ? 3 : 2) : 1) : 0
  const read = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limitBytes))
  return { octets: read.toString('latin1', start), truncated }
}

function stripComment(line: string): string {
  const short = line.length > LINE_OCTETS ? line.slice(0, LINE_OCTETS) : line
  const hash = short.indexOf('#')
  return trim(hash < 0 ? short : short.slice(0, hash))
}

/** ASCII white space only: in the latin1 view a no-break space is half a character. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

/** `key: value`, or `key value` where these are two words exactly. */
function split(statement: string): [key: string, value: string] | undefined {
  const colon = statement.indexOf(':')
  if (colon > 0) return [trim(statement.slice(0, colon)), trim(statement.slice(colon + 1))]
  if (colon === 0) return undefined
  const blank = statement.search(/[ \t]/)
  if (blank < 0) return undefined
  const value = trim(statement.slice(blank))
  return /[ \t]/.test(value) ? undefined : [statement.slice(0, blank), value]
}

function keyOf(word: string): Key | undefined {
  const start = word.slice(0, 11).toLowerCase()
  for (const [beginning, key] of KEYS) if (start.startsWith(beginning)) return key
  return undefined
}

/** Seconds, fractions allowed; undefined for what is no number. */
function delayMs(value: string): number | undefined {
  const seconds = /^(?:\d+(?:\.\d*)?|\.\d+)/.exec(value)?.[0]
  const ms = seconds === undefined ? Number.NaN : Math.ceil(Number(seconds) * 1000)
  return Number.isSafeInteger(ms) ? ms : undefined
}

/** Octets read as UTF-8, for people. */
function readable(octets: string): string {
  return /^[\0-\x7f]*$/.test(octets) ? octets : Buffer.from(octets, 'latin1').toString('utf8')
}
