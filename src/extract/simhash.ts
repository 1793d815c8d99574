/**
 * A 64-bit fingerprint of a page's text that differs in few bits for texts that differ in few words: simhash (Charikar,
 * STOC 2002) over shingles of four words, as Manku, Jain and Das Sarma use it for web pages (WWW 2007). Reads bytes, not a
 * tree: tags, scripts, styles and comments are passed by, ASCII letters are taken in lower case, every character of a
 * script without spaces is a word. Pure.
 */

export interface Simhash {
  readonly high: number
  readonly low: number
}

const SHINGLE = 4
/** Shorter texts say too little: two of them differ by chance in few bits. */
const FEWEST_SHINGLES = 50

const LESS = 0x3c
const GREATER = 0x3e
/** UTF-8 of Chinese, Japanese and Korean characters begins with bytes from here on. */
const WIDE = 0xe3

/** Undefined where the text is too short. @param isHtml false: all bytes are text */
export function simhashOf(bytes: Uint8Array, isHtml: boolean): Simhash | undefined {
  const counts = new Int32Array(64)
  const words = new Uint32Array(SHINGLE)
  let seen = 0
  let shingles = 0
  const endWord = (hash: number): void => {
    words[seen++ % SHINGLE] = hash
    if (seen < SHINGLE) return
    shingles++
    let high = 0x9747b28c
    let low = 0x3c6ef372
    for (let i = 0; i < SHINGLE; i++) {
      const word = words[(seen + i) % SHINGLE] as number
      high = mixed(high ^ word)
      low = mixed(Math.imul(low, 31) + word + i)
    }
    for (let bit = 0; bit < 32; bit++) {
      counts[bit] = (counts[bit] as number) + ((high >>> bit) & 1) * 2 - 1
      counts[32 + bit] = (counts[32 + bit] as number) + ((low >>> bit) & 1) * 2 - 1
    }
  }
  let word = 0
  let inWord = false
  const endOpenWord = (): void => {
    if (inWord) endWord(mixed(word))
    inWord = false
    word = 0
  }
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (isHtml && byte === LESS) {
      endOpenWord()
      at = endOfMarkup(bytes, at)
      continue
    }
    if (byte >= WIDE) endOpenWord()
    if (isWordByte(byte)) {
      word = Math.imul(word ^ lower(byte), 0x01000193) >>> 0
      inWord = true
    } else endOpenWord()
    at++
  }
  endOpenWord()
  if (shingles < FEWEST_SHINGLES) return undefined
  return { high: signs(counts, 0), low: signs(counts, 32) }
}

/** Bits in which two fingerprints differ, 0 to 64. */
export function distance(a: Simhash, b: Simhash): number {
  return ones(a.high ^ b.high) + ones(a.low ^ b.low)
}

function signs(counts: Int32Array, from: number): number {
  let bits = 0
  for (let bit = 0; bit < 32; bit++) if ((counts[from + bit] as number) > 0) bits |= 1 << bit
  return bits >>> 0
}

function ones(word: number): number {
  let left = word - ((word >>> 1) & 0x55555555)
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333)
  return Math.imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** The finalizer of MurmurHash3. */
export function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function isWordByte(byte: number): boolean {
  return byte >= 0x80 || (byte >= 0x30 && byte <= 0x39) || isLetter(byte)
}

export function isLetter(byte: number): boolean {
  const folded = byte | 0x20
  return folded >= 0x61 && folded <= 0x7a
}

export function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

/** Behind a tag, a comment, or an element whose content is no text; behind the sign alone where it opens nothing. */
export function endOfMarkup(bytes: Uint8Array, start: number): number {
  const next = bytes[start + 1] ?? 0
  if (next === 0x21 && bytes[start + 2] === 0x2d && bytes[start + 3] === 0x2d) return after(bytes, '-->', start + 4)
  if (next !== 0x2f && next !== 0x21 && next !== 0x3f && !isLetter(next)) return start + 1
  const end = bytes.indexOf(GREATER, start)
  if (end < 0) return bytes.length
  for (const name of ['script', 'style']) {
    if (startsWith(bytes, name, start + 1) && !isLetter(bytes[start + 1 + name.length] ?? 0)) {
      return after(bytes, `</${name}`, end + 1)
    }
  }
  return end + 1
}

function after(bytes: Uint8Array, text: string, from: number): number {
  const first = text.charCodeAt(0)
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (startsWith(bytes, text, at)) return at + text.length
  }
  return bytes.length
}

function startsWith(bytes: Uint8Array, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (lower(bytes[at + i] ?? 0) !== text.charCodeAt(i)) return false
  return true
}
