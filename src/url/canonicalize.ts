/**
 * One spelling per URL: what the frontier deduplicates, the ledger shows and the fetcher requests. It merges only
 * spellings that no server may tell apart (RFC 3986 section 6.2.2, WHATWG URL) and holds no opinion about `www`,
 * parameter order, slashes or tracking parameters. It must not know of scope, robots or pages.
 *
 * A canonical URL is `http(s)://[userinfo@]host[:port]/path[?query]` in ASCII. Most URLs met in a crawl are canonical
 * already, so one scan over the characters decides that before `new URL` is asked.
 */

/** Raised whenever the canonical form of any URL changes: stored fingerprints of another version do not match. */
export const CANONICAL_VERSION = 1

/** Longest canonical URL, in characters; longer ones are `URL_TOO_LONG`. */
export const MAX_URL_LENGTH = 8192

/** Longer inputs (fragment not counted) are refused unparsed, whatever they might shrink to. */
const MAX_INPUT_LENGTH = 8 * MAX_URL_LENGTH

export type Canonical =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: 'URL_INVALID' | 'URL_TOO_LONG'; readonly reason: string }

/** A page's base URL, taken apart once so that the page's links resolve by concatenation. Made by `parseBase`. */
export interface ParsedBase {
  /** Canonical URL of the base. */
  readonly url: string
  /** `https:` */
  readonly scheme: string
  /** Scheme, userinfo, host and port: what a root-relative link is appended to. */
  readonly root: string
  /** URL up to and with the last slash of the path. */
  readonly folder: string
  /** URL without the query. */
  readonly page: string
}

const HASH = 35
const PERCENT = 37
const DASH = 45
const DOT = 46
const SLASH = 47
const COLON = 58
const QUESTION = 63

/** Bits of `CLASS`: what a character may be without being changed by parsing. */
const HOST = 1
const PATH = 2
const QUERY = 4
const DIGIT = 8
const HEX = 16
const UNRESERVED = 32
/** Hex digit of an escape that is canonical already: upper case. */
const UPPER_HEX = 64

