/** What has been read so far of a feed, an entry or a source; which of several values counts is decided here. */
import { detach } from '../../url/detach.ts'
import { optional } from '../optional.ts'
import { parseDate } from './date.ts'
import type { FeedCategory, FeedEnclosure, FeedContent, FeedEntry, FeedLink, FeedParts, FeedPerson } from './feed.ts'

/** Fields with one text. */
export type TextField =
  | 'title'
  | 'id'
  | 'link'
  | 'summary'
  | 'subtitle'
  | 'rights'
  | 'language'
  | 'generator'
  | 'ttl'
  | 'image'
  | 'comments'

export type DateField = 'published' | 'updated' | 'created' | 'expired'

/** A person while it is read. */
export type PersonDraft = { -readonly [Key in keyof FeedPerson]: string }

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export class Draft {
  readonly texts = new Map<TextField, string>()
  readonly dates = new Map<DateField, string>()
  readonly authors: PersonDraft[] = []
  readonly contributors: PersonDraft[] = []
  readonly links: Mutable<FeedLink>[] = []
  readonly content: FeedContent[] = []
  readonly enclosures: FeedEnclosure[] = []
  explicit: boolean | undefined
  duration: number | undefined
  source: Draft | undefined
  /** The link is the permanent one of an RSS `guid`: a `link` element goes before it. */
  hasGuidLink = false
  readonly #categories = new Map<string, FeedCategory>()
  /** How deep the element of a value lay: one that is nearer to the entry counts more. */
  readonly #depths = new Map<string, number>()

  /** Takes the place of values of the same or a greater depth. */
  set(field: TextField, value: string, depth: number): void {
    if (depth > (this.#depths.get(field) ?? Infinity)) return
    this.#depths.set(field, depth)
    this.texts.set(field, detach(value))
  }

  /** Takes the place only of values of a greater depth: of several titles the first counts. */
  setFirst(field: TextField, value: string, depth: number): void {
    if (depth < (this.#depths.get(field) ?? Infinity)) this.set(field, value, depth)
  }

  /** A value that any other goes before. */
  setDefault(field: TextField, value: string): void {
    if (value !== '' && !this.texts.has(field)) this.set(field, value, Infinity)
  }

  setDate(field: DateField, value: string, depth: number): void {
    if (value === '' || depth > (this.#depths.get(`date ${field}`) ?? Infinity)) return
    this.#depths.set(`date ${field}`, depth)
    this.dates.set(field, detach(value))
  }

  addCategory(category: FeedCategory): void {
    if (category.term === '' && category.label === undefined) return
    const key = JSON.stringify([category.term, category.scheme, category.label])
    if (!this.#categories.has(key)) this.#categories.set(key, category)
  }

  /** Each URL once: what is told later completes what was told before. */
  addEnclosure(enclosure: FeedEnclosure): void {
    const index = this.enclosures.findIndex(({ url }) => url === enclosure.url)
    if (index < 0) this.enclosures.push(enclosure)
    else this.enclosures[index] = { ...enclosure, ...this.enclosures[index] }
  }

  parts(): FeedParts {
    const { texts, dates } = this
    const text = <Field extends TextField & keyof FeedParts>(field: Field): Partial<Record<Field, string>> =>
      optional(field, texts.get(field))
    const date = <Field extends DateField & keyof FeedParts>(field: Field): Partial<Record<Field, string>> =>
      optional(field, parseDate(dates.get(field) ?? ''))
    return {
      ...text('title'),
      ...text('subtitle'),
      ...text('link'),
      ...text('id'),
      ...date('published'),
      ...date('updated'),
      ...date('created'),
      ...date('expired'),
      dates: Object.fromEntries(dates),
      ...text('language'),
      ...text('rights'),
      authors: this.authors.filter(isNamed),
      contributors: this.contributors.filter(isNamed),
      categories: [...this.#categories.values()],
      links: this.links,
      ...text('image'),
      ...optional('explicit', this.explicit),
    }
  }

  entry(): FeedEntry {
    const { texts, source } = this
    return {
      ...this.parts(),
      ...optional('summary', texts.get('summary')),
      content: this.content,
      enclosures: this.enclosures,
      ...optional('comments', texts.get('comments')),
      ...optional('duration', this.duration),
      ...optional('source', source?.parts()),
    }
  }
}

function isNamed(person: FeedPerson): boolean {
  return person.name !== undefined || person.email !== undefined || person.url !== undefined
}
