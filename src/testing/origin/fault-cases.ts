/**
 * The fault matrix: how servers misbehave, by number and name. A case with `paths` is answered below `/fault/<name>` on
 * any host (`/fault/<name>/1` is the second of them); one with a `site`, for robots.txt and crawls, at every host
 * `<name>.….faults.test`. Those with neither are about names, TLS or proxies. What a client should make of each is not
 * said here.
 */
import { endlessHosts, endlessPages } from './endless.ts'
import type { OriginRequest } from './request.ts'
import { type SiteOptions, VirtualHost } from './site.ts'

export interface FaultCase {
  readonly number: number
  /** Targets at any host; each is one way to be this case. */
  readonly paths?: readonly string[]
  /** What a host of its own answers. `name` is the host as URLs should carry it. */
  readonly site?: (name: string) => SiteOptions
}

const HUNDRED_DIGITS = '1'.repeat(100)
const PAGE = '<!doctype html><title>A page</title>'

function line(text: string): string {
  return `/bad-status-line/${encodeURIComponent(text)}`
}

function redirectTo(location: string, status = 302): string {
  return `/redirect-to?status=${status}&url=${encodeURIComponent(location)}`
}

function robots(answer: NonNullable<SiteOptions['robots']>): NonNullable<FaultCase['site']> {
  return () => ({ robots: answer, pages: { '/open': PAGE, '/shut': PAGE } })
}

const RULES = 'User-agent: *\nDisallow: /shut\n'

