/**
 * What a body is where its header does not say: "identify an unknown MIME type" of the MIME Sniffing standard (7.1), by
 * its tables of byte patterns (6). A type that the server names is never called into question here.
 */

/** Bytes that are looked at: the resource header of the standard. */
export const SNIFF_BYTES = 1445

/** Tags that begin a page, in capitals; each must end with a space or `>`. */
const TAGS = [
  '<!DOCTYPE HTML',
  '<HTML',
  '<HEAD',
  '<SCRIPT',
  '<IFRAME',
  '<H1',
  '<DIV',
  '<FONT',
  '<TABLE',
  '<A',
  '<STYLE',
  '<TITLE',
  '<B',
  '<BODY',
  '<BR',
  '<P',
]

/** Latin1 text the body begins with (`?`: any byte) → type. */
const MARKS: readonly (readonly [mark: string, type: string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\xfe\xff', 'text/plain'],
  ['\xff\xfe', 'text/plain'],
  ['\xef\xbb\xbf', 'text/plain'],
  ['\0\0\x01\0', 'image/x-icon'],
  ['\0\0\x02\0', 'image/x-icon'],
  ['BM', 'image/bmp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['RIFF????WEBPVP', 'image/webp'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['FORM????AIFF', 'audio/aiff'],
  ['ID3', 'audio/mpeg'],
  ['OggS\0', 'application/ogg'],
  ['MThd\0\0\0\x06', 'audio/midi'],
  ['RIFF????AVI ', 'video/avi'],
  ['RIFF????WAVE', 'audio/wave'],
  ['????ftyp', 'video/mp4'],
  ['\x1a\x45\xdf\xa3', 'video/webm'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['PK\x03\x04', 'application/zip'],
  ['Rar \x1a\x07\0', 'application/x-rar-compressed'],
]

/** MIME essence of a body without a type; '' for an empty one. `body` may be longer than what is looked at. */
export function sniffType(body: Uint8Array): string {
  if (body.length === 0) return ''
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, SNIFF_BYTES)).toString('latin1')
  const text = head.replace(/^[\t\n\f\r ]+/, '')
  if (text.startsWith('<')) {
    const start = text.slice(0, 16).toUpperCase()
    if (start.startsWith('<!--') || TAGS.some((tag) => start.startsWith(tag) && /[ >]/.test(text.charAt(tag.length)))) {
      return 'text/html'
    }
    if (text.startsWith('<?xml')) return 'text/xml'
  }
  for (const [mark, type] of MARKS) if (beginsWith(head, mark)) return type
  return isBinary(head) ? 'application/octet-stream' : 'text/plain'
}

function beginsWith(head: string, mark: string): boolean {
  if (head.length < mark.length) return false
  for (let i = 0; i < mark.length; i++) if (mark[i] !== '?' && mark[i] !== head[i]) return false
  return true
}

/** Holds a byte that text never has (MIME Sniffing 3, binary data byte). */
function isBinary(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(text)
}
