/** JSON Feed 1.0 and 1.1 (jsonfeed.org): untrusted, so each value is taken only where it has the type it should have. */
import { optional } from '../optional.ts'
import { Draft } from './draft.ts'
import type { Feed, FeedEntry, FeedPerson } from './feed.ts'
import { safeHtml } from '../safe-html.ts'
import { resolveSafe } from '../safe-url.ts'

type Json = Readonly<Record<string, unknown>>

/** @returns undefined for what is no JSON Feed. */
export function readJsonFeed(text: string, base: string): Feed | undefined {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(root)) return undefined
  const url = stringOf(root.version) ?? ''
  const version = /^https?:\/\/(?:www\.)?jsonfeed\.org\/version\/([\d.]+)\/?$/.exec(url)?.[1]
  if (version === undefined) return undefined
  const draft = new Draft()
  describe(draft, root, base)
  if (typeof root.description === 'string') draft.set('subtitle', root.description, 0)
  const page = stringOf(root.home_page_url)
  const self = stringOf(root.feed_url)
  if (page !== undefined) draft.links.push({ href: resolveSafe(page, base), rel: 'alternate', type: 'text/html' })
  if (page !== undefined) draft.set('link', resolveSafe(page, base), 0)
  if (self !== undefined) {
    draft.links.push({ href: resolveSafe(self, base), rel: 'self', type: 'application/feed+json' })
    draft.setDefault('id', resolveSafe(self, base))
  }
  const picture = stringOf(root.icon) ?? stringOf(root.favicon)
  if (picture !== undefined) draft.set('image', resolveSafe(picture, base), 0)
  const items = Array.isArray(root.items) ? root.items.filter(isObject) : []
  return {
    format: 'json',
    version,
    ...draft.parts(),
    entries: items.map((item) => entryOf(item, base)),
  }
}

function entryOf(item: Json, base: string): FeedEntry {
  const draft = new Draft()
  describe(draft, item, base)
  const url = stringOf(item.url) ?? stringOf(item.external_url)
  if (url !== undefined) {
    draft.set('link', resolveSafe(url, base), 0)
    draft.links.push({ href: resolveSafe(url, base), rel: 'alternate', type: 'text/html' })
  }
  // Numbers are taken, too: the standard asks for that.
  const id = typeof item.id === 'number' ? String(item.id) : stringOf(item.id)
  if (id !== undefined) draft.set('id', id, 0)
  const summary = stringOf(item.summary)
  if (summary !== undefined) draft.set('summary', summary, 0)
  const html = stringOf(item.content_html)
  const plain = stringOf(item.content_text)
  if (html !== undefined) draft.content.push({ value: safeHtml(html, base), type: 'text/html' })
  if (plain !== undefined) draft.content.push({ value: plain, type: 'text/plain' })
  const picture = stringOf(item.image) ?? stringOf(item.banner_image)
  if (picture !== undefined) draft.set('image', resolveSafe(picture, base), 0)
  draft.setDate('published', stringOf(item.date_published) ?? '', 0)
  draft.setDate('updated', stringOf(item.date_modified) ?? '', 0)
  for (const tag of Array.isArray(item.tags) ? item.tags : []) {
    if (typeof tag === 'string') draft.addCategory({ term: tag })
  }
  for (const file of Array.isArray(item.attachments) ? item.attachments.filter(isObject) : []) {
    const href = stringOf(file.url)
    if (href === undefined) continue
    draft.addEnclosure({
      url: resolveSafe(href, base),
      ...optional('type', stringOf(file.mime_type)),
      ...optional('length', numberOf(file.size_in_bytes)),
      ...optional('duration', numberOf(file.duration_in_seconds)),
    })
  }
  return draft.entry()
}

/** What feeds and items have in common. */
function describe(draft: Draft, { title, language, authors, author }: Json, base: string): void {
  if (typeof title === 'string') draft.set('title', title, 0)
  if (typeof language === 'string') draft.set('language', language, 0)
  const people = Array.isArray(authors) ? authors : [author]
  for (const person of people) if (isObject(person)) draft.authors.push(personOf(person, base))
}

function personOf(person: Json, base: string): FeedPerson {
  const url = stringOf(person.url)
  return {
    ...optional('name', stringOf(person.name)),
    ...optional('url', url === undefined ? undefined : resolveSafe(url, base)),
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
