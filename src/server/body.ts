/** Bodies of requests and their fields, as far as the server trusts them: what has another shape is answered 400. */
import type { Context } from 'hono'
import { SluiceError } from '../model/errors.ts'

/** Characters of a facet: names of hosts have 253 at most. */
const LONGEST = 256

export type Body = Readonly<Record<string, unknown>>

/** @throws SluiceError OPTION_INVALID for what is no JSON object */
export async function bodyOf(context: Context): Promise<Body> {
  const text = await context.req.text()
  return asObject(parsed(text), 'the body')
}

/** @throws SluiceError OPTION_INVALID for what is no object */
export function asObject(value: unknown, what: string): Body {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body
  throw new SluiceError('OPTION_INVALID', `${what} is no JSON object`)
}

/** A short text. @throws SluiceError OPTION_INVALID for anything else that is given */
export function shortText(value: unknown, name: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length <= LONGEST)) return value
  throw new SluiceError('OPTION_INVALID', `${name} is no text of at most ${LONGEST} characters`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
