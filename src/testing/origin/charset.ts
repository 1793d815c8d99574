/** Writes texts in the legacy charsets of the web, by turning the platform's decoders around. */

/** A short text in letters that the charset has beyond ASCII. */
export function sampleOf(charset: string): string {
  const name = charset.toLowerCase()
  if (/^(shift_jis|sjis|euc-jp|iso-2022-jp)/.test(name)) return '日本語のページ'
  if (/^(gb|big5)/.test(name)) return '中文'
  if (/^(euc-kr|ks_c)/.test(name)) return '한국어'
  if (/^(koi8|windows-1251|iso-8859-5|ibm866)/.test(name)) return 'Страница'
  if (/^(windows-1253|iso-8859-7)/.test(name)) return 'Σελίδα'
  return 'Página über café'
}

const tables = new Map<string, Map<string, number[]>>()

/** The text in this charset (a WHATWG label); undefined where the charset is not known or lacks a letter. */
export function encodeText(text: string, charset: string): Uint8Array | undefined {
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true })
  } catch {
    return undefined
  }
  if (decoder.encoding === 'utf-8') return Buffer.from(text)
  if (decoder.encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (decoder.encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  let table = tables.get(decoder.encoding)
  if (table === undefined) tables.set(decoder.encoding, (table = invert(decoder)))
  const bytes: number[] = []
  for (const letter of text) {
    const coded = table.get(letter)
    if (coded === undefined) return undefined
    bytes.push(...coded)
  }
  return Uint8Array.from(bytes)
}

/** Letter → bytes, from decoding every sequence of one and two bytes. */
function invert(decoder: InstanceType<typeof TextDecoder>): Map<string, number[]> {
  const table = new Map<string, number[]>()
  const tryBytes = (bytes: number[]): boolean => {
    try {
      const letter = decoder.decode(Uint8Array.from(bytes))
      if ([...letter].length === 1 && !table.has(letter)) table.set(letter, bytes)
      return true
    } catch {
      return false
    }
  }
  for (let lead = 0; lead < 256; lead++) {
    if (tryBytes([lead])) continue
    for (let trail = 0x30; trail < 256; trail++) tryBytes([lead, trail])
  }
  return table
}
