/** Lines of JSON: objects with a URL among their members, or bare strings. */
import { setColumn } from './columns.ts'
import { KIND } from './position.ts'
import type { LineFormat, LineItem } from './lines.ts'

/** Members that may hold the URL, tried in this order. */
const URL_MEMBERS = ['url', 'URL', 'link', 'href', 'uri', 'address', 'loc']
const LONGEST_LINE = 1024 * 1024

/** Lines that are no JSON or hold no URL give their text, so that they get a record that says so. */
export function ndjsonFormat(urlColumn: string | undefined): LineFormat {
  const members = urlColumn === undefined ? URL_MEMBERS : [urlColumn]
  return { kind: KIND.ndjson, longest: LONGEST_LINE, item: (line) => itemOf(line, members) }
}

function itemOf(line: string, members: readonly string[]): LineItem {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { url: line }
  }
  if (typeof value === 'string') return { url: value }
  if (value === null || typeof value !== 'object') return { url: line }
  const object = value as Record<string, unknown>
  const member = members.find((name) => typeof object[name] === 'string')
  if (member === undefined) return { url: line }
  const columns: Record<string, string> = {}
  let count = 0
  for (const [name, content] of Object.entries(object)) {
    if (name === member) continue
    setColumn(columns, name, typeof content === 'string' ? content : content === null ? '' : JSON.stringify(content))
    count++
  }
  const url = object[member] as string
  return count === 0 ? { url } : { url, columns }
}