const CLASS = new Uint8Array(128)
mark('abcdefghijklmnopqrstuvwxyz0123456789-._', HOST)
mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/[]|", PATH)
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&()*+,;=:@/?[]|{}^`\\', QUERY)
mark('0123456789', DIGIT)
mark('0123456789abcdefABCDEF', HEX)
mark('0123456789ABCDEF', UPPER_HEX)
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~', UNRESERVED)

function mark(characters: string, bit: number): void {
  for (let i = 0; i < characters.length; i++) CLASS[characters.charCodeAt(i)]! |= bit
}

function is(code: number, bit: number): boolean {
  return code < 128 && (CLASS[code]! & bit) !== 0
}

/**
 * Canonical form of a URL, resolved against `base` where it is relative.
 *
 * WHATWG parsing; `http` and `https` only; fragment, default port and one trailing dot of the host dropped; empty path
 * `/`; in path and query escapes in upper case and escapes of unreserved characters decoded. Userinfo is kept (the
 * server sees it); `withoutCredentials` is for display. An already canonical input is returned as it is: whoever keeps
 * a URL cut from a page for long detaches it from the page's text.
 */
export function canonicalize(input: string, base?: string): Canonical {
  const end = scanAbsolute(input)
  if (end > 0 && end <= MAX_URL_LENGTH) return { ok: true, url: end === input.length ? input : input.slice(0, end) }
  return parse(input, base)
}

/** A base URL made ready for `resolveLink`; undefined where it is no http(s) URL. */
export function parseBase(base: string): ParsedBase | undefined {
  const canonical = canonicalize(base)
  if (!canonical.ok) return undefined
  const { url } = canonical
  const pathStart = url.indexOf('/', 8)
  const query = url.indexOf('?', pathStart)
  const page = query < 0 ? url : url.slice(0, query)
  return {
    url,
    scheme: url.slice(0, url.indexOf(':') + 1),
    root: url.slice(0, pathStart),
    folder: page.slice(0, page.lastIndexOf('/') + 1),
    page,
  }
}

/** Exactly `canonicalize(href, base.url)`, without `new URL` for the usual spellings of links. */
export function resolveLink(href: string, base: ParsedBase): Canonical {
  const url = plainLink(href, base)
  return url === undefined ? parse(href, base.url) : { ok: true, url }
}

/**
 * `URL.parse(href, base.url)?.href`, fragment included, where the spelling is usual enough to tell without parsing; else
 * undefined. The result may keep `href` alive.
 */
export function plainHref(href: string, base: ParsedBase): string | undefined {
  const hash = href.indexOf('#')
  if (hash < 0) return plainLink(href, base)
  for (let i = hash + 1; i < href.length; i++) if (!is(href.charCodeAt(i), PATH)) return undefined
  const url = plainLink(href, base)
  return url === undefined ? undefined : url + href.slice(hash)
}

/** The canonical URL of a link, for the usual spellings; undefined where parsing must decide. */
function plainLink(href: string, base: ParsedBase): string | undefined {
  const length = href.length
  if (length === 0) return base.url
  const first = href.charCodeAt(0)
  let text = href
  let prefix = ''
  let end = -1
  if (first === HASH) return base.url
  if (first === SLASH) {
    if (href.charCodeAt(1) === SLASH) {
      text = base.scheme + href
      end = scanAbsolute(text)
    } else {
      prefix = base.root
      end = scanPath(href, 0)
    }
  } else if (first === QUESTION) {
    prefix = base.page
    end = scanQuery(href, 1)
  } else if (first === DOT) {
    const behind = behindUps(href)
    text = href.slice(behind)
    prefix = above(base, behind / 3)
    // What else begins with a dot, or goes on with a slash, is for the parser.
    const next = text.charCodeAt(0)
    if (behind > 0 && (text === '' || (next !== DOT && is(next, UNRESERVED)))) end = scanRelative(text)
  } else if (is(first, UNRESERVED)) {
    prefix = base.folder
    end = scanRelative(href)
    // A colon in the first segment makes it a scheme: an absolute URL, or none of ours.
    if (end < 0) {
      prefix = ''
      end = scanAbsolute(href)
    }
  }
  if (end < 0 || prefix.length + end > MAX_URL_LENGTH) return undefined
  return prefix + (end === text.length ? text : text.slice(0, end))
}

/** Index behind the `../` that a link begins with. */
function behindUps(href: string): number {
  let i = 0
  while (href.startsWith('../', i)) i += 3
  return i
}

/** The folder so many levels above that of the base; the root is above itself. */
function above(base: ParsedBase, levels: number): string {
  let { folder } = base
  for (let i = 0; i < levels && folder.length > base.root.length + 1; i++) {
    folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1)
  }
  return folder
}

/** The URL as it may be shown: without user name and password. */
export function withoutCredentials(url: string): string {
  const start = url.indexOf('://') + 3
  if (start === 2) return url
  const slash = url.indexOf('/', start)
  const at = url.lastIndexOf('@', slash < 0 ? url.length : slash)
  return at < start ? url : url.slice(0, start) + url.slice(at + 1)
}

/** Length of the canonical URL at the start of `text` (up to a fragment), or -1 where parsing must decide. */
function scanAbsolute(text: string): number {
  if (!text.startsWith('http')) return -1
  const secure = text.charCodeAt(4) === 115
  let i = secure ? 5 : 4
  if (text.charCodeAt(i) !== COLON || text.charCodeAt(i + 1) !== SLASH || text.charCodeAt(i + 2) !== SLASH) return -1
  i += 3
  const hostStart = i
  let labelStart = i
  let before = DOT
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (!is(code, HOST)) break
    // Empty labels, and `--` (maybe an internationalised label to be checked), are for the parser.
    if (code === DOT) {
      if (before === DOT) return -1
      labelStart = i + 1
    } else if (code === DASH && before === DASH) return -1
    before = code
  }
  if (before === DOT) return -1
  // A last label that starts with a digit may be a number, which makes the host an IPv4 address in some spelling.
  if (is(text.charCodeAt(labelStart), DIGIT) && !isDottedQuad(text, hostStart, i)) return -1
  if (text.charCodeAt(i) === COLON) {
    const portStart = ++i
    let port = 0
    for (; is(text.charCodeAt(i), DIGIT); i++) port = port * 10 + text.charCodeAt(i) - 48
    const digits = i - portStart
    if (digits === 0 || digits > 5 || port > 65_535 || port === (secure ? 443 : 80)) return -1
    if (digits > 1 && text.charCodeAt(portStart) === 48) return -1
  }
  if (text.charCodeAt(i) !== SLASH) return -1
  return scanPath(text, i)
}

/** Whether `text` from `start` to `end` is `n.n.n.n` in decimal, the only canonical spelling. */
function isDottedQuad(text: string, start: number, end: number): boolean {
  let parts = 1
  let value = -1
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      parts++
      value = -1
    } else if (!is(code, DIGIT) || value === 0) return false
    else {
      value = (value < 0 ? 0 : value * 10) + code - 48
      if (value > 255) return false
    }
  }
  return parts === 4
}

/** From the slash that starts a path: the end of the canonical path and query, or -1 where parsing must decide. */
function scanPath(text: string, from: number): number {
  const length = text.length
  for (let i = from; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 128) return -1
    if ((CLASS[code]! & PATH) !== 0) {
      if (code === SLASH && !isPlainSegment(text, i + 1)) return -1
    } else if (code === QUESTION) return scanQuery(text, i + 1)
    else if (code === HASH) return i
    else if (code !== PERCENT || !isCanonicalEscape(text, i)) return -1
    else i += 2
  }
  return length
}

/** Like `scanPath` for a path that starts with a name; -1 also for a colon in its first segment. */
function scanRelative(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === SLASH) return scanPath(text, i)
    if (code === QUESTION || code === HASH) return scanPath(text, i)
    if (code === COLON || code >= 128) return -1
    if ((CLASS[code]! & PATH) !== 0) continue
    if (code !== PERCENT || !isCanonicalEscape(text, i)) return -1
    i += 2
  }
  return text.length
}

function scanQuery(text: string, from: number): number {
  const length = text.length
  for (let i = from; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 128) return -1
    if ((CLASS[code]! & QUERY) !== 0) continue
    if (code === HASH) return i
    if (code !== PERCENT || !isCanonicalEscape(text, i)) return -1
    i += 2
  }
  return length
}

/** False for a segment that may be `.` or `..`; names such as `.well-known` are plain. */
function isPlainSegment(text: string, start: number): boolean {
  if (text.charCodeAt(start) !== DOT) return true
  const next = text.charCodeAt(start + 1)
  return is(next, UNRESERVED) && next !== DOT
}

/** Whether the percent sign at `at` starts an escape in upper case that must stay one. */
function isCanonicalEscape(text: string, at: number): boolean {
  const high = text.charCodeAt(at + 1)
  const low = text.charCodeAt(at + 2)
  return is(high, UPPER_HEX) && is(low, UPPER_HEX) && !is(hexValue(high) * 16 + hexValue(low), UNRESERVED)
}

function hexValue(code: number): number {
  return code <= 57 ? code - 48 : (code | 32) - 87
}

const SCHEME = /^[\0- ]*([a-z][a-z0-9+.-]*):/i

/** The way of `new URL`, for whatever the scan does not know to be canonical. */
function parse(input: string, base: string | undefined): Canonical {
  const hash = input.indexOf('#')
  // The empty fragment stays for the parser: without it blanks before it would be at the end, and stripped.
  const text = hash < 0 ? input : input.slice(0, hash + 1)
  if (text.length > MAX_INPUT_LENGTH) {
    const scheme = SCHEME.exec(text.slice(0, 64))?.[1]?.toLowerCase()
    return scheme === undefined || scheme === 'http' || scheme === 'https' ? TOO_LONG : notWeb(`${scheme}:`)
  }
  // Nothing but a fragment means the base, whose empty query older Nodes lose here.
  if (base !== undefined && (text === '' || text === '#')) return canonicalize(base)
  // An absolute input needs no base, so it does not suffer from a bad one.
  const url = base === undefined ? URL.parse(text) : (URL.parse(text, base) ?? URL.parse(text))
  if (url === null) {
    const relative = base === undefined && !SCHEME.test(text)
    return { ok: false, code: 'URL_INVALID', reason: relative ? 'no scheme: not an absolute URL' : 'not a valid URL' }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return notWeb(url.protocol)
  const canonical = normalize(url.href)
  if (canonical.length > MAX_URL_LENGTH) return TOO_LONG
  return { ok: true, url: canonical }
}

const TOO_LONG: Canonical = { ok: false, code: 'URL_TOO_LONG', reason: `longer than ${MAX_URL_LENGTH} characters` }

function notWeb(scheme: string): Canonical {
  return { ok: false, code: 'URL_INVALID', reason: `scheme ${scheme.slice(0, 40)} is not http or https` }
}

/** What remains to be done to a serialised WHATWG URL. */
function normalize(href: string): string {
  const hash = href.indexOf('#')
  const whole = hash < 0 ? href : href.slice(0, hash)
  const pathStart = whole.indexOf('/', 8)
  const port = whole.lastIndexOf(':', pathStart)
  const dotted = whole.charCodeAt((port > 8 ? port : pathStart) - 1) === DOT || whole.charCodeAt(pathStart - 1) === DOT
  const escaped = whole.includes('%', pathStart) || whole.includes('^', pathStart)
  if (!dotted && !escaped) return whole
  const root = whole.slice(0, pathStart)
  const path = whole.slice(pathStart)
  return (dotted ? withoutRootDot(root) : root) + (escaped ? normalizeEscapes(path) : path)
}

/** `http://example.com.:81` → `http://example.com:81`. Hosts with empty labels (`.`, `a..`) stay: nothing is like them. */
function withoutRootDot(root: string): string {
  const port = /:\d+$/.exec(root)
  const end = port === null ? root.length : port.index
  if (root.charCodeAt(end - 1) !== DOT) return root
  const before = root.charAt(end - 2)
  if (before === '.' || before === '/' || before === '@') return root
  return root.slice(0, end - 1) + root.slice(end)
}

