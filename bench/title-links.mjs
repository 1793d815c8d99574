/** What the peers of the crawl job take of a page by CSS selectors, as an extractor: title, and how many links there are. */
export default {
  *extract(page) {
    yield { url: page.url, title: page.$('title')?.text() ?? '', links: page.$$('a[href]').length }
  },
}
