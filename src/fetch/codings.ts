/** Content-Encoding as it is sent (RFC 9110 8.4): names, order, and what the first bytes give away. */

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** More layers than anyone means are an attack (CVE-2026-22036). */
const LAYERS = 5

/** All that we can decode: value of Accept-Encoding. */
export const ACCEPT_ENCODING = 'gzip, deflate, br, zstd'

export interface Codings {
  /** To be undone in this order: the last applied first. */
  readonly layers: readonly Coding[]
  /** Why it cannot be decoded. */
  readonly problem?: string
}

const NONE: Codings = { layers: [] }
const known = new Map<string, Codings>([['gzip', { layers: ['gzip'] }]])

/** @param value all Content-Encoding fields joined by a comma, in the order of the wire. */
export function codingsOf(value: string): Codings {
  if (value === '') return NONE
  let codings = known.get(value)
  if (codings === undefined) {
    codings = parse(value)
    if (known.size < 256 && value.length < 100) known.set(value, codings)
  }
  return codings
}

function parse(value: string): Codings {
  const layers: Coding[] = []
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim()
    switch (name) {
      case '':
      case 'identity':
      case 'none':
        break
      case 'gzip':
      case 'x-gzip':
        layers.unshift('gzip')
        break
      case 'deflate':
      case 'br':
      case 'zstd':
        layers.unshift(name)
        break
      default:
        return { layers: [], problem: `unknown Content-Encoding ${JSON.stringify(name.slice(0, 40))}` }
    }
    if (layers.length > LAYERS) return { layers: [], problem: `more than ${LAYERS} layers of Content-Encoding` }
  }
  return { layers }
}

/** Bytes needed to tell whether a coding is really there. */
export const MAGIC_BYTES = 4

/**
 * Whether these first bytes can be the start of that coding. br has no mark: it can always be. At fewer than
 * `MAGIC_BYTES` bytes (a body that short) what is there must fit.
 */
export function startsLike(coding: Coding, bytes: Uint8Array): boolean {
  switch (coding) {
    case 'gzip':
      return bytes[0] === 0x1f && (bytes.length < 2 || bytes[1] === 0x8b)
    case 'zstd':
      return isZstd(bytes)
    default:
      return true
  }
}

function isZstd(bytes: Uint8Array): boolean {
  const [a, b = 0xb5, c = 0x2f, d = 0xfd] = bytes
  if (a === 0x28) return b === 0xb5 && c === 0x2f && d === 0xfd
  // A skippable frame (RFC 8878 3.1.2).
  return a !== undefined && a >= 0x50 && a <= 0x5f && (bytes.length < 4 || (b === 0x2a && c === 0x4d && d === 0x18))
}

/** RFC 1950 2.2; "deflate" is sent with and without this header. */
export function hasZlibHeader(bytes: Uint8Array): boolean {
  const a = bytes[0] ?? 0
  return (a & 0x0f) === 8 && a >> 4 <= 7 && ((a << 8) | (bytes[1] ?? 0)) % 31 === 0
}

/** True where no byte is one that text never holds (WHATWG MIME Sniffing 3: binary data byte). */
export function looksLikeText(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, 512)
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] as number
    if (byte <= 8 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f)) return false
  }
  return end > 0
}
