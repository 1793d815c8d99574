import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/market/*/*',
  *extract(page) {
    for (const row of page.$$('.col_titulo a')) yield { title: row.text() }
  },
})
