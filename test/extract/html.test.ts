/** The scanner, one behaviour at a time. Agreement with real parsers: differential.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LINK_KINDS } from '../../src/extract/extractor.ts'
import type { LinkKind, PageFacts, ScanWant } from '../../src/extract/extractor.ts'
import { scanPage } from '../../src/extract/html.ts'

const ALL: ReadonlySet<LinkKind> = new Set(LINK_KINDS)

function scan(page: string | Uint8Array, want: Partial<ScanWant> = {}): PageFacts {
  return scanPage(typeof page === 'string' ? Buffer.from(page) : page, {
    kinds: ALL,
    agent: 'sluice',
    ...(typeof page === 'string' ? { charset: 'utf-8' } : {}),
    ...want,
  })
}

/** `kind href` of each link. */
function links(page: string | Uint8Array, want: Partial<ScanWant> = {}): string[] {
  return scan(page, want).links.map((link) => `${link.kind} ${link.href}`)
}

test('a page gives its title, base, canonical, robots directives and links in one pass', () => {
  const facts = scan(`<!doctype html><html><head><title> A &amp;
    title </title><base href="/root/"><base href="/other/"><link rel="canonical" href="https://a.example/c">
    <meta name="robots" content="NoIndex, max-snippet: 20"><meta name="sluice" content="noarchive">
    <meta name="otherbot" content="nofollow"></head><body><a href="x">x</a></body></html>`)
  assert.deepEqual(facts, {
    title: 'A & title',
    base: '/root/',
    canonical: 'https://a.example/c',
    robots: ['noindex', 'max-snippet:20', 'noarchive'],
    charset: 'utf-8',
    links: [
      { href: 'https://a.example/c', kind: 'canonical', nofollow: false },
      { href: 'x', kind: 'a', nofollow: false },
    ],
  })
})

test('every kind of link is told apart', () => {
  const page = `<a href=1><area href=2><frame src=3><iframe src=4></iframe><link rel="x canonical" href=5>
    <meta http-equiv=Refresh content="0; url='6'"><img src=7 srcset="8 1x, 9 2x"><picture><source srcset=10></picture>
    <script src=11></script><link rel="shortcut icon" href=12><link rel=preconnect href=no><form action=13>
    <svg><a xlink:href=14></a><a href=15 xlink:href=no></a><image href=16></svg>`
  assert.deepEqual(links(page), [
    ...['a 1', 'area 2', 'frame 3', 'frame 4', 'canonical 5', 'refresh 6', 'img 7', 'srcset 8', 'srcset 9'],
    ...['srcset 10', 'script 11', 'link 12', 'form 13', 'a 14', 'a 15', 'img 16'],
  ])
})

test('only the kinds that were asked for are collected, canonical stays a fact', () => {
  const page = '<link rel=canonical href=c><link rel=next href=n><a href=1><img src=2>'
  assert.deepEqual(links(page, { kinds: new Set<LinkKind>(['img']) }), ['img 2'])
  assert.equal(scan(page, { kinds: new Set<LinkKind>() }).canonical, 'c')
})

test('rel with nofollow, ugc or sponsored among its words marks a link', () => {
  const rels = ['nofollow', 'NOOPENER NoFollow', 'ugc', 'external\nsponsored', 'nofollowing', 'follow', '']
  const page = rels.map((rel) => `<a rel="${rel}" href=x>`).join('')
  assert.deepEqual(
    scan(page).links.map((link) => link.nofollow),
    [true, true, true, true, false, false, false],
  )
})

test('attributes are read in every spelling the standard allows', () => {
  const cases: [string, string[]][] = [
    ['<A HREF=up>', ['a up']],
    ['<a\nhref\n=\n"x y">', ['a x y']],
    ["<a href='a\"b'>", ['a a"b']],
    ['<a/href=x/>', ['a x/']],
    ['<a href=1 href=2>', ['a 1']],
    ['<a title="a>b" href=3>', ['a 3']],
    ['<a x="1"href=4>', ['a 4']],
    ['<a href>', ['a ']],
    ['<a =href=5>', []],
    ['<a data-href=6>', []],
    ['<a href="unclosed>', []],
    ['<a href=open', []],
    ['<a href="  \t/x\n\ty ">', ['a /xy']],
    ['<abbr href=7>', []],
    ['</a href=8>', []],
    ['< a href=9>', []],
  ]
  for (const [page, expected] of cases) assert.deepEqual(links(page), expected, page)
})

