// Which pages are products, what a product is, and where its fields are. Try it on one page: sluice check shop.ts --record URL
import { defineExtractor } from 'sluice'
import type { ItemOf } from 'sluice'
import { z } from 'zod'

const product = defineExtractor({
  match: '/product/*',
  schema: z.object({
    title: z.string().min(1),
    price: z.number().positive(),
    currency: z.string().length(3),
    available: z.boolean(),
    category: z.array(z.string()),
    image: z.url(),
  }),
  key: (item) => item.title,
  *extract(page) {
    const place = page.$('article.product')
    yield {
      title: place?.text('.name'),
      price: place?.number('.price'),
      currency: place?.attr('data-currency', '.price'),
      available: place?.text('.stock') === 'In stock',
      category: place?.$$('.crumbs a').map((link) => link.text()),
      image: place?.url('src', 'img.photo'),
    }
  },
})

export type Product = ItemOf<typeof product>
export default product
