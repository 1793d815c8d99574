/** The `Link` header (RFC 8288), read tolerantly: what is no link is passed over. Resolves nothing. */

export interface LinkValue {
  /** As written between the angle brackets: may be relative. */
  readonly uri: string
  /** Relation types in lower case: `canonical`, `next`, `nofollow` … */
  readonly rel: readonly string[]
  /** Parameters by name in lower case; of several with the same name the first counts. */
  readonly params: ReadonlyMap<string, string>
}

/** @param value One header value, or several joined by commas. */
export function parseLinkHeader(value: string): LinkValue[] {
  const links: LinkValue[] = []
  let at = 0
  while (at < value.length) {
    const open = value.indexOf('<', at)
    const close = open < 0 ? -1 : value.indexOf('>', open)
    if (close < 0) break
    const params = new Map<string, string>()
    at = readParams(value, close + 1, params)
    links.push({
      uri: value.slice(open + 1, close).trim(),
      rel: (params.get('rel') ?? '')
        .toLowerCase()
        .split(/\s+/)
        .filter((type) => type !== ''),
      params,
    })
  }
  return links
}

/** Reads parameters up to and with the comma that ends the link; returns where to go on. */
function readParams(value: string, start: number, params: Map<string, string>): number {
  let at = start
  while (at < value.length) {
    const character = value.charAt(at)
    if (character === ',') return at + 1
    if (character === ';' || isBlank(character)) {
      at++
      continue
    }
    const nameStart = at
    while (at < value.length && !'=;,'.includes(value.charAt(at))) at++
    const name = value.slice(nameStart, at).trim().toLowerCase()
    let text = ''
    if (value.charAt(at) === '=') {
      at++
      while (isBlank(value.charAt(at))) at++
      if (value.charAt(at) === '"') {
        at++
        let from = at
        for (; at < value.length && value.charAt(at) !== '"'; at++) {
          if (value.charAt(at) !== '\\') continue
          text += value.slice(from, at)
          from = ++at
        }
        text += value.slice(from, at)
        at++
      } else {
        const from = at
        while (at < value.length && !';,'.includes(value.charAt(at))) at++
        text = value.slice(from, at).trim()
      }
    }
    if (name !== '' && !params.has(name)) params.set(name, text)
  }
  return at
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}
