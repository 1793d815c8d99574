/** What another extractor makes of the same pages, field by field: counts, and one example of each kind of change. Pure. */
import type { Extraction } from '../extract/extraction.ts'

export interface FieldDiff {
  readonly name: string
  same: number
  changed: number
  /** Values the field has now and had not before, and the other way round. */
  added: number
  removed: number
  /** The first difference: page, value before, value now (JSON). */
  example: { readonly url: string; readonly before: string; readonly now: string } | undefined
}

export class ItemDiff {
  /** Items that only the new extractor gives, and only the old one gave. */
  added = 0
  removed = 0
  same = 0
  changed = 0
  readonly #fields = new Map<string, FieldDiff>()

  get fields(): FieldDiff[] {
    return [...this.#fields.values()]
  }

  /** Items of one page; they are told apart by their key, else by their position. */
  compare(url: string, before: Pick<Extraction, 'items'>, now: Pick<Extraction, 'items'>): void {
    const old = byIdentity(before)
    for (const [identity, item] of byIdentity(now)) {
      const known = old.get(identity)
      old.delete(identity)
      if (known === undefined) this.added++
      else if (this.#item(url, known, item)) this.changed++
      else this.same++
    }
    this.removed += old.size
  }

  /** True where they differ. */
  #item(url: string, before: Record<string, unknown>, now: Record<string, unknown>): boolean {
    let differs = false
    for (const { name, was, is } of fieldsOf(before, now)) {
      const field = this.#field(name)
      if (was === is) {
        field.same++
        continue
      }
      differs = true
      if (was === undefined) field.added++
      else if (is === undefined) field.removed++
      else field.changed++
      field.example ??= { url, before: was ?? '', now: is ?? '' }
    }
    return differs
  }

  #field(name: string): FieldDiff {
    let field = this.#fields.get(name)
    if (field === undefined) {
      field = { name, same: 0, changed: 0, added: 0, removed: 0, example: undefined }
      this.#fields.set(name, field)
    }
    return field
  }
}

/** A key that comes again on the page is a further item. */
function byIdentity({ items }: Pick<Extraction, 'items'>): Map<string, Record<string, unknown>> {
  const known = new Map<string, Record<string, unknown>>()
  for (const { json, key, position } of items) {
    let identity = key ?? `#${position}`
    for (let n = 2; known.has(identity); n++) identity = `${key}\n${n}`
    known.set(identity, JSON.parse(json) as Record<string, unknown>)
  }
  return known
}

export interface FieldPair {
  readonly name: string
  /** JSON; undefined where the item has no such field. */
  readonly was: string | undefined
  readonly is: string | undefined
}

/** Every field that one of two items has. */
export function fieldsOf(before: Record<string, unknown>, now: Record<string, unknown>): FieldPair[] {
  const valueOf = (item: Record<string, unknown>, name: string): string | undefined =>
    Object.hasOwn(item, name) ? JSON.stringify(item[name]) : undefined
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...names].map((name) => ({ name, was: valueOf(before, name), is: valueOf(now, name) }))
}
