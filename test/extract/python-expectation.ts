/**
 * What the headers of feedparser's test files expect, an expression of Python, taken apart: `not bozo and
 * entries[0]['title'] == 'Example'`. Only comparisons of a path with literals are understood; the rest gives undefined.
 */

export type Literal = string | number | boolean | null | Literal[] | { [key: string]: Literal }

export interface Check {
  /** `['entries', 0, 'title']` */
  readonly path: readonly (string | number)[]
  readonly value: Literal
}

/** The comparisons of an expectation whose parts are all comparisons, or say whether the file is well formed. */
export function checksOf(expectation: string): Check[] | undefined {
  try {
    return new Expression(expectation).checks()
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined
    throw error
  }
}

class NotUnderstood extends Error {}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

class Expression {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  checks(): Check[] {
    const checks: Check[] = []
    do {
      if (this.#word('not')) {
        if (!this.#word('bozo')) throw new NotUnderstood()
      } else if (!this.#word('bozo')) checks.push(...this.#comparison())
    } while (this.#word('and'))
    if (this.#at < this.#text.length) throw new NotUnderstood()
    return checks
  }

  /** `a == b == 'x'`, perhaps in parentheses. */
  #comparison(): Check[] {
    if (this.#sign('(')) {
      const inner = this.#comparison()
      this.#expect(')')
      return inner
    }
    const paths = [this.#path()]
    for (;;) {
      if (!this.#sign('==') && !this.#word('is')) throw new NotUnderstood()
      if (!/[A-Za-z_]/.test(this.#next()) || /^(?:True|False|None|u['"])/.test(this.#rest())) break
      paths.push(this.#path())
    }
    const value = this.#sum()
    return paths.map((path) => ({ path, value }))
  }

  #path(): (string | number)[] {
    const path: (string | number)[] = [this.#name()]
    for (;;) {
      if (this.#sign('[')) {
        path.push(this.#literal() as string | number)
        this.#expect(']')
      } else if (this.#sign('.')) path.push(this.#name())
      else return path
    }
  }

  #sum(): Literal {
    let value = this.#literal()
    while (this.#sign('+')) value = (value as string) + (this.#literal() as string)
    return value
  }

  #literal(): Literal {
    if (this.#word('True')) return true
    if (this.#word('False')) return false
    if (this.#word('None')) return null
    if (this.#sign('(')) return this.#list(')')
    if (this.#sign('{')) return this.#dictionary()
    const number = /^-?\d+(?:\.\d+)?/.exec(this.#rest())
    if (number !== null) {
      this.#skip(number[0].length)
      return Number(number[0])
    }
    return this.#string()
  }

  #list(end: string): Literal[] {
    const list: Literal[] = []
    while (!this.#sign(end)) {
      list.push(this.#literal())
      if (!this.#sign(',')) {
        this.#expect(end)
        break
      }
    }
    return list
  }

  #dictionary(): { [key: string]: Literal } {
    const found: { [key: string]: Literal } = {}
    while (!this.#sign('}')) {
      const key = this.#string()
      this.#expect(':')
      found[key] = this.#literal()
      if (!this.#sign(',')) {
        this.#expect('}')
        break
      }
    }
    return found
  }

  #string(): string {
    const quote = /^u?('''|"""|'|")/.exec(this.#rest())
    if (quote === null) throw new NotUnderstood()
    this.#at += quote[0].length
    let value = ''
    for (;;) {
      if (this.#at >= this.#text.length) throw new NotUnderstood()
      if (this.#text.startsWith(quote[1]!, this.#at)) {
        this.#skip(quote[1]!.length)
        return value
      }
      const escape = /^\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2})|(.))/is.exec(this.#rest())
      if (escape === null) value += this.#text[this.#at++]!
      else {
        const hex = escape[1] ?? escape[2] ?? escape[3]
        value +=
          hex === undefined ? (ESCAPES[escape[4]!] ?? `\\${escape[4]!}`) : String.fromCodePoint(parseInt(hex, 16))
        this.#at += escape[0].length
      }
    }
  }

  #name(): string {
    const name = /^[A-Za-z_]\w*/.exec(this.#rest())?.[0]
    if (name === undefined) throw new NotUnderstood()
    this.#skip(name.length)
    return name
  }

  #word(word: string): boolean {
    if (!new RegExp(`^${word}\\b`).test(this.#rest())) return false
    this.#skip(word.length)
    return true
  }

  #sign(sign: string): boolean {
    if (!this.#rest().startsWith(sign)) return false
    this.#skip(sign.length)
    return true
  }

  #expect(sign: string): void {
    if (!this.#sign(sign)) throw new NotUnderstood()
  }

  #next(): string {
    return this.#text[this.#at] ?? ''
  }

  #rest(): string {
    return this.#text.slice(this.#at)
  }

  #skip(count: number): void {
    this.#at += count
    while (/\s/.test(this.#next())) this.#at++
  }
}
