import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/product/*',
  *extract(page) {
    yield { id: Number(page.url.split('/').at(-1)), name: page.title, price: Number(page.$('b.price')?.text()) }
  },
})
