/** Looks into headers as they came over the wire: one flat array of name, value, name, value … */

/**
 * All values of a header joined by `, `; of `set-cookie` the first only, as its values cannot be joined. Undefined where
 * the header is absent.
 */
export function headerValue(rawHeaders: readonly string[], name: string): string | undefined {
  let joined: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isSameName(rawHeaders[i]!, name)) continue
    const value = rawHeaders[i + 1]!
    if (joined === undefined) {
      joined = value
      if (isSameName(name, 'set-cookie')) break
    } else joined += `, ${value}`
  }
  return joined
}

/** The values of a header, one for each time it came. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (isSameName(rawHeaders[i]!, name)) values.push(rawHeaders[i + 1]!)
  }
  return values
}

/** The same headers with the values of Set-Cookie withheld; the array itself where there is none. */
export function withoutCookies(rawHeaders: readonly string[]): readonly string[] {
  if (!rawHeaders.some((name, i) => i % 2 === 0 && isSameName(name, 'set-cookie'))) return rawHeaders
  return rawHeaders.map((text, i) => (i % 2 === 1 && isSameName(rawHeaders[i - 1]!, 'set-cookie') ? 'withheld' : text))
}

/** ASCII letters alike in both cases; allocates nothing. */
function isSameName(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    const one = a.charCodeAt(i)
    const other = b.charCodeAt(i)
    if (one === other) continue
    const letter = one | 32
    if (letter !== (other | 32) || letter < 97 || letter > 122) return false
  }
  return true
}
