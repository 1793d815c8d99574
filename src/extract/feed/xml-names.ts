/** Namespaces, bases and root elements of feeds in XML: which element a name means, and which format a root is that of. */
import type { Feed } from './feed.ts'
import { PREFIXES } from './names.ts'

export type Attributes = Readonly<Record<string, string>>

/** Namespaces by prefix, '' the default one. */
export type Spaces = ReadonlyMap<string, string>

/** Where a feed says how it is written. */
export interface Root {
  readonly format: Exclude<Feed['format'], 'json'>
  readonly version: string
}

/** Versions by the root's namespace, lower case. */
const RDF_VERSIONS: Readonly<Record<string, string>> = {
  'http://purl.org/rss/1.0/': '1.0',
  'http://my.netscape.com/rdf/simple/0.9/': '0.90',
  'http://channel.netscape.com/rdf/simple/0.9/': '0.90',
}

export function rootOf(key: string, rawName: string, attributes: Attributes, spaces: Spaces): Root | undefined {
  const version = attributes.version?.trim() ?? ''
  switch (key) {
    case 'rss':
      return { format: 'rss', version }
    case 'rdf:rdf':
    case 'rdf': {
      const own = [...spaces.values()].find((space) => Object.hasOwn(RDF_VERSIONS, space.toLowerCase()))
      return { format: 'rdf', version: own === undefined ? '' : RDF_VERSIONS[own.toLowerCase()]! }
    }
    case 'feed':
    case 'entry': {
      const space = spaces.get(rawName.includes(':') ? rawName.slice(0, rawName.indexOf(':')) : '') ?? ''
      return { format: 'atom', version: version !== '' || /\/purl\.org/i.test(space) ? version || '0.3' : '1.0' }
    }
    case 'channel':
      return { format: rawName === 'CHANNEL' ? 'cdf' : 'rss', version }
    default:
      return undefined
  }
}

export function keyOf(rawName: string, spaces: Spaces): string {
  const colon = rawName.indexOf(':')
  const prefix = colon < 0 ? '' : rawName.slice(0, colon)
  const local = rawName.slice(colon + 1).toLowerCase()
  const space = spaces.get(prefix)
  const usual = space === undefined ? undefined : PREFIXES[space.toLowerCase().replace(/\/$/, '')]
  // Without a declaration, a prefix is taken for what it mostly stands for.
  const known = usual ?? (colon < 0 ? '' : prefix.toLowerCase() === 'atom' ? '' : prefix.toLowerCase())
  return known === '' ? local : `${known}:${local}`
}

export function withDeclared(spaces: Spaces, attributes: Attributes): Spaces {
  let own: Map<string, string> | undefined
  for (const name in attributes) {
    if (name === 'xmlns') (own ??= new Map(spaces)).set('', attributes[name]!)
    else if (name.startsWith('xmlns:')) (own ??= new Map(spaces)).set(name.slice(6), attributes[name]!)
  }
  return own ?? spaces
}

/** `http:///host/` is what is meant by it. */
export function rebased(own: string, base: string): string {
  return URL.parse(own.trim().replace(/^(https?):\/{3,}/i, '$1://'), base)?.href ?? base
}
