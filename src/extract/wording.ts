/**
 * What a page says, as two sums over its words in whatever order: one that leaves numbers out, and one with the numbers
 * but for what the page's own URL says already. A page of a calendar, a search without results or a shop with the visitor's
 * session in its address says what the page before it said. Pictures count as words: a gallery has little else.
 */
import type { Wording } from './extractor.ts'
import { endOfMarkup, isLetter, lower, mixed } from './simhash.ts'

const LESS = 0x3c

/** Never throws for any bytes. @param isHtml false: all bytes are text */
export function wordingOf(bytes: Uint8Array, isHtml: boolean, url: string): Wording {
  const own = new Set<number>()
  for (const word of decoded(url)
    .toLowerCase()
    .matchAll(/[a-z\x80-\uffff]+|\d+/g))
    own.add(hashOf(Buffer.from(word[0])))
  let words = 0
  let all = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (isHtml && byte === LESS) {
      const end = endOfMarkup(bytes, at)
      if (isPicture(bytes, at)) all = (all + pictureOf(bytes, at, end)) | 0
      at = end
      continue
    }
    const isNumber = isDigit(byte)
    if (!isNumber && !isWordByte(byte)) {
      at++
      continue
    }
    let hash = START
    do {
      hash = next(hash, bytes[at] as number)
      at++
    } while (at < bytes.length && (isNumber ? isDigit(bytes[at] as number) : isWordByte(bytes[at] as number)))
    if (!isNumber) words = (words + mixed(hash)) | 0
    if (!own.has(hash)) all = (all + mixed(hash)) | 0
  }
  return { words: words >>> 0, all: all >>> 0 }
}

const START = 0x811c9dc5

function next(hash: number, byte: number): number {
  return Math.imul(hash ^ lower(byte), 0x01000193) >>> 0
}

function hashOf(bytes: Uint8Array): number {
  let hash = START
  for (const byte of bytes) hash = next(hash, byte)
  return hash
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isWordByte(byte: number): boolean {
  return byte >= 0x80 || isLetter(byte)
}

function isPicture(bytes: Uint8Array, at: number): boolean {
  return lower(bytes[at + 1] ?? 0) === 0x69 && lower(bytes[at + 2] ?? 0) === 0x6d && lower(bytes[at + 3] ?? 0) === 0x67
}

/** The tag as it is written. */
function pictureOf(bytes: Uint8Array, start: number, end: number): number {
  return mixed(hashOf(bytes.subarray(start, end)))
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}
