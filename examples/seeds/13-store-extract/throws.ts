import { defineExtractor } from 'sluice'

export default defineExtractor({
  match: '/market/*/*',
  extract(page) {
    if (page.url.endsWith('/13/13')) throw new Error('no luck on this page')
    return [{ title: page.title }]
  },
})
