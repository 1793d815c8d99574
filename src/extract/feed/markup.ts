/** The text of one element of a feed that may hold markup, escaped, inline or in base64: collected, decoded, made safe. */
import { safeHtml } from '../safe-html.ts'

const XHTML = 'application/xhtml+xml'
const HTML = 'text/html'
const PLAIN = 'text/plain'

const TYPES: Readonly<Record<string, string>> = {
  text: PLAIN,
  plain: PLAIN,
  html: HTML,
  xhtml: XHTML,
}

/** Elements that make a text of no declared type HTML, and the references that do. */
const TAGS = new Set(
  (
    'a abbr acronym address area b big blockquote br caption center cite code col colgroup dd del dfn dir div dl dt em ' +
    'fieldset font form h1 h2 h3 h4 h5 h6 hr i img input ins kbd label legend li map menu ol optgroup option p pre q s ' +
    'samp select small span strike strong sub sup table tbody td textarea tfoot th thead tr tt u ul var'
  ).split(' '),
)

const SPACES: Readonly<Record<string, string>> = {
  'http://www.w3.org/2000/svg': 'svg',
  'http://www.w3.org/1998/Math/MathML': 'math',
}

export interface MarkupContext {
  readonly isAtom: boolean
  /** Of Atom 1.0: the `div` around XHTML is not part of it (RFC 4287, 3.1.1.3). */
  readonly isAtom1: boolean
}

export class Markup {
  readonly src: string | undefined
  #type: string
  #isBase64: boolean
  #text = ''
  readonly #context: MarkupContext
  /** Start tags that were passed over, so that their ends are. */
  readonly #open: boolean[] = []

  constructor(attributes: Readonly<Record<string, string>>, type: string, context: MarkupContext) {
    const own = (attributes.type ?? type).trim().toLowerCase()
    this.src = attributes.src
    this.#context = context
    this.#type = TYPES[own] ?? own
    this.#isBase64 =
      attributes.mode === 'base64' || !(/^text\/|[+/](?:xml|json)$/.test(this.#type) || !this.#type.includes('/'))
  }

  text(text: string): void {
    this.#text += this.#type === XHTML ? escaped(text) : text
  }

  open(rawName: string, attributes: Readonly<Record<string, string>>, spaces: ReadonlyMap<string, string>): void {
    const colon = rawName.indexOf(':')
    const name = rawName.slice(colon + 1)
    if (!/[+/]xml$/.test(this.#type)) {
      // Some feeds wrap escaped markup into a real div.
      const isWrapper = name === 'div'
      this.#open.push(!isWrapper)
      if (isWrapper) return
      this.#type = XHTML
    } else this.#open.push(true)
    let tag = `<${name}`
    for (const [key, value] of Object.entries(attributes)) {
      if (!key.startsWith('xmlns')) tag += ` ${key}="${escaped(value).replaceAll('"', '&quot;')}"`
    }
    const space = spaces.get(colon < 0 ? '' : rawName.slice(0, colon)) ?? ''
    if (SPACES[space] === name) tag += ` xmlns="${space}"`
    this.#text += `${tag}>`
  }

  close(rawName: string): void {
    const name = rawName.slice(rawName.indexOf(':') + 1)
    if (this.#open.pop() !== true) return
    this.#text += `</${name}>`
  }

  /** @param base What relative links within start from. */
  end(base: string): { value: string; type: string } {
    let text = this.#text.trim()
    if (this.#isBase64) {
      const bytes = Buffer.from(text, 'base64')
      const decoded = bytes.toString('utf8')
      if (bytes.length > 0 && !decoded.includes('\ufffd')) text = decoded
    }
    let type = this.#type
    if (type === XHTML && this.#context.isAtom1) text = withoutDiv(text)
    if (!this.#context.isAtom && type === PLAIN && looksLikeHtml(text)) type = HTML
    return { value: type === HTML || type === XHTML ? safeHtml(text, base) : text, type }
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPES[character]!)
}

function withoutDiv(text: string): string {
  const start = /^<div(?:\s[^>]*)?>/.exec(text)
  if (start === null || !text.endsWith('</div>')) return text
  // The div that opens first must be the one that closes last.
  let depth = 0
  for (const tag of text.matchAll(/<(\/?)div(?=[\s>])[^>]*>/g)) {
    depth += tag[1] === '/' ? -1 : 1
    if (depth === 0 && tag.index + tag[0].length < text.length) return text
  }
  return text.slice(start[0].length, -'</div>'.length).trim()
}

/** A text that holds an end tag or a character reference, and no tag but those of HTML. */
function looksLikeHtml(text: string): boolean {
  if (!/<\/\w+>|&#?\w+;/.test(text)) return false
  for (const [, name] of text.matchAll(/<\/?(\w+)/g)) if (!TAGS.has(name!.toLowerCase())) return false
  return true
}
