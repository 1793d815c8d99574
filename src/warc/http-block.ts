/**
 * The block of a request, response or revisit record: an HTTP/1.1 head as text, the body behind it. Headers keep order,
 * case and duplicates; they are latin1 on both ways, so that every byte comes back. Knows no record and no file.
 */

/** A head as it was found in a block. */
export interface HttpHead {
  /** 0 for a request. */
  readonly status: number
  readonly statusText: string
  /** The first line as it is. */
  readonly startLine: string
  /** Flat: name, value, name, value … */
  readonly headers: readonly string[]
  /** Bytes of the head, the empty line included. */
  readonly length: number
}

export interface StoredResponse {
  readonly method: string
  readonly status: number
  readonly statusText: string
  readonly rawHeaders: readonly string[]
  /** Bytes of the body as it will be stored. */
  readonly bodyLength: number
  /** True: the body still has its Content-Encoding. False: it was decoded, and the header is renamed to say so. */
  readonly coded: boolean
}

/** Where a header goes that no longer describes the stored body; the prefix that archives of browsers use. */
export const RENAMED = 'X-Archive-Orig-'
/** Values that would be credentials to whoever reads the archive. */
const SECRET = /^(?:(?:proxy-)?authorization|cookie)$/i

/** Head of a request in origin form (RFC 9112 3.2.1); values of Authorization and Cookie are blanked. */
export function requestHead(method: string, url: string, headers: readonly string[]): Buffer {
  const { pathname, search } = new URL(url)
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string
    kept.push(name, SECRET.test(name) ? 'withheld' : (headers[i + 1] as string))
  }
  return headOf(`${method} ${pathname}${search} HTTP/1.1`, kept)
}

/** Head of a response that is true of the stored body: see `RENAMED`. */
export function responseHead(response: StoredResponse): Buffer {
  const { status, statusText, rawHeaders } = response
  // RFC 9110 8.6: there the length is of a body that was not sent.
  const isBodiless = response.method === 'HEAD' || status === 304 || status === 204
  const length = String(response.bodyLength)
  const headers: string[] = []
  let unframed = false
  let wrongLength = false
  let hasLength = false
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    const value = rawHeaders[i + 1] as string
    const key = name.toLowerCase()
    const isWrong = key === 'content-length' && !isBodiless && value.trim() !== length
    const isGone = key === 'transfer-encoding' || (key === 'content-encoding' && !response.coded)
    if (key === 'transfer-encoding') unframed = true
    if (isWrong) wrongLength = true
    if (key === 'content-length' && !isWrong) hasLength = true
    headers.push(isWrong || isGone ? RENAMED + name : name, value)
  }
  if (!hasLength && !isBodiless && (wrongLength || unframed)) headers.push('Content-Length', length)
  return headOf(`HTTP/1.1 ${status} ${statusText}`, headers)
}

function headOf(startLine: string, headers: readonly string[]): Buffer {
  let text = `${oneLine(startLine)}\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${oneLine(headers[i])}: ${oneLine(headers[i + 1])}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

/** No value may end its line or the head. */
function oneLine(value: string | undefined): string {
  return (value ?? '').replaceAll(/[\r\n\0]+/g, ' ')
}

/** Reads the head at the start of a block; undefined where there is none. Lines may end in LF alone and be folded. */
export function readHttpHead(block: Uint8Array): HttpHead | undefined {
  const end = endOfHead(block)
  const length = end < 0 ? block.length : end
  const text = Buffer.from(block.buffer, block.byteOffset, length).toString('latin1')
  const [startLine = '', ...lines] = text.replaceAll(/\r*\n[ \t]+/g, ' ').split(/\r*\n/)
  const response = /^HTTP[A-Z]*\/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t](.*))?$/.exec(startLine)
  if (response === null && !/^\S+ .*HTTP\/\d/.test(startLine)) return undefined
  const headers: string[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.push(line.slice(0, colon), trimmed(line.slice(colon + 1)))
  }
  return { status: Number(response?.[1] ?? 0), statusText: response?.[2] ?? '', startLine, headers, length }
}

/** RFC 9110 5.5: optional white space around a value is no part of it. */
function trimmed(value: string): string {
  return value.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
}

/** Bytes up to and with the empty line; -1 where there is none. Carriage returns before a line feed do not count. */
export function endOfHead(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    let next = at + 1
    while (bytes[next] === 13) next++
    if (bytes[next] === 10) return next + 1
  }
  return -1
}

/** All values of a header, joined by a comma; undefined where it is absent. @param name in lower case */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() !== name) continue
    found = found === undefined ? (headers[i + 1] as string) : `${found}, ${headers[i + 1] as string}`
  }
  return found
}
