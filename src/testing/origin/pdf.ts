/** PDF files: small ones by number, and one that no reader with little memory survives. */
import { deflateSync } from 'node:zlib'

/** Pages of each. */
const PAGES = 2
/** Lines of the poisonous page: it inflates to 20 MB, and to some hundred in whatever keeps its words. */
const POISON_LINES = 400_000

/** Text of a page of a file, 1 for the first. */
export function pdfText(id: number, page: number): string {
  return `Document ${id}, page ${page} of ${PAGES}`
}

/** The bytes of a file; the same for the same id. */
export function pdfOf(id: number): Buffer {
  const pages = Array.from({ length: PAGES }, (_, i) =>
    Buffer.from(`BT /F1 12 Tf 72 720 Td (${pdfText(id, i + 1)}) Tj ET`),
  )
  return pdfFile(pages, '')
}

/** A PDF 1.4 file (ISO 32000-1, 7.5) of pages with these content streams. */
function pdfFile(contents: readonly Buffer[], filter: string): Buffer {
  const kids = contents.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')
  const objects: (string | Buffer)[][] = [
    ['<< /Type /Catalog /Pages 2 0 R >>'],
    [`<< /Type /Pages /Kids [${kids}] /Count ${contents.length} >>`],
    ['<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'],
    ...contents.flatMap((content, i) => [
      [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * i} 0 R `,
        '/Resources << /Font << /F1 3 0 R >> >> >>',
      ],
      [`<< /Length ${content.length}${filter} >>\nstream\n`, content, '\nendstream'],
    ]),
  ]
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n')]
  const places: number[] = []
  let length = 9
  for (const [i, object] of objects.entries()) {
    const bytes = [`${i + 1} 0 obj\n`, ...object, '\nendobj\n'].map((part) => Buffer.from(part))
    places.push(length)
    for (const piece of bytes) length += piece.length
    parts.push(...bytes)
  }
  const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`)
  const count = objects.length + 1
  parts.push(
    Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${rows.join('')}`),
    Buffer.from(`trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`),
  )
  return Buffer.concat(parts)
}

/** Small on the wire; whoever takes the words of its page runs out of memory. */
export function poisonPdf(): Buffer {
  // Far apart and within the page, so that none can be left out or joined with another.
  const line = '1 0 0 1 72 700 Tm (a) Tj 1 0 0 1 300 100 Tm (b) Tj '
  const words = Buffer.from(`BT /F1 12 Tf ${line.repeat(POISON_LINES)} ET`)
  return pdfFile([deflateSync(words, { level: 1 })], ' /Filter /FlateDecode')
}
