/**
 * A string cut out of a page may keep the whole page alive (V8 keeps a pointer to the parent for slices of 13
 * characters and more). What outlives its page is detached first.
 */
export function detach(text: string): string {
  // Joining makes a new string, cutting it flattens that one: the result points at a copy, not at the page.
  return text.length < 13 ? text : ` ${text}`.slice(1)
}
