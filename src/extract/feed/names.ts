/**
 * Names of the elements of feeds, over all formats: which field of ours a text, a date or a person belongs to. Keys are
 * in lower case, with the usual prefix of their namespace; those of RSS, Atom and CDF have none.
 */
import type { DateField, TextField } from './draft.ts'

/** Usual prefixes by namespace, in lower case and without a slash at the end. */
export const PREFIXES: Readonly<Record<string, string>> = {
  'http://www.w3.org/2005/atom': '',
  'http://purl.org/atom/ns#': '',
  'http://example.com/newformat#': '',
  'http://example.com/necho': '',
  'http://purl.org/echo': '',
  'uri/of/echo/namespace#': '',
  'http://purl.org/pie': '',
  'http://purl.org/rss/1.0': '',
  'http://channel.netscape.com/rdf/simple/0.9': '',
  'http://my.netscape.com/rdf/simple/0.9': '',
  'http://my.netscape.com/publish/formats/rss-0.91.dtd': '',
  'http://backend.userland.com/rss': '',
  'http://backend.userland.com/rss2': '',
  'http://blogs.law.harvard.edu/tech/rss': '',
  'http://purl.org/net/rss1.1#': '',
  'http://www.w3.org/tr/nonexistent/cdf': '',
  'http://purl.org/rss/1.0/modules/rss091#': '',
  'http://purl.org/dc/elements/1.0': 'dc',
  'http://purl.org/dc/elements/1.1': 'dc',
  'http://purl.org/dc/terms': 'dcterms',
  'http://purl.org/rss/1.0/modules/content': 'content',
  'http://www.itunes.com/dtds/podcast-1.0.dtd': 'itunes',
  'http://example.com/dtds/podcast-1.0.dtd': 'itunes',
  'http://search.yahoo.com/mrss': 'media',
  'http://tools.search.yahoo.com/mrss': 'media',
  'http://video.search.yahoo.com/mrss': 'media',
  'http://www.w3.org/1999/02/22-rdf-syntax-ns#': 'rdf',
  'http://www.w3.org/1999/xhtml': 'xhtml',
  'http://www.w3.org/xml/1998/namespace': 'xml',
}

export interface TextRule {
  readonly field: TextField | 'content'
  /** MIME type where the element names none. */
  readonly type: string
}

const PLAIN = 'text/plain'
const HTML = 'text/html'

/** Texts that may hold markup. `summary` of a feed is its subtitle. */
export const TEXTS: ReadonlyMap<string, TextRule> = new Map<string, TextRule>([
  ['title', { field: 'title', type: PLAIN }],
  ['dc:title', { field: 'title', type: PLAIN }],
  ['media:title', { field: 'title', type: PLAIN }],
  ['subtitle', { field: 'subtitle', type: PLAIN }],
  ['tagline', { field: 'subtitle', type: PLAIN }],
  ['itunes:subtitle', { field: 'subtitle', type: PLAIN }],
  ['info', { field: 'subtitle', type: PLAIN }],
  ['summary', { field: 'summary', type: PLAIN }],
  ['itunes:summary', { field: 'summary', type: PLAIN }],
  ['description', { field: 'summary', type: HTML }],
  ['dc:description', { field: 'summary', type: HTML }],
  ['media:description', { field: 'summary', type: HTML }],
  ['abstract', { field: 'summary', type: PLAIN }],
  ['content', { field: 'content', type: PLAIN }],
  ['prodlink', { field: 'content', type: HTML }],
  ['body', { field: 'content', type: 'application/xhtml+xml' }],
  ['xhtml:body', { field: 'content', type: 'application/xhtml+xml' }],
  ['content:encoded', { field: 'content', type: HTML }],
  ['fullitem', { field: 'content', type: HTML }],
  ['rights', { field: 'rights', type: PLAIN }],
  ['copyright', { field: 'rights', type: PLAIN }],
  ['dc:rights', { field: 'rights', type: PLAIN }],
])

/** Texts without markup, by the element. */
export const VALUES: ReadonlyMap<string, TextField> = new Map<string, TextField>([
  ['id', 'id'],
  ['guid', 'id'],
  ['dc:identifier', 'id'],
  ['language', 'language'],
  ['dc:language', 'language'],
  ['generator', 'generator'],
  ['ttl', 'ttl'],
  ['logo', 'image'],
  ['icon', 'image'],
  ['comments', 'comments'],
])

export const DATES: ReadonlyMap<string, DateField> = new Map<string, DateField>([
  ['published', 'published'],
  ['issued', 'published'],
  ['dcterms:issued', 'published'],
  ['pubdate', 'published'],
  ['updated', 'updated'],
  ['modified', 'updated'],
  ['dcterms:modified', 'updated'],
  ['dc:date', 'updated'],
  ['lastbuilddate', 'updated'],
  ['created', 'created'],
  ['dcterms:created', 'created'],
  ['expirationdate', 'expired'],
])

/** People; those of the last kind (web master, owner, publisher) are no authors and are read over. */
export const PEOPLE: ReadonlyMap<string, 'author' | 'contributor' | 'other'> = new Map([
  ['author', 'author'],
  ['managingeditor', 'author'],
  ['dc:author', 'author'],
  ['dc:creator', 'author'],
  ['itunes:author', 'author'],
  ['contributor', 'contributor'],
  ['dc:contributor', 'contributor'],
  ['webmaster', 'other'],
  ['dc:publisher', 'other'],
  ['itunes:owner', 'other'],
])

/** Parts of a person. */
export const PERSON_PARTS: ReadonlyMap<string, 'name' | 'email' | 'url'> = new Map([
  ['name', 'name'],
  ['itunes:name', 'name'],
  ['email', 'email'],
  ['itunes:email', 'email'],
  ['url', 'url'],
  ['uri', 'url'],
  ['homepage', 'url'],
])
