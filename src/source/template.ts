/**
 * Texts with places for values: `{name}` stands for a column of the row, `{name?}` for one that may be empty, and in URLs
 * `{+name}` for one that goes in as it is (RFC 6570 3.2.3). Each kind of text escapes values in its own way, so that a
 * value can never be more than a value. A name holds no quotes and no braces and does not begin or end with a space: the
 * braces of JSON are never taken for places. Pure.
 */
import { SluiceError } from '../model/errors.ts'

/** What a text is, which decides how values are escaped. */
export type TemplateKind = 'url' | 'header' | 'json' | 'form' | 'xml' | 'text'

/** Value of a name, undefined where there is none. */
export type ValueOf = (name: string) => string | undefined

export interface Template {
  readonly text: string
  /** Names in the order of the text, each once. */
  readonly names: readonly string[]
  /** The text with its values. What cannot be filled in stays as it is and is told of in `problems`, for people. */
  fill(valueOf: ValueOf, problems: string[]): string
}

interface Place {
  readonly written: string
  readonly name: string
  readonly isOptional: boolean
  readonly escape: (value: string) => string
  /** Why a value cannot stand here. */
  readonly refuse: (value: string) => string | undefined
}

const PLACE = /\{(\+?)([^{}"'\s+?](?:[^{}"'\r\n?]*[^{}"'\s?])?)(\??)\}/g
/** RFC 9110 5.5, as characters of latin1. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const JSON_WORD = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Whether a text has places for values. */
export function hasPlaces(text: string): boolean {
  return text.search(PLACE) !== -1
}

/** @throws {SluiceError} OPTION_INVALID for a JSON text that is none. */
export function compileTemplate(text: string, kind: TemplateKind): Template {
  const parts: (string | Place)[] = []
  let at = 0
  let before = ''
  for (const match of text.matchAll(PLACE)) {
    const [written, plus, name, optional] = match as unknown as [string, string, string, string]
    const literal = text.slice(at, match.index)
    before += literal
    at = match.index + written.length
    const isRaw = plus === '+'
    if (isRaw && kind !== 'url') {
      throw new SluiceError('OPTION_INVALID', `${written} stands for a part of a URL only`, { hint: `write {${name}}` })
    }
    parts.push(literal, { written, name, isOptional: optional === '?', ...escaping(kind, before, isRaw) })
    // A value is neither a quote nor a question mark.
    before += 'x'
  }
  parts.push(text.slice(at))
  const template: Template = {
    text,
    names: [...new Set(parts.filter((part) => typeof part !== 'string').map(({ name }) => name))],
    fill: (valueOf, problems) =>
      parts.map((part) => (typeof part === 'string' ? part : filled(part, valueOf(part.name), problems))).join(''),
  }
  if (kind === 'json') checkJson(template)
  return template
}

function filled(place: Place, value: string | undefined, problems: string[]): string {
  if (value === undefined || value === '') {
    if (place.isOptional) return place.escape('')
    problems.push(`no value for {${place.name}}`)
    return place.written
  }
  const problem = place.refuse(value)
  if (problem === undefined) return place.escape(value)
  problems.push(`{${place.name}} ${problem}`)
  return place.written
}

function escaping(kind: TemplateKind, before: string, isRaw: boolean): Pick<Place, 'escape' | 'refuse'> {
  const refuse = (): undefined => undefined
  switch (kind) {
    case 'url':
      return {
        escape: isRaw ? rawInUrl : (value) => encodeURIComponent(value.toWellFormed()),
        // Browsers and servers take such a segment for a step up, escaped or not (WHATWG URL, "double-dot").
        refuse: (value) =>
          !isRaw && !/[?#]/.test(before) && /^\.{1,2}$/.test(value) ? `is ${value}, which no path can hold` : undefined,
      }
    case 'header':
      return {
        escape: (value) => value,
        refuse: (value) => (HEADER_VALUE.test(value) ? undefined : 'holds characters that no header may hold'),
      }
    case 'json':
      return { escape: isInJsonText(before) ? inJsonText : asJson, refuse }
    case 'form':
      return { escape: (value) => new URLSearchParams([['', value]]).toString().slice(1), refuse }
    case 'xml':
      return { escape: (value) => value.replace(/[&<>"']/g, (char) => ENTITIES[char] as string), refuse }
    case 'text':
      return { escape: (value) => value, refuse }
  }
}

/** Reserved characters and escapes are left alone (RFC 6570 3.2.3). */
function rawInUrl(value: string): string {
  return encodeURI(value.toWellFormed()).replace(/%25([0-9a-f]{2})/gi, '%$1')
}

/** Whether the text so far is within a string of JSON. */
function isInJsonText(before: string): boolean {
  let isInside = false
  for (let i = 0; i < before.length; i++) {
    if (before[i] === '\\' && isInside) i++
    else if (before[i] === '"') isInside = !isInside
  }
  return isInside
}

function inJsonText(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

/** Numbers and words of JSON as they are, everything else as a string; nothing as null. */
function asJson(value: string): string {
  if (value === '') return 'null'
  return JSON_WORD.test(value) ? value : JSON.stringify(value)
}

function checkJson(template: Template): void {
  const text = template.fill(() => '0', [])
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new SluiceError('OPTION_INVALID', `the body is no JSON: ${(cause as Error).message}`, {
      hint: 'mend it, or say what it is: -H "Content-Type: text/plain"',
      cause,
    })
  }
}
