/**
 * What pages say about themselves for machines: JSON-LD, Open Graph and other meta elements, microdata. Everything in it
 * is untrusted and often broken: what cannot be read is left out, nothing throws.
 */
import { detach } from '../url/detach.ts'
import { PageElement } from './selection.ts'
import type { TreeContext } from './selection.ts'
import { findAll } from './tree/query.ts'
import { PAGE } from './tree/tree.ts'

export interface MicrodataItem {
  /** Words of `itemtype`; absent without any. */
  readonly type?: readonly string[]
  readonly id?: string
  readonly properties: Readonly<Record<string, readonly (string | MicrodataItem)[]>>
}

/** `itemref` lets a short page name the same elements again and again: items of one page, nested ones counted. */
const MOST_ITEMS = 10_000

/** Where the value of a property is, by the element's name (HTML standard, 5.2.4). */
const VALUE_ATTRIBUTES: Readonly<Record<string, string>> = {
  meta: 'content',
  data: 'value',
  meter: 'value',
  time: 'datetime',
}
const URL_VALUES: Readonly<Record<string, string>> = {
  a: 'href',
  area: 'href',
  link: 'href',
  audio: 'src',
  embed: 'src',
  iframe: 'src',
  img: 'src',
  source: 'src',
  track: 'src',
  video: 'src',
  object: 'data',
}

export function jsonLdOf({ tree }: TreeContext): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = []
  for (const script of findAll(tree, 'script[type="application/ld+json" i]', PAGE)) {
    const text = tree.allText(script)
    let value: unknown
    try {
      // Old pages wrap scripts in a comment or a CDATA section.
      value = JSON.parse(text.replace(/^\s*(?:<!--|\/\/<!\[CDATA\[|<!\[CDATA\[)|(?:-->|\/\/\]\]>|\]\]>)\s*$/g, ''))
    } catch {
      continue
    }
    const isGraph = isObject(value) && Array.isArray(value['@graph'])
    const parts: unknown[] = isGraph ? ((value as Record<string, unknown>)['@graph'] as unknown[]) : [value].flat()
    for (const part of parts) if (isObject(part)) found.push(part)
  }
  return found
}

export function openGraphOf({ tree }: TreeContext): Record<string, string> {
  const found = new Map<string, string>()
  for (const meta of findAll(tree, 'meta[property][content]', PAGE)) {
    const name = tree.valueOf(meta, 'property')!.trim().toLowerCase()
    if (name.includes(':') && !found.has(name)) found.set(detach(name), detach(tree.valueOf(meta, 'content')!.trim()))
  }
  return Object.fromEntries(found)
}

export function metaOf({ tree }: TreeContext, name: string): string | undefined {
  const wanted = name.toLowerCase()
  for (const meta of findAll(tree, 'meta[content]', PAGE)) {
    const isIt = (attribute: string): boolean => tree.valueOf(meta, attribute)?.trim().toLowerCase() === wanted
    if (isIt('name') || isIt('property')) return detach(tree.valueOf(meta, 'content')!.trim())
  }
  return undefined
}

export function microdataOf(context: TreeContext): MicrodataItem[] {
  const { tree } = context
  const reader = new MicrodataReader(context)
  return findAll(tree, '[itemscope]:not([itemprop])', PAGE).flatMap((node) => reader.item(node) ?? [])
}

class MicrodataReader {
  readonly #context: TreeContext
  /** Items being read: one that holds itself is left out. */
  readonly #open = new Set<number>()
  #room = MOST_ITEMS
  #ids: ReadonlyMap<string, number> | undefined

  constructor(context: TreeContext) {
    this.#context = context
  }

  item(node: number): MicrodataItem | undefined {
    if (this.#open.has(node) || this.#room === 0) return undefined
    this.#room--
    this.#open.add(node)
    const { tree } = this.#context
    const properties = new Map<string, (string | MicrodataItem)[]>()
    for (const property of this.#properties(node)) {
      const value = this.#isItem(property) ? this.item(property) : this.#value(property)
      if (value === undefined) continue
      for (const name of new Set(words(tree.valueOf(property, 'itemprop')))) {
        const values = properties.get(name)
        if (values === undefined) properties.set(detach(name), [value])
        else values.push(value)
      }
    }
    this.#open.delete(node)
    const type = words(tree.valueOf(node, 'itemtype')).map(detach)
    const id = this.#element(node).url('itemid')
    return {
      ...(type.length > 0 ? { type } : {}),
      ...(id === undefined ? {} : { id }),
      properties: Object.fromEntries(properties),
    }
  }

  /** Elements with `itemprop` that belong to the item: those below it, and below what `itemref` names. */
  #properties(item: number): ReadonlySet<number> {
    const { tree } = this.#context
    const { end } = tree.nodes
    const found = new Set<number>()
    const add = (from: number, to: number): void => {
      for (let node = from; node < to; ) {
        const isNew = tree.isElement(node) && node !== item && !found.has(node)
        if (isNew && words(tree.valueOf(node, 'itemprop')).length > 0) found.add(node)
        // What is in an item within belongs to that, what has been taken has been taken with all that is in it.
        node = isNew && !this.#isItem(node) ? node + 1 : end[node]!
      }
    }
    add(item + 1, end[item]!)
    for (const id of new Set(words(tree.valueOf(item, 'itemref')))) {
      const target = this.#byId(id)
      if (target !== undefined) add(target, end[target]!)
    }
    return found
  }

  #byId(id: string): number | undefined {
    if (this.#ids === undefined) {
      const ids = new Map<string, number>()
      const { tree } = this.#context
      for (const node of findAll(tree, '[id]', PAGE)) {
        const own = tree.valueOf(node, 'id')!
        if (!ids.has(own)) ids.set(own, node)
      }
      this.#ids = ids
    }
    return this.#ids.get(id)
  }

  #isItem(node: number): boolean {
    return this.#context.tree.valueOf(node, 'itemscope') !== undefined
  }

  #value(node: number): string {
    const element = this.#element(node)
    const urlName = URL_VALUES[element.name]
    if (urlName !== undefined) return element.url(urlName) ?? ''
    const name = VALUE_ATTRIBUTES[element.name]
    return (name === undefined ? undefined : element.attr(name)) ?? element.text()
  }

  #element(node: number): PageElement {
    return new PageElement(node, this.#context)
  }
}

function words(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/[\t\n\f\r ]+/).filter((word) => word !== '')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
