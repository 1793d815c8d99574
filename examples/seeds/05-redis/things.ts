import { defineExtractor } from 'sluice'

export default defineExtractor({
  *extract(page) {
    yield { title: page.$('h1')?.text() ?? '', price: Number(page.$('.price')?.text()) }
  },
  key: (item) => item.title,
})