test('markup inside comments, raw text and declarations is no markup', () => {
  const hidden = [
    '<!-- X -->',
    '<!-- > X -->',
    '<!-- X --!>',
    '<!DOCTYPE X>',
    '<script>X</script>',
    '<script>"</scripty>"X</script >',
    '<script><!-- <script>X</script> X --></script>',
    '<style>X</style/>',
    '<textarea>X</textarea>',
    '<title>X</TITLE>',
    '<xmp>X</xmp>',
    '<iframe>X</iframe>',
    '<noembed>X</noembed>',
    '<noframes>X</noframes>',
    '<svg><![CDATA[ X ]]></svg>',
    '<p title="X">',
    '</p title="X">',
  ]
  for (const around of hidden) {
    assert.deepEqual(links(`${around.replaceAll('X', '<a href=in>')}<a href=out>`), ['a out'], around)
  }
  const shown = [
    '<!--> X',
    '<!---> X -->',
    '<noscript>X</noscript>',
    '<template>X</template>',
    '<svg><style>X</style></svg>',
  ]
  for (const around of shown) {
    assert.deepEqual(links(`${around.replaceAll('X', '<a href=in>')}<a href=out>`), ['a in', 'a out'], around)
  }
  assert.deepEqual(links('<plaintext><a href=in></plaintext><a href=out>'), [])
  assert.deepEqual(links('<![CDATA[ > <a href=in> ]]>'), ['a in'])
})

test('a refresh inside noscript counts', () => {
  assert.deepEqual(links('<noscript><meta http-equiv="refresh" content="3;URL=/slow"></noscript>'), ['refresh /slow'])
})

test('the title of an SVG is not the title of the page', () => {
  assert.equal(scan('<svg><title>icon</title></svg><title>page</title>').title, 'page')
  assert.equal(scan('<title></title><title>second</title>').title, '')
})

test('an SVG left open ends at the first HTML element', () => {
  assert.deepEqual(links('<svg><g><div><style><a href=in></style><a href=out>'), ['a out'])
  assert.deepEqual(links('<div><svg><g></div><style><a href=in></style><a href=out>'), ['a out'])
  assert.deepEqual(links('<svg><foreignObject><style><a href=in></style></foreignObject><style><a href=out>'), [
    'a out',
  ])
})

test('character references are decoded by the rules for attributes', () => {
  const cases: [string, string][] = [
    ['?a=1&amp;b=2', '?a=1&b=2'],
    ['?a=1&b=2', '?a=1&b=2'],
    ['?x&copy=1', '?x&copy=1'],
    ['?x&copy', '?x©'],
    ['&notin;', '∉'],
    ['&notit;', '&notit;'],
    ['&#x80;&#128;&#0;', '€€\ufffd'],
    ['&#47;x&#32;', '/x'],
    ['&fjlig;', 'fj'],
    ['\0', '\ufffd'],
  ]
  for (const [written, read] of cases) assert.deepEqual(links(`<a href="${written}">`), [`a ${read}`], written)
})

test('values are decoded in the encoding of the page, the rest is not decoded at all', () => {
  const page = (bytes: number[]): Buffer =>
    Buffer.concat([
      Buffer.from('<title>'),
      Buffer.from(bytes),
      Buffer.from('</title>\xff<a href="/?q=', 'latin1'),
      Buffer.from(bytes),
      Buffer.from('">'),
    ])
  const cases: [string, number[], string][] = [
    ['utf-8', [0xc3, 0xa9], 'é'],
    ['windows-1252', [0xe9, 0x80], 'é€'],
    ['shift_jis', [0x83, 0x5c], 'ソ'],
    ['gb18030', [0xc4, 0xe3], '你'],
    ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42], 'あ'],
    ['koi8-r', [0xc1], 'а'],
  ]
  for (const [charset, bytes, text] of cases) {
    const facts = scan(page(bytes), { charset })
    assert.equal(facts.title, text, charset)
    assert.equal(facts.links[0]?.href, `/?q=${text}`, charset)
    assert.equal(facts.charset, charset)
  }
})

test('a declared encoding is used where the header names none', () => {
  const page = Buffer.from('<meta charset=koi8-r><title>\xc1</title>', 'latin1')
  assert.deepEqual([scan(page).title, scan(page).charset], ['а', 'koi8-r'])
})

test('UTF-16 pages are read', () => {
  const text = '\ufeff<title>né</title><a href="ж">'
  const little = Buffer.from(text, 'utf16le')
  const big = Buffer.from(text, 'utf16le').swap16()
  for (const page of [little, big]) {
    assert.equal(scan(page).title, 'né')
    assert.deepEqual(links(page), ['a ж'])
  }
  assert.equal(scan(little).charset, 'utf-16le')
})

