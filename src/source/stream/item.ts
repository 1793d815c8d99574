/**
 * From a record to the item that sinks store: JSON is its own item; text that is none is a field. A record that should
 * have been JSON (or a line of the log format) and is not is stored as `{ "line": … }` and counted as rejected: nothing
 * that was sent is thrown away.
 */
import type { ItemColumn } from '../../model/item.ts'
import { COMBINED_COLUMNS, parseCombined } from '../tail/combined.ts'
import type { RawRecord, Shape } from './decoder.ts'

export interface StreamItem {
  /** One line of JSON. */
  readonly json: string
  /** Why it is not what was asked for; then `json` holds the text as `line`. */
  readonly problem?: string
}

/** Makes the item of a record. */
export type ToItem = (record: RawRecord) => StreamItem

/** Log formats that `parse` knows. */
export type LogFormat = 'combined'

/** @param parse format of log lines; they are items of fields then, whatever the shape */
export function itemsOf(shape: Shape, parse: LogFormat | undefined): ToItem {
  if (parse !== undefined) return ({ text }) => asLogLine(text)
  switch (shape) {
    case 'ndjson':
    case 'delimited':
      return ({ text }) => asJson(text) ?? { json: lineOf(text), problem: 'it is not JSON' }
    case 'lines':
      return ({ text }) => ({ json: lineOf(text) })
    case 'sse':
    case 'ws':
      return asMessage
  }
}

/** Columns that are known before the first record: those of a log format. */
export function columnsOf(parse: LogFormat | undefined): readonly ItemColumn[] | undefined {
  return parse === undefined ? undefined : [...COMBINED_COLUMNS, { name: 'line', type: 'text', required: false }]
}

/** Data that is an object gets the type of its event as `_event`; other data is the field `data`. */
function asMessage({ text, event, isBinary }: RawRecord): StreamItem {
  if (isBinary === true) return { json: JSON.stringify({ base64: text }) }
  const found = asJson(text)
  if (event === undefined) return found ?? { json: JSON.stringify({ data: text }) }
  const value: unknown = found === undefined ? text : JSON.parse(found.json)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return { json: JSON.stringify(isObject ? { ...value, _event: event } : { data: value, _event: event }) }
}

/** The text as it is, where it has one line: numbers beyond 2^53 keep their digits. */
function asJson(text: string): StreamItem | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return { json: /[\r\n]/.test(text) ? JSON.stringify(value) : text.trim() }
}

function asLogLine(text: string): StreamItem {
  const fields = parseCombined(text)
  return fields === undefined
    ? { json: lineOf(text), problem: 'it is not a line of the combined log format' }
    : { json: JSON.stringify(fields) }
}

function lineOf(text: string): string {
  return JSON.stringify({ line: text })
}
