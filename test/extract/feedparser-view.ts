/**
 * A feed of ours seen through the names of feedparser, for the comparisons of its test files: one idea has several names
 * there (`guid` is `id`, `tagline` is `subtitle`), and some values stand in for others that are missing.
 */
import type { Feed, FeedEntry, FeedParts } from '../../src/extract/feed/feed.ts'
import type { Check, Literal } from './python-expectation.ts'

/** Names of what the acceptance asks for: title, link, id, date, summary. */
export const NAMED: ReadonlySet<string> = new Set([
  'title',
  'link',
  'id',
  'guid',
  'summary',
  'description',
  'subtitle',
  'tagline',
  'info',
  'updated',
  'published',
  'created',
  'expired',
  'updated_parsed',
  'published_parsed',
  'created_parsed',
  'expired_parsed',
])

/** What the last name of a path says, without `_detail.value`, which is the same value. */
export function subjectOf({ path }: Check): string {
  const [last, before] = [String(path.at(-1)), String(path.at(-2))]
  return last === 'value' && before.endsWith('_detail') ? before.slice(0, -7) : last
}

/** @returns undefined where the feed has no such value, or our feeds have no place for it. */
export function valueAt(feed: Feed, { path }: Check): Literal | undefined {
  const [root, ...rest] = path
  if (root === 'feed') return partValue(feed, rest)
  if (root === 'entries' && typeof rest[0] === 'number') {
    const entry = feed.entries[rest[0]]
    if (entry === undefined) return undefined
    if (rest[1] !== 'source') return partValue(entry, rest.slice(1))
    return entry.source === undefined ? undefined : partValue(entry.source, rest.slice(2))
  }
  return undefined
}

function partValue(parts: FeedParts, path: readonly (string | number)[]): Literal | undefined {
  const name = String(path[0]).replace(/_detail$/, '')
  if (path.length === 2 && path[1] === 'value' && path[0] !== name) return simple(parts, name)
  if (path.length === 1) return simple(parts, name)
  const entry = parts as Partial<FeedEntry>
  if (name === 'content' && path[1] === 0) {
    const content = entry.content?.[0]
    return content?.[path[2] as 'value' | 'type' | 'language' | 'src']
  }
  if (name === 'links' || name === 'tags' || name === 'authors' || name === 'contributors') {
    const lists = {
      links: parts.links,
      tags: parts.categories,
      authors: parts.authors,
      contributors: parts.contributors,
    }
    const one = lists[name][path[1] as number] as Record<string, Literal> | undefined
    const key = name === 'links' ? String(path[2]) : path[2] === 'href' ? 'url' : String(path[2])
    return path.length === 3 ? one?.[key] : undefined
  }
  if (name === 'author') {
    const key = path[1] === 'href' ? 'url' : (path[1] as 'name' | 'email' | 'url')
    return parts.authors[0]?.[key]
  }
  if (name === 'image' && (path[1] === 'href' || path[1] === 'url')) return parts.image
  return undefined
}

function simple(parts: FeedParts, name: string): Literal | undefined {
  const entry = 'content' in parts ? (parts as FeedEntry) : undefined
  switch (name) {
    case 'guid':
      return parts.id
    case 'description':
    case 'summary':
      // Content stands in for a summary.
      return entry === undefined ? parts.subtitle : (entry.summary ?? entry.content[0]?.value)
    case 'tagline':
    case 'subtitle':
    case 'info':
      return parts.subtitle
    case 'copyright':
      return parts.rights
    case 'category':
      return parts.categories[0]?.term
    case 'author': {
      const { name: who, email } = parts.authors[0] ?? {}
      return who === undefined ? email : email === undefined ? who : `${who} (${email})`
    }
    case 'created':
    case 'expired':
    case 'published':
      return parts.dates[name]
    case 'updated':
    case 'modified':
    case 'date':
      return parts.dates['updated'] ?? parts.dates['published']
    case 'created_parsed':
      return tuple(parts.created)
    case 'expired_parsed':
      return tuple(parts.expired)
    case 'published_parsed':
      return tuple(parts.published)
    case 'updated_parsed':
      return tuple(parts.updated ?? parts.published)
    case 'itunes_explicit':
      return parts.explicit
    default:
      return (parts as unknown as Record<string, Literal>)[name]
  }
}

/** Python's `struct_time`: year, month, day, hour, minute, second, weekday from Monday, day of the year, no summer time. */
function tuple(iso: string | undefined): Literal | undefined {
  if (iso === undefined) return undefined
  const date = new Date(iso)
  const day = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), (date.getUTCDay() + 6) % 7, day, 0]
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), ...clock]
}
