import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/photo*',
  *extract(page) {
    for (const image of page.$$('img[width=300]')) yield { page: page.url, src: image.url('src') ?? '' }
  },
  key: (item) => item.src,
})
