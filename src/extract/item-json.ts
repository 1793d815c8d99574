/**
 * Writes an item as one line of JSON without losing anything silently: what JSON cannot hold is named with its place,
 * instead of becoming `null` or `{}` as with JSON.stringify. Knows nothing of schemas and pages.
 */

/** Deeper items are refused: every reader of the line would have to recurse as far. */
const DEEPEST = 200

/** What JSON cannot hold, and where. */
export interface JsonProblem {
  /** Dotted path, '' for the whole item. */
  readonly path: string
  readonly message: string
  readonly value: unknown
}

/**
 * `undefined` fields are dropped (in arrays: null), a Date is its ISO string, a bigint its decimal string, an object with
 * `toJSON` what that says. Maps, sets, functions, symbols, NaN, circles and the like are problems. Throws only what a
 * getter or `toJSON` of the item throws.
 */
export function itemJson(value: unknown): { readonly json: string } | { readonly problem: JsonProblem } {
  const writer = new Writer()
  const json = writer.write(value, 0)
  if (writer.problem !== undefined) return { problem: writer.problem }
  return json === undefined ? { problem: { path: '', message: 'it is undefined', value } } : { json }
}

/** A value for people: as JSON where it can be, else by its kind; cut to `most` characters. */
export function shownJson(value: unknown, most = 200): string {
  if (value === undefined) return ''
  let text: string
  try {
    const written = itemJson(value)
    text = 'json' in written ? written.json : kindOf(value)
  } catch {
    text = kindOf(value)
  }
  return text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, '')
}

/** Keys and indexes joined by dots. */
export function dottedPath(path: readonly PropertyKey[]): string {
  return path.map(String).join('.')
}

class Writer {
  problem: JsonProblem | undefined
  readonly #path: string[] = []
  readonly #open = new Set<object>()

  /** Undefined: the field is left out. */
  write(given: unknown, depth: number): string | undefined {
    if (this.problem !== undefined) return undefined
    let value = given
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      const { toJSON } = value as { toJSON?: unknown }
      if (typeof toJSON === 'function') value = toJSON.call(value, this.#path.at(-1) ?? '')
    }
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value)
      case 'boolean':
        return String(value)
      case 'bigint':
        return `"${value}"`
      case 'undefined':
        return undefined
      case 'number':
        return Number.isFinite(value) ? JSON.stringify(value) : this.#fail(`${value} is no JSON number`, value)
      case 'object':
        return value === null ? 'null' : this.#object(value, depth)
      default:
        return this.#fail(`${kindOf(value)} is no JSON value`, value)
    }
  }

  #object(value: object, depth: number): string | undefined {
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? this.#fail('the date is invalid', value) : `"${value.toISOString()}"`
    }
    const isArray = Array.isArray(value)
    if (!isArray && Object.prototype.toString.call(value) !== '[object Object]') {
      const hint = value instanceof Promise ? ' (await it)' : ''
      return this.#fail(`${kindOf(value)} is no JSON value${hint}`, value)
    }
    if (this.#open.has(value)) return this.#fail('it holds itself', undefined)
    if (depth >= DEEPEST) return this.#fail(`it is deeper than ${DEEPEST} levels`, undefined)
    this.#open.add(value)
    const text = isArray ? this.#array(value, depth) : this.#fields(value as Record<string, unknown>, depth)
    this.#open.delete(value)
    return text
  }

  #array(values: readonly unknown[], depth: number): string {
    const parts: string[] = []
    for (let i = 0; i < values.length && this.problem === undefined; i++) {
      this.#path.push(String(i))
      parts.push(this.write(values[i], depth + 1) ?? 'null')
      this.#path.pop()
    }
    return `[${parts.join(',')}]`
  }

  #fields(value: Record<string, unknown>, depth: number): string {
    const parts: string[] = []
    for (const name of Object.keys(value)) {
      this.#path.push(name)
      const text = this.write(value[name], depth + 1)
      if (text !== undefined) parts.push(`${JSON.stringify(name)}:${text}`)
      this.#path.pop()
      if (this.problem !== undefined) break
    }
    return `{${parts.join(',')}}`
  }

  #fail(message: string, value: unknown): undefined {
    this.problem ??= { path: dottedPath(this.#path), message, value }
    return undefined
  }
}

function kindOf(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  return /^[AEIOU]/.test(tag) ? `an ${tag}` : `a ${tag}`
}
