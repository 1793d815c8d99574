/** The sitemap parser, on samples of others and under attack. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { createSitemapParser, readSitemap } from '../../src/source/sitemap.ts'
import type { Sitemap } from '../../src/source/sitemap.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

const BASE = 'https://a.example/sitemap.xml'

function read(text: string | Uint8Array): Sitemap {
  return readSitemap(typeof text === 'string' ? Buffer.from(text) : text, BASE)
}

function locs(text: string | Uint8Array): string[] {
  return read(text).urls.map((url) => url.loc)
}

const SCRAPY = 'conformance/sitemaps-scrapy'
const COMMONS = 'conformance/sitemaps-crawlercommons'
const ATTACKS = 'conformance/xml-attacks'

test("the sitemaps of scrapy's tests give what scrapy reads", { skip: skipWithout(SCRAPY) }, () => {
  interface Case {
    readonly type: string
    readonly body_b64: string
    readonly entries: readonly { loc?: string; lastmod?: string }[]
  }
  const cases = JSON.parse(readFileSync(join(sharedData(SCRAPY)!, 'cases.json'), 'utf8')) as Case[]
  assert.equal(cases.length, 11)
  for (const { type, body_b64: body, entries } of cases) {
    const map = read(Buffer.from(body, 'base64'))
    const expected = entries.map(({ loc, lastmod }) =>
      lastmod === undefined || lastmod === '' ? { loc } : { loc, lastmod },
    )
    if (type === 'sitemapindex')
      assert.deepEqual(
        map.sitemaps,
        expected.map((entry) => entry.loc),
      )
    else assert.deepEqual(map.urls, expected)
    assert.equal(map.kind, { sitemapindex: 'index', urlset: 'urlset' }[type] ?? 'none')
  }
})

test('the samples of crawler-commons give the URLs that a person counts in them', {
  skip: skipWithout(COMMONS),
}, () => {
  // kind, URLs, sitemaps: counted by hand in the files.
  const expected: Record<string, readonly [string, number, number]> = {
    'atom.xml': ['atom', 1, 0],
    'do-not-visit.txt': ['text', 1, 0],
    'feed.rss': ['rss', 4, 0],
    'hebdenbridgetimes-articles-sitemap.xml': ['urlset', 74, 0],
    'pagemaps-sitemap.xml': ['urlset', 2, 0],
    'shinpaideshou-news-sitemap.xml': ['urlset', 3, 0],
    'sitemap-images.xml': ['urlset', 1, 0],
    'sitemap-links.xml': ['urlset', 3, 0],
    'sitemap-mobile.xml': ['urlset', 3, 0],
    'sitemap-news.xml': ['urlset', 2, 0],
    'sitemap-videos-tvshow.xml': ['urlset', 1, 0],
    'sitemap-videos.xml': ['urlset', 3, 0],
    'sitemap-with-bom.txt': ['text', 2, 0],
    'sitemap.badns.xml': ['urlset', 2, 0],
    'sitemap.index.xml': ['index', 0, 15],
    'sitemap.ns.xml': ['urlset', 2, 0],
    'sitemap.txt': ['text', 2, 0],
    'sitemap.txt.gz': ['text', 5, 0],
    'xmlRss_pubDate.xml': ['rss', 7, 0],
    'xmlSitemap.gz': ['urlset', 5, 0],
  }
  const folder = sharedData(COMMONS)!
  const found: Record<string, readonly [string, number, number]> = {}
  for (const part of ['sitemaps', 'sitemaps/extension', 'rss']) {
    for (const entry of readdirSync(join(folder, part), { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const map = read(readFileSync(join(folder, part, entry.name)))
      found[entry.name] = [map.kind, map.urls.length, map.sitemaps.length]
    }
  }
  assert.deepEqual(found, expected)
})

test('attacks by XML expand nothing, read nothing and cost nothing', { skip: skipWithout(ATTACKS) }, () => {
  const folder = sharedData(ATTACKS)!
  for (const name of readdirSync(folder)) {
    const before = process.memoryUsage().heapUsed
    const began = performance.now()
    const map = read(readFileSync(join(folder, name)))
    assert.ok(performance.now() - began < 1000, name)
    assert.ok(process.memoryUsage().heapUsed - before < 50_000_000, name)
    assert.deepEqual(map.sitemaps, [], name)
  }
  const entity = '<!DOCTYPE x [<!ENTITY e "https://b.example/"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
  assert.deepEqual(locs(`${entity}<urlset><url><loc>https://a.example/&e;&f;</loc></url></urlset>`), [
    'https://a.example/',
  ])
})

test('one malformed spot of a sitemap does not cost the rest', () => {
  assert.deepEqual(locs('<urlset><url><loc>https://a.example/?x=1&y=2&amp;z</loc></url><url><loc>/b</loc></url>'), [
    'https://a.example/?x=1&y=2&z',
    'https://a.example/b',
  ])
  assert.deepEqual(
    locs('<urlset><url><loc>https://a.example/1</loc><url><loc>https://a.example/2</loc></url></urlset>').length,
    1,
  )
  assert.deepEqual(locs('<urlset><url><loc><![CDATA[https://a.example/?a&b]]></loc></url></urlset>'), [
    'https://a.example/?a&b',
  ])
  assert.deepEqual(
    locs(
      '<s:urlset><s:url><s:loc>https://a.example/</s:loc><image:image><image:loc>/no</image:loc></image:image></s:url>',
    ),
    ['https://a.example/'],
  )
})

test('sitemaps in other encodings are read', () => {
  const text = '<?xml version="1.0" encoding="UTF-16"?><urlset><url><loc>https://a.example/é</loc></url></urlset>'
  const latin1 = text.replace('UTF-16', 'ISO-8859-1')
  for (const bytes of [
    Buffer.from(`\ufeff${text}`, 'utf16le'),
    Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
    Buffer.from(text, 'utf16le'),
    Buffer.from(`\ufeff${text}`),
    Buffer.from(latin1, 'latin1'),
    gzipSync(text),
  ]) {
    assert.deepEqual(locs(bytes), ['https://a.example/é'])
  }
})

test('text, RSS and Atom are sitemaps as well', () => {
  assert.deepEqual(
    [read('\n https://a.example/1 \r\nnot a URL\nhttps://a.example/2').kind, locs('https://a.example/2')],
    ['text', ['https://a.example/2']],
  )
  const rss =
    '<rss><channel><link>/no</link><item><link>/1</link><pubDate>Mon, 06 Sep 2010</pubDate><guid>x</guid></item></channel></rss>'
  assert.deepEqual(read(rss), {
    urls: [{ loc: 'https://a.example/1', lastmod: 'Mon, 06 Sep 2010' }],
    sitemaps: [],
    kind: 'rss',
    isTruncated: false,
  })
  const atom =
    '<feed><link href="/no"/><entry><link rel="edit" href="/e"/><link href="/1"/><updated>2020-01-01</updated></entry></feed>'
  assert.deepEqual(read(atom), {
    urls: [{ loc: 'https://a.example/1', lastmod: '2020-01-01' }],
    sitemaps: [],
    kind: 'atom',
    isTruncated: false,
  })
  assert.deepEqual(read('<html><body><a href="/x">x</a></body></html>'), {
    urls: [],
    sitemaps: [],
    kind: 'none',
    isTruncated: false,
  })
})

test('entries over 50,000 and bytes over the limit are not read, and that is said', () => {
  const entry = '<url><loc>https://a.example/</loc></url>'
  const map = read(`<urlset>${entry.repeat(50_001)}</urlset>`)
  assert.deepEqual([map.urls.length, map.isTruncated], [50_000, true])
  const small = readSitemap(Buffer.from(`<urlset>${entry.repeat(100)}</urlset>`), BASE, {
    maxBytes: 8 + entry.length * 3,
  })
  assert.deepEqual([small.urls.length, small.isTruncated], [3, true])
})

test('a gzip bomb is read up to the limit, a torn file as far as it goes', () => {
  const entry = '<url><loc>https://a.example/</loc></url>'
  const bomb = gzipSync(`<urlset>${entry.repeat(1000)}${' '.repeat(80 * 1024 * 1024)}</urlset>`)
  assert.ok(bomb.length < 200_000)
  const map = read(bomb)
  assert.deepEqual([map.urls.length, map.isTruncated], [1000, true])
  const torn = gzipSync(
    `<urlset>${Array.from({ length: 500 }, (_, i) => `<url><loc>https://a.example/${i}</loc></url>`).join('')}`,
  )
  const count = read(torn.subarray(0, torn.length >> 1)).urls.length
  assert.ok(count > 50 && count < 500, `${count}`)
})

test('a sitemap may be cut anywhere into pieces', () => {
  const text = Buffer.from(
    '\ufeff<?xml version="1.0"?>\n<urlset><url><loc>https://a.example/é&amp;ü</loc><lastmod>2020</lastmod></url></urlset>',
  )
  const lines = Buffer.from('https://a.example/é\r\nhttps://b.example/\r\n')
  fc.assert(
    fc.property(fc.constantFrom(text, lines), fc.array(fc.nat(60), { maxLength: 20 }), (whole, sizes) => {
      const found: string[] = []
      const parser = createSitemapParser({ onUrl: (url) => found.push(url.loc), onSitemap: () => assert.fail() })
      let at = 0
      // The encoding shows in the first piece.
      for (const size of [4, ...sizes]) {
        parser.write(whole.subarray(at, at + size))
        at += size
      }
      parser.write(whole.subarray(at))
      parser.end()
      assert.deepEqual(found, locs(whole))
    }),
  )
})

test('no bytes make the sitemap parser throw', () => {
  const piece = fc.constantFrom(
    '<urlset>',
    '<url>',
    '<loc>',
    '</loc>',
    '</url>',
    '<![CDATA[',
    '<!DOCTYPE',
    '&',
    '<?xml',
    '>',
    '\x1f\x8b',
    '\0',
  )
  const bytes = fc
    .array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 20 })
    .map((parts) => Buffer.from(parts.join(''), 'latin1'))
  fc.assert(fc.property(bytes, (input) => void read(input)))
})

test('elements within elements without end are read as far as a sitemap could go', () => {
  const real = '<urlset><url><loc>http://a.test/</loc></url>'
  const map = readSitemap(Buffer.from(real + '<url><loc>'.repeat(200_000)), 'http://a.test/sitemap.xml')
  assert.deepEqual(map.urls, [{ loc: 'http://a.test/' }])
  assert.equal(map.isTruncated, true)
})
