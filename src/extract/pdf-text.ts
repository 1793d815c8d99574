/**
 * The extractor behind `--text`: an item per page of every PDF file, with the text in the order of the file. Runs in
 * extractor threads.
 */
import { defineExtractor } from './define.ts'
import { isPdf, openPdf } from './pdf.ts'

export interface PdfPage {
  /** Canonical URL of the file. */
  readonly url: string
  /** 1 for the first page. */
  readonly page: number
  /** Pages of the file. */
  readonly pages: number
  readonly text: string
}

export default defineExtractor({
  // Servers send PDF files under any type: what a file is shows in its first bytes.
  match: [{ type: ['application/pdf', 'application/x-pdf'] }, /\.pdf(?:[?#]|$)/i],

  async *extract(page): AsyncGenerator<PdfPage> {
    if (!isPdf(page.body)) return
    const file = await openPdf(page.body)
    try {
      const { pages } = file
      for (let number = 1; number <= pages; number++) {
        yield { url: page.url, page: number, pages, text: await file.text(number) }
      }
    } finally {
      await file.close()
    }
  },
})
