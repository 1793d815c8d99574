/** What a request to a queue carries: a message in any shape that curl sends, and fields of the query or of the body. */
import type { Context } from 'hono'
import type { Message, NewMessage } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'

export type Fields = ReadonlyMap<string, string>

const FORM = 'application/x-www-form-urlencoded'
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** A year: more is a slip of the keyboard. */
const LONGEST_MS = 365 * 86_400_000

export function typeOf(context: Context): string {
  return context.req.header('content-type') ?? 'application/octet-stream'
}

/** @throws SluiceError OPTION_INVALID for a field that is not known or comes twice */
export function queryFields(context: Context, known: readonly string[]): Fields {
  return checkFields(new URL(context.req.url).searchParams, known)
}

/** Fields of the query, and of a body that is a form or a JSON object. @throws SluiceError OPTION_INVALID */
export async function bodyFields(context: Context, known: readonly string[]): Promise<Fields> {
  const fields = new URLSearchParams(new URL(context.req.url).search)
  const text = await context.req.text()
  if (/^application\/json\b/i.test(typeOf(context))) {
    const body = text === '' ? {} : parsed(text)
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('the body is no JSON object')
    for (const [name, value] of Object.entries(body))
      fields.append(name, Array.isArray(value) ? value.join(',') : String(value))
  } else for (const [name, value] of new URLSearchParams(text)) fields.append(name, value)
  return checkFields(fields, known)
}

function checkFields(given: URLSearchParams, known: readonly string[]): Fields {
  const fields = new Map<string, string>()
  for (const [name, value] of given) {
    if (!known.includes(name)) {
      const near = nearest(name, known)
      const all = known.length === 0 ? 'it takes none' : known.join(', ')
      throw invalid(
        `there is no field ${JSON.stringify(name.slice(0, 100))}`,
        near === undefined ? all : `did you mean ${near}?`,
      )
    }
    if (fields.has(name)) throw invalid(`the field ${name} comes twice`)
    fields.set(name, value)
  }
  return fields
}

/**
 * One message. A form whose first field is `value` is that value, the way `curl -d value=hello` sends it, with the other
 * fields beside it; any other body is the message as it came: curl calls plain text a form too.
 */
export async function messageOf(context: Context): Promise<NewMessage> {
  const query = queryFields(context, ['ttl'])
  const bytes = new Uint8Array(await context.req.arrayBuffer())
  const type = typeOf(context)
  if (!type.startsWith(FORM)) return newMessage(bytes, type, query)
  const text = new TextDecoder().decode(bytes)
  if (!text.startsWith('value=')) return newMessage(bytes, 'text/plain; charset=utf-8', query)
  const form = checkFields(new URLSearchParams(text), ['value', 'ttl'])
  const value = new TextEncoder().encode(form.get('value') ?? '')
  return newMessage(value, 'text/plain; charset=utf-8', form.has('ttl') ? form : query)
}

/** Of one request: they are stored in one transaction. */
const MOST_LINES = 100_000

/** One message a line, without empty ones: JSON where the body is called NDJSON, else text. */
export async function linesOf(context: Context): Promise<NewMessage[]> {
  const query = queryFields(context, ['ttl'])
  const isJson = /^application\/(?:x-)?(?:ndjson|jsonl)\b/i.test(typeOf(context))
  const lines = (await context.req.text()).split(/\r?\n/).filter((line) => line !== '')
  if (lines.length > MOST_LINES)
    throw invalid(`${lines.length} lines are more than ${MOST_LINES} at once`, 'send them in several requests')
  const encoder = new TextEncoder()
  if (isJson) for (const [at, line] of lines.entries()) parsed(line, `line ${at + 1}`)
  const type = isJson ? 'application/json' : 'text/plain; charset=utf-8'
  return lines.map((line) => newMessage(encoder.encode(line), type, query))
}

function newMessage(body: Uint8Array, type: string, fields: Fields): NewMessage {
  const ttlMs = durationOf(fields, 'ttl')
  return { body, type, ...(ttlMs === undefined ? {} : { ttlMs }) }
}

/** Seconds, or with a unit: `30`, `500ms`, `2m`. @throws SluiceError OPTION_INVALID */
export function durationOf(fields: Fields, name: string, most = LONGEST_MS): number | undefined {
  const text = fields.get(name)
  if (text === undefined) return undefined
  const [, number, unit = 's'] = DURATION.exec(text) ?? []
  const ms = Number(number) * (UNITS[unit] as number)
  if (number !== undefined && ms <= most) return Math.ceil(ms)
  throw invalid(
    `${name}: ${JSON.stringify(text.slice(0, 100))} is no time of at most ${most / 1000} s`,
    'seconds, or 500ms, 2m, 1h',
  )
}

/** @throws SluiceError OPTION_INVALID for anything but a whole number between `least` and `most` */
export function numberOf(fields: Fields, name: string, least: number, most: number): number | undefined {
  const text = fields.get(name)
  if (text === undefined) return undefined
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw invalid(`${name}: ${JSON.stringify(text.slice(0, 100))} is no number from ${least} to ${most}`)
}

/** @throws SluiceError OPTION_INVALID for anything but one of `words` */
export function wordOf<Word extends string>(fields: Fields, name: string, words: readonly Word[]): Word | undefined {
  const text = fields.get(name)
  if (text === undefined) return undefined
  const word = words.find((one) => one === text)
  if (word !== undefined) return word
  throw invalid(`${name}: ${JSON.stringify(text.slice(0, 100))} is none of ${words.join(', ')}`)
}

/** A message as JSON: text where it is UTF-8, else base64. */
export function messageJson({ body, ...rest }: Message): Record<string, unknown> {
  try {
    return { ...rest, value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) }
  } catch {
    return { ...rest, base64: Buffer.from(body).toString('base64') }
  }
}

export function invalid(message: string, hint?: string): SluiceError {
  return new SluiceError('OPTION_INVALID', message, hint === undefined ? {} : { hint })
}

function parsed(text: string, what = 'the body'): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(`${what} is no JSON`)
  }
}
