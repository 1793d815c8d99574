/**
 * Texts out of the page: a stretch of its bytes in the page's encoding, character references decoded. Nearly all values
 * are plain ASCII and cost one look at each character.
 */
import { decodeHTML, decodeHTMLAttribute } from 'entities/decode'
import { decodeText, sniffCharset } from '../http/charset.ts'
import { collapse, stripUrl } from './white-space.ts'

/** Encodings in which bytes below 0x80 are not always ASCII: such pages are decoded before they are scanned. */
const NOT_ASCII = new Set(['UTF-16LE', 'UTF-16BE', 'ISO-2022-JP', 'replacement'])

/** Longer values count as missing; longer titles are cut. */
export const LONGEST_VALUE = 65_536

export class Values {
  /** What is scanned: a character for each byte, or the decoded page where bytes do not tell. */
  readonly text: string
  /** Name of the encoding as the Encoding standard spells it. */
  readonly charset: string
  readonly #bytes: Uint8Array
  readonly #isDecoded: boolean

  constructor(bytes: Uint8Array, headerCharset: string | undefined) {
    this.#bytes = bytes
    this.charset = sniffCharset(bytes, headerCharset)
    this.#isDecoded = NOT_ASCII.has(this.charset)
    this.text = this.#isDecoded
      ? decodeText(bytes, this.charset)
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }

  /** Value of a URL attribute, white space as the URL standard takes it out. */
  url(start: number, end: number): string {
    const { text } = this
    for (let i = start; i < end; i++) {
      const c = text.charCodeAt(i)
      if (c <= 32 || c === 38 || c >= 128) return stripUrl(this.attribute(start, end))
    }
    return text.slice(start, end)
  }

  /**
   * False where the value surely is neither of these lower-case words, without cutting it out: nearly all pages have many
   * meta elements that are for others. @param start negative: there is no value.
   */
  mayBe(start: number, end: number, one: string, other: string): boolean {
    if (start < 0) return false
    const { text } = this
    const c = text.charCodeAt(start) | 32
    // White space and references in front hide the first letter.
    if (c >= 97 && c <= 122 && c !== one.charCodeAt(0) && c !== other.charCodeAt(0)) return false
    return end > start
  }

  attribute(start: number, end: number): string {
    const value = this.#decoded(start, end)
    return value.includes('&') ? decodeHTMLAttribute(value) : value
  }

  /** Text of a title. */
  title(start: number, end: number): string {
    const value = this.#decoded(start, Math.min(end, start + LONGEST_VALUE))
    return collapse(value.includes('&') ? decodeHTML(value) : value)
  }

  #decoded(start: number, end: number): string {
    const { text } = this
    let value = text.slice(start, end)
    if (!this.#isDecoded && hasHigh(text, start, end))
      value = decodeText(this.#bytes.subarray(start, end), this.charset)
    return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
  }
}

function hasHigh(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) >= 128) return true
  return false
}
