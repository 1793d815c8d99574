/** Text of the bytes of an input. */
import { isUtf8 } from 'node:buffer'

/** UTF-8; bytes that are not are taken for latin1. */
export function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString(isUtf8(buffer) ? 'utf8' : 'latin1')
}

/** The same for bytes that were read as latin1, one character each. */
export function textOfBytes(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text
  return textOf(Buffer.from(text, 'latin1'))
}
