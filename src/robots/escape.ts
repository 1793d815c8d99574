/**
 * The spellings in which robots.txt patterns and request paths are compared (RFC 9309 section 2.2.2): octets outside
 * ASCII and characters that stand in no URL are escaped, escapes are in upper case.
 */

/**
 * A pattern as it has to be spelled to match a URL. Takes text whose character codes are octets (latin1 view of the
 * file's bytes), so that files in any encoding keep theirs.
 */
export function escapePattern(octets: string): string {
  if (/^[!$-&(-;=?-\]_a-z|~]*$/.test(octets)) return octets.includes('%') ? upperEscapes(octets) : octets
  const query = octets.indexOf('?')
  const escaped =
    query < 0
      ? octets.replace(/[^!#-;=?-\]_a-z|~]/g, escapeOctet)
      : octets.slice(0, query).replace(/[^!#-;=?-\]_a-z|~]/g, escapeOctet) +
        octets.slice(query).replace(/[^!#-&(-;=?-~]/g, escapeOctet)
  return upperEscapes(escaped)
}

/** Escapes of unreserved characters decoded as well: `/%62%7E` → `/b~`. */
export function decodeUnreserved(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase()
  })
}

function upperEscapes(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase())
}

function escapeOctet(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
