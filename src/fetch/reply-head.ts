/**
 * The head of an HTTP/1.x reply: status line, fields, and what they say about where the body ends (RFC 9112). Reads what
 * the RFC lets a user agent read and says when it did so (`lenient`); never guesses where guessing would let a body pass
 * for a reply. Pure: it knows no socket.
 */
import type { ErrorCode } from '../model/errors.ts'

/** Until where the body goes. */
export const Framing = { none: 0, length: 1, chunked: 2, close: 3 } as const
export type Framing = (typeof Framing)[keyof typeof Framing]

export interface ReplyHead {
  readonly status: number
  /** Reason phrase; '' without one. */
  readonly statusText: string
  /** Names and values in the order of the wire, spelling kept, flat. */
  readonly rawHeaders: string[]
  readonly framing: Framing
  /** Of the body where `framing` is `length`. */
  readonly length: number
  /** The connection may serve another exchange after this one. */
  readonly keepAlive: boolean
  /** `timeout` of a Keep-Alive field, s; NaN without one. */
  readonly keepAliveS: number
  /** Bytes of the head, its empty line included. */
  readonly size: number
  /** Something was read that the grammar of RFC 9112 does not hold. */
  readonly lenient: boolean
}

export interface HeadFault {
  readonly code: ErrorCode
  /** For people: goes behind the name of the origin. */
  readonly why: string
}

/** NUL, and a CR that is not the first half of a line end (RFC 9112 2.2): both are how one reply is smuggled into another. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /\0|\r(?!\n)/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const LENGTH = /^[0-9]+$/
const SPACE = 32
const TAB = 9

/**
 * @param read the head as latin1, its empty line included; may go on behind it where its lines end by LF alone.
 * @param asked method of the request: the answer to HEAD has no body.
 */
