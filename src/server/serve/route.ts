/**
 * A row of the service's API: one table of them serves requests, checks what is given, describes itself (OpenAPI), and is
 * called by name (JSON-RPC, MCP). What it does is none of this file's business.
 */
import type { Context } from 'hono'
import { SluiceError } from '../../model/errors.ts'
import { nearest } from '../../model/options.ts'
import type { Person } from '../access.ts'
import { asObject } from '../body.ts'

export interface Field {
  readonly type: 'string' | 'integer' | 'boolean' | 'object' | 'strings' | 'scalar'
  readonly about: string
  readonly isNeeded?: true
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  /** Longest text; default 256 characters. */
  readonly longest?: number
}

export type Params = Readonly<Record<string, unknown>>

/** Who asks, and from where. */
export interface Caller {
  readonly person: Person
  /** Of the client; '' where it is not known. */
  readonly address: string
}

export interface Route {
  /** Operation of OpenAPI and method of JSON-RPC: `jobs.create`. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With `{name}` for parts that are fields. */
  readonly path: string
  readonly about: string
  readonly fields: Readonly<Record<string, Field>>
  /** Something is another afterwards: needs a key that may, and is written into the audit log. */
  readonly changes?: true
  /** Name of the tool of MCP; absent: it is none. */
  readonly tool?: string
  /** What it answers with, when that is no JSON. */
  readonly answers?: 'text/event-stream' | 'text/plain' | 'application/x-ndjson' | 'websocket'
  /** Needs no key. */
  readonly isOpen?: true
}

/** A row that the service answers itself, in JSON. */
export interface ServedRoute extends Route {
  /** Job that the audit entry is about: the value of this field. */
  readonly job?: string
  run(params: Params, caller: Caller): unknown
}

const LONGEST = 256
const MOST_STRINGS = 1_000_000

/** `{job}` parts of a path, in order. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
}

/** Hono's way to write it. */
export function pathPattern(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** What a request gives: parts of the path, and the query or the body. @throws SluiceError OPTION_UNKNOWN, OPTION_INVALID */
export async function paramsOf(context: Context, route: Route): Promise<Params> {
  // Without a prototype: a field `__proto__` is one like any other, and refused.
  const given = Object.create(null) as Record<string, unknown>
  if (route.method === 'GET') {
    for (const [name, value] of Object.entries(context.req.query())) given[name] = fromQuery(route.fields[name], value)
  } else {
    const text = await context.req.text()
    if (text !== '') Object.assign(given, asObject(parsed(text), 'the body'))
  }
  for (const name of pathFields(route.path)) given[name] = context.req.param(name)
  return checked(route, given)
}

/** @throws SluiceError OPTION_UNKNOWN, OPTION_INVALID */
export function checked({ fields, changes }: Route, given: Params): Params {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(fields, name) || (changes === true && name === 'reason')) continue
    const near = nearest(name, Object.keys(fields))
    throw new SluiceError('OPTION_UNKNOWN', `there is no field ${JSON.stringify(name.slice(0, 100))} here`, {
      hint: near === undefined ? `fields: ${Object.keys(fields).join(', ') || 'none'}` : `did you mean ${near}?`,
    })
  }
  for (const [name, field] of Object.entries(fields)) {
    const value = given[name]
    if (value === undefined && field.isNeeded !== true) continue
    const wanted = problemOf(field, value)
    if (wanted !== undefined) throw new SluiceError('OPTION_INVALID', `${name} is not ${wanted}`, { hint: field.about })
  }
  return given
}

/** What a value would have to be; undefined: it is. */
function problemOf(field: Field, value: unknown): string | undefined {
  const { type, choices, min, max, longest = LONGEST } = field
  switch (type) {
    case 'string':
      if (typeof value !== 'string' || value.length > longest) return `a text of at most ${longest} characters`
      return choices === undefined || choices.includes(value) ? undefined : `one of ${choices.join(', ')}`
    case 'integer': {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return 'a whole number'
      if (min !== undefined && value < min) return `at least ${min}`
      return max === undefined || value <= max ? undefined : `at most ${max}`
    }
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'true or false'
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object'
    case 'strings':
      return Array.isArray(value) && value.length <= MOST_STRINGS && value.every((one) => typeof one === 'string')
        ? undefined
        : 'a list of texts'
    case 'scalar':
      return ['string', 'number', 'boolean'].includes(typeof value) ? undefined : 'a text, a number, true or false'
  }
}

function fromQuery(field: Field | undefined, text: string): unknown {
  if (field?.type === 'integer' && text.trim() !== '') return Number(text)
  if (field?.type === 'boolean') return text === '' || text === 'true' || text === '1'
  return field?.type === 'strings' ? text.split(',') : text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
