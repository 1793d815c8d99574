/** Answers by path on any host: /status/503, /redirect/3, /gzip … One line each; the query tunes some of them. */
import { type Behaviour, numberOf } from './behaviour.ts'
import { broken } from './broken.ts'
import { campaign } from './campaign.ts'
import { coded } from './coded.ts'
import { documents } from './documents.ts'
import { downloads } from './downloads.ts'
import { faultSites, faultTarget } from './fault-cases.ts'
import { logins } from './login.ts'
import { oddPages } from './odd-pages.ts'
import { conditional, htmlPage, type Reply } from './reply.ts'
import type { OriginRequest } from './request.ts'
import { streams } from './stream.ts'

/** A fresh set: some of them count the requests they have seen. */
export function behaviours(): (request: OriginRequest) => Reply | undefined | Promise<Reply> {
  const files = documents()
  const table = new Map<string, Behaviour>(
    Object.entries({
      ...plain(),
      ...broken(),
      ...coded(),
      ...downloads(),
      ...campaign(),
      ...oddPages(),
      pdf: (_, request) => files.respond(request),
      ...logins(),
      stream: streams(),
    }),
  )
  const answer = (request: OriginRequest): Reply | undefined => {
    const { path } = request
    const slash = path.indexOf('/', 1)
    const name = slash === -1 ? path.slice(1) : path.slice(1, slash)
    return table.get(name)?.(slash === -1 ? '' : path.slice(slash + 1), request)
  }
  /** A case of the fault matrix by its name. */
  table.set('fault', (arg, request) => {
    const target = faultTarget(arg)
    return target === undefined ? undefined : answer(request.at(target))
  })
  const sites = faultSites()
  return (request) => sites(request) ?? answer(request)
}

const PAGE = htmlPage('A page', '<h1>A page</h1>')
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'

/** Counts per host and target. */
function counter(): (request: OriginRequest) => number {
  const seen = new Map<string, number>()
  return (request) => {
    const key = request.host + request.target
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return count
  }
}

function plain(): Record<string, Behaviour> {
  const flaky = counter()
  const limited = counter()
  return {
    /** `?retry-after=` and `?location=` add the fields. */
    status(arg, { query }) {
      const status = numberOf(arg, 200)
      const headers: Record<string, string> = {}
      const retryAfter = query.get('retry-after')
      const location = query.get('location')
      if (retryAfter !== null) headers['Retry-After'] = retryAfter
      if (location !== null) headers['Location'] = location
      return { status, headers, body: htmlPage(`Status ${status}`, `<h1>${status}</h1>`) }
    },
    ok: () => ({ body: PAGE }),
    delay: (arg) => ({ delayMs: numberOf(arg, 1000), body: PAGE }),
    /** n hops, then a page. `?status=` 302 by default. */
    redirect(arg, { query, target }) {
      const left = numberOf(arg, 1)
      if (left === 0) return { body: PAGE }
      const mark = target.indexOf('?')
      const search = mark === -1 ? '' : target.slice(mark)
      return {
        status: Number(query.get('status') ?? 302),
        headers: { Location: `/redirect/${left - 1}${search}` },
        body: 'on\n',
      }
    },
    'redirect-to': (_, { query }) => ({
      status: Number(query.get('status') ?? 302),
      headers: { Location: query.get('url') ?? '/' },
      body: 'over there\n',
    }),
    /** To itself; /loop/a and /loop/b to each other. */
    loop: (arg) => ({
      status: 302,
      headers: { Location: arg === 'a' ? '/loop/b' : arg === 'b' ? '/loop/a' : '/loop' },
    }),
    /** n bytes, `?type=`; the same for the same n. */
    bytes(arg, { query }) {
      const length = numberOf(arg, 1024)
      const body = Buffer.alloc(length)
      for (let i = 0; i < length; i++) body[i] = (i * 7 + (i >>> 8)) & 0xff
      return { headers: { 'Content-Type': query.get('type') ?? 'application/octet-stream' }, body }
    },
    /** Version `arg`: ETag and Last-Modified, 304 (with a Content-Length, as some servers do) for a fresh client. */
    etag(arg, request) {
      const etag = `"${arg || 'v1'}"`
      const body = htmlPage(`Version ${arg || 'v1'}`, '')
      const reply = conditional(request, etag, MODIFIED, () => ({
        headers: { ETag: etag, 'Last-Modified': MODIFIED },
        body,
      }))
      if (!('status' in reply) || reply.status !== 304) return reply
      return {
        status: 304,
        headers: { ETag: etag, 'Last-Modified': MODIFIED, 'Content-Length': String(Buffer.byteLength(body)) },
      }
    },
    /** 503 for the first n requests of this URL, then a page. `?status=` another code, `?retry-after=`. */
    flaky(arg, request) {
      if (flaky(request) > numberOf(arg, 1)) return { body: PAGE }
      const retryAfter = request.query.get('retry-after')
      const headers: Record<string, string> = retryAfter === null ? {} : { 'Retry-After': retryAfter }
      return { status: Number(request.query.get('status') ?? 503), headers, body: 'not now\n' }
    },
    /** 429 with this Retry-After for the first request of this URL, then a page. `?status=`, `?times=`. */
    'retry-after'(arg, request) {
      if (limited(request) > Number(request.query.get('times') ?? 1)) return { body: PAGE }
      return {
        status: Number(request.query.get('status') ?? 429),
        headers: { 'Retry-After': decodeURIComponent(arg || '1') },
        body: 'slower\n',
      }
    },
    /** `?name=&value=` and `?attributes=` as sent after the value. */
    'set-cookie'(_, { query }) {
      const attributes = query.get('attributes')
      const cookie = `${query.get('name') ?? 'a'}=${query.get('value') ?? '1'}${attributes === null ? '' : `; ${attributes}`}`
      return { headers: { 'Set-Cookie': cookie }, body: PAGE }
    },
    /** The request as JSON. */
    echo: (_, request) => ({
      headers: { 'Content-Type': 'application/json' },
      body: `${JSON.stringify({
        method: request.method,
        host: request.host,
        target: request.target,
        headers: Object.fromEntries(request.headers().map(([name, value]) => [name.toLowerCase(), value])),
        rawHeaders: request.headers(),
        body: request.body.toString(),
      })}\n`,
    }),
    '404-html': () => ({ status: 404, body: htmlPage('Not found', '<h1>Not found</h1><a href="/">home</a>') }),
    /** `?value=`, default noindex, nofollow. */
    'x-robots-tag': (_, { query }) => ({
      headers: { 'X-Robots-Tag': query.get('value') ?? 'noindex, nofollow' },
      body: htmlPage('Tagged', '<a href="/ok">a link</a>'),
    }),
    /** A page with `n` links to /ok?n. */
    links(arg) {
      let list = ''
      for (let n = 0; n < numberOf(arg, 10); n++) list += `<a href="/ok?${n}">${n}</a>\n`
      return { body: htmlPage('Links', list) }
    },
    /** `?type=`: the Content-Type of an HTML page; none where it is empty. */
    'content-type'(_, { query }) {
      const type = query.get('type') ?? ''
      if (type !== '') return { headers: { 'Content-Type': type }, body: PAGE }
      const bytes = `HTTP/1.1 200 OK\r\nContent-Length: ${PAGE.length}\r\n\r\n${PAGE}`
      return { status: 200, steps: [{ write: bytes }] }
    },
  }
}
