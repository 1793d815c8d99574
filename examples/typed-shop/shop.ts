import { defineConfig, defineExtractor } from 'sluice'

export default defineConfig({
  seeds: 'https://your.site/',
  out: 'items.ndjson',
  extract: defineExtractor({
    match: '/product/*',
    *extract(page) {
      const product = page.$('article.product')
      yield {
        title: product?.text('.name'),
        price: product?.number('.price'),
        currency: product?.attr('data-currency', '.price'),
        available: product?.text('.stock') === 'In stock',
        category: product?.$$('.crumbs a').map((link) => link.text()),
        image: product?.url('src', 'img.photo'),
      }
    },
  }),
})
