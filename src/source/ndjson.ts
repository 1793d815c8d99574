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

/** Lines for a template: all members of an object are its columns. What is no object has none. */
export function ndjsonRows(): LineFormat {
  return { kind: KIND.ndjson, longest: LONGEST_LINE, item: rowOf }
}

/** Columns of the first lines, in the order in which they turn up. */
export function ndjsonColumns(head: Buffer, format: LineFormat): string[] {
  const names = new Set<string>()
  for (const line of head.toString().split('\n').slice(0, -1)) {
    for (const name of Object.keys(format.item(line.trim(), false)?.columns ?? {})) names.add(name)
  }
  return [...names]
}

function rowOf(line: string): LineItem {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { url: '' }
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { url: '' }
  return { url: '', columns: columnsOf(Object.entries(value)) }
}

function columnsOf(members: readonly (readonly [string, unknown])[]): Record<string, string> {
  const columns: Record<string, string> = {}
  for (const [name, content] of members)
    setColumn(columns, name, typeof content === 'string' ? content : content === null ? '' : JSON.stringify(content))
  return columns
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
  const others = Object.entries(object).filter(([name]) => name !== member)
  const url = object[member] as string
  return others.length === 0 ? { url } : { url, columns: columnsOf(others) }
}
