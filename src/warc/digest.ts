/** Digests and ids as WARC writes them: sha1 in base32, and name-based UUIDs. Knows no record. */
import { createHash, hash } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** sha1 over the pieces in turn, 20 bytes. */
export function sha1(...pieces: readonly Uint8Array[]): Buffer {
  const sum = createHash('sha1')
  for (const piece of pieces) sum.update(piece)
  return sum.digest()
}

/** `sha1:` and 32 base32 digits (RFC 4648 6), the form all archive tools share. @param digest 20 bytes */
export function labelOf(digest: Uint8Array): string {
  return `sha1:${base32(digest)}`
}

/** Without padding. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

/** Algorithms that archives name. */
const KNOWN = ['sha1', 'sha256', 'sha512', 'md5']

/** Whether a label (`sha1:…`, in base32, base64 or hex) is of these bytes; undefined where it names another algorithm. */
export function isDigestOf(label: string, bytes: Uint8Array): boolean | undefined {
  const [name = '', value = ''] = label.split(/:(.*)/s)
  const algorithm = name.toLowerCase().replace('-', '')
  if (!KNOWN.includes(algorithm)) return undefined
  const digest = hash(algorithm, bytes, 'buffer')
  const wanted = value.replace(/=+$/, '')
  if (wanted.replaceAll('+', '-').replaceAll('/', '_') === digest.toString('base64url')) return true
  return [digest.toString('hex'), base32(digest).toLowerCase()].includes(wanted.toLowerCase())
}

/** The 20 bytes of such a label; undefined where it is no sha1 in base32. */
export function digestOf(label: string): Buffer | undefined {
  const match = /^sha1:([A-Z2-7]{32})$/i.exec(label)
  if (match === null) return undefined
  const bytes = Buffer.alloc(20)
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of (match[1] as string).toUpperCase()) {
    held = ((held << 5) | ALPHABET.indexOf(digit)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (held >> bits) & 0xff
  }
  return bytes
}

/** A UUID of version 5's layout (RFC 9562 5.5) from a name: the same record written again after a death keeps its id. */
export function recordId(name: string): string {
  const bytes = Buffer.from(hash('sha1', name, 'hex'), 'hex').subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return `<urn:uuid:${parts.join('-')}>`
}
