/**
 * RSS of all versions, Atom 0.3 and 1.0, RDF and CDF, read in one pass: the parser of htmlparser2 forgives what XML does
 * not, this file knows the elements. Nothing throws: what cannot be read is left out. Expands no entities but those of
 * HTML, which feeds use without declaring them.
 */
import { decodeHTMLAttribute, decodeHTMLStrict } from 'entities/decode'
import { Parser } from 'htmlparser2'
import { optional } from '../optional.ts'
import { Draft } from './draft.ts'
import type { PersonDraft } from './draft.ts'
import type { Feed, FeedEntry } from './feed.ts'
import { Markup } from './markup.ts'
import { DATES, PEOPLE, PERSON_PARTS, TEXTS, VALUES } from './names.ts'
import { resolveSafe } from '../safe-url.ts'
import { EXPLICIT, completePerson, naturalOf, secondsOf } from './values.ts'
import { keyOf, rebased, rootOf, withDeclared } from './xml-names.ts'
import type { Attributes, Root, Spaces } from './xml-names.ts'

/** An open element. */
interface Frame {
  /** Name in lower case, with the usual prefix of its namespace. */
  readonly key: string
  readonly attributes: Attributes
  /** What it tells something about. */
  readonly owner: Draft
  readonly person: PersonDraft | undefined
  readonly base: string
  readonly language: string | undefined
  readonly spaces: Spaces
  /** Collects what a text with markup holds; its elements get no frames. */
  readonly markup: Markup | undefined
  text: string
}

/**
 * @param base Absolute URL that relative ones start from, until `xml:base` names another.
 * @returns undefined where the root element is not that of a feed.
 */
export function readXmlFeed(text: string, base: string, language: string | undefined): Feed | undefined {
  return new Reader(base, language).read(text)
}

class Reader {
  readonly #feed = new Draft()
  readonly #entries: FeedEntry[] = []
  readonly #frames: Frame[] = []
  readonly #outside: Frame
  #root: Root | undefined
  #entry: Draft | undefined
  #isCdata = false
  /** Elements within text with markup that are open. */
  #inside = 0

  constructor(base: string, language: string | undefined) {
    const spaces: Spaces = new Map()
    const rest = { person: undefined, spaces, markup: undefined, text: '' }
    this.#outside = { key: '', attributes: {}, owner: this.#feed, base, language, ...rest }
  }

  read(text: string): Feed | undefined {
    const parser = new Parser(
      {
        onopentag: (name, attributes) => this.#open(name, attributes),
        ontext: (part) => this.#text(this.#isCdata ? part : decodeHTMLStrict(part)),
        oncdatastart: () => (this.#isCdata = true),
        oncdataend: () => (this.#isCdata = false),
        onclosetag: (name) => this.#close(name),
      },
      // The parser would leave the entities of HTML as they are, and what they are could no longer be told.
      { xmlMode: true, decodeEntities: false },
    )
    parser.end(text)
    if (this.#root === undefined) return undefined
    const { texts } = this.#feed
    return {
      ...this.#root,
      ...this.#feed.parts(),
      ...optional('generator', texts.get('generator')),
      ...optional('ttl', texts.get('ttl')),
      entries: this.#entries,
    }
  }

  get #top(): Frame {
    return this.#frames.at(-1) ?? this.#outside
  }

  #text(text: string): void {
    const top = this.#top
    if (top.markup === undefined) top.text += text
    else top.markup.text(text)
  }

  #open(rawName: string, raw: Attributes): void {
    const above = this.#top
    const attributes: Record<string, string> = {}
    for (const [name, value] of Object.entries(raw)) attributes[name] = decodeHTMLAttribute(value)
    const spaces = withDeclared(above.spaces, attributes)
    if (above.markup !== undefined) {
      this.#inside++
      above.markup.open(rawName, attributes, spaces)
      return
    }
    const key = keyOf(rawName, spaces)
    if (this.#root === undefined) {
      // What is not the root of a feed may hold one (`<doc><rss>`), as some servers wrap it.
      this.#root = rootOf(key, rawName, attributes, spaces)
    }
    const lower = (name: string): string | undefined => attributes[name] ?? attributes[name.toUpperCase()]
    const ownBase = attributes['xml:base'] ?? (key === 'rdf:rdf' ? undefined : lower('base'))
    const language = attributes['xml:lang'] ?? (key === 'link' ? undefined : lower('lang')) ?? above.language
    const frame: Frame = {
      key,
      attributes,
      owner: this.#ownerOf(key, above),
      person: PEOPLE.has(key) ? {} : above.person,
      base: ownBase === undefined ? above.base : rebased(ownBase, above.base),
      language,
      spaces,
      markup: undefined,
      text: '',
    }
    const rule = above.person === undefined ? TEXTS.get(key) : undefined
    if (rule === undefined) this.#frames.push(frame)
    else {
      const isAtom1 = this.#root?.format === 'atom' && this.#root.version === '1.0'
      const isAtom = this.#root?.format === 'atom'
      this.#frames.push({ ...frame, markup: new Markup(attributes, rule.type, { isAtom, isAtom1 }) })
    }
    this.#begin(this.#top)
  }

