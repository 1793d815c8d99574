/**
 * The page as extractors see it. Body, text and tree are made when they are first asked for. Runs in a worker: knows no
 * network, no clock and no other page.
 */
import { readFileSync } from 'node:fs'
import { articleOf } from './article.ts'
import type { Article } from './article.ts'
import { decodeText, sniffCharset } from '../http/charset.ts'
import { isHtml, isText, isXml } from '../http/content-type.ts'
import { headerValue } from '../http/headers.ts'
import { detach } from '../url/detach.ts'
import type { FollowedLink, PageInput } from './extraction.ts'
import type { Feed } from './feed/feed.ts'
import { readFeed } from './feed/read-feed.ts'
import { jsonPath } from './json-path.ts'
import { allMatches, firstMatch } from './match.ts'
import { isPdf, openPdf } from './pdf.ts'
import type { PdfFile } from './pdf.ts'
import { rdfaOf } from './rdfa.ts'
import { PageElement, TreeContext } from './selection.ts'
import { jsonLdOf, metaOf, microdataOf, openGraphOf } from './structured-data.ts'
import type { MicrodataItem } from './structured-data.ts'
import { tableRows } from './table.ts'
import type { TableRow } from './table.ts'
import { findAll, findFirst } from './tree/query.ts'
import { PAGE, Tree } from './tree/tree.ts'
import { collapse, stripUrl } from './white-space.ts'
import { evaluate, plainDocument } from './xpath.ts'
import type { PlainNode, XPathValue } from './xpath.ts'

export interface FollowOptions {
  /** Seen again by the pages that are followed. */
  readonly label?: string | undefined
  /** Proxy of these links alone, `scheme://[user:password@]host:port`, or `direct`. */
  readonly proxy?: string | undefined
}

/** What `follow` takes: URLs and elements with one; undefined counts as none. */
export type FollowTarget = string | URL | PageElement | undefined

/** Milliseconds that a regular expression may take, unless it is given others. */
const MATCH_MS = 1000

export interface PageHeaders {
  /** Values joined by `, `; null where the header is absent (as in WHATWG `Headers`). */
  get(name: string): string | null
  has(name: string): boolean
}

export class ExtractPage {
  /** Canonical URL of the request. */
  readonly url: string
  /** URL that answered. */
  readonly final: string
  readonly status: number
  readonly headers: PageHeaders
  /** MIME essence, '' where the server named none. */
  readonly contentType: string
  readonly depth: number
  /** What `follow` said when the link was found. */
  readonly label: string | undefined
  /** Columns of the input row. */
  readonly input: Readonly<Record<string, string | number>> | undefined
  readonly #source: PageInput
  readonly #links: FollowedLink[]
  #body: Uint8Array | undefined
  #text: string | undefined
  #context: TreeContext | undefined
  #json: { readonly value: unknown } | undefined
  #document: PlainNode | undefined

  /** @param links where `follow` puts what it is given. */
  constructor(source: PageInput, links: FollowedLink[]) {
    this.#source = source
    this.#links = links
    this.url = source.url
    this.final = source.final
    this.status = source.status
    this.contentType = source.contentType
    this.depth = source.depth
    this.label = source.label
    this.input = source.input
    this.headers = {
      get: (name) => headerValue(source.rawHeaders, name) ?? null,
      has: (name) => headerValue(source.rawHeaders, name) !== undefined,
    }
  }

