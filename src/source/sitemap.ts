/**
 * Reads sitemaps: urlset, index, plain text, RSS and Atom, from their bytes. It fetches nothing, expands no entities and
 * never throws; what is malformed gives what can still be read of it. Which sitemap may name which URLs is not known
 * here.
 */
import { constants, gunzipSync } from 'node:zlib'
import { Parser } from 'htmlparser2'

export type SitemapKind = 'urlset' | 'index' | 'text' | 'rss' | 'atom' | 'none'

export interface SitemapUrl {
  /** As written, white space trimmed. */
  readonly loc: string
  /** As written: a date of W3C, or of RFC 822 in RSS. */
  readonly lastmod?: string
}

export interface SitemapHandlers {
  onUrl(entry: SitemapUrl): void
  /** Another sitemap, named by an index. */
  onSitemap(loc: string): void
}

export interface SitemapLimits {
  /** URLs and sitemaps in all. Default 50,000 (sitemaps.org). */
  readonly maxEntries?: number
  /** Decoded bytes. Default 50 MiB (sitemaps.org). */
  readonly maxBytes?: number
}

export interface SitemapParser {
  /** `none` until the root element or the first line has been seen. */
  readonly kind: SitemapKind
  /** A limit was met: what came later was not read. */
  readonly isTruncated: boolean
  /** The next piece of the decompressed file, cut anywhere. */
  write(bytes: Uint8Array): void
  end(): void
}

export interface Sitemap {
  readonly urls: readonly SitemapUrl[]
  readonly sitemaps: readonly string[]
  readonly kind: SitemapKind
  readonly isTruncated: boolean
}

const MAX_ENTRIES = 50_000
const MAX_BYTES = 50 * 1024 * 1024
/** Characters of one URL or date that are kept: more than any URL that is fetched. */
const LONGEST = 16_384
/** Elements within each other; a sitemap has three. Each level more costs the parser time for all that follow. */
const DEEPEST = 256
/** Declared entities that are remembered. */
const MAX_ENTITIES = 100

const ROOTS: Readonly<Record<string, SitemapKind>> = {
  urlset: 'urlset',
  sitemapindex: 'index',
  rss: 'rss',
  rdf: 'rss',
  feed: 'atom',
}

/** Elements that hold one entry, and those in them that hold its date. */
const ENTRIES: ReadonlySet<string> = new Set(['url', 'sitemap', 'item', 'entry'])
const DATES: ReadonlySet<string> = new Set(['lastmod', 'pubdate', 'date', 'updated'])

/**
 * A whole sitemap; gzip is recognised by its first bytes, whatever the name and the headers say.
 *
 * @param baseUrl Where it lies: entries without scheme, which the format forbids and feeds have, are resolved against it.
 */
export function readSitemap(bytes: Uint8Array, baseUrl: string, limits: SitemapLimits = {}): Sitemap {
  const urls: SitemapUrl[] = []
  const sitemaps: string[] = []
  const parser = createSitemapParser(
    {
      onUrl: (url) => urls.push({ ...url, loc: absolute(url.loc, baseUrl) }),
      onSitemap: (loc) => sitemaps.push(absolute(loc, baseUrl)),
    },
    limits,
  )
  const maxBytes = limits.maxBytes ?? MAX_BYTES
  const plain = isGzip(bytes) ? gunzip(bytes, maxBytes) : { bytes, isCut: false }
  parser.write(plain.bytes)
  parser.end()
  return { urls, sitemaps, kind: parser.kind, isTruncated: parser.isTruncated || plain.isCut }
}

/** Reads a sitemap piece by piece; entries are handed over as they are complete. */
export function createSitemapParser(handlers: SitemapHandlers, limits: SitemapLimits = {}): SitemapParser {
  return new Reader(handlers, limits)
}