/**
 * Escapes of unreserved characters decoded, the others in upper case. `^` in a path becomes `%5E`, as the URL standard
 * has it since 2024: older Nodes leave it, and the form must not depend on the Node that runs.
 */
function normalizeEscapes(text: string): string {
  let out = ''
  let copied = 0
  // Position right after a percent sign that starts no escape. What is decoded within two characters of it could
  // complete it to an escape that the URL does not contain (`%%34%31`), so there it stays encoded.
  let bare = -3
  let inPath = true
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUESTION) inPath = false
    if (code === 94 && inPath) {
      out += `${text.slice(copied, i)}%5E`
      copied = i + 1
    }
    if (code !== PERCENT) continue
    const high = text.charCodeAt(i + 1)
    const low = text.charCodeAt(i + 2)
    if (!is(high, HEX) || !is(low, HEX)) {
      bare = i + 1
      continue
    }
    const value = hexValue(high) * 16 + hexValue(low)
    if (is(value, UNRESERVED) && !(is(value, HEX) && i - bare < 2)) {
      out += text.slice(copied, i) + String.fromCharCode(value)
      copied = i + 3
      // The decoded character is one away from its predecessors in the output, not three.
      bare += 2
    } else if (!is(high, UPPER_HEX) || !is(low, UPPER_HEX)) {
      out += text.slice(copied, i) + text.slice(i, i + 3).toUpperCase()
      copied = i + 3
    }
    i += 2
  }
  return copied === 0 ? text : out + text.slice(copied)
}
