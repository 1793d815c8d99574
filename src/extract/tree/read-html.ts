/**
 * Reads HTML into a tree the lenient way of htmlparser2 (ADR 24): end tags may be left out where it lets them, nothing is
 * moved and nothing made up but `</p>` and `</br>`. One pass; time linear in the length of the page. What the page ends
 * in the middle of, a tag, is dropped.
 */
import { rawTextEnd } from '../raw-text.ts'
import { same } from '../white-space.ts'
import { COMMENT, DIRECTIVE, RAW, TEXT, TreeBuilder } from './builder.ts'
import type { Nodes } from './builder.ts'
import type { Names } from './names.ts'
import * as Rules from './rules.ts'
import { Tags } from './tags.ts'

export function readHtml(text: string): { readonly nodes: Nodes; readonly names: Names } {
  const builder = TreeBuilder.get()
  new HtmlReader(text, builder).read()
  const { names } = builder
  return { nodes: builder.finish(), names }
}

class HtmlReader {
  readonly #text: string
  readonly #builder: TreeBuilder
  readonly #tags: Tags
  /** Contexts that open elements have made, the innermost last. */
  readonly #contexts: number[] = []
  #context = Rules.NONE
  /** Where text begins that is no node yet. */
  #textStart = 0

  constructor(text: string, builder: TreeBuilder) {
    this.#text = text
    this.#builder = builder
    this.#tags = new Tags(text, builder, false)
  }

  read(): void {
    const text = this.#text
    let at = 0
    // -1 where the page ends inside a tag.
    while (at >= 0) {
      const less = text.indexOf('<', at)
      if (less < 0) {
        this.#flush(text.length)
        return
      }
      const c = text.charCodeAt(less + 1)
      if (isLetter(c)) {
        this.#flush(less)
        at = this.#start(less)
      } else if (c === 47) at = this.#slash(less)
      else if (c === 33) {
        this.#flush(less)
        at = this.#declaration(less)
      } else if (c === 63) {
        this.#flush(less)
        at = this.#bogusComment(less + 1)
      } else {
        at = less + 1
        continue
      }
    }
  }

  /** Text up to `end` becomes a node. */
  #flush(end: number): void {
    if (end > this.#textStart) this.#builder.leaf(TEXT, this.#textStart, end)
  }

