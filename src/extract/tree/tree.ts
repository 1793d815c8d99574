/**
 * A page as a tree of numbered nodes, in the order of the page. What a node holds is cut out of the page and decoded when
 * it is asked for; strings given here may keep the page alive. Knows nothing of URLs, selectors and items.
 */
import { decodeHTML, decodeHTMLAttribute, decodeXML } from 'entities/decode'
import { isText, TEXT } from './builder.ts'
import type { Nodes } from './builder.ts'
import { KNOWN_NAMES, knownName } from './names.ts'
import type { Names } from './names.ts'
import { readHtml } from './read-html.ts'
import { readXml } from './read-xml.ts'
import { Siblings } from './siblings.ts'

/** Elements whose edges part words, as line breaks do in a browser. */
const BREAKS = new Uint8Array(KNOWN_NAMES)
for (const name of (
  'address article aside blockquote br button caption dd details dialog div dl dt fieldset figcaption figure footer form ' +
  'h1 h2 h3 h4 h5 h6 header hr legend li main nav ol optgroup option p pre section select summary table tbody td tfoot th ' +
  'thead tr ul'
).split(' ')) {
  BREAKS[knownName(name)] = 1
}
const UNSEEN = new Uint8Array(KNOWN_NAMES)
for (const name of ['script', 'style', 'template']) UNSEEN[knownName(name)] = 1

/** The page itself: parent of what has no element around, scope of what is asked of the whole page. */
export const PAGE = -1

export class Tree {
  readonly text: string
  readonly isXml: boolean
  readonly nodes: Nodes
  readonly #names: Names
  #siblings: Siblings | undefined

  constructor(text: string, isXml: boolean) {
    const { nodes, names } = isXml ? readXml(text) : readHtml(text)
    this.text = text
    this.isXml = isXml
    this.nodes = nodes
    this.#names = names
  }

  isElement(node: number): boolean {
    return this.nodes.name[node]! >= 0
  }

  /** Name of an element. */
  nameOf(node: number): string {
    return this.#names.text(this.nodes.name[node]!)
  }

  /** Number of a name in this tree, -1 where nothing has it. */
  find(name: string): number {
    return this.#names.find(name)
  }

  /** Behind the last node below; of the page itself: behind the last node. */
  endOf(node: number): number {
    return node === PAGE ? this.nodes.count : this.nodes.end[node]!
  }

  /** First element below without one in between; -1: there is none. */
  firstChild(node: number): number {
    return this.#elementFrom(node + 1, this.endOf(node))
  }

  /** Element beside it, later in the page; -1: there is none. */
  next(node: number): number {
    const { nodes } = this
    return this.#elementFrom(nodes.end[node]!, this.endOf(nodes.parent[node]!))
  }

  /** Where elements stand among the others beside them. */
  get siblings(): Siblings {
    return (this.#siblings ??= new Siblings(this.nodes))
  }

  /** Place of an attribute of an element; -1: it has none of that name. */
  attribute(node: number, name: number): number {
    const { attributeName, from, to } = this.nodes
    const end = to[node]!
    for (let i = from[node]!; i < end; i++) if (attributeName[i] === name) return i
    return -1
  }

  /** Value of an attribute, by the place of it. */
  value(attribute: number): string {
    const { attributeFrom, attributeTo } = this.nodes
    const raw = this.text.slice(attributeFrom[attribute], attributeTo[attribute])
    if (!raw.includes('&')) return raw
    return this.isXml ? decodeXML(raw) : decodeHTMLAttribute(raw)
  }

  /** Value of an attribute, by its name: lower case in HTML. */
  valueOf(node: number, name: string): string | undefined {
    const attribute = this.attribute(node, this.find(name))
    return attribute < 0 ? undefined : this.value(attribute)
  }

  /** Names and values of an element's attributes, each name once. */
  *attributesOf(node: number): Generator<readonly [name: string, value: string]> {
    const { attributeName, from, to } = this.nodes
    for (let i = from[node]!; i < to[node]!; i++) {
      if (this.attribute(node, attributeName[i]!) === i) yield [this.#names.text(attributeName[i]!), this.value(i)]
    }
  }

  /** Text of a node that is no element. */
  data(node: number): string {
    const { name, from, to } = this.nodes
    const raw = this.text.slice(from[node], to[node])
    if (name[node] !== TEXT || !raw.includes('&')) return raw
    return this.isXml ? decodeXML(raw) : decodeHTML(raw)
  }

  /** Text as people see it: blocks and cells set apart by spaces, scripts and styles left out, white space as it is. */
  seenText(node: number): string {
    const { name, end } = this.nodes
    const last = end[node]!
    // Nearly all that is asked for holds one piece of text and nothing else.
    if (last === node + 2 && name[node + 1] === TEXT) return this.data(node + 1)
    /** Where the blocks end that we are in; as many as the tree is deep. */
    const blocks: number[] = []
    let text = ''
    for (let i = node + 1; i < last; ) {
      while (blocks.length > 0 && i >= blocks[blocks.length - 1]!) {
        blocks.pop()
        text += ' '
      }
      const kind = name[i]!
      if (kind < 0) {
        if (isText(kind)) text += this.data(i)
        i++
      } else if (UNSEEN[kind] === 1) i = end[i]!
      else {
        if (BREAKS[kind] === 1) {
          text += ' '
          blocks.push(end[i]!)
        }
        i++
      }
    }
    return blocks.length > 0 ? `${text} ` : text
  }

  /** All text of an element, each `br` a line feed: what `:contains` looks through. */
  allText(node: number): string {
    const { name, end } = this.nodes
    let text = ''
    for (let i = node; i < end[node]!; ) {
      const kind = name[i]!
      if (isText(kind)) text += this.data(i)
      else if (kind === BR) text += '\n'
      i = kind === BR ? end[i]! : i + 1
    }
    return text
  }

  /** Nothing in it but white space and comments. */
  isEmpty(node: number): boolean {
    const { name, end } = this.nodes
    for (let i = node + 1; i < end[node]!; i++) {
      const kind = name[i]!
      if (kind >= 0) return false
      if (isText(kind) && !/^[ \t\r\n]*$/.test(this.data(i))) return false
    }
    return true
  }

  #elementFrom(from: number, end: number): number {
    const { name, end: ends } = this.nodes
    for (let i = from; i < end; i = ends[i]!) if (name[i]! >= 0) return i
    return -1
  }
}

const BR = knownName('br')
