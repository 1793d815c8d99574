/** URLs of a `srcset`, by the HTML standard's parser of image candidates (4.8.4.2.2); descriptors are passed over. */

/** At most this many URLs of one attribute. */
const MOST = 1000

export function parseSrcset(value: string): string[] {
  const urls: string[] = []
  const length = value.length
  let i = 0
  while (urls.length < MOST) {
    while (i < length && (isSpace(value, i) || value.charCodeAt(i) === 44)) i++
    if (i >= length) break
    const start = i
    while (i < length && !isSpace(value, i)) i++
    let end = i
    while (end > start && value.charCodeAt(end - 1) === 44) end--
    if (end > start) urls.push(value.slice(start, end))
    // A comma at the end of the URL ends the candidate: no descriptors follow.
    if (end === i) i = behindDescriptors(value, i)
  }
  return urls
}

/** Commas inside parentheses belong to a descriptor. */
function behindDescriptors(value: string, from: number): number {
  let isInside = false
  for (let i = from; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (isInside) isInside = c !== 41
    else if (c === 40) isInside = true
    else if (c === 44) return i + 1
  }
  return value.length
}

function isSpace(value: string, i: number): boolean {
  const c = value.charCodeAt(i)
  return c === 32 || c === 10 || c === 9 || c === 13 || c === 12
}
