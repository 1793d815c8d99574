/** Feeds as extractors get them: formats, podcasts, dates, broken and hostile ones. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDate } from '../../src/extract/feed/date.ts'
import type { Feed } from '../../src/extract/feed/feed.ts'
import { safeHtml } from '../../src/extract/safe-html.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { pageOf } from './setup.ts'

const BASE = 'https://a.example/feeds/news'

function feedOf(text: string, contentType = 'application/xml'): Feed | undefined {
  return pageOf(text, { contentType, url: BASE, final: BASE, rawHeaders: [] }).page.feed()
}

test('an RSS podcast gives typed entries with enclosures, dates, people and durations', () => {
  const feed = feedOf(`<?xml version="1.0"?>
    <rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dc="http://purl.org/dc/elements/1.1/"
      xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/">
    <channel><title>Caf&eacute; &amp; more</title><link>/</link><description>All</description><language>pt-BR</language>
      <image><url>/logo.png</url><title>not the title</title><link>/not-the-link</link></image>
      <item><title>One</title><link>/1</link><guid isPermaLink="false">id-1</guid><pubDate>Thu, 01 Jan 04 14:48:21 EST</pubDate>
        <dc:creator>Ana</dc:creator><author>b@c.example (Bea)</author><category domain="x">News</category>
        <description>Short</description><content:encoded><![CDATA[<p onclick="x()">Long <a href="../2">two</a></p>]]></content:encoded>
        <enclosure url="/1.mp3" type="audio/mpeg" length="1234"/><media:content url="/1.mp4" fileSize="99" duration="60"/>
        <itunes:duration>1:02:03</itunes:duration><itunes:explicit>no</itunes:explicit><itunes:image href="/1.jpg"/></item>
    </channel></rss>`)
  assert.ok(feed !== undefined)
  const { entries, ...head } = feed
  assert.deepEqual(head, {
    format: 'rss',
    version: '2.0',
    title: 'Café & more',
    subtitle: 'All',
    link: 'https://a.example/',
    dates: {},
    language: 'pt-BR',
    authors: [],
    contributors: [],
    categories: [],
    links: [{ href: 'https://a.example/', rel: 'alternate', type: 'text/html' }],
    image: 'https://a.example/logo.png',
  })
  assert.deepEqual(entries, [
    {
      title: 'One',
      link: 'https://a.example/1',
      id: 'id-1',
      published: '2004-01-01T19:48:21.000Z',
      dates: { published: 'Thu, 01 Jan 04 14:48:21 EST' },
      authors: [{ name: 'Ana' }, { email: 'b@c.example', name: 'Bea' }],
      contributors: [],
      categories: [{ term: 'News', scheme: 'x' }],
      links: [{ href: 'https://a.example/1', rel: 'alternate', type: 'text/html' }],
      image: 'https://a.example/1.jpg',
      explicit: false,
      summary: 'Short',
      content: [{ value: '<p>Long <a href="https://a.example/2">two</a></p>', type: 'text/html' }],
      enclosures: [
        { url: 'https://a.example/1.mp3', type: 'audio/mpeg', length: 1234 },
        { url: 'https://a.example/1.mp4', length: 99, duration: 60 },
      ],
      duration: 3723,
    },
  ])
})

test('Atom gives links by kind, bases, sources and content of all three sorts', () => {
  const feed = feedOf(`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/x/" xml:lang="en">
    <title type="html">A &lt;b&gt;b&lt;/b&gt;</title><id>urn:x</id><updated>2024-02-29T10:00:00+02:00</updated>
    <entry><title>E</title><link href="e"/><link rel="enclosure" href="e.mp3" type="audio/mpeg" length="5"/>
      <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>1 &lt; 2 <a href="y">y</a></p></div></content>
      <source><title>S</title><id>urn:s</id></source><author><name>N</name><uri>/n</uri></author></entry>
    <entry><title>F</title><content src="f.pdf" type="application/pdf"/></entry></feed>`)
  assert.equal(feed?.format, 'atom')
  assert.equal(feed.version, '1.0')
  assert.equal(feed.title, 'A <b>b</b>')
  assert.equal(feed.updated, '2024-02-29T08:00:00.000Z')
  const [e, f] = feed.entries
  assert.equal(e?.link, 'https://b.example/x/e')
  assert.deepEqual(e.enclosures, [{ url: 'https://b.example/x/e.mp3', type: 'audio/mpeg', length: 5 }])
  assert.equal(e.content[0]?.value, '<p>1 &lt; 2 <a href="https://b.example/x/y">y</a></p>')
  assert.deepEqual(e.authors, [{ name: 'N', url: 'https://b.example/n' }])
  assert.equal(e.source?.title, 'S')
  assert.deepEqual(f?.content, [
    { value: '', type: 'application/pdf', src: 'https://b.example/x/f.pdf', language: 'en' },
  ])
})

test('RDF items outside the channel and JSON Feed are entries alike', () => {
  const rdf = feedOf(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="/c"><title>C</title></channel>
    <item rdf:about="https://a.example/i"><title>I</title><link>/i</link><dc:date>2003-12-31</dc:date></item></rdf:RDF>`)
  assert.deepEqual([rdf?.format, rdf?.version, rdf?.title], ['rdf', '1.0', 'C'])
  assert.deepEqual(
    rdf?.entries.map(({ id, title, link, updated }) => [id, title, link, updated]),
    [['https://a.example/i', 'I', 'https://a.example/i', '2003-12-31T00:00:00.000Z']],
  )
  const json = feedOf(
    JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      title: 'J',
      description: 'D',
      home_page_url: '/',
      authors: [{ name: 'A', url: '/a' }, 5],
      items: [
        { id: 7, url: 'p', content_html: '<img src=i.png onerror=x()>', date_published: '2010-02-07T14:04:00-05:00' },
        'no item',
        {
          id: 'b',
          title: 5,
          attachments: [{ url: 'a.mp3', mime_type: 'audio/mpeg', size_in_bytes: 3 }],
          tags: ['t', 1],
        },
      ],
    }),
    'application/feed+json',
  )
  assert.deepEqual(
    [json?.format, json?.version, json?.subtitle, json?.link],
    ['json', '1.1', 'D', 'https://a.example/'],
  )
  assert.deepEqual(json?.authors, [{ name: 'A', url: 'https://a.example/a' }])
  assert.equal(json.entries.length, 2)
  assert.equal(json.entries[0]?.published, '2010-02-07T19:04:00.000Z')
  assert.equal(json.entries[0].content[0]?.value, '<img src="https://a.example/feeds/i.png" />')
  assert.deepEqual(json.entries[1]?.enclosures, [
    { url: 'https://a.example/feeds/a.mp3', type: 'audio/mpeg', length: 3 },
  ])
})

test('what is no feed gives none, and a feed sent as HTML is one', () => {
  for (const text of [
    '',
    'text',
    '<html><title>x</title></html>',
    '{"a":1}',
    '{',
    '[]',
    '<urlset/>',
    '<?xml version="1.0"?>',
  ]) {
    assert.equal(feedOf(text), undefined, text)
  }
  const latin = Buffer.from(
    '<?xml version="1.0" encoding="iso-8859-2"?><rss><channel><title>\u00b1</title></channel></rss>',
    'latin1',
  )
  const page = pageOf(latin, { contentType: 'text/html', charset: undefined }).page
  assert.equal(page.feed()?.title, 'ą')
})

test('dates of every shape that feeds use are read, and nothing else', () => {
  const expected: Record<string, string> = {
    'Thu, 01 Jan 2004 19:48:21 GMT': '2004-01-01T19:48:21.000Z',
    '01 Jan 2004 19:48 +0100': '2004-01-01T18:48:00.000Z',
    'Thu, 1 Jan 04 19:48:21 PDT': '2004-01-02T02:48:21.000Z',
    'Thu, 01 Jan 2004 7:48:21 PM GMT': '2004-01-01T19:48:21.000Z',
    'Thu, 01 Jan 2004 00:00:00 GMT+0200': '2003-12-31T22:00:00.000Z',
    'Sun Jan  4 16:29:06 2004': '2004-01-04T16:29:06.000Z',
    'Sun Jan 4 16:29:06 PST 2004': '2004-01-05T00:29:06.000Z',
    'January 5, 2004': '2004-01-05T00:00:00.000Z',
    '5 January 1999': '1999-01-05T00:00:00.000Z',
    '2003-12-31T10:14:55-08:00': '2003-12-31T18:14:55.000Z',
    '2003-12-31T10:14:55.7Z': '2003-12-31T10:14:55.700Z',
    '2003-12-31 10:14:55': '2003-12-31T10:14:55.000Z',
    '2003-12-31T10:14Z': '2003-12-31T10:14:00.000Z',
    '20031231T101455Z': '2003-12-31T10:14:55.000Z',
    '2003-12': '2003-12-01T00:00:00.000Z',
    '2003': '2003-01-01T00:00:00.000Z',
    '2003-365': '2003-12-31T00:00:00.000Z',
    '2004-W01-1': '2003-12-29T00:00:00.000Z',
    '2004-07-08 23:56:58.0': '2004-07-08T23:56:58.000Z',
    '2004/07/08 23:56:58': '2004-07-08T23:56:58.000Z',
    '2003-12-31T24:00:00Z': '2004-01-01T00:00:00.000Z',
  }
  for (const [text, iso] of Object.entries(expected)) assert.equal(parseDate(text), iso, text)
  for (const text of [
    '',
    'yesterday',
    '2003-02-30',
    '2003-13-01',
    '99 Jan 2004',
    '2003-12-31T25:00Z',
    'x'.repeat(500),
  ]) {
    assert.equal(parseDate(text), undefined, text)
  }
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('2199-01-01'), noInvalidDate: true }), (date) => {
      date.setUTCMilliseconds(0)
      assert.equal(parseDate(date.toUTCString()), date.toISOString())
      assert.equal(parseDate(date.toISOString()), date.toISOString())
    }),
  )
})

test('markup that is made safe holds nothing that runs, whatever it is made of', () => {
  const attacks = [
    '<script>alert(1)</script>',
    '<scr<script>ipt>alert(1)</scr</script>ipt>',
    '<img src=x onerror=alert(1)>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href=" &#1; javascript:alert(1)">x</a>',
    '<img src="data:text/html,<script>alert(1)</script>">',
    '<svg><style><img src=x onerror=alert(1)></style></svg>',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
    '<p style="background:url(javascript:alert(1))">',
    '<p style="width:expression(alert(1))">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<textarea></textarea><iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<a href="x" title="&quot; onclick=&quot;alert(1)">',
    '<form action="javascript:alert(1)"><input formaction="javascript:alert(1)">',
    '<!--><script>alert(1)</script>-->',
    '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=javascript:alert(1)">',
  ]
  const check = (html: string): void => {
    const safe = safeHtml(html, BASE)
    // No element but the listed ones, no handler, no scheme that runs: told without a parser, tag by tag.
    for (const [tag] of safe.matchAll(/<[^>]*/g)) {
      assert.doesNotMatch(
        tag,
        /^<\/?(?:script|style|svg|math|iframe|noscript|base|meta|object|embed|link|xmp|title)/i,
        safe,
      )
      const bare = tag.replace(/"[^"]*"/g, '""')
      assert.doesNotMatch(bare, /\son|formaction|srcdoc/i, safe)
      assert.doesNotMatch(tag, /="\s*(?:javascript|data|vbscript):|url\(|expression/i, safe)
    }
    assert.equal(safeHtml(safe, BASE), safe, 'safe markup stays as it is')
  }
  for (const attack of attacks) check(attack)
  const pieces = fc.constantFrom(
    ...attacks.flatMap((attack) => attack.split(/(?=[<>"'= ])/)),
    '<p>',
    '</p>',
    'a',
    '&',
    '-->',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => check(parts.join(''))),
    { numRuns: 300 },
  )
})

test('feeds made of anything never throw', () => {
  const tags = [
    'rss',
    'channel',
    'item',
    'title',
    'link',
    'feed',
    'entry',
    'content',
    'author',
    'image',
    'guid',
    'source',
    'div',
  ]
  const piece = fc.oneof(
    fc.constantFrom(
      ...tags.flatMap((tag) => [`<${tag}>`, `</${tag}>`, `<${tag} type="xhtml" href="%" mode="base64"/>`]),
    ),
    fc.constantFrom('<![CDATA[', ']]>', '<!--', '-->', '<?', '&#x110000;', '&bogus;', '\0', 'xmlns:="x"', '<x:y '),
    fc.string(),
  )
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (parts) => void feedOf(`<rss>${parts.join('')}`)))
})

test('attacks by XML in a feed expand nothing and read nothing', {
  skip: skipWithout('conformance/xml-attacks'),
}, () => {
  const folder = sharedData('conformance/xml-attacks')!
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8')
    const feed = feedOf(`<rss><channel><title>${text}</title></channel></rss>`)
    assert.ok((feed?.title?.length ?? 0) <= text.length * 2, name)
    feedOf(text)
  }
})
