/**
 * The extractor behind `--text`: an item per page of every PDF file, with the text in the order of the file. Read by the
 * optional package `unpdf` (pdf.js without a canvas), which is loaded with the first file. Runs in extractor threads.
 */
import { defineExtractor } from './define.ts'

export interface PdfPage {
  /** Canonical URL of the file. */
  readonly url: string
  /** 1 for the first page. */
  readonly page: number
  /** Pages of the file. */
  readonly pages: number
  readonly text: string
}

/** Files may begin with other bytes (ISO 32000-1, annex H.3.4.1). */
const HEAD = 1024

export default defineExtractor({
  // Servers send PDF files under any type: what a file is shows in its first bytes.
  match: [{ type: ['application/pdf', 'application/x-pdf'] }, /\.pdf(?:[?#]|$)/i],

  async *extract(page): AsyncGenerator<PdfPage> {
    if (!Buffer.from(page.body.subarray(0, HEAD)).includes('%PDF-')) return
    const { getDocumentProxy } = await import('unpdf')
    // A copy, and no Buffer: pdf.js keeps what it is given. Its warnings about a file are for nobody.
    const opening = getDocumentProxy(new Uint8Array(page.body), { verbosity: 0 })
    const file = await opening.catch((cause: Error) => {
      // Encrypted or broken beyond repair. The place in pdf.js would tell nobody anything.
      throw new Error(`cannot read the PDF file: ${cause.message}`, { cause })
    })
    try {
      const pages = file.numPages
      for (let number = 1; number <= pages; number++) {
        const content = await file.getPage(number)
        const { items } = await content.getTextContent()
        const parts = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
        yield { url: page.url, page: number, pages, text: parts.join('') }
        content.cleanup()
      }
    } finally {
      await file.loadingTask.destroy()
    }
  },
})
