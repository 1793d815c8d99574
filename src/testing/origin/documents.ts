/** A few PDF files behind a slow server, with validators, and one that is made to break programs which read it. */
import type { Content } from './content.ts'
import { conditional, type Prepared, prepare, type Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'

export interface DocumentsOptions {
  /** Files `/pdf/1.pdf` and on. Default 8. */
  readonly count?: number
  /** Wait before the first byte of each, ms. Default 287. */
  readonly waitMs?: number
}

const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'

/** `/pdf/<n>.pdf`, and `/pdf/poison.pdf`, whose body holds the word POISON. */
export function documents(options: DocumentsOptions = {}): Content {
  const { count = 8, waitMs = 287 } = options
  const files = new Map<string, Prepared>()
  for (let n = 1; n <= count; n++) files.set(`/pdf/${n}.pdf`, file(`Document ${n}`, `"${n}-1"`, waitMs))
  files.set('/pdf/poison.pdf', file('POISON', '"p-1"', waitMs))
  return {
    respond(request: OriginRequest): Reply | undefined {
      const ready = files.get(request.path)
      if (ready === undefined) return undefined
      const reply = conditional(request, etagOf(request.path), MODIFIED, () => ready)
      return reply === ready ? ready : { ...reply, delayMs: waitMs }
    },
  }
}

function etagOf(path: string): string {
  return `"${path.slice('/pdf/'.length, -'.pdf'.length).replace('poison', 'p')}-1"`
}

function file(text: string, etag: string, delayMs: number): Prepared {
  return prepare({
    headers: { 'Content-Type': 'application/pdf', ETag: etag, 'Last-Modified': MODIFIED },
    body: pdf(text),
    delayMs,
  })
}

/** One page with one line of text (ISO 32000-1, 7.5). ASCII only. */
function pdf(text: string): string {
  const stream = `BT /F1 24 Tf 72 720 Td (${text}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let body = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const at = body.length
    body += `${index + 1} 0 obj\n${object}\nendobj\n`
    return `${String(at).padStart(10, '0')} 00000 n \n`
  })
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`
  return `${body}${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`
}
