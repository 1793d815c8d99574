/**
 * Keeps track of SVG and MathML, where tokenisation differs: no raw text, CDATA sections, `<title>` is not the page's
 * (HTML standard 13.2.6.5). HTML elements are not tracked; where HTML is nested in an SVG and left unclosed, the end of
 * the outer element is believed, which a browser would not do.
 */

/** Every end tag may have to look through the stack, so it stays small; what is nested deeper is not tracked. */
const DEEPEST = 128

/** Tags that end foreign content, however deep. `font` does so with certain attributes only. */
const BREAKOUT = new Set(
  (
    'b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta ' +
    'nobr ol p pre ruby s small span strong strike sub sup table tt u ul var'
  ).split(' '),
)

/** Further HTML elements whose end tag closes an SVG that was left open inside them. */
const CONTAINERS = new Set(
  (
    'a article aside button caption details dialog fieldset figure footer form header html label main nav section ' +
    'select summary tbody td template tfoot th thead tr'
  ).split(' '),
)

/** Names of SVG elements that HTML has as well. */
const SHARED = new Set(['a', 'audio', 'canvas', 'font', 'iframe', 'script', 'style', 'title', 'video'])

const MATH_TEXT = new Set(['mi', 'mo', 'mn', 'ms', 'mtext'])
const SVG_HTML = new Set(['foreignobject', 'desc', 'title'])

interface Node {
  readonly name: string
  readonly isSvg: boolean
  /** Its start tags are HTML: an integration point. */
  readonly holdsHtml: boolean
}

export class Foreign {
  readonly #stack: Node[] = []

  /** Inside an SVG or MathML element, HTML nested in it included. */
  get isInside(): boolean {
    return this.#stack.length > 0
  }

  /** Whether a CDATA section is one here. */
  get allowsCdata(): boolean {
    const top = this.#stack.at(-1)
    return top !== undefined && !top.holdsHtml
  }

  /**
   * A start tag. True: it is a foreign element; false: it is HTML and to be treated as such.
   *
   * @param name Lower case.
   * @param hasFont It has `color`, `face` or `size`.
   * @param encoding Its `encoding` in lower case.
   */
  open(name: string, isSelfClosing: boolean, hasFont: boolean, encoding: string): boolean {
    const top = this.#stack.at(-1)
    if (top === undefined || this.#isHtml(top, name)) {
      if (name !== 'svg' && name !== 'math') return false
      if (!isSelfClosing) this.#push({ name, isSvg: name === 'svg', holdsHtml: false })
      return true
    }
    if (BREAKOUT.has(name) || (name === 'font' && hasFont)) {
      this.#leave()
      return false
    }
    if (!isSelfClosing) {
      const { isSvg } = top
      const holdsHtml = isSvg
        ? SVG_HTML.has(name)
        : MATH_TEXT.has(name) ||
          (name === 'annotation-xml' && (encoding === 'text/html' || encoding === 'application/xhtml+xml'))
      this.#push({ name, isSvg, holdsHtml })
    }
    return true
  }

  close(name: string): void {
    const stack = this.#stack
    for (let i = stack.length - 1; i >= 0; i--) {
      if (stack[i]!.name === name) {
        stack.length = i
        return
      }
      // Above an integration point lie HTML elements, untracked: theirs is the end tag.
      if (stack[i]!.holdsHtml && (SHARED.has(name) || BREAKOUT.has(name) || CONTAINERS.has(name))) return
    }
    if (BREAKOUT.has(name) || CONTAINERS.has(name)) this.#leave()
  }

  #isHtml(top: Node, name: string): boolean {
    if (top.holdsHtml) return top.isSvg || (name !== 'mglyph' && name !== 'malignmark') || top.name === 'annotation-xml'
    return top.name === 'annotation-xml' && !top.isSvg && name === 'svg'
  }

  /** Pops until HTML is allowed. */
  #leave(): void {
    const stack = this.#stack
    while (stack.length > 0 && !stack.at(-1)!.holdsHtml) stack.pop()
  }

  #push(node: Node): void {
    if (this.#stack.length < DEEPEST) this.#stack.push(node)
  }
}
