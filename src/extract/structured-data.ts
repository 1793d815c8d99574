/**
 * What pages say about themselves for machines: JSON-LD, Open Graph and other meta elements, microdata. Everything in it
 * is untrusted and often broken: what cannot be read is left out, nothing throws.
 */
import { isTag } from 'domhandler'
import type { AnyNode, Element } from 'domhandler'
import { detach } from '../url/detach.ts'
import { PageElement } from './selection.ts'
import type { TreeContext } from './selection.ts'

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
  for (const script of tree.all('script[type="application/ld+json" i]', tree.root)) {
    const text = script.children.map((child) => ('data' in child ? child.data : '')).join('')
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
  for (const meta of tree.all('meta[property][content]', tree.root)) {
    const name = meta.attribs.property!.trim().toLowerCase()
    if (name.includes(':') && !found.has(name)) found.set(detach(name), detach(meta.attribs.content!.trim()))
  }
  return Object.fromEntries(found)
}

export function metaOf({ tree }: TreeContext, name: string): string | undefined {
  const wanted = name.toLowerCase()
  for (const { attribs } of tree.all('meta[content]', tree.root)) {
    if (attribs.name?.trim().toLowerCase() === wanted || attribs.property?.trim().toLowerCase() === wanted) {
      return detach(attribs.content!.trim())
    }
  }
  return undefined
}

export function microdataOf(context: TreeContext): MicrodataItem[] {
  const { tree } = context
  const reader = new MicrodataReader(context)
  return tree.all('[itemscope]:not([itemprop])', tree.root).flatMap((node) => reader.item(node) ?? [])
}

class MicrodataReader {
  readonly #context: TreeContext
  /** Items being read: one that holds itself is left out. */
  readonly #open = new Set<Element>()
  #room = MOST_ITEMS
  #ids: ReadonlyMap<string, Element> | undefined

  constructor(context: TreeContext) {
    this.#context = context
  }

  item(node: Element): MicrodataItem | undefined {
    if (this.#open.has(node) || this.#room === 0) return undefined
    this.#room--
    this.#open.add(node)
    const properties = new Map<string, (string | MicrodataItem)[]>()
    for (const property of this.#properties(node)) {
      const value = 'itemscope' in property.attribs ? this.item(property) : this.#value(property)
      if (value === undefined) continue
      for (const name of new Set(words(property.attribs.itemprop))) {
        const values = properties.get(name)
        if (values === undefined) properties.set(detach(name), [value])
        else values.push(value)
      }
    }
    this.#open.delete(node)
    const type = words(node.attribs.itemtype).map(detach)
    const id = node.attribs.itemid === undefined ? undefined : this.#element(node).url('itemid')
    return {
      ...(type.length > 0 ? { type } : {}),
      ...(id === undefined ? {} : { id }),
      properties: Object.fromEntries(properties),
    }
  }

  /** Elements with `itemprop` that belong to the item: those below it, and below what `itemref` names. */
  #properties(item: Element): Element[] {
    const found = new Set<Element>()
    const add = (node: AnyNode): void => {
      if (!isTag(node) || node === item || found.has(node)) return
      if (words(node.attribs.itemprop).length > 0) found.add(node)
      if (!('itemscope' in node.attribs)) for (const child of node.children) add(child)
    }
    for (const child of item.children) add(child)
    for (const id of new Set(words(item.attribs.itemref))) {
      const target = this.#byId(id)
      if (target !== undefined) add(target)
    }
    return [...found]
  }

  #byId(id: string): Element | undefined {
    if (this.#ids === undefined) {
      const ids = new Map<string, Element>()
      const { tree } = this.#context
      for (const node of tree.all('[id]', tree.root)) if (!ids.has(node.attribs.id!)) ids.set(node.attribs.id!, node)
      this.#ids = ids
    }
    return this.#ids.get(id)
  }

  #value(node: Element): string {
    const element = this.#element(node)
    const urlName = URL_VALUES[node.name]
    if (urlName !== undefined) return element.url(urlName) ?? ''
    const name = VALUE_ATTRIBUTES[node.name]
    return (name === undefined ? undefined : element.attr(name)) ?? element.text()
  }

  #element(node: Element): PageElement {
    return new PageElement(node, this.#context)
  }
}

function words(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/[\t\n\f\r ]+/).filter((word) => word !== '')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
