/**
 * Names of files by a template: `{host}/{path}{ext}` and what is known of a page give a relative path that every file
 * system takes and that cannot leave its folder. Pure: it looks at no disk, so clashes are told apart by `withDigest`.
 *
 * Safe means, for each part of the path: no separator, no control character, none of `<>:"|?*`; no dot or space at its
 * end; no device of Windows (`CON`, `NUL.txt`); not `.` or `..`; NFC; at most 200 bytes of UTF-8 (file systems take
 * 255, and a temporary or numbered name needs room). The whole: at most 900 bytes,
 * the digest of `withDigest` included.
 */
import { SluiceError } from '../model/errors.ts'

/** What a template may name. Texts come from outside and may be anything. */
export interface FileFacts {
  /** The URL that was asked for. */
  readonly url: string
  /** Digest of the content, hex; at least 16 digits. */
  readonly digest: string
  /** Ending by the type of the content, without the dot: used where the URL names none. */
  readonly extension: string
  /** Number of the settlement in its job. */
  readonly n: number
  /** Columns of the input row, `line` among them. */
  readonly input: Readonly<Record<string, string | number>>
}

export interface FileTemplate {
  readonly text: string
  readonly parts: readonly TemplatePart[]
}

type TemplatePart = { readonly literal: string } | { readonly name: string }

/** The variables, in the words of the message for an unknown one. Any other name is a column of the input. */
export const FILE_VARIABLES = ['host', 'path', 'dir', 'name', 'ext', 'digest', 'n'] as const

const PART_BYTES = 200
const PATH_BYTES = 880
/** Hex digits that tell two files of one name apart: 48 bits, enough for the files of one name. */
const SUFFIX_DIGITS = 12
/** Longest ending that is kept when a name is cut, dot included. */
const ENDING_BYTES = 20

// oxlint-disable-next-line no-control-regex -- these are the characters that no name may have
const FORBIDDEN = /[\u0000-\u001f\u007f<>:"|?*\\/\u202a-\u202e\u2066-\u2069]/g
/** Devices of Windows, with any ending (learn.microsoft.com, "Naming Files, Paths, and Namespaces"). */
const DEVICE =
  /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$|clock\$)\s*(\.|$)/i

/**
 * Reads a template. `{{` and `}}` are braces.
 * @throws SluiceError `OPTION_INVALID` where a brace has no partner or nothing tells two pages apart
 */
export function parseFileTemplate(text: string): FileTemplate {
  const parts: TemplatePart[] = []
  for (const token of text.match(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g) ?? []) {
    if (token === '{{' || token === '}}') parts.push({ literal: token.slice(1) })
    else if (token.length > 2 && token.startsWith('{')) parts.push({ name: token.slice(1, -1) })
    else if (/[{}]/.test(token)) throw invalid(text, `has a ${token} without a name in braces`)
    else parts.push({ literal: token })
  }
  if (!parts.some((part) => 'name' in part)) throw invalid(text, 'names no variable: every page would be one file')
  return { text, parts }
}

/** Columns of the input that the template needs. */
export function columnsOfTemplate({ parts }: FileTemplate): string[] {
  const names = parts.flatMap((part) => ('name' in part ? [part.name] : []))
  return [...new Set(names.filter((name) => !FILE_VARIABLES.some((known) => known === name)))]
}

/** The path of a page's file below its folder, with `/`. The same facts give the same path, on every system. */
export function fileNameOf(template: FileTemplate, facts: FileFacts): string {
  const values = valuesOf(facts)
  let path = ''
  for (const part of template.parts) {
    if ('literal' in part) path += part.literal
    else if (Object.hasOwn(values, part.name)) path += values[part.name]
    else path += (Object.hasOwn(facts.input, part.name) ? String(facts.input[part.name]) : '').replaceAll(/[/\\]/g, '_')
  }
  return safePath(path, facts.digest)
}