function absolute(loc: string, baseUrl: string): string {
  if (/^https?:/i.test(loc)) return loc
  return URL.parse(loc, baseUrl)?.href ?? loc
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** As much of a gzip file as can be had: also of a torn one, and of a bomb no more than the limit. */
function gunzip(bytes: Uint8Array, maxBytes: number): { bytes: Uint8Array; isCut: boolean } {
  // Deflate makes at most 1,032 bytes of one: halving the input ends at once for any limit of use.
  for (let length = bytes.length; length > 0; length >>= 1) {
    try {
      const part = bytes.subarray(0, length)
      const plain = gunzipSync(part, { maxOutputLength: maxBytes, finishFlush: constants.Z_SYNC_FLUSH })
      return { bytes: plain, isCut: length < bytes.length }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') break
    }
  }
  return { bytes: new Uint8Array(0), isCut: true }
}

class Reader implements SitemapParser {
  kind: SitemapKind = 'none'
  isTruncated = false
  readonly #handlers: SitemapHandlers
  #bytesLeft: number
  #entriesLeft: number
  #decoder: InstanceType<typeof TextDecoder> | undefined
  #xml: Parser | undefined
  /** Text before its kind is known, then of a text sitemap the line that is not complete. */
  #pending = ''

  constructor(handlers: SitemapHandlers, limits: SitemapLimits) {
    this.#handlers = handlers
    this.#bytesLeft = limits.maxBytes ?? MAX_BYTES
    this.#entriesLeft = limits.maxEntries ?? MAX_ENTRIES
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.isTruncated) return
    const part = bytes.length > this.#bytesLeft ? bytes.subarray(0, this.#bytesLeft) : bytes
    this.#bytesLeft -= part.length
    this.#decoder ??= decoderOf(part)
    this.#text(this.#decoder.decode(part, { stream: true }))
    if (part.length < bytes.length) this.isTruncated = true
  }

  end(): void {
    this.#text(this.#decoder?.decode() ?? '')
    if (this.#xml !== undefined) this.#xml.end()
    else if (this.kind === 'text') this.#line(this.#pending)
    this.#pending = ''
  }

  #text(text: string): void {
    if (this.#xml === undefined && this.kind === 'none') {
      this.#pending += text
      const first = /[^\s\ufeff]/.exec(this.#pending)
      if (first === null) {
        this.#pending = ''
        return
      }
      text = this.#pending.slice(first.index)
      this.#pending = ''
      if (first[0] === '<') this.#xml = this.#createXml()
      else this.kind = 'text'
    }
    if (this.#xml !== undefined) this.#xml.write(text)
    else this.#lines(text)
  }

  #lines(text: string): void {
    const lines = (this.#pending + text).split(/\r\n|\n|\r/)
    this.#pending = (lines.pop() ?? '').slice(0, LONGEST)
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    const loc = line.trim()
    if (/^https?:/i.test(loc)) this.#add(false, loc, '')
  }

  #createXml(): Parser {
    // Names of the open elements, without prefix, lower case.
    const open: string[] = []
    let entryDepth = 0
    let loc = ''
    let bare = ''
    let link = ''
    let guid = ''
    let lastmod = ''
    /** Entities that the file declares: what they stand for is never looked at, references to them are taken out. */
    const entities = new Set<string>()
    const parser: Parser = new Parser(
      {
        onopentag: (name, attributes) => {
          if (open.length >= DEEPEST) {
            this.isTruncated = true
            parser.pause()
            return
          }
          const local = localName(name)
          open.push(local)
          if (open.length === 1 || this.kind === 'none') this.kind = ROOTS[local] ?? this.kind
          if (entryDepth === 0 && ENTRIES.has(local)) {
            entryDepth = open.length
            loc = bare = link = guid = lastmod = ''
          } else if (entryDepth > 0 && open.length === entryDepth + 1 && local === 'link') {
            // Atom: the page itself is the alternate of its entry.
            const rel = attributes['rel']
            if (link === '' && !name.includes(':') && (rel === undefined || rel === 'alternate'))
              link = attributes['href'] ?? ''
          }
        },
        ontext: (text) => {
          if (entryDepth === 0) return
          if (open.length === entryDepth) bare = joined(bare, text)
          else if (open.length === entryDepth + 1) {
            const local = open[entryDepth]!
            if (local === 'loc' || local === 'link') loc = joined(loc, text)
            else if (local === 'guid') guid = joined(guid, text)
            else if (DATES.has(local)) lastmod = joined(lastmod, text)
          }
        },
        onclosetag: () => {
          const local = open.pop()
          if (entryDepth === 0 || open.length >= entryDepth) return
          entryDepth = 0
          // Some indexes put the URL into the entry itself, some feeds into the guid.
          const texts = [loc, link, ...[bare, guid].filter((text) => /^\s*https?:/i.test(text))]
          const found = texts.map((text) => withoutEntities(text, entities).trim()).find((text) => text !== '')
          if (found !== undefined) this.#add(local === 'sitemap', found, lastmod.trim())
        },
        onprocessinginstruction: (_name, data) => {
          const entity = /^!(?:DOCTYPE[^[]*\[\s*<!)?ENTITY\s+([\w.:-]+)/i.exec(data)?.[1]
          if (entity !== undefined && entities.size < MAX_ENTITIES) entities.add(entity)
        },
      },
      { xmlMode: true },
    )
    return parser
  }

  #add(isSitemap: boolean, loc: string, lastmod: string): void {
    if (this.#entriesLeft <= 0) {
      this.isTruncated = true
      return
    }
    this.#entriesLeft--
    if (isSitemap) this.#handlers.onSitemap(loc)
    else this.#handlers.onUrl(lastmod === '' ? { loc } : { loc, lastmod })
  }
}

/** UTF-8 unless a mark or the XML declaration says otherwise; what comes first is in the first piece. */
function decoderOf(first: Uint8Array): InstanceType<typeof TextDecoder> {
  const [a, b] = first
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return new TextDecoder('utf-16le')
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return new TextDecoder('utf-16be')
  const start = Buffer.from(first.buffer, first.byteOffset, Math.min(first.length, 200)).toString('latin1')
  const label = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1]
  // Text that was found to be bytes is not UTF-16.
  if (label === undefined || /^utf-?(?:8|16)/i.test(label)) return new TextDecoder()
  try {
    return new TextDecoder(label)
  } catch {
    return new TextDecoder()
  }
}

function withoutEntities(text: string, entities: ReadonlySet<string>): string {
  if (entities.size === 0 || !text.includes('&')) return text
  return text.replace(/&([\w.:-]+);/g, (reference, name: string) => (entities.has(name) ? '' : reference))
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1).toLowerCase()
}

function joined(text: string, more: string): string {
  return text.length >= LONGEST ? text : (text + more).slice(0, LONGEST)
}
