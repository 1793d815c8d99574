/**
 * `Content-Type` as browsers read it: "extract a MIME type" of the Fetch standard over all values of the header, MIME
 * types parsed by the MIME Sniffing standard. What a body really is, whatever the header says, is not known here.
 */
import { MIMEType } from 'whatwg-mimetype'

export interface ContentType {
  /** `type/subtype` in lower case; '' where there is no valid one. */
  readonly essence: string
  /** Label of the parameter `charset` in lower case, not checked. */
  readonly charset?: string
}

const NONE: ContentType = Object.freeze({ essence: '' })

/** Spellings of the header differ little: a few answer nearly all pages. Emptied when full, so it stays bounded. */
const CACHE_ENTRIES = 256
const CACHED_LENGTH = 128
const cache = new Map<string, ContentType>()

/** @param values The header's values joined by `, `, as `headerValue` gives them. */
export function parseContentType(values: string | undefined): ContentType {
  if (values === undefined) return NONE
  const known = cache.get(values)
  if (known !== undefined) return known
  const type = extract(values)
  if (values.length <= CACHED_LENGTH) {
    if (cache.size >= CACHE_ENTRIES) cache.clear()
    cache.set(values, type)
  }
  return type
}

/** The last valid value counts; the charset of an earlier one of the same essence is inherited. */
function extract(values: string): ContentType {
  let essence = ''
  let charset: string | undefined
  for (const value of splitValues(values)) {
    const type = MIMEType.parse(value)
    if (type === null || type.essence === '*/*') continue
    if (type.essence !== essence) charset = undefined
    essence = type.essence
    charset = type.parameters.get('charset')?.toLowerCase() ?? charset
  }
  if (essence === '') return NONE
  return Object.freeze(charset === undefined ? { essence } : { essence, charset })
}

/** At commas outside quoted strings ("get, decode, and split" of the Fetch standard). */
function splitValues(values: string): string[] {
  if (!values.includes(',')) return [values]
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < values.length; i++) {
    const character = values.charAt(i)
    if (character === '"') quoted = !quoted
    else if (character === '\\' && quoted) i++
    else if (character === ',' && !quoted) {
      parts.push(values.slice(start, i))
      start = i + 1
    }
  }
  parts.push(values.slice(start))
  return parts
}

export function isHtml(essence: string): boolean {
  return essence === 'text/html' || essence === 'application/xhtml+xml'
}

/** XML of any kind, XHTML included. */
export function isXml(essence: string): boolean {
  return essence === 'text/xml' || essence === 'application/xml' || essence.endsWith('+xml')
}

/** Whether a body of this type reads as text: `text/*`, XML, JSON, scripts and the like. */
export function isText(essence: string): boolean {
  return (
    essence.startsWith('text/') ||
    isXml(essence) ||
    essence.endsWith('+json') ||
    /^application\/(?:json|x-ndjson|jsonl|(?:x-|ecma)?javascript|ecmascript|yaml|x-yaml|toml|sql|x-sh|rtf|x-www-form-urlencoded)$/.test(
      essence,
    )
  )
}
