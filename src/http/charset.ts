/**
 * Which encoding a body is in (WHATWG: byte order mark, then header, then what the page declares, then a default), and
 * its text. Works on whole bodies; nothing here throws, whatever the bytes and labels.
 */
import sniffEncoding from 'html-encoding-sniffer'

const EMPTY = new Uint8Array(0)

/** Where the standard's first look for a declaration ends. */
const PRESCAN_BYTES = 1024
/** Browsers obey a later meta element, too, by changing the encoding while they parse. Ours must begin before this. */
const LATE_BYTES = 16_384

/** Names by label, '' for unknown labels. Labels come from the web, so the cache is emptied when full. */
const NAME_ENTRIES = 256
const LABEL_LENGTH = 64
const names = new Map<string, string>()

/** Names by the bytes that declare them, at most 1 KiB each. */
const DECLARED_ENTRIES = 64
const declared = new Map<string, string>()

type Decoder = InstanceType<typeof TextDecoder>

const decoders = new Map<string, Decoder | undefined>()

/**
 * Name of the encoding as the Encoding standard spells it: `UTF-8`, `windows-1252`, `Shift_JIS` …
 *
 * @param headerCharset Label from `Content-Type`; unknown ones are passed over.
 * @param kind `xml`: XML declaration instead of meta elements, UTF-8 by default.
 */
export function sniffCharset(bytes: Uint8Array, headerCharset?: string, kind: 'html' | 'xml' = 'html'): string {
  const first = bytes[0]
  // A mark begins with one of three bytes: without it a known header decides alone.
  if (headerCharset !== undefined && first !== 0xef && first !== 0xfe && first !== 0xff) {
    const name = nameOf(headerCharset)
    if (name !== '') return name
  }
  const header = headerCharset === undefined ? {} : { transportLayerEncodingLabel: headerCharset }
  if (kind === 'xml') return sniffEncoding(bytes, { ...header, xml: true })
  const known = headerCharset === undefined ? declaredAs(bytes) : ''
  const early = known || sniffEncoding(bytes, { ...header, maxPrescanBytes: PRESCAN_BYTES, defaultEncoding: '' })
  if (early !== '') return early
  return hasLateDeclaration(bytes) ? sniffEncoding(bytes, { maxPrescanBytes: LATE_BYTES }) : 'windows-1252'
}

/**
 * The pages of a site mostly begin with the same bytes up to their declaration, and the first look reads no further than
 * that: its answer is kept by those bytes. '' where they decide nothing, so that all of them must be looked at.
 */
function declaredAs(bytes: Uint8Array): string {
  const start = latin1(bytes.subarray(0, PRESCAN_BYTES))
  const word = start.search(/charset/i)
  const end = word < 0 ? -1 : start.indexOf('>', word)
  if (end < 0) return ''
  const beginning = start.slice(0, end + 1)
  let name = declared.get(beginning)
  if (name === undefined) {
    name = sniffEncoding(bytes.subarray(0, end + 1), { defaultEncoding: '' })
    if (declared.size >= DECLARED_ENTRIES) declared.clear()
    declared.set(beginning, name)
  }
  return name
}

/** Cheap compared to a scan of markup, and false for nearly every page that comes to it. */
function hasLateDeclaration(bytes: Uint8Array): boolean {
  return bytes.length > PRESCAN_BYTES && /charset/i.test(latin1(bytes.subarray(PRESCAN_BYTES - 16, LATE_BYTES)))
}

/** Text of the bytes, without byte order mark; malformed sequences become U+FFFD. Unknown names are read as latin1. */
export function decodeText(bytes: Uint8Array, charset: string): string {
  const name = nameOf(charset)
  if (name === 'windows-1252') return decodeWindows1252(bytes)
  // The encodings that browsers refuse to read give one replacement character for everything.
  if (name === 'replacement') return bytes.length === 0 ? '' : '\ufffd'
  const decoder = decoderOf(name)
  return decoder === undefined ? decodeWindows1252(bytes) : decoder.decode(bytes)
}

function nameOf(label: string): string {
  const known = names.get(label)
  if (known !== undefined) return known
  if (label === 'replacement') return label
  const name = sniffEncoding(EMPTY, { transportLayerEncodingLabel: label, defaultEncoding: '' })
  if (label.length <= LABEL_LENGTH) {
    if (names.size >= NAME_ENTRIES) names.clear()
    names.set(label, name)
  }
  return name
}

/** Undefined for the encodings that this Node lacks (older ones: x-user-defined, ISO-8859-16). */
function decoderOf(name: string): Decoder | undefined {
  if (decoders.has(name)) return decoders.get(name)
  let decoder: Decoder | undefined
  try {
    if (name !== '') decoder = new TextDecoder(name)
  } catch {
    decoder = undefined
  }
  decoders.set(name, decoder)
  return decoder
}

/** Bytes 0x80 to 0x9F in windows-1252. */
const HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

/** Not by TextDecoder: several releases of Node read windows-1252 as latin1 (nodejs/node#56542). */
function decodeWindows1252(bytes: Uint8Array): string {
  return latin1(bytes).replace(/[\x80-\x9f]/g, (character) => HIGH.charAt(character.charCodeAt(0) - 0x80))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
