/**
 * What the tree has to agree with: htmlparser2's, built with domhandler under the same bound of depth, searched by
 * css-select, written by dom-serializer.
 */
import { compile, selectAll } from 'css-select'
import render from 'dom-serializer'
import { DomHandler } from 'domhandler'
import type { AnyNode, ChildNode, Document, Element } from 'domhandler'
import { Parser } from 'htmlparser2'

/** Elements that may be open in a document of domhandler, the document counted. */
const DEEPEST = 512

class BoundedHandler extends DomHandler {
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

export function oracleTree(text: string, xmlMode: boolean): Document {
  const handler = new BoundedHandler(null, { xmlMode })
  new Parser(handler, { xmlMode }).end(text)
  return handler.root
}

/** Other selectors are not compiled for the element: css-select would take all that they name to be inside of it. */
const RELATIVE = /:scope|(?:^|,)\s*[>+~]/

export function oracleAll(selector: string, within: Document | Element, xmlMode: boolean): Element[] {
  const context = 'attribs' in within && RELATIVE.test(selector) ? within : undefined
  const query = compile<AnyNode, Element>(selector, { xmlMode }, context)
  return selectAll<AnyNode, Element>(query, within, { xmlMode })
}

export function oracleInside(node: Element, xmlMode: boolean): string {
  return render(node.children, { xmlMode, encodeEntities: 'utf8' })
}

/** All elements in the order of the page, those in templates too. */
export function oracleElements(nodes: readonly ChildNode[]): Element[] {
  return nodes.flatMap((node) => {
    if (!('children' in node)) return []
    return 'attribs' in node ? [node, ...oracleElements(node.children)] : oracleElements(node.children)
  })
}

const BREAKS = new Set(
  (
    'address article aside blockquote br button caption dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hr legend li main nav ol optgroup option p pre section select summary table tbody td tfoot th ' +
    'thead tr ul'
  ).split(' '),
)
const UNSEEN = new Set(['script', 'style', 'template'])

/** Text of an element as `PageElement.text()` defines it. */
export function oracleText(node: Element): string {
  const inside = (child: ChildNode): string => {
    if (child.type === 'text') return child.data
    if (!('children' in child)) return ''
    const name = 'attribs' in child ? child.name : ''
    if (UNSEEN.has(name)) return ''
    const edge = BREAKS.has(name) ? ' ' : ''
    return edge + (child.children as ChildNode[]).map(inside).join('') + edge
  }
  return node.children.map(inside).join('').replace(/\s+/g, ' ').trim()
}
