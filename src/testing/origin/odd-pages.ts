/**
 * Behaviours about what bodies and fields say: types, texts, data and names that lie, attack or never end. Numbers in
 * brackets are the cases of the fault matrix.
 */
import { gzipSync } from 'node:zlib'
import { type Behaviour, numberOf } from './behaviour.ts'
import { pdfOf } from './pdf.ts'
import { htmlPage, type Answer, type Step } from './reply.ts'

const HTML = { 'Content-Type': 'text/html' }
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

export function oddPages(): Record<string, Behaviour> {
  return {
    /** [50] Two Content-Type fields: the last that is one counts. */
    'content-types': () => ({
      headers: { 'Content-Type': ['text/plain;charset=gbk', 'text/html', '*/*'] },
      body: htmlPage('A page', ''),
    }),
    /** [51] An image or a PDF file that calls itself a page, and the other way round: png, pdf, html. */
    'lying-type'(arg) {
      if (arg === 'html') return { headers: { 'Content-Type': 'application/pdf' }, body: htmlPage('A page', '') }
      return { headers: HTML, body: arg === 'pdf' ? pdfOf(1) : PNG }
    },
    /** [52] Bytes that are no UTF-8, a lone surrogate and NUL, in text and title. */
    'odd-text': () => ({
      headers: { 'Content-Type': 'text/html; charset=utf-8' },
      body: Buffer.from(
        '<title>a\xff\xed\xa0\x80b\0c &#xD800;</title><p>\xc3\x28\0</p><a href="/ok?\xff\0">x</a>',
        'latin1',
      ),
    }),
    /** [53] n tags, each in the one before. */
    nested: (arg) => ({ headers: HTML, body: `<title>deep</title>${'<div>'.repeat(numberOf(arg, 100_000))}` }),
    /** [53] One tag with n attributes. */
    attributes(arg) {
      let text = ''
      for (let n = 0; n < numberOf(arg, 1_000_000); n++) text += ` a${n}=1`
      return { headers: HTML, body: `<title>wide</title><p${text}>` }
    },
    /** [53] n bytes without a line break. */
    'one-line': (arg) => ({ headers: HTML, body: `<title>long</title><p>${'word '.repeat(numberOf(arg, 1e6) / 5)}` }),
    /** [54] n letters a and no b: what patterns that backtrack dislike most. */
    letters: (arg) => ({ headers: HTML, body: `<title>letters</title><p>${'a'.repeat(numberOf(arg, 1000))}!</p>` }),
    /** [55] A sitemap by which an XML parser could be made to explode (laughs) or to read files and addresses (external). */
    'xml-attack': (arg, { authority }) => ({
      headers: { 'Content-Type': 'application/xml' },
      body: arg === 'laughs' ? laughs(authority) : external(authority),
    }),
    /** [56] Sitemaps: an index of itself (loop), a gzip bomb, URLs of another host (foreign), too many URLs (many). */
    'odd-sitemap'(arg, { authority }) {
      const type = { 'Content-Type': 'application/xml' }
      const entry = (url: string): string => `<url><loc>${url}</loc></url>`
      switch (arg) {
        case 'loop': {
          const body = `<sitemapindex><sitemap><loc>http://${authority}/odd-sitemap/loop</loc></sitemap></sitemapindex>`
          return { headers: type, body }
        }
        case 'bomb': {
          // Two members: what is expensive to compress is the same for all hosts.
          bomb ??= gzipSync(Buffer.alloc(9e7, ' '))
          const start = gzipSync(`<urlset>${entry(`http://${authority}/real`)}`)
          return { headers: { 'Content-Type': 'application/gzip' }, body: Buffer.concat([start, bomb]) }
        }
        case 'foreign':
          return { headers: type, body: `\u{feff}<urlset xmlns="x">${entry('http://foreign.test/ok')}</urlset>` }
        case 'many':
          return { status: 200, steps: manyEntries(authority) }
        default:
          return undefined
      }
    },
    /** [57] PDF files that end early (cut), whose table leads in a circle (loop), that want a password (locked). */
    'pdf-like'(arg) {
      const whole = pdfOf(1).toString('latin1')
      const text =
        arg === 'cut'
          ? whole.slice(0, 300)
          : arg === 'loop'
            ? whole.replace(/<< \/Size (\d+) /, '<< /Size $1 /Prev 9 ').replace('/Kids [4 0 R', '/Kids [2 0 R')
            : whole.replace(
                '/Root 1 0 R',
                `/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'41'.repeat(32)}> /U <${'42'.repeat(32)}> >> /ID [<00> <00>]`,
              )
      return { headers: { 'Content-Type': 'application/pdf' }, body: Buffer.from(text, 'latin1') }
    },
    /** [58] JSON with 100,000 open brackets (deep), 1e309, a doubled key, a key `__proto__`. */
    json(arg) {
      const bodies: Readonly<Record<string, string>> = {
        deep: '['.repeat(100_000),
        'huge-number': '{"n":1e309}',
        doubled: '{"n":1,"n":2}',
        proto: '{"n":3,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      }
      const body = bodies[arg]
      return body === undefined ? undefined : { headers: { 'Content-Type': 'application/json' }, body }
    },
    /** [59] Names of files that lead out of the folder, into devices or nowhere. */
    named(arg) {
      const names: Readonly<Record<string, string>> = {
        up: 'filename="../../up.html"',
        back: 'filename="..\\\\..\\\\back.html"',
        root: 'filename="/etc/root.html"',
        nul: "filename*=UTF-8''a%00b.html",
        con: 'filename="CON"',
        long: `filename="${'l'.repeat(4000)}.html"`,
        rtl: "filename*=UTF-8''%E2%80%AElmth.exe",
        coded: 'filename="a.html"; filename*=UTF-8\'\'..%2F..%2Fcoded.html',
      }
      const name = names[arg]
      return name === undefined
        ? undefined
        : { headers: { 'Content-Disposition': `attachment; ${name}` }, body: htmlPage('Named', arg) }
    },
    /** [71, 72] Cookies: malformed, many, large; for a public suffix, another site, with false prefixes. */
    'odd-cookies': (arg) => cookies(arg),
  }
}

let bomb: Buffer | undefined

function laughs(authority: string): string {
  let entities = '<!ENTITY a0 "lol">'
  for (let n = 1; n < 12; n++) entities += `<!ENTITY a${n} "${`&a${n - 1};`.repeat(10)}">`
  return `<?xml version="1.0"?><!DOCTYPE urlset [${entities}]><urlset><url><loc>http://${authority}/&a11;</loc></url><url><loc>http://${authority}/real</loc></url></urlset>`
}

function external(authority: string): string {
  const outside = `<!ENTITY % dtd SYSTEM "http://canary.test/dtd">%dtd;<!ENTITY file SYSTEM "file:///etc/passwd">`
  return `<?xml version="1.0"?><!DOCTYPE urlset [${outside}]><urlset><url><loc>http://${authority}/&file;</loc></url><url><loc>http://${authority}/real</loc></url></urlset>`
}

function* manyEntries(authority: string): Generator<Step> {
  yield { write: 'HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n<urlset>' }
  for (let n = 0; n < 60_000; n++) yield { write: `<url><loc>http://${authority}/real?${n % 3}</loc></url>` }
  yield { write: '</urlset>' }
  yield { end: 'close' }
}

function cookies(kind: string): Answer | undefined {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    malformed: [
      'no-equals-sign',
      '=no name',
      'odd=1; Path=/; Expires=never',
      'ctl=a\x01b; Path=/',
      'good=1; Path=/; Expires=Wed, 09 Jun 2094 10:18:14 GMT',
    ],
    many: Array.from({ length: 300 }, (_, n) => `c${n}=${n}; Path=/`),
    large: [`large=${'l'.repeat(5000)}; Path=/`, 'good=1; Path=/'],
    suffix: ['suffix=1; Path=/; Domain=test', 'suffix2=1; Path=/; Domain=co.uk', 'good=1; Path=/'],
    other: ['other=1; Path=/; Domain=other.test', 'ip=1; Path=/; Domain=127.0.0.1', 'good=1; Path=/'],
    prefixes: ['__Secure-a=1; Path=/', '__Host-b=1; Path=/; Domain=a.test', 'good=1; Path=/'],
  }
  const list = kinds[kind]
  return list === undefined ? undefined : { headers: { 'Set-Cookie': list }, body: htmlPage('A page', '') }
}