  #close(rawName: string): void {
    const frame = this.#top
    if (this.#inside > 0) {
      this.#inside--
      frame.markup!.close(rawName)
      return
    }
    this.#frames.pop()
    this.#end(frame, this.#frames.length + 1)
  }

  /** Entries, sources, pictures and forms are described by their own elements, everything else describes what it is in. */
  #ownerOf(key: string, above: Frame): Draft {
    switch (key) {
      case 'item':
      case 'entry':
      case 'product':
        return (this.#entry = new Draft())
      case 'source':
        return this.#entry === undefined ? new Draft() : (this.#entry.source = new Draft())
      case 'image':
      case 'textinput':
      case 'cloud':
        return new Draft()
      default:
        return above.owner
    }
  }

  /** What attributes say. */
  #begin(frame: Frame): void {
    const { key, attributes, owner, base } = frame
    switch (key) {
      case 'feed':
      case 'rss':
      case 'channel':
      case 'item':
      case 'entry': {
        if (key !== 'item' && key !== 'entry') {
          const language = attributes['xml:lang'] ?? attributes.lang
          if (language !== undefined) owner.setDefault('language', language.replaceAll('_', '-'))
        }
        this.#cdf(frame)
        const about = Object.entries(attributes).find(([name]) => name.endsWith(':about'))?.[1]
        if (about !== undefined && key === 'item') owner.setDefault('id', about.trim())
        return
      }
      case 'link':
        this.#link(frame)
        return
      case 'enclosure':
      case 'media:content': {
        const url = attributes.url ?? attributes.href ?? attributes.uri
        if (url === undefined) return
        this.#enclosure(owner, { ...attributes, href: resolveSafe(url, base) })
        return
      }
      case 'media:thumbnail':
      case 'itunes:image': {
        const url = attributes.href ?? attributes.url
        if (url !== undefined) owner.set('image', resolveSafe(url, base), key === 'itunes:image' ? 1e6 : 2e6)
        return
      }
      case 'itunes:category':
        owner.addCategory({ term: (attributes.text ?? '').trim(), scheme: 'http://www.itunes.com/' })
    }
  }

  /** CDF says with attributes what others say with elements. */
  #cdf({ attributes, owner, base }: Frame): void {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.toLowerCase() === 'href') {
        const href = resolveSafe(value, base)
        owner.links.push({ href, rel: 'alternate', type: 'text/html' })
        owner.set('link', href, this.#frames.length)
      } else if (name.toLowerCase() === 'lastmod') owner.setDate('updated', value.trim(), this.#frames.length)
    }
  }

  #link({ attributes, owner, base }: Frame): void {
    const rel = attributes.rel?.trim() || 'alternate'
    const type = attributes.type?.trim() || (rel === 'self' ? 'application/atom+xml' : 'text/html')
    const href = attributes.href ?? attributes.url ?? attributes.uri
    const resolved = href === undefined ? '' : resolveSafe(href, base)
    const { title, hreflang, length } = attributes
    owner.links.push({
      href: resolved,
      rel,
      type,
      ...optional('title', title),
      ...optional('hreflang', hreflang),
      ...optional('length', length),
    })
    if (href === undefined) return
    if (rel === 'enclosure') this.#enclosure(owner, { ...attributes, href: resolved })
    else if (rel === 'alternate' && /^(?:text\/html|application\/xhtml\+xml|html|xhtml)$/i.test(type)) {
      owner.set('link', resolved, this.#frames.length)
    }
  }

  #enclosure(owner: Draft, attributes: Attributes): void {
    const { href, type, length, fileSize, duration } = attributes
    if (href === undefined || href === '') return
    owner.addEnclosure({
      url: href,
      ...optional('type', type),
      ...optional('length', naturalOf(length ?? fileSize)),
      ...optional('duration', naturalOf(duration)),
    })
  }

  /** What an element holds, once it is complete. */
  #end(frame: Frame, depth: number): void {
    const { key, owner, attributes, base, person, markup } = frame
    const above = this.#top
    const text = frame.text.trim()
    if (markup !== undefined) {
      this.#endText(frame, markup, depth)
      return
    }
    const role = PEOPLE.get(key)
    if (role !== undefined && person !== undefined) {
      completePerson(person, text)
      if (role === 'author') owner.authors.push(person)
      else if (role === 'contributor') owner.contributors.push(person)
      return
    }
    const part = PERSON_PARTS.get(key)
    if (person !== undefined && part !== undefined) {
      if (text !== '') person[part] = part === 'url' ? resolveSafe(text, base) : text
      return
    }
    const date = DATES.get(key)
    if (date !== undefined) {
      owner.setDate(date, text, depth)
      return
    }
    switch (key) {
      case 'item':
      case 'entry':
      case 'product':
        this.#entries.push(owner.entry())
        this.#entry = undefined
        return
      case 'source':
        if (text !== '') owner.setDefault('title', text)
        if (attributes.url !== undefined) owner.setDefault('link', resolveSafe(attributes.url, base))
        return
      case 'image': {
        const url = owner.texts.get('image') ?? attributes.href ?? attributes.url
        if (url !== undefined) above.owner.set('image', resolveSafe(url, base), depth)
        return
      }
      case 'url':
        // Of a picture.
        owner.set('image', resolveSafe(text, base), depth)
        return
      case 'link':
        if (text !== '' && attributes.href === undefined) this.#textLink(frame, text, depth)
        return
      case 'id':
      case 'guid':
        this.#id(frame, text, depth)
        return
      case 'enclosure':
      case 'cloud':
      case 'textinput':
        return
      case 'category':
      case 'dc:subject':
      case 'keywords':
      case 'media:category': {
        const { term, domain, scheme, label } = attributes
        owner.addCategory({
          term: (term ?? text).trim(),
          ...optional('scheme', scheme ?? domain),
          ...optional('label', label),
        })
        return
      }
      case 'itunes:keywords':
        for (const word of text.split(',')) {
          owner.addCategory({ term: word.trim(), scheme: 'http://www.itunes.com/' })
        }
        return
      case 'itunes:explicit':
        owner.explicit = EXPLICIT[text]
        return
      case 'itunes:duration':
        owner.duration = secondsOf(text)
        return
      default: {
        const field = VALUES.get(key)
        if (field === undefined) return
        const isUrl = field === 'image' || field === 'comments'
        owner.set(field, isUrl ? resolveSafe(text, base) : text, depth)
      }
    }
  }

  #textLink({ owner, base }: Frame, text: string, depth: number): void {
    const href = resolveSafe(text, base)
    const link = owner.links.findLast((each) => each.href === '')
    if (link !== undefined) link.href = href
    if (link === undefined || link.rel === 'alternate') {
      owner.set('link', href, depth)
      owner.hasGuidLink = false
    }
  }

  #id({ key, attributes, owner, base }: Frame, text: string, depth: number): void {
    const isLink = key === 'guid' && (attributes.isPermaLink ?? attributes.ispermalink ?? 'true') === 'true'
    // An id is a name: only what can be nothing but a path is resolved.
    owner.set('id', /^\.{0,2}\//.test(text) && (key === 'id' || isLink) ? resolveSafe(text, base) : text, depth)
    if (isLink) owner.setDefault('link', resolveSafe(text, base))
  }

  #endText({ key, owner, base, language }: Frame, markup: Markup, depth: number): void {
    const rule = TEXTS.get(key)!
    const { value, type } = markup.end(base)
    const isFeed = owner === this.#feed
    let { field } = rule
    if (isFeed || owner !== this.#entry) {
      if (field === 'summary' || field === 'content') field = 'subtitle'
    } else if (field === 'summary' && owner.texts.has('summary') && key !== 'media:description') {
      // RSS: of two the second is the content.
      if (owner.content.length === 0) field = 'content'
    }
    if (field === 'content') {
      owner.content.push({
        value,
        type,
        ...optional('src', markup.src === undefined ? undefined : resolveSafe(markup.src, base)),
        ...optional('language', language === '' ? undefined : language?.replaceAll('_', '-')),
      })
    } else if (key === 'media:title') owner.setDefault(field, value)
    else if (field === 'title') owner.setFirst(field, value, depth)
    else owner.set(field, value, depth)
  }
}
