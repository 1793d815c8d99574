/**
 * An element of a page as extractors see it. What is missing is undefined, never an exception; strings handed out are
 * copies that do not keep the page alive. Nothing here changes the tree.
 */
import render from 'dom-serializer'
import { isTag, isText } from 'domhandler'
import type { AnyNode, Element } from 'domhandler'
import { detach } from '../url/detach.ts'
import { parseNumber } from './number.ts'
import type { Tree } from './page-tree.ts'
import { stripUrl } from './white-space.ts'

/** What elements share with their page. */
export interface TreeContext {
  readonly tree: Tree
  /** Base of relative URLs. */
  readonly base: string
}

/** Elements whose edges part words, as line breaks do in a browser. */
const BREAKS = new Set(
  (
    'address article aside blockquote br button caption dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hr legend li main nav ol optgroup option p pre section select summary table tbody td tfoot th ' +
    'thead tr ul'
  ).split(' '),
)
const UNSEEN = new Set(['script', 'style', 'template'])

/** Attributes that hold an element's URL, by name; others: `href`, then `src`. */
const URL_ATTRIBUTES: Readonly<Record<string, string>> = {
  form: 'action',
  object: 'data',
  blockquote: 'cite',
  q: 'cite',
}

export class PageElement {
  readonly #node: Element
  readonly #context: TreeContext

  constructor(node: Element, context: TreeContext) {
    this.#node = node
    this.#context = context
  }

  get [Symbol.toStringTag](): string {
    return 'Element'
  }

  /** Name of the element: `a`, `td`; lower case in HTML. */
  get name(): string {
    return this.#node.name
  }

  /** First match within, in the order of the page; undefined without one. Selectors as in `querySelector`, also `> li`. */
  $(selector: string): PageElement | undefined {
    return this.#wrap(this.#context.tree.first(selector, this.#node))
  }

  /** All matches within. */
  $$(selector: string): PageElement[] {
    return this.#context.tree.all(selector, this.#node).map((node) => new PageElement(node, this.#context))
  }

  /** Text with white space collapsed (no-break spaces too); blocks and cells are set apart, scripts and styles left out. */
  text(): string
  text(selector: string): string | undefined
  text(selector?: string): string | undefined {
    const node = this.#of(selector)
    return node === undefined ? undefined : detach(textOf(node).replace(/\s+/g, ' ').trim())
  }

  /** First number in the text; `parseNumber` in number.ts says how `1.234` and `1,234` are read. */
  number(selector?: string): number | undefined {
    const node = this.#of(selector)
    // Not collapsed: a no-break space tells thousands from two numbers.
    return node === undefined
      ? undefined
      : parseNumber(
          textOf(node)
            .replace(/[\t\n\f\r ]+/g, ' ')
            .trim(),
        )
  }

  /** Value of an attribute, as written. */
  attr(name: string, selector?: string): string | undefined {
    const node = this.#of(selector)
    const value = node === undefined ? undefined : attributeOf(node, name, this.#context.tree.isXml)
    return value === undefined ? undefined : detach(value)
  }

  /** URL in an attribute (default: the one that fits the element, `href` or `src` mostly), resolved against the base. */
  url(name?: string, selector?: string): string | undefined {
    const node = this.#of(selector)
    if (node === undefined) return undefined
    const own = URL_ATTRIBUTES[node.name]
    const names = name !== undefined ? [name] : own !== undefined ? [own] : ['href', 'src']
    for (const each of names) {
      const value = attributeOf(node, each, this.#context.tree.isXml)
      if (value !== undefined) return URL.parse(stripUrl(value), this.#context.base)?.href
    }
    return undefined
  }

  /** Markup inside the element. */
  html(): string
  html(selector: string): string | undefined
  html(selector?: string): string | undefined {
    const node = this.#of(selector)
    if (node === undefined) return undefined
    return detach(render(node.children, { xmlMode: this.#context.tree.isXml, encodeEntities: 'utf8' }))
  }

  /** The element itself or the nearest one around it that matches. */
  closest(selector: string): PageElement | undefined {
    for (let node: AnyNode | null = this.#node; node !== null; node = node.parent) {
      if (isTag(node) && this.#context.tree.matches(selector, node)) return this.#wrap(node)
    }
    return undefined
  }

  /** The next element beside it; with a selector the next one that matches. */
  next(selector?: string): PageElement | undefined {
    for (let node = this.#node.next; node !== null; node = node.next) {
      if (isTag(node) && (selector === undefined || this.#context.tree.matches(selector, node))) return this.#wrap(node)
    }
    return undefined
  }

  parent(): PageElement | undefined {
    const { parent } = this.#node
    return parent !== null && isTag(parent) ? this.#wrap(parent) : undefined
  }

  /** Whether the element itself matches. */
  is(selector: string): boolean {
    return this.#context.tree.matches(selector, this.#node)
  }

  #of(selector: string | undefined): Element | undefined {
    return selector === undefined ? this.#node : this.#context.tree.first(selector, this.#node)
  }

  #wrap(node: Element | undefined): PageElement | undefined {
    return node === undefined ? undefined : new PageElement(node, this.#context)
  }
}

function attributeOf(node: Element, name: string, isXml: boolean): string | undefined {
  const key = isXml ? name : name.toLowerCase()
  return Object.hasOwn(node.attribs, key) ? node.attribs[key] : undefined
}

/** Recursion is bounded by the depth of the tree. */
function textOf(node: Element): string {
  let text = ''
  const add = (child: AnyNode): void => {
    if (isText(child)) text += child.data
    else if ('children' in child) {
      const name = isTag(child) ? child.name : ''
      if (UNSEEN.has(name)) return
      const edge = BREAKS.has(name) ? ' ' : ''
      text += edge
      for (const inner of child.children) add(inner)
      text += edge
    }
  }
  for (const child of node.children) add(child)
  return text
}