  /** Text goes on at `from`. */
  #behind(from: number): number {
    this.#textStart = from
    return from
  }

  #start(less: number): number {
    const tags = this.#tags
    const builder = this.#builder
    const nameEnd = tags.nameEnd(less + 1)
    if (nameEnd < 0) return -1
    const name = this.#named(tags.name(less + 1, nameEnd))
    const isRaw = this.#context === Rules.NONE && Rules.RAW_TEXT[name]! > 0
    const { attributes } = builder
    const behind = tags.attributes(nameEnd)
    if (behind < 0) {
      builder.dropAttributes(attributes)
      return -1
    }
    this.#element(name, attributes)
    return isRaw ? this.#rawText(name, behind) : this.#behind(behind)
  }

  #element(name: number, attributes: number): void {
    const builder = this.#builder
    if (name === Rules.FORM && builder.isOpen(name)) {
      // A form in a form is none.
      builder.dropAttributes(attributes)
      return
    }
    const closed = Rules.closes(name)
    if (closed !== undefined) while (closed[builder.top] === 1) this.#close()
    if (Rules.isVoid(name)) {
      builder.leaf(name, attributes, builder.attributes)
      return
    }
    builder.open(name, attributes)
    const context = Rules.CONTEXT[name]
    if (context !== undefined && context > 0) {
      this.#contexts.push(this.#context)
      this.#context = context - 1
    }
    if (this.#tags.isSelfClosing && this.#context !== Rules.NONE) this.#close()
  }

  #close(): void {
    const context = Rules.CONTEXT[this.#builder.close()]
    if (context !== undefined && context > 0) this.#context = this.#contexts.pop() as number
  }

  /** The name that an element of this name has here. */
  #named(name: number): number {
    if (this.#context === Rules.SVG) return Rules.inSvg(name)
    if (this.#contexts.length > 0) {
      const adjusted = Rules.inSvg(name)
      if (adjusted !== name && this.#builder.isOpen(adjusted)) return adjusted
    }
    return name === Rules.IMAGE && this.#context === Rules.NONE ? Rules.IMG : name
  }

  /** Text up to the end tag of a `script` or the like, whose start tag ends at `from`: index of that end tag. */
  #rawText(name: number, from: number): number {
    const text = this.#text
    const end = name === Rules.PLAINTEXT ? text.length : rawTextEnd(text, from, this.#builder.names.text(name))
    if (end > from) this.#builder.leaf(Rules.RAW_TEXT[name] === Rules.WITH_REFERENCES ? TEXT : RAW, from, end)
    return this.#behind(end)
  }

  /** `</`: an end tag, nothing, or a comment; text where the page ends. */
  #slash(less: number): number {
    const c = this.#text.charCodeAt(less + 2)
    if (Number.isNaN(c)) return less + 1
    this.#flush(less)
    if (isLetter(c)) return this.#end(less + 2)
    return c === 62 ? this.#behind(less + 3) : this.#bogusComment(less + 2)
  }

  #end(start: number): number {
    const tags = this.#tags
    const builder = this.#builder
    const nameEnd = tags.nameEnd(start)
    // Attributes of end tags are not read: the first `>` ends them, in quotes or not.
    const greater = nameEnd < 0 ? -1 : this.#text.indexOf('>', nameEnd)
    if (greater < 0) return -1
    const name = this.#named(tags.name(start, nameEnd))
    if (Rules.isVoid(name)) {
      if (name === Rules.BR) this.#madeUp(name)
    } else if (builder.isOpen(name)) {
      while (builder.top !== name) this.#close()
      this.#close()
    } else if (name === Rules.P) this.#madeUp(name)
    return this.#behind(greater + 1)
  }

  #madeUp(name: number): void {
    const { attributes } = this.#builder
    this.#builder.leaf(name, attributes, attributes)
  }

  #declaration(less: number): number {
    const text = this.#text
    if (text.startsWith('--', less + 2)) return this.#comment(less)
    if (text.startsWith('[CDATA[', less + 2)) return this.#cdata(less)
    if (!same(text, less + 2, 'doctype')) return this.#bogusComment(less + 2)
    const greater = text.indexOf('>', less + 9)
    if (greater < 0) return -1
    this.#builder.leaf(DIRECTIVE, less + 1, greater)
    return this.#behind(greater + 1)
  }

  #comment(less: number): number {
    const text = this.#text
    const start = less + 4
    // The dashes of `<!-->` and `<!--->` open and close.
    const end = this.#tags.commentEnd(less + 2, start)
    if (end < 0) {
      const rest = text.length - /(?:--!?|-)?$/.exec(text.slice(Math.max(start, text.length - 3)))![0].length
      this.#builder.leaf(COMMENT, start, rest)
      return this.#behind(text.length)
    }
    this.#builder.leaf(COMMENT, start, Math.max(start, end))
    return this.#behind(end + (text.charCodeAt(end + 2) === 33 ? 4 : 3))
  }

  /** Text in SVG and MathML, else a comment that ends where the section does. */
  #cdata(less: number): number {
    const text = this.#text
    const close = text.indexOf(']]>', less + 9)
    if (close < 0) {
      this.#builder.leaf(COMMENT, less + 2, text.length)
      return this.#behind(text.length)
    }
    if (this.#context === Rules.NONE) this.#builder.leaf(COMMENT, less + 2, close + 2)
    else if (close > less + 9) this.#builder.leaf(RAW, less + 9, close)
    return this.#behind(close + 3)
  }

  /** What begins with `<!`, `<?` or `</` and is nothing else. @param start of its text. */
  #bogusComment(start: number): number {
    const greater = this.#text.indexOf('>', start)
    const end = greater < 0 ? this.#text.length : greater
    this.#builder.leaf(COMMENT, start, end)
    return this.#behind(greater < 0 ? end : end + 1)
  }
}

function isLetter(c: number): boolean {
  const letter = c | 32
  return letter >= 97 && letter <= 122
}
