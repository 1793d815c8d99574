/**
 * Walks through the tags of a page: where a tag ends and which of its attributes matter, by the tokenisation rules of
 * the HTML standard (13.2.5). It knows nothing about what elements mean.
 *
 * Every search runs forward only, and what a search has found is kept until the walk has passed it: the time is linear
 * in the length of the page, whatever is left unclosed.
 */
import { Finder } from './finder.ts'
import { isWhiteSpace, same } from './white-space.ts'

export const HREF = 0
export const SRC = 1
export const REL = 2
export const NAME = 3
export const CONTENT = 4
export const HTTP_EQUIV = 5
export const SRCSET = 6
export const ACTION = 7
export const XLINK_HREF = 8
export const ENCODING = 9
/** `color`, `face` or `size`: what makes a `font` leave an SVG. */
export const FONT = 10
const SLOTS = 11

export class Markup {
  readonly text: string
  /** Where the values of the last captured tag lie, by slot; -1: the attribute is missing. */
  readonly starts = new Int32Array(SLOTS)
  readonly ends = new Int32Array(SLOTS)
  /** The last tag read with attributes ended with `/>`. */
  isSelfClosing = false
  readonly #length: number
  readonly #greater: Finder
  readonly #double: Finder
  readonly #single: Finder
  readonly #commentEnd: Finder
  readonly #commentBang: Finder

  constructor(text: string) {
    this.text = text
    this.#length = text.length
    this.#greater = new Finder(text, '>')
    this.#double = new Finder(text, '"')
    this.#single = new Finder(text, "'")
    this.#commentEnd = new Finder(text, '-->')
    this.#commentBang = new Finder(text, '--!>')
  }

  /** Index behind the name of the tag that begins at `start`. */
  nameEnd(start: number): number {
    const { text } = this
    const length = this.#length
    let i = start
    while (i < length) {
      const c = text.charCodeAt(i)
      if (c === 62 || c === 47 || (c <= 32 && isWhiteSpace(c))) break
      i++
    }
    return i
  }

  /** Index behind the next `>`, or the length of the page. */
  behindGreater(from: number): number {
    const found = this.#greater.from(from)
    return found === Infinity ? this.#length : found + 1
  }

  /** Index behind the comment whose `<!--` begins at `open`. */
  behindComment(open: number): number {
    // The dashes of `<!-->` and `<!--->` open and close.
    const end = this.#commentEnd.from(open + 2)
    const bang = this.#commentBang.from(open + 4)
    if (end <= bang) return end === Infinity ? this.#length : end + 3
    return bang + 4
  }

  /** Index behind the tag whose name ends at `from`, or -1 where the page ends inside it. */
  skipTag(from: number): number {
    // Most tags that are skipped have no attributes.
    if (this.text.charCodeAt(from) === 62) return from + 1
    const greater = this.#greater.from(from)
    if (greater === Infinity) return -1
    if (this.#double.from(from) > greater && this.#single.from(from) > greater) return greater + 1
    return this.#attributes(from, false)
  }

  /** As `skipTag`, and notes where the values of the attributes are that have a slot. */
  readTag(from: number): number {
    this.starts.fill(-1)
    return this.#attributes(from, true)
  }

  #attributes(from: number, capture: boolean): number {
    const { text } = this
    const length = this.#length
    let i = from
    let c = 0
    let slash = false
    for (;;) {
      slash = false
      while (i < length) {
        c = text.charCodeAt(i)
        if (c === 47) slash = true
        else if (c <= 32 && isWhiteSpace(c)) slash = false
        else break
        i++
      }
      if (i >= length) return -1
      if (c === 62) {
        this.isSelfClosing = slash
        return i + 1
      }
      // The first character belongs to the name even if it is an equals sign.
      const nameStart = i++
      while (i < length) {
        c = text.charCodeAt(i)
        if (c === 61 || c === 62 || c === 47 || (c <= 32 && isWhiteSpace(c))) break
        i++
      }
      const nameEnd = i
      i = this.#skipSpace(i)
      if (i >= length) return -1
      let start = nameEnd
      let end = nameEnd
      if (text.charCodeAt(i) === 61) {
        i = this.#skipSpace(i + 1)
        if (i >= length) return -1
        c = text.charCodeAt(i)
        if (c === 34 || c === 39) {
          start = i + 1
          end = text.indexOf(c === 34 ? '"' : "'", start)
          if (end < 0) return -1
          i = end + 1
        } else {
          start = i
          while (i < length) {
            c = text.charCodeAt(i)
            if (c === 62 || (c <= 32 && isWhiteSpace(c))) break
            i++
          }
          if (i >= length) return -1
          end = i
        }
      }
      if (capture) {
        const slot = slotOf(text, nameStart, nameEnd)
        // Of two attributes with one name the first one counts.
        if (slot >= 0 && this.starts[slot]! < 0) {
          this.starts[slot] = start
          this.ends[slot] = end
        }
      }
    }
  }

  #skipSpace(from: number): number {
    let i = from
    while (i < this.#length && isWhiteSpace(this.text.charCodeAt(i))) i++
    return i
  }
}

function slotOf(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start) | 32
  switch (end - start) {
    case 3:
      if (first === 115 && same(text, start, 'src')) return SRC
      return first === 114 && same(text, start, 'rel') ? REL : -1
    case 4:
      if (first === 104 && same(text, start, 'href')) return HREF
      if (first === 110 && same(text, start, 'name')) return NAME
      return same(text, start, 'face') || same(text, start, 'size') ? FONT : -1
    case 5:
      return same(text, start, 'color') ? FONT : -1
    case 6:
      if (first === 115 && same(text, start, 'srcset')) return SRCSET
      return first === 97 && same(text, start, 'action') ? ACTION : -1
    case 7:
      return same(text, start, 'content') ? CONTENT : -1
    case 8:
      return same(text, start, 'encoding') ? ENCODING : -1
    case 10:
      if (same(text, start, 'http-equiv')) return HTTP_EQUIV
      return same(text, start, 'xlink:href') ? XLINK_HREF : -1
    default:
      return -1
  }
}
