/**
 * The scanner: one pass over a page's bytes, made for the fetching thread. It builds no tree: it walks from tag to tag,
 * looks only at elements that can hold what was asked for, and decodes only the values it returns. Scripts are not run,
 * so what `noscript` holds counts; so does what `template` holds.
 */
import type { LinkKind, PageFacts, PageLink, PageScanner, ScanWant } from './extractor.ts'
import { Foreign } from './foreign.ts'
import * as Slot from './markup.ts'
import { Markup } from './markup.ts'
import { rawTextEnd, scriptEnd } from './raw-text.ts'
import { parseRefresh } from '../http/refresh.ts'
import { parseSrcset } from './srcset.ts'
import * as Tag from './tag-names.ts'
import { LONGEST_VALUE, Values } from './values.ts'
import { stripUrl } from './white-space.ts'

const MAX_LINKS = 100_000
/** Directives kept of one page, and characters of one. */
const MAX_DIRECTIVES = 64
const MAX_DIRECTIVE = 200

/** Links by `<link rel>` that name something to fetch. */
const LINK_RELS = new Set(
  'stylesheet icon apple-touch-icon mask-icon manifest preload modulepreload prefetch alternate next prev'.split(' '),
)

/** Elements with text that is not markup. */
const RAW_TEXT: readonly (readonly [tag: number, name: string])[] = [
  [Tag.IFRAME, 'iframe'],
  [Tag.NOEMBED, 'noembed'],
  [Tag.NOFRAMES, 'noframes'],
  [Tag.STYLE, 'style'],
  [Tag.TEXTAREA, 'textarea'],
  [Tag.TITLE, 'title'],
  [Tag.XMP, 'xmp'],
]
const rawNames = new Map(RAW_TEXT)

/** What the elements of each kind of link are. `meta`, `link` and `base` are always read: facts come from them. */
const ELEMENTS: Readonly<Partial<Record<LinkKind, readonly number[]>>> = {
  a: [Tag.A],
  area: [Tag.AREA],
  frame: [Tag.FRAME, Tag.IFRAME],
  img: [Tag.IMG, Tag.IMAGE],
  srcset: [Tag.IMG, Tag.IMAGE, Tag.SOURCE],
  script: [Tag.SCRIPT],
  form: [Tag.FORM],
}

/**
 * Facts and links of one page. Never throws; takes time linear in the length of the page. Strings of the result may
 * keep the page alive: detach what is kept (`url/detach.ts`).
 */
export const scanPage: PageScanner = (body, want) => {
  if (want.headOnly === true && body.length > HEAD_BYTES) {
    const head = new PageScan(body.subarray(0, HEAD_BYTES), want)
    const facts = head.run()
    if (head.sawHeadEnd) return facts
  }
  return new PageScan(body, want).run()
}

/** Nearly every head ends within this; reading the whole page for it costs more than the head itself. */
const HEAD_BYTES = 8_192

class PageScan {
  readonly #values: Values
  readonly #markup: Markup
  readonly #foreign = new Foreign()
  readonly #want: ScanWant
  readonly #headOnly: boolean
  /** The walk of a head ended where the head does, not where the bytes do. */
  sawHeadEnd = false
  /** Bit n: attributes of element n are read. */
  #read: number
  #room: number
  #title: string | undefined
  #base: string | undefined
  #canonical: string | undefined
  readonly #robots: string[] = []
  readonly #links: PageLink[] = []

  constructor(body: Uint8Array, want: ScanWant) {
    this.#want = want
    this.#values = new Values(body, want.charset)
    this.#markup = new Markup(this.#values.text)
    this.#headOnly = want.headOnly === true
    this.#room = this.#headOnly ? 0 : (want.maxLinks ?? MAX_LINKS)
    this.#read = (1 << Tag.BASE) | (1 << Tag.LINK) | (1 << Tag.META)
    if (this.#room > 0) {
      for (const kind of want.kinds) for (const tag of ELEMENTS[kind] ?? []) this.#read |= 1 << tag
    }
  }

  run(): PageFacts {
    this.#walk()
    return {
      title: this.#title ?? '',
      base: this.#base,
      canonical: this.#canonical,
      robots: this.#robots,
      charset: this.#values.charset.toLowerCase(),
      links: this.#links,
    }
  }