test('the head alone gives facts and no links', () => {
  const head = '<head><title>t</title><base href=b><link rel=canonical href=c><meta name=robots content=noindex>'
  for (const end of ['</head>', '<body>', '<frameset>']) {
    const facts = scan(`${head}${end}<title>no</title><a href=x>`, { headOnly: true })
    assert.deepEqual(
      [facts.title, facts.base, facts.canonical, facts.robots, facts.links],
      ['t', 'b', 'c', ['noindex'], []],
    )
  }
  assert.equal(scan('<header><body><title>late</title>', { headOnly: true }).title, '')
})

test('links beyond the limit are not collected, facts are', () => {
  const facts = scan('<a href=1><a href=2><a href=3><title>t</title>', { maxLinks: 2 })
  assert.deepEqual([facts.links.length, facts.title], [2, 't'])
  assert.equal(scan('<a href=x>'.repeat(100_001)).links.length, 100_000)
})

test('a value over 64 KiB counts as missing', () => {
  assert.deepEqual(links(`<img src="data:${'x'.repeat(65_536)}"><a href=1>`), ['a 1'])
})

test('image candidates are split as browsers split them', () => {
  const cases: [string, string[]][] = [
    ['a 1x, b 2x', ['a', 'b']],
    ['a,b', ['a,b']],
    ['a, b', ['a', 'b']],
    [',,a,, b 100w', ['a', 'b']],
    ['data:,x 1x,b', ['data:,x', 'b']],
    ['a (x, y) 1x, b', ['a', 'b']],
    ['', []],
  ]
  for (const [srcset, urls] of cases) {
    assert.deepEqual(
      links(`<img srcset="${srcset}">`),
      urls.map((url) => `srcset ${url}`),
      srcset,
    )
  }
})

test('refreshes are read as browsers read them', () => {
  const cases: [string, string[]][] = [
    ['5;url=/a', ['/a']],
    ['0, URL = /b', ['/b']],
    ["1.5 ; url='/c' x", ['/c']],
    ['.5;"/d"', ['/d']],
    ['0; /e', ['/e']],
    ['0 url=/f', ['/f']],
    ['0', []],
    ['x;url=/g', []],
    ['0x;url=/h', []],
    ['0;url="/i', ['/i']],
  ]
  for (const [content, urls] of cases) {
    const page = `<meta http-equiv=refresh content="${content.replaceAll('"', '&quot;')}">`
    assert.deepEqual(
      links(page),
      urls.map((url) => `refresh ${url}`),
      content,
    )
  }
})

test('no bytes make the scanner throw', () => {
  const piece = fc.constantFrom(
    '<',
    '</',
    '>',
    '<!--',
    '-->',
    '<a href=',
    '"',
    "'",
    '<script>',
    '<svg>',
    '&',
    '&#',
    '<title>',
    '\0',
    '\xff',
  )
  const page = fc
    .array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 30 })
    .map((parts) => parts.join(''))
  const charset = fc.constantFrom(
    'utf-8',
    'utf-16le',
    'iso-2022-jp',
    'gb18030',
    'replacement',
    'x-user-defined',
    'no such',
    '',
  )
  fc.assert(
    fc.property(page, charset, fc.boolean(), (text, label, headOnly) => {
      scan(Buffer.from(text, 'latin1'), { charset: label, headOnly })
    }),
  )
})

const MILLION = 1_000_000
const hostile: Readonly<Record<string, string>> = {
  'a million attributes': `<a ${'x=1 '.repeat(MILLION)}href=1>`,
  'a million unclosed quotes': '<a href="'.repeat(MILLION),
  'a million unclosed comments': '<!--'.repeat(MILLION),
  'a million closed comments': '<!---->'.repeat(MILLION),
  'four million less-than signs': '<'.repeat(4 * MILLION),
  'escaped scripts': '<script><!--<script>'.repeat(MILLION / 4),
  'nearly closed titles': '<title></titl'.repeat(MILLION / 2),
  'quotes outside of values': '<p>\'<p>"'.repeat(MILLION / 2),
  'a million nested SVGs': '<svg>'.repeat(MILLION),
  'end tags of nothing in a deep SVG': `<svg>${'<g>'.repeat(600)}${'</x>'.repeat(MILLION)}`,
  'white space around directives': `<meta name=robots content="a${' '.repeat(60_000)}b">`.repeat(50),
  'references without end': `<a href="${'&notit'.repeat(10_000)}">`.repeat(30),
  'image candidates without end': `<img srcset="${','.repeat(60_000)}a (">`.repeat(50),
}
for (const [name, page] of Object.entries(hostile)) {
  test(`the scanner takes linear time for ${name}`, () => {
    const began = performance.now()
    scan(page)
    // Quadratic time would be minutes; this leaves room for a slow and busy machine.
    assert.ok(performance.now() - began < 5000)
  })
}
