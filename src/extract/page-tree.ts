/**
 * Trees of pages: htmlparser2 builds them, css-select searches them. Depth is bounded, so that nothing that walks a tree
 * recurses without limit. Knows nothing of URLs and items.
 */
import { compile, selectAll, selectOne } from 'css-select'
import type { Options } from 'css-select'
import { DomHandler } from 'domhandler'
import type { AnyNode, Document, Element, ParentNode } from 'domhandler'
import { Parser } from 'htmlparser2'
import { SluiceError } from '../model/errors.ts'

/** Elements below become siblings at this depth, as in Blink (`kMaximumHTMLParserDOMTreeDepth`). */
const DEEPEST = 512

/** Compiled selectors kept; emptied when full, for a program may make them up. */
const QUERY_ENTRIES = 256

type Query = (node: AnyNode) => boolean

class BoundedHandler extends DomHandler {
  /** Open elements that were not put on the stack. */
  #beyond = 0

  override onopentag(name: string, attributes: Record<string, string>): void {
    super.onopentag(name, attributes)
    if (this.tagStack.length <= DEEPEST) return
    this.tagStack.pop()
    this.#beyond++
  }

  override onclosetag(): void {
    if (this.#beyond === 0) {
      super.onclosetag()
      return
    }
    this.#beyond--
    this.lastNode = null
  }
}

/** One parsed page, and the way its markup is read. */
export class Tree {
  readonly root: Document
  readonly isXml: boolean
  readonly #options: Options<AnyNode, Element>

  constructor(text: string, isXml: boolean) {
    const handler = new BoundedHandler(null, { xmlMode: isXml })
    new Parser(handler, { xmlMode: isXml }).end(text)
    this.root = handler.root
    this.isXml = isXml
    this.#options = { xmlMode: isXml }
  }

  first(selector: string, within: ParentNode): Element | undefined {
    return selectOne(this.#query(selector, within), within, this.#options) ?? undefined
  }

  all(selector: string, within: ParentNode): Element[] {
    return selectAll(this.#query(selector, within), within, this.#options)
  }

  matches(selector: string, element: Element): boolean {
    return this.#query(selector, this.root)(element)
  }

  /** Compiled once for all elements, but for selectors that begin at the element they are asked of. */
  #query(selector: string, within: ParentNode): Query {
    const isRelative = within !== this.root && /:scope|(?:^|,)\s*[>+~]/.test(selector)
    const known = queries[this.isXml ? 'xml' : 'html']
    const found = isRelative ? undefined : known.get(selector)
    if (found !== undefined) return found
    let query: Query
    try {
      // css-select takes these for selectors that match nothing.
      if (/(?:^|[>+~])\s*$/.test(selector)) throw new Error('it ends before an element')
      query = compile<AnyNode, Element>(selector, { xmlMode: this.isXml }, isRelative ? within : undefined)
    } catch (cause) {
      throw new SluiceError(
        'OPTION_INVALID',
        `${JSON.stringify(selector)} is not a valid selector: ${(cause as Error).message}`,
        { cause },
      )
    }
    if (isRelative) return query
    if (known.size >= QUERY_ENTRIES) known.clear()
    known.set(selector, query)
    return query
  }
}

const queries = { html: new Map<string, Query>(), xml: new Map<string, Query>() }