export const FAULT_CASES = {
  // Framing and status
  'lf-lines': { number: 1, paths: ['/lf-headers', '/lf-chunks'] },
  'folded-headers': { number: 2, paths: ['/obs-fold', '/leading-space', '/space-before-colon'] },
  'header-without-colon': { number: 3, paths: ['/no-colon'] },
  'stray-cr': { number: 4, paths: ['/stray-cr'] },
  nul: { number: 5, paths: ['/nul-header', '/nul-trailer'] },
  'large-headers': { number: 6, paths: ['/big-header/100000', '/many-headers/5000'] },
  'headers-cut': { number: 7, paths: ['/headers-cut'] },
  'empty-reply': { number: 8, paths: ['/empty'] },
  'http-0.9': { number: 9, paths: ['/not-http', '/icy'] },
  'bad-status-line': {
    number: 10,
    paths: [
      line('HTTP/1.2 200 OK'),
      line(`HTTP/1.${HUNDRED_DIGITS} 200 OK`),
      line(`HTTP/1.1 ${HUNDRED_DIGITS} OK`),
      line('HTTP/1.1 2 OK'),
      line('HTTP/1.1 -20 OK'),
    ],
  },
  'status-6xx': { number: 11, paths: ['/status/600', '/status/799'] },
  'status-999': { number: 11, paths: ['/status/999'] },
  'no-reason': { number: 12, paths: ['/no-reason'] },
  interim: { number: 13, paths: ['/interim/3', '/interim/32?status=102'] },
  'interim-flood': { number: 13, paths: ['/interim/1000'] },
  'interim-only': { number: 14, paths: ['/interim-only'] },
  switching: { number: 15, paths: ['/switching'] },
  'bad-length': { number: 16, paths: ['/length/-5', '/length/five', '/length/42s', '/length/0x5'] },
  'huge-length': { number: 17, paths: ['/length/9223372036854775808', `/length/${HUNDRED_DIGITS}`] },
  'equal-lengths': { number: 18, paths: ['/two-lengths/equal', '/two-lengths/list'] },
  'different-lengths': { number: 19, paths: ['/two-lengths'] },
  'length-and-chunked': { number: 20, paths: ['/length-and-chunked'] },
  'chunked-not-last': { number: 21, paths: ['/chunked-twice', '/transfer/chunked,gzip', '/transfer/chunked,chunked'] },
  'bad-chunk': { number: 22, paths: ['/bad-chunk', '/bad-chunk/fffffffffffffffff', '/bad-chunk/-5'] },
  'chunk-extensions': { number: 23, paths: ['/chunk-extensions'] },
  'chunks-cut': { number: 24, paths: ['/chunked-broken'] },
  'short-body': { number: 25, paths: ['/partial/100'] },
  'extra-bytes': { number: 26, paths: ['/extra-bytes?1', '/extra-bytes?2'] },
  'staged-reply': { number: 27, paths: ['/poison?1', '/poison?2'] },
  'body-where-none-may-be': { number: 28, paths: ['/no-body/204', '/no-body/204?again'] },
  endless: { number: 29, paths: ['/endless'] },
  drip: { number: 30, paths: ['/drip/50'] },
  silence: { number: 31, paths: ['/hang'] },
  'silence-in-body': { number: 31, paths: ['/hang-in-body', '/hang-after-headers'] },
  'reset-in-body': { number: 32, paths: ['/reset-body'] },
  'closed-in-handshake': { number: 33 },
  'closed-on-reuse': { number: 34, paths: ['/close-on-reuse?1', '/close-on-reuse?2', '/close-on-reuse?3'] },
  'partial-content': { number: 35, paths: ['/status/206'] },
  'wrong-range': { number: 36, paths: ['/download/3000000/a?cut=2000000&ranges=multipart'] },
  'unasked-304': { number: 37, paths: ['/status/304', '/no-body/304'] },
  'retry-after': {
    number: 38,
    paths: [
      '/retry-after/1',
      '/retry-after/2?status=503',
      `/retry-after/${encodeURIComponent('Wed, 01 Jan 2020 00:00:00 GMT')}`,
      '/retry-after/315360000',
      '/retry-after/soon',
    ],
  },
  'retry-after-early': { number: 38, paths: ['/retry-after/1?status=408', '/retry-after/1?status=425'] },
  denied: { number: 39, paths: ['/status/401', '/status/403', '/status/451'] },
  'status-407': { number: 39, paths: ['/status/407'] },

  // Encoding and content
  codings: { number: 40, paths: ['/gzip', '/deflate', '/deflate-raw', '/br', '/zstd', '/stacked/gzip,br,deflate'] },
  'six-layers': { number: 41, paths: ['/layers/6', '/layers/1000'] },
  bombs: {
    number: 42,
    paths: ['gzip', 'deflate', 'br', 'zstd'].map((coding) => `/bomb?coding=${coding}&bytes=16777216`),
  },
  'broken-coding': { number: 43, paths: ['/coding-broken/gzip', '/coding-broken/deflate', '/coding-broken/br'] },
  'coding-cut': { number: 44, paths: ['/gzip-cut', '/gzip-crc'] },
  'coding-tail': { number: 45, paths: ['/gzip-garbage', '/gzip-members'] },
  'identity-coding': { number: 46, paths: ['/encoding/identity', '/encoding/none'] },
  'unknown-coding': { number: 46, paths: ['/encoding/rot13'] },
  'coding-lie': { number: 47, paths: ['/gzip-lie'] },
  'gz-file': { number: 48, paths: ['/gzip-file'] },
  charsets: {
    number: 49,
    paths: ['/charset/windows-1251', '/charset/windows-1251?in=meta', '/charset/shift_jis', '/charset/utf-16le?in=bom'],
  },
  'dead-charsets': { number: 49, paths: ['/content-type?type=text/html;charset=utf-7'] },
  'several-types': { number: 50, paths: ['/content-types'] },
  'no-type': { number: 51, paths: ['/content-type'] },
  'lying-type': { number: 51, paths: ['/lying-type/png', '/lying-type/pdf'] },
  'odd-text': { number: 52, paths: ['/odd-text'] },
  'deep-page': { number: 53, paths: ['/nested/100000', '/attributes/200000', '/one-line/3000000'] },
  'slow-pattern': { number: 54, paths: ['/letters/50000'] },
  'xml-attacks': {
    number: 55,
    site: (name) => ({
      robots: `Sitemap: http://${name}/xml-attack/laughs\nSitemap: http://${name}/xml-attack/external\n`,
      pages: { '/real': PAGE },
    }),
  },
  'odd-sitemaps': {
    number: 56,
    site: (name) => ({
      robots: `Sitemap: http://${name}/odd-sitemap/loop\nSitemap: http://${name}/odd-sitemap/bomb\nSitemap: http://${name}/odd-sitemap/foreign\nSitemap: http://${name}/odd-sitemap/many\n`,
      pages: { '/real': PAGE },
    }),
  },
  'broken-pdf': { number: 57, paths: ['/pdf-like/cut', '/pdf-like/loop', '/pdf-like/locked'] },
  'odd-json': { number: 58, paths: ['/json/deep', '/json/huge-number', '/json/doubled', '/json/proto'] },
  'odd-names': {
    number: 59,
    paths: ['up', 'back', 'root', 'nul', 'con', 'long', 'rtl', 'coded'].map((n) => `/named/${n}`),
  },

  // Redirects, cookies, URLs
  'redirect-loop': { number: 60, paths: ['/loop', '/loop/a'] },
  'many-redirects': { number: 61, paths: ['/redirect/25'] },
  'no-location': { number: 62, paths: ['/status/302'] },
  'bad-location': { number: 62, paths: ['/redirect-to?url=', redirectTo('http://['), '/two-locations'] },
  'odd-location': {
    number: 63,
    paths: [
      redirectTo('../../ok?relative'),
      redirectTo('/ok#part'),
      redirectTo('//other.test/ok'),
      redirectTo('/ok?ä'),
      redirectTo('  /ok?spaces  '),
      redirectTo('\\ok'),
    ],
  },
  'other-scheme': {
    number: 64,
    paths: ['file:///etc/passwd', 'data:text/html,hello', 'javascript:alert(1)', 'ftp://a.test/'].map((url) =>
      redirectTo(url),
    ),
  },
  'inward-redirect': {
    number: 65,
    paths: ['127.0.0.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254'].map((address) =>
      redirectTo(`http://${address}/ok`),
    ),
  },
  'method-after-redirect': {
    number: 66,
    paths: [301, 302, 303, 307, 308].map((status) => redirectTo('/echo', status)),
  },
  'leaky-redirect': { number: 67, paths: [redirectTo('http://thief.test/echo')] },
  'secure-redirects': { number: 68 },
  'scope-redirect': {
    number: 69,
    site: () => ({
      robots: 'User-agent: *\nAllow: /\n',
      pages: {
        '/': '<a href="/out">out</a><a href="/real">real</a>',
        '/out': { status: 302, headers: { Location: 'http://elsewhere.test/ok' } },
        '/real': PAGE,
      },
    }),
  },
  'robots-redirect': {
    number: 69,
    site: () => ({ pages: { '/open': { status: 302, headers: { Location: 'http://shut.faults.test/shut' } } } }),
  },
  refresh: {
    number: 70,
    site: () => ({
      pages: {
        '/': '<meta http-equiv="refresh" content="0; url=/a"><noscript><meta http-equiv=refresh content="1;url=/b"></noscript>',
        '/a': { headers: { Refresh: '0; url=/c' }, body: '<title>a</title>' },
        '/b': PAGE,
        '/c': PAGE,
      },
    }),
  },
  'odd-cookies': { number: 71, paths: ['/odd-cookies/malformed', '/odd-cookies/many', '/odd-cookies/large'] },
  'foreign-cookies': { number: 72, paths: ['/odd-cookies/suffix', '/odd-cookies/other', '/odd-cookies/prefixes'] },

  'odd-urls': { number: 73 },
  'bad-urls': { number: 73 },
  'long-url': { number: 73 },
  userinfo: { number: 74, paths: ['/echo'] },

  // Network and names
  'missing-name': { number: 75 },
  'broken-name': { number: 75 },
  'silent-name': { number: 75 },
  'slow-name': { number: 76 },
  'dead-ipv6': { number: 77 },
  rebinding: { number: 78 },
  'bad-certificate': { number: 79 },
  'old-tls': { number: 79 },
  'http-for-https': { number: 80 },
  'https-for-http': { number: 80 },
  http2: { number: 81 },
  'bad-proxy': { number: 82 },
  'out-of-descriptors': { number: 83 },

  // robots.txt
  'robots-4xx': { number: 84, site: robots({ status: 403, body: RULES }) },
  'robots-404': { number: 84, site: robots({ status: 404 }) },
  'robots-5xx': { number: 85, site: robots({ status: 503, body: RULES }) },
  'robots-429': { number: 86, site: robots({ status: 429, body: RULES }) },
  'robots-redirects': {
    number: 87,
    site: (name) => ({
      robots: { status: 301, headers: { Location: `http://${name}/r/1` } },
      pages: {
        '/r/1': { status: 301, headers: { Location: '/r/2' } },
        '/r/2': { status: 302, headers: { Location: '/r/3' } },
        '/r/3': { status: 307, headers: { Location: '/r/4' } },
        '/r/4': { status: 308, headers: { Location: 'http://rules.faults.test/robots-rules' } },
        '/open': PAGE,
        '/shut': PAGE,
      },
    }),
  },
  'robots-large': { number: 88, site: robots(`${RULES}${'# filling\n'.repeat(200_000)}Disallow: /open\n`) },
  'robots-html': {
    number: 89,
    site: robots({ headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><title>404</title>' }),
  },
  'robots-odd': {
    number: 89,
    site: robots({ body: Buffer.from('\xef\xbb\xbfuseragent *\rdissallow: /shut\rno colon here\0\r', 'latin1') }),
  },
  'robots-wildcards': {
    number: 90,
    site: robots(`User-agent: *\nDisallow: /${'*a'.repeat(5000)}$\nDisallow: /shut\n`),
  },
  'robots-delays': {
    number: 91,
    site: robots(
      'User-agent: *\nCrawl-delay: 0.5\nUser-agent: sluice\nCrawl-delay: NaN\nDisallow: /shut\nUser-agent: sluice\nCrawl-delay: 86400\n',
    ),
  },
  'robots-changes': {
    number: 92,
    site: () => {
      let asked = 0
      return {
        pages: {
          '/robots.txt': () => ({ body: ++asked === 1 ? 'User-agent: *\nDisallow:\n' : RULES }),
          '/open': PAGE,
          '/shut': PAGE,
        },
      }
    },
  },
  'robots-directives': {
    number: 93,
    site: () => ({
      pages: {
        '/': '<a href="/meta">meta</a><a href="/header">header</a><a href="/rel">rel</a>',
        '/meta': '<meta name=robots content="noindex, nofollow"><a href="/never?meta">no</a>',
        '/header': { headers: { 'X-Robots-Tag': 'nofollow' }, body: '<a href="/never?header">no</a>' },
        '/rel': '<a rel=nofollow href="/never?rel">no</a><a href="/real">yes</a>',
        '/real': PAGE,
        '/never': PAGE,
      },
    }),
  },

  // Traps
  traps: { number: 94, site: () => endlessPages() },
  'many-links': { number: 95, site: endlessHosts },
} as const satisfies Record<string, FaultCase>

export type FaultName = keyof typeof FAULT_CASES

/** Hosts that cases lead to. */
const BESIDE: Readonly<Record<string, SiteOptions>> = {
  shut: { robots: RULES, pages: { '/shut': PAGE } },
  rules: { pages: { '/robots-rules': { headers: { 'Content-Type': 'text/plain' }, body: RULES } } },
}

/** Answers at hosts below `faults.test`, each a site of its own that remembers what it was asked. */
export function faultSites(): (request: OriginRequest) => ReturnType<VirtualHost['respond']> {
  const hosts = new Map<string, VirtualHost>()
  return (request) => {
    const { host } = request
    if (!/\.faults\.test\.?$/.test(host)) return undefined
    let site = hosts.get(host)
    if (site === undefined) {
      // Names made up by the site itself stand in front of its own.
      const bare = host.replace(/^w\d+\./, '').replace(/\.$/, '')
      const name = bare.slice(0, bare.indexOf('.'))
      const one: FaultCase | undefined = Object.hasOwn(FAULT_CASES, name) ? FAULT_CASES[name as FaultName] : undefined
      site = new VirtualHost()
      site.configure(one?.site?.(bare) ?? BESIDE[name] ?? {})
      hosts.set(host, site)
    }
    return site.respond(request)
  }
}

/** The target behind `<name>` or `<name>/<index>`; undefined where there is none. */
export function faultTarget(arg: string): string | undefined {
  const [name = '', index = '0'] = arg.split('/')
  const one: FaultCase | undefined = Object.hasOwn(FAULT_CASES, name) ? FAULT_CASES[name as FaultName] : undefined
  return one?.paths?.[Number(index)]
}
