/**
 * Reads XML into a tree, as leniently as htmlparser2: names keep their case, `/>` closes, nothing is implied, and what is
 * malformed never stops it. One pass. DTDs are passed over, entities of their own never expanded.
 */
import { isWhiteSpace } from '../white-space.ts'
import { CDATA, COMMENT, DIRECTIVE, RAW, TEXT, TreeBuilder } from './builder.ts'
import type { Nodes } from './builder.ts'
import type { Names } from './names.ts'
import { Tags } from './tags.ts'

export function readXml(text: string): { readonly nodes: Nodes; readonly names: Names } {
  const builder = TreeBuilder.get()
  new XmlReader(text, builder).read()
  const { names } = builder
  return { nodes: builder.finish(), names }
}

class XmlReader {
  readonly #text: string
  readonly #builder: TreeBuilder
  readonly #tags: Tags
  /** Where text begins that is no node yet. */
  #textStart = 0

  constructor(text: string, builder: TreeBuilder) {
    this.#text = text
    this.#builder = builder
    this.#tags = new Tags(text, builder, true)
  }

  read(): void {
    const text = this.#text
    let at = 0
    // -1 where the page ends inside a tag.
    while (at >= 0) {
      const less = text.indexOf('<', at)
      if (less < 0) {
        this.#leaf(TEXT, this.#textStart, text.length)
        return
      }
      const c = text.charCodeAt(less + 1)
      if (c === 33) at = this.#declaration(less)
      else if (c === 63) at = this.#instruction(less)
      else if (c === 47) at = this.#slash(less)
      else if (Number.isNaN(c) || c === 62 || isWhiteSpace(c)) at = less + 1
      else at = this.#start(less)
    }
  }

  /** The text before `less` and a node for what is there; text goes on at `next`. */
  #add(less: number, kind: number, from: number, to: number, next: number): number {
    this.#leaf(TEXT, this.#textStart, less)
    if (kind === CDATA || kind === COMMENT || kind === DIRECTIVE) this.#builder.leaf(kind, from, to)
    else this.#leaf(kind, from, to)
    this.#textStart = next
    return next
  }

  #leaf(kind: number, from: number, to: number): void {
    if (to > from) this.#builder.leaf(kind, from, to)
  }

  #start(less: number): number {
    const tags = this.#tags
    const builder = this.#builder
    this.#add(less, TEXT, 0, 0, less)
    const nameEnd = tags.nameEnd(less + 1)
    if (nameEnd < 0) return -1
    const name = tags.name(less + 1, nameEnd)
    const { attributes } = builder
    const behind = tags.attributes(nameEnd)
    if (behind < 0) return -1
    builder.open(name, attributes)
    if (tags.isSelfClosing) builder.close()
    this.#textStart = behind
    return behind
  }

  #slash(less: number): number {
    const text = this.#text
    let start = less + 2
    while (isWhiteSpace(text.charCodeAt(start))) start++
    const c = text.charCodeAt(start)
    // `</>` is text.
    if (Number.isNaN(c) || c === 62) return start
    if (c === 47) return this.#until('>', less, COMMENT, start, start, 1)
    this.#add(less, TEXT, 0, 0, less)
    const nameEnd = this.#tags.nameEnd(start)
    const greater = nameEnd < 0 ? -1 : text.indexOf('>', nameEnd)
    if (greater < 0) return -1
    const builder = this.#builder
    const name = this.#tags.name(start, nameEnd)
    if (builder.isOpen(name)) while (builder.close() !== name);
    this.#textStart = greater + 1
    return greater + 1
  }

  #declaration(less: number): number {
    const text = this.#text
    const c = text.charCodeAt(less + 2)
    if (text.startsWith('[CDATA[', less + 2)) {
      const close = text.indexOf(']]>', less + 9)
      const end = close < 0 ? text.length : close
      if (close < 0 && end === less + 9) return this.#add(less, TEXT, 0, 0, end)
      return this.#add(less, CDATA, less + 9, end, close < 0 ? end : end + 3)
    }
    if (text.startsWith('--', less + 2)) {
      const end = this.#tags.commentEnd(less + 4, less + 4)
      if (end < 0) return this.#add(less, COMMENT, less + 4, text.length, text.length)
      return this.#add(less, COMMENT, less + 4, end, end + (text.charCodeAt(end + 2) === 33 ? 4 : 3))
    }
    // The first character belongs to it even if it is the `>`.
    const from = less + (c === 91 ? 2 : c === 45 ? 4 : 3)
    return this.#until('>', less, DIRECTIVE, less + 1, from, 1)
  }

  #instruction(less: number): number {
    return this.#until('?>', less, DIRECTIVE, less + 1, less + 2, 2)
  }

  /** A node that ends with `close`, looked for from `search` on; text where there is none. */
  #until(close: string, less: number, kind: number, from: number, search: number, width: number): number {
    const text = this.#text
    const end = text.indexOf(close, search)
    if (end >= 0) return this.#add(less, kind, from, end, end + width)
    const rest = kind === DIRECTIVE ? from + 1 : from
    return this.#add(less, RAW, rest, text.length, text.length)
  }
}
