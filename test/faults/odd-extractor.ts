/** What users' extractors do to odd pages: a pattern that backtracks, a tree of everything, a key named __proto__. */
import { defineExtractor } from 'sluice'

export default [
  defineExtractor({
    match: '/fault/slow-pattern/*',
    extract: (page) => [{ found: /^(a+)+$/.test(page.$('p')?.text() ?? '') }],
  }),
  defineExtractor({
    match: '/fault/deep-page/*',
    extract: (page) => [{ title: page.title ?? '', tags: page.$$('div').length }],
  }),
  defineExtractor({
    match: '/fault/odd-json/*',
    extract(page) {
      const told = page.json() as { n: number; polluted?: true }
      return [{ n: String(told.n), polluted: told.polluted === true || 'polluted' in {} }]
    },
  }),
]
