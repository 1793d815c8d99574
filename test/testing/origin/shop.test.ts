import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shop } from '../../../src/testing/origin/shop.ts'
import { ask, openWeb } from '../raw-client.ts'

test('a crawl of the shop finds all its pages, its dead links, its redirect and its moment of overload', async (t) => {
  const content = shop({ seed: 3 })
  const origin = await openWeb(t, { sites: { 'shop.test': { content } } })
  const statuses = new Map<string, number[]>()
  const queue = ['/']
  const items: [string, string][] = []
  for (const target of queue) {
    const { status, body, head } = await ask(origin.port, target, { host: 'shop.test' })
    const seen = statuses.get(target)
    if (seen === undefined) statuses.set(target, [status])
    else seen.push(status)
    if (status === 503) queue.push(target)
    const name = /<h1 class="name">(.*)<\/h1>/.exec(body)?.[1]
    const price = /<p class="price" data-currency="USD">\$(.*)<\/p>/.exec(body)?.[1]
    if (name !== undefined && price !== undefined) items.push([name, price])
    const hrefs = [...body.matchAll(/href="([^"]*)"/g)].map(([, href]) => href as string)
    const location = /\r\nLocation: (.*)\r\n/.exec(head)?.[1]
    for (const href of location === undefined ? hrefs : [location]) {
      const url = new URL(href, `http://shop.test${target}`)
      const next = url.pathname + url.search
      if (next === content.disallowed || statuses.has(next) || queue.includes(next)) continue
      queue.push(next)
    }
  }
  const last = (path: string): number | undefined => statuses.get(path)?.at(-1)
  for (const path of content.pages) assert.equal(last(path), 200, path)
  for (const path of content.deadLinks) assert.equal(last(path), 404, path)
  assert.ok(content.deadLinks.length > 1)
  assert.equal(last(content.redirect), 301)
  assert.deepEqual(statuses.get(content.overloaded), [503, 200])
  assert.equal(statuses.size, content.pages.length + content.deadLinks.length + 1)
  assert.deepEqual(items.sort(), content.products.map(({ name, price }): [string, string] => [name, price]).sort())
})

test('the shop has a robots.txt with a rule and a sitemap of its pages, both with its own address', async (t) => {
  const content = shop()
  const origin = await openWeb(t, { sites: { '*': { content } } })
  const robots = await ask(origin.port, '/robots.txt', { host: 'shop.test:81' })
  assert.equal(
    robots.body,
    'User-agent: *\nDisallow: /cart\nCrawl-delay: 0\nSitemap: http://shop.test:81/sitemap.xml\n',
  )
  const { body } = await ask(origin.port, '/sitemap.xml', { host: 'shop.test:81' })
  assert.deepEqual(
    [...body.matchAll(/<loc>http:\/\/shop\.test:81(.*?)<\/loc>/g)].map(([, path]) => path),
    content.pages,
  )
})

test('pages of the shop answer conditional requests', async (t) => {
  const content = shop()
  const origin = await openWeb(t, { sites: { '*': { content } } })
  const { head } = await ask(origin.port, '/about')
  const etag = /\r\nETag: (.*)\r\n/.exec(head)?.[1] as string
  assert.equal((await ask(origin.port, '/about', { headers: { 'If-None-Match': etag } })).status, 304)
})

test('the same seed stocks the same shop', () => {
  assert.deepEqual(shop({ seed: 9 }).products, shop({ seed: 9 }).products)
  assert.notDeepEqual(shop({ seed: 9 }).products, shop({ seed: 10 }).products)
  const small = shop({ categories: 1, products: 1, perPage: 1 })
  assert.deepEqual(small.pages.slice(0, 3), ['/', '/about', '/c/sieves'])
  assert.equal(small.overloaded, small.products[0]?.path)
  assert.throws(() => shop({ categories: 9 }), RangeError)
})
