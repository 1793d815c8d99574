/**
 * Reads names and attributes of tags for the tree, as htmlparser2 does: a slash before the `>` counts with white space in
 * between, too, and unlike the scanner's (`markup.ts`) all attributes are noted. Values stay where they are: two numbers.
 */
import { Finder } from '../finder.ts'
import { isWhiteSpace } from '../white-space.ts'
import type { TreeBuilder } from './builder.ts'
import { hashStep } from './names.ts'

export class Tags {
  readonly text: string
  readonly builder: TreeBuilder
  readonly isXml: boolean
  /** The last tag that was read with its attributes ended with `/>`. */
  isSelfClosing = false
  readonly #commentEnd: Finder
  readonly #commentBang: Finder
  #hash = 0

  constructor(text: string, builder: TreeBuilder, isXml: boolean) {
    this.text = text
    this.builder = builder
    this.isXml = isXml
    this.#commentEnd = new Finder(text, '-->')
    this.#commentBang = new Finder(text, '--!>')
  }

  /** Index behind the name that begins at `start`; -1 where the page ends in it. */
  nameEnd(start: number): number {
    const { text } = this
    let hash = 0
    for (let i = start; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c === 62 || c === 47 || (c <= 32 && isWhiteSpace(c))) {
        this.#hash = hash
        return i
      }
      hash = hashStep(hash, c)
    }
    return -1
  }

  /** Number of the name that `nameEnd` or `attributes` has just passed. */
  name(start: number, end: number): number {
    const { names } = this.builder
    return this.isXml ? names.number(this.text.slice(start, end)) : names.read(this.text, start, end, this.#hash)
  }

  /** Index behind the tag whose name ends at `from`, its attributes noted; -1 where the page ends in it. */
  attributes(from: number): number {
    const { text, builder } = this
    const { length } = text
    let i = from
    let slash = false
    for (;;) {
      let c = 0
      for (; i < length; i++) {
        c = text.charCodeAt(i)
        if (c === 47) slash = true
        else if (c > 32 || !isWhiteSpace(c)) break
      }
      if (i >= length) return -1
      if (c === 62) {
        this.isSelfClosing = slash
        return i + 1
      }
      slash = false
      // The first character belongs to the name even if it is an equals sign.
      const nameStart = i
      let hash = 0
      do {
        hash = hashStep(hash, c)
        if (++i >= length) return -1
        c = text.charCodeAt(i)
      } while (c !== 61 && c !== 62 && c !== 47 && (c > 32 || !isWhiteSpace(c)))
      this.#hash = hash
      const name = this.name(nameStart, i)
      i = this.#skipSpace(i)
      let start = i
      let end = i
      if (text.charCodeAt(i) === 61) {
        i = this.#skipSpace(i + 1)
        c = text.charCodeAt(i)
        if (c === 34 || c === 39) {
          start = i + 1
          end = text.indexOf(c === 34 ? '"' : "'", start)
          if (end < 0) return -1
          i = end + 1
        } else {
          start = i
          for (; i < length; i++) {
            c = text.charCodeAt(i)
            if (c === 62 || (c <= 32 && isWhiteSpace(c))) break
          }
          end = i
        }
      }
      builder.attribute(name, start, end)
    }
  }

  /** Index of what ends a comment, a `-->` from `plain` on or a `--!>` from `bang` on; -1: nothing does. */
  commentEnd(plain: number, bang: number): number {
    const end = Math.min(this.#commentEnd.from(plain), this.#commentBang.from(bang))
    return end === Infinity ? -1 : end
  }

  #skipSpace(from: number): number {
    let i = from
    while (i < this.text.length && isWhiteSpace(this.text.charCodeAt(i))) i++
    return i
  }
}