  #walk(): void {
    const markup = this.#markup
    const { text } = markup
    const foreign = this.#foreign
    let at = 0
    // -1 where the page ends inside a tag, which then is none.
    while (at >= 0) {
      const less = text.indexOf('<', at)
      if (less < 0) return
      const c = text.charCodeAt(less + 1)
      const letter = c | 32
      if (letter >= 97 && letter <= 122) {
        const nameEnd = markup.nameEnd(less + 1)
        if (foreign.isInside) at = this.#foreignStart(less + 1, nameEnd)
        else {
          const tag = Tag.tagOf(text, less + 1, nameEnd)
          at = tag === Tag.OTHER ? markup.skipTag(nameEnd) : this.#start(tag, nameEnd)
        }
      } else if (c === 47) at = this.#end(less)
      else if (c === 33) at = this.#declaration(less)
      else if (c === 63) at = markup.behindGreater(less + 2)
      else at = less + 1
    }
  }

  #declaration(less: number): number {
    const markup = this.#markup
    const { text } = markup
    if (text.charCodeAt(less + 2) === 45 && text.charCodeAt(less + 3) === 45) return markup.behindComment(less)
    if (this.#foreign.allowsCdata && text.startsWith('[CDATA[', less + 2)) {
      const close = text.indexOf(']]>', less + 9)
      return close < 0 ? -1 : close + 3
    }
    return markup.behindGreater(less + 2)
  }

  #end(less: number): number {
    const markup = this.#markup
    const { text } = markup
    const letter = text.charCodeAt(less + 2) | 32
    if (letter < 97 || letter > 122) return markup.behindGreater(less + 2)
    if (this.#foreign.isInside) {
      const nameEnd = markup.nameEnd(less + 2)
      this.#foreign.close(text.slice(less + 2, nameEnd).toLowerCase())
      return markup.skipTag(nameEnd)
    }
    if (this.#headOnly) {
      const nameEnd = markup.nameEnd(less + 2)
      return Tag.tagOf(text, less + 2, nameEnd) === Tag.HEAD ? this.#headEnd() : markup.skipTag(nameEnd)
    }
    return markup.skipTag(markup.nameEnd(less + 2))
  }

  #headEnd(): number {
    this.sawHeadEnd = true
    return -1
  }

  #foreignStart(start: number, nameEnd: number): number {
    const markup = this.#markup
    const { text } = markup
    const behind = markup.readTag(nameEnd)
    if (behind < 0) return -1
    const name = text.slice(start, nameEnd).toLowerCase()
    const { isSelfClosing } = markup
    const hasFont = markup.starts[Slot.FONT]! >= 0
    const encoding = (this.#attribute(Slot.ENCODING) ?? '').toLowerCase()
    if (!this.#foreign.open(name, isSelfClosing, hasFont, encoding)) {
      const tag = Tag.tagOf(text, start, nameEnd)
      return tag === Tag.OTHER ? behind : this.#start(tag, nameEnd)
    }
    const href = this.#url(Slot.HREF) ?? this.#url(Slot.XLINK_HREF)
    if (name === 'a') this.#add(href, 'a', this.#isNofollow())
    else if (name === 'image') this.#add(href, 'img', false)
    else if (name === 'script') this.#add(href, 'script', false)
    return behind
  }

  /** A start tag of HTML: index behind the element's raw text, else behind the tag. */
  #start(tag: number, nameEnd: number): number {
    const markup = this.#markup
    let behind: number
    if (((this.#read >> tag) & 1) === 1) {
      behind = markup.readTag(nameEnd)
      if (behind < 0) return -1
      this.#element(tag)
    } else if (tag === Tag.SVG || tag === Tag.MATH) {
      behind = markup.readTag(nameEnd)
      if (behind < 0) return -1
      this.#foreign.open(tag === Tag.SVG ? 'svg' : 'math', markup.isSelfClosing, false, '')
      return behind
    } else {
      if (this.#headOnly && (tag === Tag.BODY || tag === Tag.FRAMESET)) return this.#headEnd()
      behind = markup.skipTag(nameEnd)
      if (behind < 0) return -1
    }
    if (tag === Tag.SCRIPT) return scriptEnd(markup.text, behind)
    if (tag === Tag.PLAINTEXT) return -1
    const raw = rawNames.get(tag)
    if (raw === undefined) return behind
    const end = rawTextEnd(markup.text, behind, raw)
    if (tag === Tag.TITLE) this.#title ??= this.#values.title(behind, end)
    return end
  }

  #element(tag: number): void {
    switch (tag) {
      case Tag.A:
        this.#add(this.#url(Slot.HREF), 'a', this.#isNofollow())
        return
      case Tag.AREA:
        this.#add(this.#url(Slot.HREF), 'area', this.#isNofollow())
        return
      case Tag.FRAME:
      case Tag.IFRAME:
        this.#add(this.#url(Slot.SRC), 'frame', false)
        return
      case Tag.IMG:
      case Tag.IMAGE:
        this.#add(this.#url(Slot.SRC), 'img', false)
        this.#addSrcset()
        return
      case Tag.SOURCE:
        this.#addSrcset()
        return
      case Tag.SCRIPT:
        this.#add(this.#url(Slot.SRC), 'script', false)
        return
      case Tag.FORM:
        this.#add(this.#url(Slot.ACTION), 'form', false)
        return
      case Tag.BASE:
        this.#base ??= this.#url(Slot.HREF)
        return
      case Tag.LINK:
        this.#link()
        return
      case Tag.META:
        this.#meta()
    }
  }

  #link(): void {
    const rel = this.#attribute(Slot.REL)
    if (rel === undefined) return
    const words = rel.toLowerCase().split(/[\t\n\f\r ]+/)
    const isCanonical = words.includes('canonical')
    if (!isCanonical && !this.#want.kinds.has('link')) return
    const href = this.#url(Slot.HREF)
    if (href === undefined) return
    if (isCanonical) {
      if (href !== '') this.#canonical ??= href
      this.#add(href, 'canonical', false)
    } else if (words.some((word) => LINK_RELS.has(word))) this.#add(href, 'link', isNofollow(rel))
  }

  #meta(): void {
    const { starts, ends } = this.#markup
    if (starts[Slot.CONTENT]! < 0) return
    const isForUs = this.#values.mayBe(starts[Slot.NAME]!, ends[Slot.NAME]!, 'robots', this.#want.agent)
    const isRefresh = this.#room > 0 && starts[Slot.HTTP_EQUIV]! >= 0 && this.#want.kinds.has('refresh')
    if (!isForUs && !isRefresh) return
    const content = this.#attribute(Slot.CONTENT)
    if (content === undefined) return
    const name = this.#attribute(Slot.NAME)?.trim().toLowerCase()
    if (name === 'robots' || (name !== undefined && name === this.#want.agent)) this.#addDirectives(content)
    if (isRefresh) {
      if (this.#attribute(Slot.HTTP_EQUIV)?.toLowerCase() !== 'refresh') return
      const target = parseRefresh(content)
      if (target !== undefined && target !== '') this.#add(stripUrl(target), 'refresh', false)
    }
  }

  #addDirectives(content: string): void {
    for (const part of content.toLowerCase().split(',')) {
      const directive = part
        .trim()
        .slice(0, MAX_DIRECTIVE)
        .replace(/\s*:\s*/, ':')
      if (directive === '' || this.#robots.includes(directive)) continue
      if (this.#robots.length >= MAX_DIRECTIVES) return
      this.#robots.push(directive)
    }
  }

  #addSrcset(): void {
    if (!this.#want.kinds.has('srcset')) return
    const srcset = this.#attribute(Slot.SRCSET)
    if (srcset !== undefined) for (const url of parseSrcset(srcset)) this.#add(stripUrl(url), 'srcset', false)
  }

  #add(href: string | undefined, kind: LinkKind, nofollow: boolean): void {
    if (href === undefined || this.#room <= 0 || !this.#want.kinds.has(kind)) return
    this.#links.push({ href, kind, nofollow })
    this.#room--
  }

  #isNofollow(): boolean {
    if (this.#markup.starts[Slot.REL]! < 0) return false
    return isNofollow(this.#attribute(Slot.REL) ?? '')
  }

  #url(slot: number): string | undefined {
    const start = this.#markup.starts[slot]!
    const end = this.#markup.ends[slot]!
    return start < 0 || end - start > LONGEST_VALUE ? undefined : this.#values.url(start, end)
  }

  #attribute(slot: number): string | undefined {
    const start = this.#markup.starts[slot]!
    const end = this.#markup.ends[slot]!
    return start < 0 || end - start > LONGEST_VALUE ? undefined : this.#values.attribute(start, end)
  }
}

function isNofollow(rel: string): boolean {
  return /(?:^|[\t\n\f\r ])(?:nofollow|ugc|sponsored)(?:$|[\t\n\f\r ])/i.test(rel)
}
