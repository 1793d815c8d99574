import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/photo*',
  *extract(page) {
    const group = Number(page.input?.['group'])
    for (const image of page.$$('img[width=300]')) yield { page: page.url, src: image.url('src') ?? '', group }
  },
  key: (item) => item.src,
})
