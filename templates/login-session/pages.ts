// Run it with: SITE_PASSWORD=… sluice run pages.ts. Logs in, and again when the session ends; the same line goes on.
import { defineConfig, defineExtractor } from 'sluice'

export default defineConfig({
  lists: 'urls.txt',
  session: 'session.json',
  out: 'items.ndjson',
  extract: defineExtractor({
    match: { type: 'text/html' },
    *extract(page) {
      yield { url: page.final, title: page.title, heading: page.$('h1')?.text() }
    },
  }),
})
