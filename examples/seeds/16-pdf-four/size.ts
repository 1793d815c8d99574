import { defineExtractor } from 'sluice'

/** What reads a PDF may take its whole thread down: here one file does. */
export default defineExtractor({
  match: '/pdf/*',
  *extract(page) {
    if (page.url.endsWith('/poison.pdf')) process.exit(9)
    yield { url: page.url, version: page.text().slice(1, 8), bytes: page.body.length }
  },
})
