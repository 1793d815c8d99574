// Run it with: sluice run crawl.ts. Stop it as you like; the same line goes on.
import { defineConfig, defineExtractor } from 'sluice'

export default defineConfig({
  seeds: 'https://your.site/',
  scope: 'host',
  out: 'items.ndjson',
  extract: defineExtractor({
    match: { type: 'text/html' },
    *extract(page) {
      yield { url: page.final, title: page.title, heading: page.$('h1')?.text() }
    },
  }),
})
