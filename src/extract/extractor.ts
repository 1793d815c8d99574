/**
 * What the engine asks of the scanner: links, title, base, canonical and robots directives of one HTML page, from its
 * bytes. Synchronous, in the fetching thread; never throws for any input.
 */
import type { Alike } from '../model/record.ts'

export type LinkKind =
  | 'a'
  | 'area'
  | 'frame'
  | 'canonical'
  | 'refresh'
  | 'img'
  | 'srcset'
  | 'script'
  | 'link'
  | 'form'
  | 'header'

export const LINK_KINDS: readonly LinkKind[] = [
  'a',
  'area',
  'frame',
  'canonical',
  'refresh',
  'img',
  'srcset',
  'script',
  'link',
  'form',
  'header',
]

export interface PageLink {
  /** As written in the page, entities decoded, white space trimmed as browsers do; not yet resolved. */
  readonly href: string
  readonly kind: LinkKind
  /** `rel` holds nofollow (or ugc / sponsored). */
  readonly nofollow: boolean
}

export interface PageFacts {
  /** White space collapsed; '' when there is none. */
  readonly title: string
  /** First `<base href>`, as written. */
  readonly base: string | undefined
  readonly canonical: string | undefined
  /** Lower-case directives of `<meta name=robots>` (and of our own token), in order. */
  readonly robots: readonly string[]
  /** Encoding that was used, WHATWG name in lower case. */
  readonly charset: string
  readonly links: readonly PageLink[]
}

export interface ScanWant {
  /** Kinds of links to collect; `all` off for pages whose links nobody follows. */
  readonly kinds: ReadonlySet<LinkKind>
  /** `charset` of the Content-Type header. */
  readonly charset?: string
  /** Our user-agent token in lower case: `<meta name="sluice">` counts like robots. */
  readonly agent: string
  /** Stop where the head ends: title, canonical, base and robots only, `links` empty. */
  readonly headOnly?: boolean
  /** At most this many links a page. Default 100,000. */
  readonly maxLinks?: number
}

export type PageScanner = (body: Uint8Array, want: ScanWant) => PageFacts

/** Says which page before had the text of this one. */
export interface Likeness {
  /**
   * @param digest of the body; its bytes may be left out, as of what is no text: then only equal bodies are found
   * @param isHtml false: all bytes are text
   */
  note(url: string, digest: string, body: Uint8Array, isHtml: boolean): Alike | undefined
}

/** What a page says, as sums over its words: of those without digits, and of all that its URL does not say. */
export interface Wording {
  readonly words: number
  readonly all: number
}

export type WordingReader = (body: Uint8Array, isHtml: boolean, url: string) => Wording
