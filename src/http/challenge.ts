/** WWW-Authenticate (RFC 9110 11.6.1): which schemes a server offers, with their parameters. */

export interface Challenge {
  /** Lower case: `basic`, `digest`, `bearer`. */
  readonly scheme: string
  /** Names in lower case; quotes undone. */
  readonly parameters: Readonly<Record<string, string>>
}

const PARAMETER = /^([!#$%&'*+\-.^_`|~0-9a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/i
const SCHEME = /^([!#$%&'*+\-.^_`|~0-9a-z]+)(?:\s+|$|(?=,))/i

/** Challenges of one or several fields joined by commas. What cannot be read is passed over. */
export function parseChallenges(text: string): Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = []
  let rest = text.trim()
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest)
    const current = found.at(-1)
    if (parameter !== null && current !== undefined) {
      const [whole, name = '', quoted, bare = ''] = parameter
      current.parameters[name.toLowerCase()] = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1')
      rest = afterComma(rest.slice(whole.length))
      continue
    }
    const scheme = SCHEME.exec(rest)
    if (scheme === null) {
      const comma = rest.indexOf(',')
      rest = comma === -1 ? '' : afterComma(rest.slice(comma))
      continue
    }
    found.push({ scheme: (scheme[1] as string).toLowerCase(), parameters: {} })
    rest = afterComma(rest.slice(scheme[0].length))
  }
  return found
}

function afterComma(text: string): string {
  return text.replace(/^[\s,]+/, '')
}
