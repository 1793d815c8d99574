/** Reads one HTTP/1.1 request head from bytes, as leniently as a fake web may: fast first, strict never. */

/** A request as the fake web saw it. */
export class OriginRequest {
  readonly method: string
  /** Of the Host field (or an absolute target), lower case, without the port. */
  readonly host: string
  /** Path and query, as sent. */
  readonly target: string
  /** Host field as sent, port included: what absolute links should carry. */
  readonly authority: string
  /** Whole request head up to the blank line, latin1. */
  readonly head: string
  /** Number of the connection it came on, from 1. */
  readonly connection: number
  /** Empty for requests without one. */
  body: Buffer = EMPTY
  #query: URLSearchParams | undefined

  constructor(method: string, authority: string, target: string, head: string, connection: number) {
    this.method = method
    this.authority = authority
    this.host = hostOf(authority)
    this.target = target
    this.head = head
    this.connection = connection
  }

  /** The same request for another target. */
  at(target: string): OriginRequest {
    const other = new OriginRequest(this.method, this.authority, target, this.head, this.connection)
    other.body = this.body
    return other
  }

  /** Path without the query. */
  get path(): string {
    const mark = this.target.indexOf('?')
    return mark === -1 ? this.target : this.target.slice(0, mark)
  }

  get query(): URLSearchParams {
    const mark = this.target.indexOf('?')
    this.#query ??= new URLSearchParams(mark === -1 ? '' : this.target.slice(mark + 1))
    return this.#query
  }

  /** Value of a field, case-insensitive; several are joined by `, `. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase()
    let found: string | undefined
    for (const [field, value] of this.headers()) {
      if (field.toLowerCase() === lower) found = found === undefined ? value : `${found}, ${value}`
    }
    return found
  }

  /** All fields in order, names as sent. */
  headers(): [name: string, value: string][] {
    const fields: [string, string][] = []
    for (const line of this.head.split('\r\n').slice(1)) {
      const colon = line.indexOf(':')
      if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1).trim()])
    }
    return fields
  }
}

const EMPTY = Buffer.alloc(0)

/** What the connection needs to know of a head besides the request itself. */
export interface ParsedHead {
  readonly request: OriginRequest
  readonly keepAlive: boolean
  /** Bytes of body that follow; -1: chunked. */
  readonly bodyLength: number
  readonly expectsContinue: boolean
  readonly userAgent: string
  /** `name: value` lines of the recorded fields. */
  readonly recorded: string
}

/**
 * Parses a head (without its blank line). `record` names further fields to keep, lower case. Undefined: not HTTP.
 */
export function parseHead(head: string, connection: number, record: ReadonlySet<string>): ParsedHead | undefined {
  const lineEnd = head.indexOf('\r\n')
  const line = lineEnd === -1 ? head : head.slice(0, lineEnd)
  const first = line.indexOf(' ')
  const last = line.lastIndexOf(' ')
  if (first <= 0 || last <= first || !line.startsWith('HTTP/1.', last + 1)) return undefined
  let target = line.slice(first + 1, last)
  let authority = ''
  let keepAlive = line.charCodeAt(line.length - 1) !== 0x30
  let bodyLength = 0
  let expectsContinue = false
  let userAgent = ''
  let recorded = ''
  let at = lineEnd === -1 ? head.length : lineEnd + 2
  while (at < head.length) {
    let end = head.indexOf('\r\n', at)
    if (end === -1) end = head.length
    const colon = head.indexOf(':', at)
    if (colon > at && colon < end) {
      const name = head.slice(at, colon).toLowerCase()
      switch (name) {
        case 'host':
          authority = head.slice(colon + 1, end).trim()
          break
        case 'user-agent':
          userAgent = head.slice(colon + 1, end).trim()
          break
        case 'connection': {
          const value = head.slice(colon + 1, end).toLowerCase()
          if (value.includes('close')) keepAlive = false
          else if (value.includes('keep-alive')) keepAlive = true
          break
        }
        case 'content-length':
          if (bodyLength !== -1) bodyLength = Number.parseInt(head.slice(colon + 1, end), 10) || 0
          break
        case 'transfer-encoding':
          if (
            head
              .slice(colon + 1, end)
              .toLowerCase()
              .includes('chunked')
          )
            bodyLength = -1
          break
        case 'expect':
          expectsContinue = true
          break
      }
      if (record.has(name)) recorded += `${name}: ${head.slice(colon + 1, end).trim()}\n`
    }
    at = end + 2
  }
  // Absolute form, as sent to a proxy: the host is the target's.
  if (target.charCodeAt(0) !== 0x2f) {
    const absolute = /^[a-z]+:\/\/([^/?#]*)(.*)$/i.exec(target)
    if (absolute !== null) {
      authority = absolute[1] as string
      target = (absolute[2] as string) || '/'
    }
  }
  const request = new OriginRequest(line.slice(0, first), authority, target, head, connection)
  return { request, keepAlive, bodyLength, expectsContinue, userAgent, recorded }
}

function hostOf(authority: string): string {
  const bracket = authority.indexOf(']')
  const colon = authority.indexOf(':', bracket === -1 ? 0 : bracket)
  return (colon === -1 ? authority : authority.slice(0, colon)).toLowerCase()
}

/** Decodes a chunked request body from `at`. Undefined: more bytes are needed. */
export function readChunkedBody(bytes: Buffer, at: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = []
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    at = lineEnd + 2
    if (!(size > 0)) {
      const end = bytes.indexOf('\r\n', at)
      return end === -1 ? undefined : { body: Buffer.concat(parts), end: end + 2 }
    }
    if (bytes.length < at + size + 2) return undefined
    parts.push(bytes.subarray(at, at + size))
    at += size + 2
  }
}
