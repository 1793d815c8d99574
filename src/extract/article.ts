/**
 * The readable part of a page and what it says about itself, by Readability of Mozilla on a document of linkedom: optional
 * packages, loaded with the first page that is asked. linkedom is pinned: later versions cannot be installed.
 */
import { Parser } from 'htmlparser2'
import { optional } from './optional.ts'
import { optionalPackage } from './optional-package.ts'
import { safeHtml } from './safe-html.ts'

export interface Article {
  readonly title: string
  /** Without markup, paragraphs apart by an empty line. */
  readonly text: string
  /** Markup made safe, links absolute. */
  readonly html: string
  readonly byline?: string
  readonly excerpt?: string
  readonly siteName?: string
  readonly language?: string
  readonly direction?: string
  /** As written. */
  readonly published?: string
}

/** What is used of the packages: their types are not needed by who does not use them. */
interface Linkedom {
  parseHTML(html: string): { readonly document: unknown }
}
interface Readability {
  readonly Readability: new (
    document: unknown,
    options: { readonly maxElemsToParse: number },
  ) => { parse(): Readonly<Record<string, string | number | null | undefined>> | null }
}

const NEED = 'page.article()'
const PACKAGES = '@mozilla/readability linkedom@0.18.12'
/** Elements of a page that is taken apart: it costs some 20 µs for each. */
const MOST_ELEMENTS = 100_000

/**
 * @param base Absolute URL that relative links start from.
 * @returns undefined for a page without text.
 * @throws {SluiceError} DEPENDENCY_MISSING
 */
export function articleOf(html: string, base: string): Article | undefined {
  const { parseHTML } = optionalPackage<Linkedom>('linkedom', NEED, PACKAGES)
  const { Readability: Reader } = optionalPackage<Readability>('@mozilla/readability', NEED, PACKAGES)
  // A document without html and body has neither for linkedom; Readability needs both.
  const whole = /<html[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`
  const { document } = parseHTML(whole)
  let found: ReturnType<InstanceType<typeof Reader>['parse']>
  try {
    found = new Reader(document, { maxElemsToParse: MOST_ELEMENTS }).parse()
  } catch {
    // Larger than the limit, or markup that it trips over: no article.
    return undefined
  }
  const content = given(found?.content)
  if (found === null || content === undefined) return undefined
  const text = textOf(content)
  if (text === '') return undefined
  return {
    title: given(found.title) ?? '',
    text,
    html: safeHtml(content, base),
    ...optional('byline', given(found.byline)),
    ...optional('excerpt', given(found.excerpt)),
    ...optional('siteName', given(found.siteName)),
    ...optional('language', given(found.lang)),
    ...optional('direction', given(found.dir)),
    ...optional('published', given(found.publishedTime)),
  }
}

function given(value: string | number | null | undefined): string | undefined {
  const text = String(value ?? '').trim()
  return text === '' ? undefined : text
}

const BLOCKS = new Set(
  'article aside blockquote br div dl dt dd figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul'.split(
    ' ',
  ),
)

/** Paragraphs of the content, an empty line between them. */
function textOf(html: string): string {
  const paragraphs: string[] = []
  let paragraph = ''
  const flush = (): void => {
    const text = paragraph.replace(/\s+/g, ' ').trim()
    if (text !== '') paragraphs.push(text)
    paragraph = ''
  }
  const edge = (name: string): void => {
    if (BLOCKS.has(name)) flush()
    else if (name === 'td' || name === 'th') paragraph += ' '
  }
  const parser = new Parser({ onopentagname: edge, onclosetag: edge, ontext: (text) => (paragraph += text) })
  parser.end(html)
  flush()
  return paragraphs.join('\n\n')
}
