import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/market/*/*',
  *extract(page) {
    const prices = page.$$('.preco')
    for (const [i, row] of page.$$('.col_titulo a').entries()) yield { title: row.text(), price: prices[i]?.number() }
  },
})
