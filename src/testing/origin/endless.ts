/**
 * Sites without an end: kinds of pages that always lead to one more, around a hundred real ones; and a page with
 * more links than anybody wants. Everything follows from the URL that is asked for, so no size costs memory.
 */
import { mix32 } from '../random.ts'
import type { Reply, Step } from './reply.ts'
import type { OriginRequest } from './request.ts'
import type { SiteOptions } from './site.ts'

/** Real pages of `endlessPages`: `/real/1` and on, each linked by the one before it. */
export const REAL_PAGES = 100
/** Links of the page `/` of `endlessHosts`; all lead to hosts of their own. */
export const MANY_LINKS = 1_000_000
/** Links to pages of its own in front of them. */
export const REAL_LINKS = 5

type Trap = (request: OriginRequest, n: number) => Reply | string

const HTML = { 'Content-Type': 'text/html' }

function link(href: string): string {
  return `<a href="${href}">on</a>`
}

/** A number that follows from the URL but looks like any other. */
function odd(request: OriginRequest): number {
  let hash = 7
  const text = request.authority + request.target
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i)
  return mix32(3, hash) >>> 0
}

/** By first segment; `n` is the number the URL carries, 0 without one. */
const TRAPS: Readonly<Record<string, Trap>> = {
  // A day after each day.
  calendar: (_, n) => `<p>day ${n}</p>${link(`/calendar?date=${n + 1}`)}${link(`/calendar?date=${n + 7}`)}`,
  archive: (request, n) => `<p>${request.path}</p>${link(`/archive/${2000 + (n % 90)}/${(n % 12) + 1}/${n + 1}`)}`,
  // A relative link without its slash.
  again: () => link('again/'),
  // The session in the address.
  session: (request) =>
    `<p>The shop</p>${link(`/session?sid=${odd(request)}`)}${link(`/session?sid=${odd(request) ^ 77}`)}`,
  // And in its path.
  visit: (request) =>
    `<p>The shop</p>${link(`/visit/${odd(request)}/goods`)}${link(`/visit/${odd(request) ^ 77}/goods`)}`,
  // Lists that go on behind their last page.
  listing: (_, n) => `<h1>Results, page ${n}</h1><p>Nothing found</p>${link(`/listing?page=${n + 1}`)}`,
  // One table in any order.
  table: (request) => {
    const next = odd(request)
    const order = ['name', 'price', 'date', 'rank'].toSorted((a, b) => mix32(next, a.length) - mix32(next, b.length))
    const columns = order.map(
      (name) => `<th>${link(`/table?sort=${order.join(',')}&amp;by=${name}&amp;v=${next % 997}`)}`,
    )
    return `<table><tr>${columns.join('')}<tr><td>water<td>gate<td>mill<td>stone</table>`
  },
  // One page in any language and for the printer.
  variant: (request) => {
    const next = odd(request)
    const lang = pick(LANGUAGES, next)
    return `<p>About us</p>${link(`/variant?lang=${lang}&amp;print=${next % 2}&amp;from=${next % 9973}`)}${link(`/variant?print=1&amp;lang=${lang}&amp;from=${(next ^ 5) % 9973}`)}`
  },
  // Filters that combine, in any order.
  facets: (request) => {
    const all = request.target.includes('?') ? request.target.slice(request.target.indexOf('?') + 1) : ''
    const next = odd(request) % 50
    return ['size', 'color', 'sort', 'brand']
      .map((name) => link(`/facets?${all === '' ? '' : `${all}&amp;`}${name}=${next}`))
      .join('')
  },
  deeper: (request) => link(`x${odd(request) % 1000}/`),
  slashes: (request) => link(`${request.path}/more`.replace('/more/more', '//more')),
  case: (request) => {
    const word = request.path.length > 6 ? request.path.slice(6) : 'averylongwordtobewritten'
    const turned = (by: number): string => {
      const i = by % word.length
      const letter = word[i] as string
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      return link(`/case/${word.slice(0, i)}${other}${word.slice(i + 1)}`)
    }
    const next = odd(request)
    return `${turned(next % 1009)}${turned(Math.floor(next / 1009))}`
  },
  dots: (request) => link(`http://${request.authority.replace(/\.?$/, '.')}/dots?${odd(request)}`),
  wildcard: (request) => link(`http://w${odd(request)}.${request.authority.replace(/^w\d+\./, '')}/wildcard/`),
  hops: (request, n) =>
    n % 10 === 9
      ? link(`/hops?n=${n + 1}`)
      : { status: 302, headers: { Location: `/hops?n=${n + 1}&from=${odd(request)}` } },
  // Everything exists, and is the same.
  missing: (request) => `<title>Not found</title><h1>Sorry</h1>${link(`/missing/${odd(request)}`)}`,
}

export const TRAP_NAMES: readonly string[] = Object.keys(TRAPS)

const LANGUAGES = ['en', 'es', 'ko', 'pt-BR', 'zh-CN']

function pick(list: readonly string[], by: number): string {
  return list[by % list.length] as string
}

/** A host whose page `/` leads into these traps, all by default, and to the first real page. */
export function endlessPages(names: readonly string[] = TRAP_NAMES): SiteOptions {
  const start = [...names.map((name) => link(`/${name}/`)), link('/real/1')].join('\n')
  return {
    robots: 'User-agent: *\nAllow: /\n',
    pages: {
      '/': start,
      '/real/*': (request) => {
        const n = Number(request.path.slice(6))
        if (!(n >= 1 && n <= REAL_PAGES)) return undefined
        return { headers: HTML, body: `<title>real ${n}</title>${n < REAL_PAGES ? link(`/real/${n + 1}`) : ''}` }
      },
      '/*': (request) => {
        const trap = TRAPS[request.path.split('/', 2)[1] ?? '']
        if (trap === undefined) return undefined
        const reply = trap(
          request,
          Number(/(?:n|date|page)=(\d+)|\/(\d+)$/.exec(request.target)?.slice(1).find(Boolean) ?? 0),
        )
        return typeof reply === 'string' ? { headers: HTML, body: reply } : reply
      },
    },
  }
}

/** A host whose page `/` has a few links to pages and a million to hosts of their own. */
export function endlessHosts(name: string): SiteOptions {
  return {
    pages: {
      '/': () => ({ status: 200, steps: manyLinks(name) }),
      '/real/*': () => ({ headers: HTML, body: '<title>real</title>' }),
    },
  }
}

function* manyLinks(name: string): Generator<Step> {
  yield { write: 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n' }
  for (let n = 1; n <= REAL_LINKS; n++) yield { write: link(`http://${name}/real/${n}`) }
  for (let n = 0; n < MANY_LINKS; n += 1000) {
    let text = ''
    for (let i = n; i < n + 1000; i++) text += `<a href=http://h${i}.test/>h</a>`
    yield { write: text }
  }
  yield { end: 'close' }
}
