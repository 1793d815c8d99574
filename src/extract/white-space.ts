/** White space of HTML, which is not that of `trim` and `\s`. */

/** Tab, line feed, form feed, carriage return, space. */
export function isWhiteSpace(c: number): boolean {
  return c === 32 || c === 10 || c === 9 || c === 13 || c === 12
}

/** Runs of white space become one space; none is left at the ends. */
export function collapse(text: string): string {
  return text.replace(/[\t\n\f\r ]+/g, ' ').replace(/^ | $/g, '')
}

/** What the URL standard takes out before it parses: C0 controls and spaces at the ends, tabs and newlines anywhere. */
export function stripUrl(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 32) start++
  while (end > start && text.charCodeAt(end - 1) <= 32) end--
  const cut = start === 0 && end === text.length ? text : text.slice(start, end)
  return /[\t\n\r]/.test(cut) ? cut.replace(/[\t\n\r]+/g, '') : cut
}

/** Whether the text has this lower-case word at `start`, without case. */
export function same(text: string, start: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const c = text.charCodeAt(start + i)
    const w = word.charCodeAt(i)
    if (c !== w && (c < 65 || c > 90 || c + 32 !== w)) return false
  }
  return true
}
