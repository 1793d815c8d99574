/**
 * An element of a page as extractors see it. What is missing is undefined, never an exception; strings handed out are
 * copies that do not keep the page alive. Nothing here changes the tree.
 */
import { detach } from '../url/detach.ts'
import { parseNumber } from './number.ts'
import { findAll, findFirst, isMatch } from './tree/query.ts'
import { renderInside } from './tree/render.ts'
import { PAGE } from './tree/tree.ts'
import type { Tree } from './tree/tree.ts'
import { stripUrl } from './white-space.ts'

/** What elements share with their page. */
export interface TreeContext {
  readonly tree: Tree
  /** Base of relative URLs. */
  readonly base: string
}

/** Attributes that hold an element's URL, by name; others: `href`, then `src`. */
const URL_ATTRIBUTES: Readonly<Record<string, string>> = {
  form: 'action',
  object: 'data',
  blockquote: 'cite',
  q: 'cite',
}

export class PageElement {
  readonly #node: number
  readonly #context: TreeContext

  /** @param node number of an element in the context's tree. */
  constructor(node: number, context: TreeContext) {
    this.#node = node
    this.#context = context
  }

  get [Symbol.toStringTag](): string {
    return 'Element'
  }

  /** Name of the element: `a`, `td`; lower case in HTML. */
  get name(): string {
    return detach(this.#context.tree.nameOf(this.#node))
  }

  /** First match within, in the order of the page; undefined without one. Selectors as in `querySelector`, also `> li`. */
  $(selector: string): PageElement | undefined {
    return this.#wrap(findFirst(this.#context.tree, selector, this.#node))
  }

  /** All matches within. */
  $$(selector: string): PageElement[] {
    return findAll(this.#context.tree, selector, this.#node).map((node) => new PageElement(node, this.#context))
  }

  /** Text with white space collapsed (no-break spaces too); blocks and cells are set apart, scripts and styles left out. */
  text(): string
  text(selector: string): string | undefined
  text(selector?: string): string | undefined {
    const node = this.#of(selector)
    return node < 0 ? undefined : detach(squeeze(this.#context.tree.seenText(node)))
  }

  /** First number in the text; `parseNumber` in number.ts says how `1.234` and `1,234` are read. */
  number(selector?: string): number | undefined {
    const node = this.#of(selector)
    // Not collapsed: a no-break space tells thousands from two numbers.
    return node < 0
      ? undefined
      : parseNumber(
          this.#context.tree
            .seenText(node)
            .replace(/[\t\n\f\r ]+/g, ' ')
            .trim(),
        )
  }

  /** Value of an attribute, as written. */
  attr(name: string, selector?: string): string | undefined {
    const node = this.#of(selector)
    const value = node < 0 ? undefined : this.#attribute(node, name)
    return value === undefined ? undefined : detach(value)
  }

  /** URL in an attribute (default: the one that fits the element, `href` or `src` mostly), resolved against the base. */
  url(name?: string, selector?: string): string | undefined {
    const node = this.#of(selector)
    if (node < 0) return undefined
    const own = URL_ATTRIBUTES[this.#context.tree.nameOf(node)]
    const names = name !== undefined ? [name] : own !== undefined ? [own] : ['href', 'src']
    for (const each of names) {
      const value = this.#attribute(node, each)
      if (value !== undefined) return URL.parse(stripUrl(value), this.#context.base)?.href
    }
    return undefined
  }

  /** Markup inside the element. */
  html(): string
  html(selector: string): string | undefined
  html(selector?: string): string | undefined {
    const node = this.#of(selector)
    return node < 0 ? undefined : detach(renderInside(this.#context.tree, node))
  }

  /** The element itself or the nearest one around it that matches. */
  closest(selector: string): PageElement | undefined {
    const { tree } = this.#context
    let node = this.#node
    while (node !== PAGE && !isMatch(tree, selector, node, PAGE)) node = tree.nodes.parent[node]!
    return this.#wrap(node)
  }

  /** The next element beside it; with a selector the next one that matches. */
  next(selector?: string): PageElement | undefined {
    const { tree } = this.#context
    let node = tree.next(this.#node)
    if (selector !== undefined) while (node >= 0 && !isMatch(tree, selector, node, PAGE)) node = tree.next(node)
    return this.#wrap(node)
  }

  parent(): PageElement | undefined {
    return this.#wrap(this.#context.tree.nodes.parent[this.#node]!)
  }

  /** Whether the element itself matches. */
  is(selector: string): boolean {
    return isMatch(this.#context.tree, selector, this.#node, PAGE)
  }

  /** Negative: there is no such element. */
  #of(selector: string | undefined): number {
    return selector === undefined ? this.#node : findFirst(this.#context.tree, selector, this.#node)
  }

  #wrap(node: number): PageElement | undefined {
    return node < 0 ? undefined : new PageElement(node, this.#context)
  }

  #attribute(node: number, name: string): string | undefined {
    const { tree } = this.#context
    return tree.valueOf(node, tree.isXml ? name : name.toLowerCase())
  }
}

/** Runs of white space, no-break spaces among them, become one space; none is left at the ends. */
function squeeze(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
