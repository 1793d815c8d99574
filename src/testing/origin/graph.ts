/**
 * A generated site: page n at /p/n, every page reachable from /, a sitemap of them, the same bytes for the same seed. Links are written in
 * all the ways pages write them, so that a crawl of it also tests how links are resolved and deduplicated.
 */
import { mix32 } from '../random.ts'
import type { Content } from './content.ts'
import { conditional, type Prepared, prepare, type Reply, sitemap } from './reply.ts'
import type { OriginRequest } from './request.ts'

export interface GraphOptions {
  readonly seed: number
  /** Pages below /p/, numbered from 0. / comes on top. */
  readonly pages: number
  /** Different pages a page links to, at least 1; pages at the end of the tree may have fewer. Default 10. */
  readonly links?: number
  /** Size of each page, bytes; larger where its links need more. Default: no padding. */
  readonly bytes?: number
  /** Part of the ETag: another version is another page for conditional requests. Default 1. */
  readonly version?: number
}

export interface Graph extends Content {
  /** Number of pages, / included. */
  readonly size: number
  /** Pages that page n links to, without repeats. */
  linksOf(n: number): number[]
  /** / and all /p/n. */
  paths(): Generator<string, void, undefined>
}

const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'
/** Prepared pages are kept up to this many bytes; beyond, pages are made for each request. */
const KEEP_BYTES = 64 * 1024 * 1024
/** A sitemap holds no more URLs (sitemaps.org). */
const SITEMAP_MOST = 50_000
const WORDS = 'water gate gravel gold river mill stone wheel slow fast deep shallow bank flood wash sand '

export function graph(options: GraphOptions): Graph {
  const { seed, pages, bytes = 0, version = 1 } = options
  const links = Math.max(1, options.links ?? 10)
  if (!(Number.isInteger(pages) && pages > 0)) throw new RangeError(`pages: ${pages} is not 1 or more`)
  // A tree of `branch` children a page makes every page reachable; the other links go anywhere.
  const branch = Math.ceil(links / 2)
  const filler = WORDS.repeat(Math.ceil(bytes / WORDS.length))
  const kept = new Map<string, Prepared>()
  let keptBytes = 0

  function linksOf(n: number): number[] {
    const to = new Set<number>()
    for (let child = n * branch + 1; child <= n * branch + branch && child < pages; child++) to.add(child)
    for (let i = 0; to.size < links && i < links; i++) to.add(mix32(seed, n, i) % pages)
    return [...to]
  }

  /** The page, with absolute links to this authority where it has any. */
  function html(n: number, authority: string): string {
    let list = ''
    linksOf(n).forEach((to, i) => {
      list += `<li><a href="${form(n, to, i, authority)}">Page ${to}</a></li>\n`
      // Some links come twice, the second time with a fragment.
      if (i % 4 === 3) list += `<li><a href="/p/${to}#again">Page ${to} again</a></li>\n`
    })
    return page(`Page ${n}`, list)
  }

  function page(title: string, list: string): string {
    const before = `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>\n<body><h1>${title}</h1>\n<ul>\n${list}</ul>\n<p>`
    const after = '</p>\n</body></html>\n'
    return before + filler.slice(0, Math.max(0, bytes - before.length - after.length)) + after
  }

  const home = prepare({
    headers: validators('home'),
    body: page(`Graph ${seed}`, '<li><a href="p/0">Start</a></li>\n'),
  })

  function validators(of: number | string): Record<string, string> {
    return { ETag: etag(of), 'Last-Modified': MODIFIED }
  }

  function etag(of: number | string): string {
    return `"${seed}-${of}-${version}"`
  }

  function prepared(n: number, authority: string): Prepared {
    const key = hasAbsolute(n) ? `${n} ${authority}` : String(n)
    let ready = kept.get(key)
    if (ready === undefined) {
      ready = prepare({ headers: validators(n), body: html(n, authority) })
      if (keptBytes + ready.bytes.length <= KEEP_BYTES) {
        keptBytes += ready.bytes.length
        kept.set(key, ready)
      }
    }
    return ready
  }

  function* paths(): Generator<string, void, undefined> {
    yield '/'
    for (let n = 0; n < pages; n++) yield `/p/${n}`
  }

  return {
    size: pages + 1,
    linksOf,
    paths,
    respond(request: OriginRequest): Reply | undefined {
      const { target } = request
      if (target === '/sitemap.xml') {
        const urls = [...paths().take(SITEMAP_MOST)].map((path) => `http://${request.authority}${path}`)
        return { headers: { 'Content-Type': 'application/xml' }, body: sitemap(urls) }
      }
      const n = pageNumber(target)
      if (n === -1 ? target !== '/' : n >= pages) return undefined
      const ready = n === -1 ? home : prepared(n, request.authority)
      // Most requests carry no validator: one search of the head instead of reading all fields.
      if (!/\r\nif-(?:none-match|modified-since):/i.test(request.head)) return ready
      return conditional(request, etag(n === -1 ? 'home' : n), MODIFIED, () => ready)
    },
  }
}

/** Number of /p/n, or -1 for any other target. */
function pageNumber(target: string): number {
  if (!target.startsWith('/p/') || target.length === 3 || target.length > 12) return -1
  let n = 0
  for (let i = 3; i < target.length; i++) {
    const digit = target.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    n = n * 10 + digit
  }
  // /p/007 is not a page.
  return target.charCodeAt(3) === 48 && target.length > 4 ? -1 : n
}

/** Every eighth page writes some links with its host, so that the others can be shared by all hosts. */
function hasAbsolute(n: number): boolean {
  return n % 8 === 0
}

function form(n: number, to: number, i: number, authority: string): string {
  switch ((n + i) % 6) {
    case 0:
      return hasAbsolute(n) ? `http://${authority}/p/${to}` : `/p/${to}`
    case 1:
      return String(to)
    case 2:
      return `../p/${to}`
    case 3:
      return `./${to}#part-${i}`
    case 4:
      return `/p/./../p/${to}`
    default:
      return `/p/${to}`
  }
}
