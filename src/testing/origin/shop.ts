/**
 * A small shop for the demo and for tests of extraction: categories in pages, products with a name and a price in
 * stable HTML, a robots.txt with one rule, a sitemap, and the usual dirt: dead links, a redirect, a moment of overload.
 */
import { mix32, random } from '../random.ts'
import type { Content } from './content.ts'
import { conditional, htmlPage, type Reply, sitemap } from './reply.ts'
import type { OriginRequest } from './request.ts'

export interface ShopOptions {
  /** Default 1. */
  readonly seed?: number
  /** Default 4; at most 8. */
  readonly categories?: number
  /** Products of each category. Default 12. */
  readonly products?: number
  /** Products on a page of a category. Default 6. */
  readonly perPage?: number
}

export interface Product {
  readonly id: number
  readonly name: string
  readonly category: string
  /** As on the page: `12.50`. */
  readonly price: string
  readonly inStock: boolean
  readonly path: string
}

export interface Shop extends Content {
  readonly products: readonly Product[]
  /** What answers 200 and robots.txt allows, in no order that matters. */
  readonly pages: readonly string[]
  /** Linked, but 404. */
  readonly deadLinks: readonly string[]
  /** Linked; 301 to the first category. */
  readonly redirect: string
  /** The product page whose first request is answered with 503. */
  readonly overloaded: string
  /** Linked, and disallowed by robots.txt. */
  readonly disallowed: string
}

const CATEGORIES = ['sieves', 'pans', 'shovels', 'buckets', 'scales', 'lamps', 'boots', 'ropes']
const QUALITIES = ['small', 'large', 'folding', 'copper', 'steel', 'oak', 'light', 'heavy', 'old', 'new']
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'

/** A PNG of one transparent pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

export function shop(options: ShopOptions = {}): Shop {
  const { seed = 1, categories: wanted = 4, products: each = 12, perPage = 6 } = options
  const names = CATEGORIES.slice(0, wanted)
  if (names.length !== wanted || wanted < 1)
    throw new RangeError(`categories: ${wanted} is not 1 to ${CATEGORIES.length}`)
  const dice = random(seed)
  const products: Product[] = names.flatMap((category, c) =>
    Array.from({ length: each }, (_, i): Product => {
      const id = c * each + i + 1
      const name = `${capital(dice.pick(QUALITIES))} ${category.slice(0, -1)} no. ${id}`
      const price = (dice.int(100, 19_900) / 100).toFixed(2)
      const inStock = dice.int(1, 10) > 2
      return {
        id,
        name,
        category,
        price,
        inStock,
        path: `/product/${id}-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`,
      }
    }),
  )
  const byPath = new Map(products.map((product) => [product.path, product]))
  const pagesOf = Math.max(1, Math.ceil(each / perPage))
  const categoryPaths = names.flatMap((name) =>
    Array.from({ length: pagesOf }, (_, i) => (i === 0 ? `/c/${name}` : `/c/${name}?page=${i + 1}`)),
  )
  const overloaded = (products[mix32(seed, 7) % Math.max(1, products.length)] as Product | undefined)?.path ?? ''
  const deadLinks = names.slice(0, 3).map((name) => `/product/sold-out-${name}`)
  const pages = ['/', '/about', ...categoryPaths, ...products.map(({ path }) => path)]
  let overloads = 1

  function category(name: string, page: number): string | undefined {
    if (!names.includes(name) || !(page >= 1 && page <= pagesOf)) return undefined
    const items = products.filter((product) => product.category === name).slice((page - 1) * perPage, page * perPage)
    const list = items.map(({ path, name, price }) => `<li><a href="${path}">${name}</a> <span>$${price}</span></li>`)
    const next = page < pagesOf ? `<p><a rel="next" href="?page=${page + 1}">Next page</a></p>` : ''
    const dead = deadLinks
      .filter((path) => path.endsWith(name) && page === 1)
      .map((path) => `<p><a href="${path}">Sold out</a></p>`)
    return htmlPage(
      capital(name),
      `${NAV}<h1>${capital(name)}</h1>\n<ul>\n${list.join('\n')}\n</ul>\n${dead.join('')}${next}`,
    )
  }

  function product({ id, name, category, price, inStock }: Product): string {
    return htmlPage(
      name,
      `${NAV}<article class="product" data-id="${id}">
<p class="crumbs"><a href="/">Home</a> <a href="/c/${category}">${capital(category)}</a></p>
<h1 class="name">${name}</h1>
<img class="photo" src="/img/${id}.png" alt="">
<p class="price" data-currency="USD">$${price}</p>
<p class="stock">${inStock ? 'In stock' : 'Sold out'}</p>
<p><a class="category" href="/c/${category}">${capital(category)}</a></p>
</article>
`,
    )
  }

  function html(request: OriginRequest): string | undefined {
    const { path } = request
    const found = byPath.get(path)
    if (found !== undefined) return product(found)
    if (path === '/') {
      const list = names.map((name) => `<li><a href="/c/${name}">${capital(name)}</a></li>`).join('\n')
      return htmlPage(
        'Sluice Supplies',
        `${NAV}<h1>Sluice Supplies</h1>\n<ul>\n${list}\n</ul>\n<p><a href="/sale">Sale</a></p>\n`,
      )
    }
    if (path === '/about') return htmlPage('About', `${NAV}<h1>About</h1>\n<p>A shop that exists in tests only.</p>\n`)
    if (path.startsWith('/c/')) return category(path.slice(3), Number(request.query.get('page') ?? 1))
    if (path.startsWith('/cart')) return htmlPage('Cart', `${NAV}<p>Empty.</p>`)
    return undefined
  }

  return {
    products,
    pages,
    deadLinks,
    redirect: '/sale',
    overloaded,
    disallowed: '/cart',
    respond(request): Reply | undefined {
      const { path } = request
      if (path === '/robots.txt') {
        const body = `User-agent: *\nDisallow: /cart\nCrawl-delay: 0\nSitemap: http://${request.authority}/sitemap.xml\n`
        return { headers: { 'Content-Type': 'text/plain' }, body }
      }
      if (/^\/img\/\d+\.png$/.test(path)) return { headers: { 'Content-Type': 'image/png' }, body: PIXEL }
      if (path === '/sitemap.xml') {
        return {
          headers: { 'Content-Type': 'application/xml' },
          body: sitemap(pages.map((at) => `http://${request.authority}${at}`)),
        }
      }
      if (path === '/sale') return { status: 301, headers: { Location: `/c/${names[0]}` }, body: 'moved\n' }
      if (path === overloaded && overloads > 0) {
        overloads--
        return { status: 503, headers: { 'Retry-After': '1' }, body: 'too many visitors\n' }
      }
      const body = html(request)
      if (body === undefined) return undefined
      const etag = `"${seed}-${mix32(seed, body.length, checksum(body)).toString(16)}"`
      const headers = { ETag: etag, 'Last-Modified': MODIFIED }
      return conditional(request, etag, MODIFIED, () => ({ headers, body }))
    },
  }
}

const NAV = '<nav><a href="/">Shop</a> <a href="/about">About</a> <a href="/cart">Cart</a></nav>\n'

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function checksum(text: string): number {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0
  return sum
}
