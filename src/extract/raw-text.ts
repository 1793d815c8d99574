/**
 * Where text that is not markup ends: the contents of `script`, `style`, `title` and the like (HTML standard 13.2.5.2 to
 * 13.2.5.31).
 */
import { isWhiteSpace, same } from './white-space.ts'

/** Index of the `</name` that ends the raw text from `from` on, or the length of the page. `name` in lower case. */
export function rawTextEnd(text: string, from: number, name: string): number {
  for (let i = text.indexOf('</', from); i >= 0; i = text.indexOf('</', i + 2)) {
    if (isEndTag(text, i, name)) return i
  }
  return text.length
}

/**
 * As `rawTextEnd` for scripts. Inside `<!--` a `<script` begins a state in which `</script>` ends nothing but that; a
 * `-->` ends both.
 */
export function scriptEnd(text: string, from: number): number {
  let i = from
  let isEscaped = false
  let isDoubleEscaped = false
  // The `-->` that ends the comment we are in.
  let close = -1
  for (;;) {
    const less = text.indexOf('<', i)
    if (less < 0) return text.length
    if (isEscaped && close < less) {
      isEscaped = false
      isDoubleEscaped = false
    }
    i = less + 1
    if (!isEscaped) {
      if (isEndTag(text, less, 'script')) return less
      if (text.startsWith('!--', i)) {
        close = text.indexOf('-->', i + 1)
        if (close < 0) close = text.length
        isEscaped = true
        i += 3
      }
    } else if (isDoubleEscaped) {
      if (isEndTag(text, less, 'script')) isDoubleEscaped = false
    } else if (isEndTag(text, less, 'script')) return less
    else if (isTag(text, less + 1, 'script')) isDoubleEscaped = true
  }
}

function isEndTag(text: string, less: number, name: string): boolean {
  return text.charCodeAt(less + 1) === 47 && isTag(text, less + 2, name)
}

function isTag(text: string, start: number, name: string): boolean {
  if (!same(text, start, name)) return false
  const c = text.charCodeAt(start + name.length)
  return c === 62 || c === 47 || isWhiteSpace(c)
}
