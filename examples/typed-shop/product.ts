import { defineExtractor } from 'sluice'
import { z } from 'zod'

export default defineExtractor({
  match: '/product/*',
  schema: z.object({
    title: z.string(),
    price: z.number().positive(),
    currency: z.string().length(3),
    available: z.boolean(),
    category: z.array(z.string()),
    image: z.url(),
  }),
  key: (item) => item.title,
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
})