export function parseHead(read: string, asked: string): ReplyHead | HeadFault {
  const bare = read.indexOf('\n\n')
  const text = bare === -1 ? read : read.slice(0, bare + 2)
  if (FORBIDDEN.test(text)) return { code: 'BAD_FRAMING', why: 'sent a header with NUL or a bare CR in it' }
  let lineEnd = text.indexOf('\n')
  let lenient = text.charCodeAt(lineEnd - 1) !== 13
  const line = text.slice(0, lenient ? lineEnd : lineEnd - 1)
  const status = statusOf(line)
  if (status === 0) return { code: 'NOT_HTTP', why: `does not answer in HTTP/1.1: ${shown(line)}` }
  const isOne = line.charCodeAt(7) === 49
  const statusText = line.length > 13 ? line.slice(13) : ''

  const rawHeaders: string[] = []
  let length: string | undefined
  let coding: string | undefined
  let connection = ''
  let keepAlive = ''
  for (let at = lineEnd + 1; at < text.length; at = lineEnd + 1) {
    lineEnd = text.indexOf('\n', at)
    let end = lineEnd
    if (text.charCodeAt(end - 1) === 13 && end > at) end--
    else lenient = true
    if (end === at) break
    const first = text.charCodeAt(at)
    if (first === SPACE || first === TAB) {
      // obs-fold (RFC 9112 5.2): a user agent replaces it by a space. Before the first field there is nothing to fold.
      lenient = true
      if (rawHeaders.length > 0)
        rawHeaders[rawHeaders.length - 1] = `${rawHeaders.at(-1)} ${trimmed(text, at, end)}`.trim()
      continue
    }
    const colon = text.indexOf(':', at)
    if (colon === -1 || colon >= end) {
      return { code: 'BAD_FRAMING', why: `sent a header line without a colon: ${shown(text.slice(at, end))}` }
    }
    let name = text.slice(at, colon)
    if (!TOKEN.test(name)) {
      const bare = name.trimEnd()
      // White space before the colon hides a field from one reader and not from the other (RFC 9112 5.1).
      if (/^(?:content-length|transfer-encoding)$/i.test(bare)) {
        return { code: 'BAD_FRAMING', why: `sent ${bare} with white space before its colon` }
      }
      lenient = true
      if (!TOKEN.test(bare)) continue
      name = bare
    }
    rawHeaders.push(name, trimmed(text, colon + 1, end))
  }

  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // Lengths first: most fields are none of these and cost one comparison.
    switch (name.length) {
      case 10: {
        const lower = name.toLowerCase()
        if (lower === 'connection') connection += `,${rawHeaders[i + 1]}`
        else if (lower === 'keep-alive') keepAlive = rawHeaders[i + 1] as string
        break
      }
      case 14:
        if (name.toLowerCase() === 'content-length')
          length = length === undefined ? rawHeaders[i + 1] : `${length},${rawHeaders[i + 1]}`
        break
      case 17:
        if (name.toLowerCase() === 'transfer-encoding')
          coding = coding === undefined ? rawHeaders[i + 1] : `${coding},${rawHeaders[i + 1]}`
        break
      default:
    }
  }

  let framing: Framing = Framing.close
  let bytes = 0
  let isLast = false
  if (asked === 'HEAD' || status < 200 || status === 204 || status === 304) framing = Framing.none
  else if (coding !== undefined) {
    const codings = coding
      .toLowerCase()
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '' && one !== 'identity')
    const chunked = codings.indexOf('chunked')
    if (chunked !== -1 && chunked !== codings.length - 1) {
      return { code: 'BAD_FRAMING', why: `names chunked not once and last in Transfer-Encoding: ${shown(coding)}` }
    }
    if (chunked !== -1) framing = Framing.chunked
    // RFC 9112 6.3: the coding wins over the length, and such a connection is not trusted any further.
    if (length !== undefined) {
      lenient = true
      isLast = true
      if (codings.length === 0) coding = undefined
    }
  }
  if (framing === Framing.close && coding === undefined && length !== undefined) {
    bytes = lengthOf(length)
    if (Number.isNaN(bytes)) return { code: 'BAD_FRAMING', why: `sent a Content-Length that is none: ${shown(length)}` }
    // Longer than anything that could be sent: the server does not know its length, and closing has to tell.
    if (bytes > Number.MAX_SAFE_INTEGER) lenient = true
    else framing = Framing.length
    if (length.includes(',')) lenient = true
  }
  const tokens = connection === '' ? connection : connection.toLowerCase()
  const stays = isOne ? !hasToken(tokens, 'close') : hasToken(tokens, 'keep-alive') && !hasToken(tokens, 'close')
  return {
    status,
    statusText,
    rawHeaders,
    framing,
    length: bytes,
    keepAlive: stays && !isLast && !lenient && framing !== Framing.close,
    keepAliveS: keepAlive === '' ? Number.NaN : timeoutOf(keepAlive),
    size: text.length,
    lenient,
  }
}

/** 0: no status line of HTTP/1.0 or HTTP/1.1 (RFC 9112 4). The space behind the code may be missing with the phrase. */
function statusOf(line: string): number {
  if (!line.startsWith('HTTP/1.') || line.charCodeAt(8) !== SPACE) return 0
  const minor = line.charCodeAt(7)
  if (minor !== 48 && minor !== 49) return 0
  let status = 0
  for (let i = 9; i < 12; i++) {
    const digit = line.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return 0
    status = status * 10 + digit
  }
  if (status < 100 || (line.length > 12 && line.charCodeAt(12) !== SPACE)) return 0
  return status
}

/** One length, or several that are all the same (RFC 9110 8.6); NaN: no length, or different ones. */
function lengthOf(value: string): number {
  if (LENGTH.test(value)) return Number(value)
  const values = value.split(',').map((one) => one.trim())
  if (!values.every((one) => LENGTH.test(one))) return Number.NaN
  const numbers = new Set(values.map((one) => BigInt(one)))
  return numbers.size === 1 ? Number(values[0]) : Number.NaN
}

function hasToken(list: string, token: string): boolean {
  return list !== '' && list.split(',').some((one) => one.trim() === token)
}

function timeoutOf(value: string): number {
  return Number(/(?:^|[,\s])timeout\s*=\s*"?(\d+)/i.exec(value)?.[1] ?? Number.NaN)
}

/** Without optional white space at both ends. */
function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}

/** For messages: short, printable. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
