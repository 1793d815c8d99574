/** PDF files by number, as slow as files of their size are, with validators and ranges. */
import type { Content } from './content.ts'
import { pdfOf, poisonPdf } from './pdf.ts'
import { conditional, type Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

export interface DocumentsOptions {
  /** Files `/pdf/1.pdf` and on. Default 8, at most 8. */
  readonly count?: number
  /** Wait before the first byte of each, ms. Default 287. */
  readonly waitMs?: number
}

/** Ids of the files, `/pdf/1.pdf` to `/pdf/8.pdf`. */
export const PDF_IDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8]
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'

/** `/pdf/<n>.pdf`, and `/pdf/poison.pdf`, which no reader with little memory survives. */
export function documents({ count = 8, waitMs = 287 }: DocumentsOptions = {}): Content {
  const ids = new Set(PDF_IDS.slice(0, count).map(String))
  let poisoned: Buffer | undefined
  return {
    respond(request: OriginRequest): Reply | undefined {
      const name = /^\/pdf\/(\d|poison)\.pdf$/.exec(request.path)?.[1]
      if (name === undefined || (name !== 'poison' && !ids.has(name))) return undefined
      const body = name === 'poison' ? (poisoned ??= poisonPdf()) : pdfOf(Number(name))
      const etag = `"pdf-${name}"`
      const reply = conditional(request, etag, MODIFIED, () => ranged(request, body, etag, waitMs))
      return { ...reply, delayMs: waitMs }
    },
  }
}

/** The whole file, or the one range that is asked for (RFC 9110 14). */
function ranged(request: OriginRequest, body: Buffer, etag: string, delayMs: number): Reply {
  const headers = {
    'Content-Type': 'application/pdf',
    ETag: etag,
    'Last-Modified': MODIFIED,
    'Accept-Ranges': 'bytes',
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.header('range') ?? '')
  const condition = request.header('if-range')
  if (range === null || (condition !== undefined && condition !== etag)) return { headers, body, delayMs }
  const first = Number(range[1])
  const last = Math.min(range[2] === '' ? Infinity : Number(range[2]), body.length - 1)
  if (first > last) return { status: 416, headers: { 'Content-Range': `bytes */${body.length}` } }
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${first}-${last}/${body.length}` },
    body: body.subarray(first, last + 1),
    delayMs,
  }
}
