/** Header fields of requests: checked once, merged so that the more special one wins, flat as the wire wants them. */
import { SluiceError } from '../model/errors.ts'

/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 5.5, as characters of latin1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Fields that frame the message or belong to the connection: the transport's own. */
const OURS = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Throws `OPTION_INVALID` for what would let a value end its line (CR, LF, NUL) or break the framing. */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const shown = JSON.stringify(name.slice(0, 60))
    if (!TOKEN.test(name)) throw new SluiceError('OPTION_INVALID', `header ${shown} is not a name of a header field`)
    if (!VALUE.test(value))
      throw new SluiceError('OPTION_INVALID', `the value of header ${shown} holds characters that no header may hold`)
    if (OURS.has(name.toLowerCase())) throw new SluiceError('OPTION_INVALID', `header ${shown} cannot be set`)
  }
}

/** False where a field would end its line or break the framing (a validator that a server made up). */
export function areWritable(headers: Readonly<Record<string, string>>): boolean {
  return Object.entries(headers).every(([name, value]) => TOKEN.test(name) && VALUE.test(value))
}

/** `extra` over `base` (flat), names compared without case. */
export function mergeHeaders(base: readonly string[], extra: Readonly<Record<string, string>>): string[] {
  const names = Object.keys(extra)
  const merged: string[] = []
  for (let i = 0; i + 1 < base.length; i += 2) {
    const name = base[i] as string
    if (!names.some((other) => other.length === name.length && other.toLowerCase() === name.toLowerCase()))
      merged.push(name, base[i + 1] as string)
  }
  for (const name of names) merged.push(name, extra[name] as string)
  return merged
}
