/**
 * XPath 3.1 over a page, by fontoxpath: an optional package, loaded with the first expression. It wants nodes as a browser
 * has them, so the page is read once more into small ones of its own; a page that is asked for no XPath pays nothing.
 */
import { Parser } from 'htmlparser2'
import { SluiceError } from '../model/errors.ts'
import { detach } from '../url/detach.ts'
import { optionalPackage } from './optional-package.ts'

interface FontoXPath {
  evaluateXPath(
    expression: string,
    node: PlainNode,
    facade: null,
    variables: null,
    returnType: number,
    options: { readonly namespaceResolver: (prefix: string) => string | null },
  ): unknown
  readonly ReturnType: { readonly ARRAY: number; readonly ALL_RESULTS: number }
}

/** What the specification of the DOM calls a node, as far as XPath looks at it. */
export interface PlainNode {
  /** 1 element, 2 attribute, 3 text, 9 document. */
  readonly nodeType: 1 | 2 | 3 | 9
  readonly nodeName: string
  readonly localName?: string
  readonly prefix: null
  readonly namespaceURI: null
  /** Text or value of the attribute. */
  data?: string
  value?: string
  name?: string
  readonly ownerDocument: PlainNode | null
  parentNode: PlainNode | null
  readonly childNodes: PlainNode[]
  readonly attributes?: PlainNode[]
  firstChild: PlainNode | null
  lastChild: PlainNode | null
  previousSibling: PlainNode | null
  nextSibling: PlainNode | null
}

export type XPathValue = string | number | boolean

/**
 * @returns what the expression gives, in the order of the page: nodes as their text (elements with white space
 *   collapsed), numbers and truths as they are.
 * @throws {SluiceError} DEPENDENCY_MISSING; OPTION_INVALID for what is no XPath.
 */
export function evaluate(expression: string, document: PlainNode): XPathValue[] {
  const { evaluateXPath, ReturnType } = optionalPackage<FontoXPath>('fontoxpath', 'page.xpath()')
  let found: unknown[]
  try {
    found = evaluateXPath(expression, document, null, null, ReturnType.ALL_RESULTS, {
      // Elements of HTML are named without their namespace, as XPath 1.0 and everybody's expressions do.
      namespaceResolver: () => null,
    }) as unknown[]
  } catch (cause) {
    const [line] = String((cause as Error).message).split('\n')
    throw new SluiceError('OPTION_INVALID', `${JSON.stringify(expression)} is not an XPath: ${line}`, {
      hint: 'for example //h1, //a/@href or string(//td[2])',
      cause,
    })
  }
  return found.map(valueOf)
}

function valueOf(found: unknown): XPathValue {
  if (typeof found === 'number' || typeof found === 'boolean') return found
  if (typeof found !== 'object' || found === null || !('nodeType' in found)) return detach(String(found))
  const node = found as PlainNode
  if (node.nodeType === 2) return detach(node.value ?? '')
  if (node.nodeType === 3) return detach(node.data ?? '')
  return detach(textOf(node).replace(/\s+/g, ' ').trim())
}

/** Without recursion: pages nest as deep as they like. */
function textOf(root: PlainNode): string {
  let text = ''
  let node: PlainNode | null = root
  while (node !== null) {
    if (node.nodeType === 3) text += node.data
    if (node.firstChild !== null) {
      node = node.firstChild
      continue
    }
    while (node !== root && node.nextSibling === null) node = node.parentNode!
    if (node === root) break
    node = node.nextSibling
  }
  return text
}

/** Names are in lower case in HTML; prefixes of XML are part of the name, as selectors have them. */
export function plainDocument(markup: string, isXml: boolean): PlainNode {
  const document = plainNode(9, '#document', null)
  let top = document
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        const made = plainNode(1, name, document)
        for (const [key, value] of Object.entries(attributes)) {
          const attribute = plainNode(2, key, document)
          attribute.value = attribute.data = value
          attribute.name = key
          attribute.parentNode = made
          made.attributes!.push(attribute)
        }
        append(top, made)
        top = made
      },
      ontext: (data) => {
        if (top.lastChild?.nodeType === 3) top.lastChild.data += data
        else {
          const text = plainNode(3, '#text', document)
          text.data = data
          append(top, text)
        }
      },
      onclosetag: () => (top = top.parentNode ?? document),
    },
    { xmlMode: isXml },
  )
  parser.end(markup)
  return document
}

function append(parent: PlainNode, child: PlainNode): void {
  child.parentNode = parent
  child.previousSibling = parent.lastChild
  if (parent.lastChild === null) parent.firstChild = child
  else parent.lastChild.nextSibling = child
  parent.lastChild = child
  parent.childNodes.push(child)
}

function plainNode(nodeType: PlainNode['nodeType'], nodeName: string, ownerDocument: PlainNode | null): PlainNode {
  return {
    nodeType,
    nodeName,
    ...(nodeType < 3 ? { localName: nodeName } : {}),
    ...(nodeType === 1 ? { attributes: [] } : {}),
    prefix: null,
    namespaceURI: null,
    ownerDocument,
    parentNode: null,
    childNodes: [],
    firstChild: null,
    lastChild: null,
    previousSibling: null,
    nextSibling: null,
  }
}
