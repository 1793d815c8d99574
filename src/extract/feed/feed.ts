/** What a feed says, whichever format it is written in. Plain data: it may be an item as it is. */

/** A piece of content that is part of the feed, or lies elsewhere. */
export interface FeedContent {
  /** Markup is made safe (`safeHtml`), its links are absolute. '' where the content lies at `src`. */
  readonly value: string
  /** MIME type: `text/html`, `application/xhtml+xml`, `text/plain`, ... */
  readonly type: string
  readonly src?: string
  readonly language?: string
}

export interface FeedPerson {
  readonly name?: string
  readonly email?: string
  readonly url?: string
}

export interface FeedLink {
  readonly href: string
  /** `alternate` (the page), `self` (the feed), `enclosure`, `next`, ... */
  readonly rel: string
  readonly type?: string
  readonly title?: string
  readonly hreflang?: string
  /** Bytes, as written. */
  readonly length?: string
}

/** A file that belongs to an entry: podcast, picture, film. */
export interface FeedEnclosure {
  readonly url: string
  readonly type?: string
  /** Bytes. */
  readonly length?: number
  /** Seconds. */
  readonly duration?: number
}

export interface FeedCategory {
  readonly term: string
  readonly scheme?: string
  readonly label?: string
}

/** What feeds, entries and their sources have in common. Texts that may hold markup hold only safe markup. */
export interface FeedParts {
  readonly title?: string
  /** Description of an RSS feed, subtitle of an Atom feed, of an episode. */
  readonly subtitle?: string
  /** The page itself: the first alternate link. */
  readonly link?: string
  readonly id?: string
  /** ISO 8601 in UTC; absent where the date cannot be read, which `dates` still shows. */
  readonly published?: string
  readonly updated?: string
  readonly created?: string
  readonly expired?: string
  /** The same dates as they are written, by name. */
  readonly dates: Readonly<Record<string, string>>
  readonly language?: string
  readonly rights?: string
  readonly authors: readonly FeedPerson[]
  readonly contributors: readonly FeedPerson[]
  readonly categories: readonly FeedCategory[]
  readonly links: readonly FeedLink[]
  /** URL of a picture. */
  readonly image?: string
  /** `itunes:explicit`. */
  readonly explicit?: boolean
}

export interface FeedEntry extends FeedParts {
  readonly summary?: string
  readonly content: readonly FeedContent[]
  readonly enclosures: readonly FeedEnclosure[]
  /** URL of the comments. */
  readonly comments?: string
  /** Seconds (`itunes:duration`). */
  readonly duration?: number
  /** The feed that the entry was taken from, as far as the entry tells. */
  readonly source?: FeedParts
}

export interface Feed extends FeedParts {
  readonly format: 'rss' | 'rdf' | 'atom' | 'json' | 'cdf'
  /** As the format numbers itself: `2.0`, `0.91`, `1.0`, `0.3`, `1.1`; '' where it does not say. */
  readonly version: string
  readonly generator?: string
  /** Minutes that the feed may be kept, as written (`ttl`). */
  readonly ttl?: string
  readonly entries: readonly FeedEntry[]
}
