/**
 * Where a page's nodes are put while it is read: numbers in a few arrays, no object per node. Knows the stack of open
 * elements and the bound of its depth, but neither markup nor what elements mean.
 */
import { Names } from './names.ts'

/** What a node is that is no element; elements have the number of their name, 0 and up. */
export const TEXT = -1
/** Text without character references: scripts, CDATA sections of SVG. */
export const RAW = -2
export const COMMENT = -3
/** `<!doctype …>`, and processing instructions of XML. */
export const DIRECTIVE = -4
/** CDATA section of XML. */
export const CDATA = -5

/** Whether what a node holds is text of its element. */
export function isText(kind: number): boolean {
  return kind === TEXT || kind === RAW || kind === CDATA
}

/** Elements below become siblings at this depth, as in Blink (`kMaximumHTMLParserDOMTreeDepth`), the page itself counted. */
const DEEPEST = 512 - 1

/** Arrays that a page has made larger than this are given back: nodes, or attributes. */
const KEPT = 1 << 16
const FIRST = 1 << 12

/** The nodes of a page in the order of the page: what is below node n are the nodes n + 1 to `end[n] - 1`. */
export interface Nodes {
  readonly count: number
  /** Number of the element's name, or the kind of another node. */
  readonly name: Int32Array
  /** The element around; -1: none. */
  readonly parent: Int32Array
  readonly end: Int32Array
  /** Elements: the first of their attributes. Others: where the text begins. */
  readonly from: Int32Array
  /** Elements: behind the last of their attributes. Others: where the text ends. */
  readonly to: Int32Array
  readonly attributeName: Int32Array
  readonly attributeFrom: Int32Array
  readonly attributeTo: Int32Array
}

/** Arrays that are used for one page after the other: the finished tree has copies of their beginnings. */
let scratch: TreeBuilder | undefined

export class TreeBuilder {
  names = new Names()
  /** Open elements, those beyond the bound counted. */
  depth = 0
  #count = 0
  #name = new Int32Array(FIRST)
  #parent = new Int32Array(FIRST)
  #end = new Int32Array(FIRST)
  #from = new Int32Array(FIRST)
  #to = new Int32Array(FIRST)
  #attributes = 0
  #attributeName = new Int32Array(FIRST)
  #attributeFrom = new Int32Array(FIRST)
  #attributeTo = new Int32Array(FIRST)
  #stack = new Int32Array(DEEPEST + 1)
  #stackNames = new Int32Array(DEEPEST + 1)
  /** By name: how many elements of it are open. */
  #open = new Int32Array(FIRST)
  #top = -1

  /** A builder for one page; it is the caller's until `finish`, and no two are in use at a time. */
  static get(): TreeBuilder {
    scratch ??= new TreeBuilder()
    scratch.#reset()
    return scratch
  }

  #reset(): void {
    this.names = new Names()
    this.depth = 0
    this.#count = 0
    this.#attributes = 0
    this.#open.fill(0)
    this.#top = -1
  }

  /** Attributes of the tag that is read; the next element takes those added since `attributes` was this. */
  get attributes(): number {
    return this.#attributes
  }

  /** A tag turned out to be none: its attributes go. */
  dropAttributes(to: number): void {
    this.#attributes = to
  }

  attribute(name: number, from: number, to: number): void {
    const n = this.#attributes++
    if (n === this.#attributeName.length) {
      this.#attributeName = grown(this.#attributeName)
      this.#attributeFrom = grown(this.#attributeFrom)
      this.#attributeTo = grown(this.#attributeTo)
    }
    this.#attributeName[n] = name
    this.#attributeFrom[n] = from
    this.#attributeTo[n] = to
  }

  /** A node without anything below. */
  leaf(name: number, from: number, to: number): number {
    const n = this.#count++
    if (n === this.#name.length) {
      this.#name = grown(this.#name)
      this.#parent = grown(this.#parent)
      this.#end = grown(this.#end)
      this.#from = grown(this.#from)
      this.#to = grown(this.#to)
    }
    this.#name[n] = name
    this.#parent[n] = this.#top
    this.#end[n] = n + 1
    this.#from[n] = from
    this.#to[n] = to
    return n
  }

  /** An element that stays open. @param attributes value of `attributes` before its tag was read. */
  open(name: number, attributes: number): void {
    const node = this.leaf(name, attributes, this.#attributes)
    const level = this.depth++
    if (level === this.#stack.length) {
      this.#stack = grown(this.#stack)
      this.#stackNames = grown(this.#stackNames)
    }
    this.#stack[level] = node
    this.#stackNames[level] = name
    if (name >= this.#open.length) this.#open = grown(this.#open, name + 1)
    this.#open[name]!++
    if (level < DEEPEST) this.#top = node
  }

  /** Name of the innermost open element; -1: none is open. */
  get top(): number {
    return this.depth === 0 ? -1 : this.#stackNames[this.depth - 1]!
  }

  isOpen(name: number): boolean {
    return name < this.#open.length && this.#open[name]! > 0
  }

  /** Closes the innermost open element: its name. */
  close(): number {
    const level = --this.depth
    const name = this.#stackNames[level]!
    this.#open[name]!--
    if (level < DEEPEST) {
      this.#end[this.#stack[level]!] = this.#count
      this.#top = level === 0 ? -1 : this.#stack[level - 1]!
    }
    return name
  }

  finish(): Nodes {
    while (this.depth > 0) this.close()
    const count = this.#count
    const attributes = this.#attributes
    const nodes: Nodes = {
      count,
      name: this.#name.slice(0, count),
      parent: this.#parent.slice(0, count),
      end: this.#end.slice(0, count),
      from: this.#from.slice(0, count),
      to: this.#to.slice(0, count),
      attributeName: this.#attributeName.slice(0, attributes),
      attributeFrom: this.#attributeFrom.slice(0, attributes),
      attributeTo: this.#attributeTo.slice(0, attributes),
    }
    const sizes = [this.#name, this.#attributeName, this.#stack, this.#open].map((array) => array.length)
    if (Math.max(...sizes) > KEPT) scratch = undefined
    return nodes
  }
}

function grown(array: Int32Array<ArrayBuffer>, least = 0): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(2 * array.length, least))
  larger.set(array)
  return larger
}
