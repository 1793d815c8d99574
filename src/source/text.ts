/** Text of the bytes of an input. */
import { isUtf8 } from 'node:buffer'

const WINDOWS_1252 = new TextDecoder('windows-1252')

/** UTF-8; bytes that are not are taken for windows-1252, which latin1 is part of (WHATWG Encoding). */
export function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) ? buffer.toString() : WINDOWS_1252.decode(buffer)
}

/** The same for bytes that were read as latin1, one character each. */
export function textOfBytes(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text
  return textOf(Buffer.from(text, 'latin1'))
}
