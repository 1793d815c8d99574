/**
 * What the fake web answers with: a plain answer, bytes prepared once and sent many times, or a script of raw writes,
 * waits and endings for everything a well-behaved server would not do.
 */

/** Not by `import`: naming an export of node:http reads them all, one of which loads Node's own undici into the globals. */
const { STATUS_CODES } = process.getBuiltinModule('node:http')

export interface Answer {
  /** Default 200. */
  readonly status?: number
  /** Default: the usual phrase. */
  readonly reason?: string
  /** Sent as given, in order; a list repeats the field. Content-Type and Content-Length are added where missing. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Default ''. Texts go out as UTF-8. */
  readonly body?: string | Uint8Array
  /** Wait before the first byte, ms, over and above the site's `answerMs`. */
  readonly delayMs?: number
  /** Close the connection after it (and say so). Default false. */
  readonly close?: boolean
}

/** One act of a script. Texts are written as latin1: one character, one byte. */
export type Step =
  | { readonly write: string | Uint8Array }
  | { readonly waitMs: number }
  /** `close`: end of file. `reset`: RST. `hang`: silence until the client gives up. Ends the script. */
  | { readonly end: 'close' | 'reset' | 'hang' }

/** Raw bytes and faults. When the steps run out the connection stays open for the next request. */
export interface Script {
  /** What the arrival ledger notes: the status that is sent, 0 for none. */
  readonly status: number
  readonly steps: Iterable<Step>
  readonly delayMs?: number
}

/** A whole reply in one buffer: the fast path. Made by `prepare`. */
export interface Prepared {
  readonly status: number
  readonly bytes: Buffer
  /** Bytes before the body: all that a HEAD request gets. */
  readonly headLength: number
  readonly close: boolean
  readonly delayMs: number
}

export type Reply = Answer | Script | Prepared

/** Builds the bytes of an answer. No Date: replies are the same in every run. */
export function prepare(answer: Answer): Prepared {
  const status = answer.status ?? 200
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : (answer.body ?? new Uint8Array(0))
  let head = `HTTP/1.1 ${status} ${answer.reason ?? STATUS_CODES[status] ?? ''}\r\n`
  let hasLength = false
  let hasType = false
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    const lower = name.toLowerCase()
    hasLength ||= lower === 'content-length' || lower === 'transfer-encoding'
    hasType ||= lower === 'content-type'
    for (const one of typeof value === 'string' ? [value] : value) head += `${name}: ${one}\r\n`
  }
  const bodiless = status === 204 || status === 304 || status < 200
  if (!hasType && !bodiless && body.length > 0) head += 'Content-Type: text/html; charset=utf-8\r\n'
  if (!hasLength && !bodiless) head += `Content-Length: ${body.length}\r\n`
  const close = answer.close ?? false
  if (close) head += 'Connection: close\r\n'
  head += '\r\n'
  const bytes = Buffer.allocUnsafeSlow(head.length + (bodiless ? 0 : body.length))
  bytes.write(head, 0, 'latin1')
  if (!bodiless) bytes.set(body, head.length)
  return { status, bytes, headLength: head.length, close, delayMs: answer.delayMs ?? 0 }
}

/** A script that writes these bytes and ends. The status is read from them where they begin with a status line. */
export function rawReply(bytes: string | Uint8Array, end: 'keep' | 'close' | 'reset' | 'hang' = 'close'): Script {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)
  const status = Number(/^HTTP\/1\.\d (\d{3})\b/.exec(buffer.toString('latin1', 0, 13))?.[1] ?? 0)
  const steps: Step[] = buffer.length > 0 ? [{ write: buffer }] : []
  if (end !== 'keep') steps.push({ end })
  return { status, steps }
}

/** An HTML page with a title and a body text. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>\n<body>${body}</body></html>\n`
}

/** A sitemap of these absolute URLs (sitemaps.org 0.9). */
export function sitemap(urls: readonly string[]): string {
  const rows = urls.map((url) => `<url><loc>${url.replace(/&/g, '&amp;')}</loc></url>`).join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${rows}\n</urlset>\n`
}

/** 304 where the request's validators say that the client has this version (RFC 9110 section 13.1), else `answer`. */
export function conditional(
  request: { header(name: string): string | undefined },
  etag: string,
  modified: string,
  answer: () => Reply,
): Reply {
  const match = request.header('if-none-match')
  const since = request.header('if-modified-since')
  const fresh =
    match === undefined
      ? since !== undefined && Date.parse(since) >= Date.parse(modified)
      : match
          .split(',')
          .some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag.replace(/^W\//, ''))
  return fresh ? { status: 304, headers: { ETag: etag, 'Last-Modified': modified } } : answer()
}
