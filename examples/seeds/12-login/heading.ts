import { defineExtractor } from 'sluice'

/** The login's form has another heading, or none. */
export default defineExtractor({
  extract(page) {
    return [{ url: page.url, heading: page.$('h1')?.text() ?? 'no heading' }]
  },
})