/** Safe form of any relative path; unchanged where it is safe. `digest` names what has no name left. */
export function safePath(path: string, digest: string): string {
  const parts = path.split(/[/\\]/).map(safePart)
  const kept = parts.filter((part) => part !== '')
  // A path that ends in a slash names a folder, not its file.
  if (kept.length === 0 || parts.at(-1) === '') kept.push(digest.slice(0, SUFFIX_DIGITS))
  const whole = kept.join('/')
  return Buffer.byteLength(whole) <= PATH_BYTES ? whole : shortened(kept, digest)
}

/** The name for a page whose own is taken by other content: `dir/name-<digest>.ext`. Applied twice it changes nothing. */
export function withDigest(path: string, digest: string): string {
  const suffix = `-${digest.slice(0, SUFFIX_DIGITS)}`
  const slash = path.lastIndexOf('/') + 1
  const { stem, ending } = split(path.slice(slash))
  if (stem.endsWith(suffix)) return path
  return path.slice(0, slash) + cut(stem, PART_BYTES - Buffer.byteLength(suffix + ending)) + suffix + ending
}

/**
 * What two names have in common that a file system may take for one: letter case aside (Windows, macOS), and compared
 * in NFC.
 */
export function clashKey(path: string): string {
  // Upper, then lower: `ß` and `ſ` meet `SS` and `S` as they do in NTFS and APFS tables or more often, never less.
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

function valuesOf({ url, digest, extension, n }: FileFacts): Record<string, string> {
  const { host, pathname } = URL.canParse(url) ? new URL(url) : { host: '', pathname: '' }
  const segments = pathname.split('/').map((segment) => decoded(segment).replaceAll(/[/\\]/g, '_'))
  const last = segments.at(-1) ?? ''
  const file = last === '' ? 'index' : last
  const { stem, ending } = split(file)
  const dir = segments
    .slice(0, -1)
    .filter((segment) => segment !== '')
    .join('/')
  return {
    // The colon of a port is no character for a name.
    host: host.replace(':', '_'),
    dir,
    name: stem,
    ext: ending === '' ? `.${extension}` : ending,
    path: dir === '' ? stem : `${dir}/${stem}`,
    digest,
    n: String(n),
  }
}

/** Percent-encoded texts that are no UTF-8 stay as they are. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** '' where nothing is left. */
function safePart(part: string): string {
  const plain = trimmed(part.toWellFormed().normalize('NFC').replaceAll(FORBIDDEN, '_'))
  const named = DEVICE.test(plain) ? `_${plain}` : plain
  if (Buffer.byteLength(named) <= PART_BYTES) return named
  const { stem, ending } = split(named)
  return trimmed(cut(stem, PART_BYTES - Buffer.byteLength(ending)) + ending)
}

/** Windows drops dots and spaces at the end of a name; `.` and `..` are none. */
function trimmed(part: string): string {
  return part.replace(/^\s+/, '').replace(/[\s.]+$/, '')
}

/** Folders from the front as far as they fit, a digest for those that do not, and the name. */
function shortened(parts: readonly string[], digest: string): string {
  const name = withDigest(parts.at(-1) ?? '', digest)
  const kept: string[] = []
  let room = PATH_BYTES - Buffer.byteLength(name) - 1
  for (const part of parts.slice(0, -1)) {
    room -= Buffer.byteLength(part) + 1
    if (room < 0) break
    kept.push(part)
  }
  return [...kept, name].join('/')
}

/** A name and its ending with the dot; a dot at the start or an ending with strange letters is part of the name. */
function split(name: string): { stem: string; ending: string } {
  const ending = /[^.](\.[A-Za-z0-9]+)$/.exec(name)?.[1] ?? ''
  if (ending === '' || ending.length > ENDING_BYTES) return { stem: name, ending: '' }
  return { stem: name.slice(0, -ending.length), ending }
}

/** The longest start of `text` of at most `bytes` bytes that ends between two characters, in NFC. */
function cut(text: string, bytes: number): string {
  let kept = ''
  let size = 0
  for (const character of text) {
    size += Buffer.byteLength(character)
    if (size > bytes) break
    kept += character
  }
  return kept
}

function invalid(text: string, what: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--out ${text} ${what}`, {
    hint: `variables: ${FILE_VARIABLES.map((name) => `{${name}}`).join(' ')}, {line} and the columns of the input`,
  })
}
