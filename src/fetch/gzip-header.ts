/** The header of a gzip member (RFC 1952 2.3), read by ourselves so that a damaged trailer costs no decoded byte. */

const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16

/** CRC-32 and length after the deflate data. */
export const TRAILER_BYTES = 8

/** Bytes of the header; 0: not all there yet; -1: none. */
export function gzipHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < 10) return 0
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return -1
  const flags = bytes[3] as number
  if ((flags & 0xe0) !== 0) return -1
  let at = 10
  if ((flags & FEXTRA) !== 0) {
    if (bytes.length < at + 2) return 0
    at += 2 + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8))
  }
  for (const text of [FNAME, FCOMMENT]) {
    if ((flags & text) === 0) continue
    const end = bytes.indexOf(0, at)
    if (end === -1) return 0
    at = end + 1
  }
  if ((flags & FHCRC) !== 0) at += 2
  return at <= bytes.length ? at : 0
}