  /** Decoded bytes (no content coding). */
  get body(): Uint8Array {
    return (this.#body ??= this.#source.file === undefined ? this.#source.body : readFileSync(this.#source.file))
  }

  /** Text of the body: byte order mark, then header, then what the page declares, then a default (WHATWG). */
  text(): string {
    return (this.#text ??= decodeText(this.body, this.#charset()))
  }

  /** The body as JSON. @throws {SyntaxError} with the place, where it is none. */
  json(): unknown {
    return JSON.parse(this.text()) as unknown
  }

  /**
   * Values of the body, which is JSON, that a JSONPath query (RFC 9535) finds, in the order of the document.
   *
   * @throws {SluiceError} OPTION_INVALID for what is no query.
   * @throws {SyntaxError} for what is no JSON.
   */
  jsonPath(query: string): unknown[] {
    this.#json ??= { value: this.json() }
    return jsonPath(query, this.#json.value)
  }

  /**
   * First match of a regular expression in the page, or in a text of it. One that runs away is stopped after `limitMs`;
   * the page then fails with its name.
   *
   * @throws {SluiceError} EXTRACT_TIMEOUT
   */
  match(pattern: RegExp, text: string = this.text(), limitMs: number = MATCH_MS): RegExpExecArray | undefined {
    return firstMatch(pattern, text, limitMs)
  }

  /** All matches, with the limit for all together. @throws {SluiceError} EXTRACT_TIMEOUT */
  matches(pattern: RegExp, text: string = this.text(), limitMs: number = MATCH_MS): RegExpExecArray[] {
    return allMatches(pattern, text, limitMs)
  }

  /** First match in the order of the page; undefined without one. */
  $(selector: string): PageElement | undefined {
    const context = this.#parsed()
    const node = findFirst(context.tree, selector, PAGE)
    return node < 0 ? undefined : new PageElement(node, context)
  }

  /** All matches. Pages that are no text (PDF, images) have no elements. */
  $$(selector: string): PageElement[] {
    const context = this.#parsed()
    return findAll(context.tree, selector, PAGE).map((node) => new PageElement(node, context))
  }

  /**
   * Rows of the first table that matches, or lies in what matches, each cell under the name of its column; none without
   * such a table. Cells that span several rows or columns are in each of them.
   */
  table(selector = 'table'): TableRow[] {
    const found = this.$(selector)
    const table = found === undefined || found.name === 'table' ? found : found.$('table')
    return table === undefined ? [] : tableRows(table)
  }

  /**
   * What an XPath gives, in the order of the page: elements and attributes as their text, numbers and truths as they
   * are. Needs the package `fontoxpath`. @throws {SluiceError} DEPENDENCY_MISSING, OPTION_INVALID
   */
  xpath(expression: string): XPathValue[] {
    const { contentType } = this
    const isMarkup = contentType === '' || isText(contentType)
    this.#document ??= plainDocument(isMarkup ? this.text() : '', this.#isXml())
    return evaluate(expression, this.#document)
  }

  /**
   * The readable part of the page with its title, author and date; undefined for a page without text. Needs the packages
   * `@mozilla/readability` and `linkedom` 0.18.12. @throws {SluiceError} DEPENDENCY_MISSING
   */
  article(): Article | undefined {
    return articleOf(this.text(), this.#parsed().base)
  }

  /**
   * The page as a PDF file, to be closed; undefined for what is none. Needs the package `unpdf`.
   *
   * @throws {SluiceError} DEPENDENCY_MISSING
   * @throws {Error} where the file is encrypted or broken beyond repair.
   */
  async pdf(): Promise<PdfFile | undefined> {
    return isPdf(this.body) ? openPdf(this.body) : undefined
  }

  /** Text of the first `title`, white space collapsed. */
  get title(): string | undefined {
    const title = this.$('title')?.text()
    return title === undefined ? undefined : detach(collapse(title))
  }

  /**
   * http and https URLs of `a` and `area` elements, resolved, each once. With a selector: of the matching elements, and
   * for those that are no links themselves, of the links within.
   */
  links(selector = 'a[href], area[href]'): string[] {
    const context = this.#parsed()
    const { tree } = context
    const found = new Set<string>()
    const add = (href: string): void => {
      const url = context.resolve(href)
      if (url !== undefined && isWeb(url)) found.add(url)
    }
    for (const node of findAll(tree, selector, PAGE)) {
      const href = tree.valueOf(node, 'href')
      if (href !== undefined) add(href)
      else for (const link of findAll(tree, 'a[href], area[href]', node)) add(tree.valueOf(link, 'href')!)
    }
    return [...found]
  }

  /**
   * Has links fetched, within the job's scope. They are resolved against the page's base (where the page is no markup:
   * against `final`); what is no http or https URL is passed over.
   */
  follow(links: FollowTarget | Iterable<FollowTarget>, options: FollowOptions = {}): void {
    const { label, proxy } = options
    const targets = typeof links === 'object' && Symbol.iterator in links ? links : [links]
    for (const target of targets) {
      const given = target instanceof PageElement ? target.url() : target
      if (given === undefined) continue
      const url = URL.parse(stripUrl(String(given)), this.#base())?.href
      if (url !== undefined && isWeb(url))
        this.#links.push({ url: detach(url), label, ...(proxy === undefined ? {} : { proxy }) })
    }
  }

  /** Objects of all `application/ld+json` scripts, lists and `@graph` taken apart; scripts that are no JSON are left out. */
  jsonLd(): Record<string, unknown>[] {
    return jsonLdOf(this.#parsed())
  }

  /** First value of each `meta property` with a prefix: `og:title`, `product:price:amount`. Names in lower case. */
  openGraph(): Record<string, string> {
    return openGraphOf(this.#parsed())
  }

  /** Top-level microdata items as the HTML standard writes them in JSON. */
  microdata(): MicrodataItem[] {
    return microdataOf(this.#parsed())
  }

  /** Top-level items of RDFa (Lite), in the shape of `microdata()`. */
  rdfa(): MicrodataItem[] {
    return rdfaOf(this.text(), this.#isXml(), this.#parsed().base)
  }

  /** Content of the first `meta` with this `name` or `property`, without case. */
  meta(name: string): string | undefined {
    return metaOf(this.#parsed(), name)
  }

  /**
   * The page as a feed: RSS, Atom, RDF, CDF or JSON Feed, whatever its type is said to be; undefined for what is none.
   * URLs are absolute, markup holds nothing that runs.
   */
  feed(): Feed | undefined {
    // A feed that is sent as `text/html` is XML nevertheless.
    const text = isXml(this.contentType) ? this.text() : decodeText(this.body, this.#charset('xml'))
    const location = URL.parse(this.headers.get('content-location') ?? '', this.final)
    const base = location !== null && isWeb(location.href) ? location.href : this.final
    return readFeed(text, base, this.headers.get('content-language') ?? undefined)
  }

  #charset(kind?: 'xml' | 'html'): string {
    // RFC 8259: JSON is UTF-8, whatever else is said.
    const isJson = /^(?:application|text)\/(?:json|.*\+json)$/.test(this.contentType)
    const declared = this.#source.charset ?? (isJson ? 'utf-8' : undefined)
    return sniffCharset(this.body, declared, kind ?? (this.#isXml() ? 'xml' : 'html'))
  }

  #isXml(): boolean {
    return isXml(this.contentType) && !isHtml(this.contentType)
  }

  #base(): string {
    const { contentType } = this
    return contentType === '' || isHtml(contentType) || isXml(contentType) ? this.#parsed().base : this.final
  }

  #parsed(): TreeContext {
    if (this.#context !== undefined) return this.#context
    const { contentType } = this
    const isMarkup = contentType === '' || isText(contentType)
    const tree = new Tree(isMarkup ? this.text() : '', this.#isXml())
    const element = tree.isXml ? -1 : findFirst(tree, 'base[href]', PAGE)
    const href = element < 0 ? undefined : tree.valueOf(element, 'href')
    const base = (href === undefined ? undefined : URL.parse(stripUrl(href), this.final)?.href) ?? this.final
    return (this.#context = new TreeContext(tree, base))
  }
}

function isWeb(url: string): boolean {
  return url.startsWith('http:') || url.startsWith('https:')
}
