/**
 * The tree against htmlparser2, css-select and dom-serializer: on the inputs of html5lib, on markup put together at
 * random, and on real pages where there are some. Where ours differs by intention is said beside it.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { findAll, isMatch } from '../../src/extract/tree/query.ts'
import { renderInside } from '../../src/extract/tree/render.ts'
import { PAGE, Tree } from '../../src/extract/tree/tree.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { oracleAll, oracleElements, oracleInside, oracleText, oracleTree } from './tree-oracle.ts'

const SELECTORS = [
  ...['*', 'p', 'A', 'td', 'svg *', 'foreignObject', 'x-y', '.a', '.b', '.a.b', '#a', 'div.a', 'p#a', '.É', '[class]'],
  ...['[Href]', '[class=a]', '[class="a b"]', '[class~=a]', '[class^=a]', '[class$=b]', '[class*=" "]', '[class|=a]'],
  ...['[class!=a]', '[class=A i]', '[class~="B" i]', '[class*=A i]', '[type=TEXT]', '[type=TEXT s]', '[title="a&b"]'],
  ...['[constructor]', '[x-y]', 'div p', 'div > p', 'p + p', 'p ~ a', 'div p > a', 'ul li a', 'div div div', 'p < b'],
  ...[
    'a, b, p',
    'table td, table th',
    'ul > li + li',
    'div > * > *',
    'div ~ p b',
    'div p ~ a',
    'div > p ~ b',
    'p ~ p ~ b',
    'div ~ * > * ~ b',
    'p + * ~ b',
    'li ~ * p + *',
    'p:first-child',
  ],
  ...[':last-child', ':only-child', ':first-of-type', ':last-of-type', ':only-of-type', ':nth-child(2)', ':root'],
  ...[':nth-child(2n+1)', ':nth-child(odd)', ':nth-child(even)', ':nth-child(-n+2)', ':nth-last-child(2)', ':empty'],
  ...[':nth-of-type(2)', ':nth-last-of-type(2n)', ':nth-child(2 of .a)', ':nth-last-child(1 of p)', ':nth-child(0n+2)'],
  ...[
    ':not(p)',
    ':not(.a, .b)',
    'p:not(:first-child)',
    ':is(a, b)',
    ':where(.a) b',
    ':is(div p, ul li)',
    ':not(div p)',
  ],
  ...[':has(b)', 'div:has(> p)', 'p:has(+ p)', ':has(~ a)', 'div:has(p a)', ':not(:has(*))', ':has(> a, > b)'],
  ...[':contains("x")', 'p:icontains(X)', ':lang(en)', ':lang("*-CH")', ':link', ':checked', ':disabled', ':enabled'],
  ...[':required', ':optional', ':read-only', ':read-write', ':selected', ':header', ':input', ':button', ':text'],
  ...[':parent', ':submit', ':hover', ':scope > *', 'template *', 'option:selected', 'select :disabled'],
]
/** Asked of single elements, of what is in them. */
const WITHIN = ['b', '.a', '> p', '> *', ':scope > b', 'div p', 'p, > a', ':first-child', ':has(> b)', 'p + b', '+ p']

function sharedInputs(name: string): readonly Readonly<Record<string, unknown>>[] {
  return JSON.parse(gunzipSync(readFileSync(sharedData(name)!)).toString()) as Readonly<Record<string, unknown>>[]
}

const TREE = 'conformance/html5lib/tree.json.gz'
const TOKENIZER = 'conformance/html5lib/tokenizer.json.gz'

/**
 * Pages on which htmlparser2 does what nobody would want. Where a page ends behind the slash of a tag or in an end tag
 * behind its name, it takes the last character for text. In titles it reads no reference behind a `<`. Its objects sort
 * attributes whose names are numbers, and have none called `__proto__`.
 */
function isOdd(text: string): boolean {
  return (
    /<[^>]*$/.test(text) ||
    (/<(?:title|textarea)/i.test(text) && /<[^>]*&/.test(text)) ||
    /<[^>]*[\s/"'](?:\d+|__proto__)[\s/=>]/.test(text)
  )
}

/** Compares everything that can be asked of one page. */
function compare(text: string, isXml: boolean, selectors: readonly string[] = SELECTORS): void {
  const tree = new Tree(text, isXml)
  const oracle = oracleTree(text, isXml)
  const numbers = Array.from({ length: tree.nodes.count }, (_, i) => i).filter((i) => tree.isElement(i))
  const nodes = oracleElements(oracle.children)
  const places = new Map(nodes.map((node, i) => [node, numbers[i]]))
  assert.deepEqual(
    numbers.map((i) => tree.nameOf(i)),
    nodes.map(({ name }) => name),
    text,
  )
  assert.deepEqual(
    numbers.map((i) => tree.nodes.parent[i]),
    nodes.map(({ parent }) => (parent !== null && 'attribs' in parent ? places.get(parent) : PAGE)),
    text,
  )
  for (const [n, node] of nodes.entries()) {
    const i = numbers[n] as number
    const own = [...tree.attributesOf(i)]
    // Not made into an object: the order counts, and names are the page's.
    assert.deepEqual(own, Object.entries(node.attribs), text)
    for (const [name, value] of own) assert.equal(tree.valueOf(i, name), value)
    assert.equal(tree.seenText(i).replace(/\s+/g, ' ').trim(), oracleText(node), text)
  }
  for (const selector of selectors) {
    // css-select looks into a template that is asked itself, unless it has asked an element around it.
    if (selector.includes(':has') && /<template/.test(text)) continue
    // To css-select a br is a line feed, and what is in it in XML has no text.
    if (isXml && selector.includes('contains') && /<br/.test(text)) continue
    const expected = oracleAll(selector, oracle, isXml).map((node) => places.get(node))
    const found = findAll(tree, selector, PAGE)
    assert.deepEqual(found, expected, `${selector} in ${text}`)
    for (const i of found.slice(0, 3)) assert.ok(isMatch(tree, selector, i, PAGE))
  }
  for (const node of nodes.slice(0, 6)) {
    for (const selector of WITHIN) {
      const expected = oracleAll(selector, node, isXml).map((each) => places.get(each))
      assert.deepEqual(
        findAll(tree, selector, places.get(node)!),
        expected,
        `${selector} within <${node.name}> of ${text}`,
      )
    }
  }
  // Last: dom-serializer changes the names of elements as it goes.
  for (let i = tree.firstChild(PAGE), n = 0; i >= 0; i = tree.next(i), n++) {
    const node = oracle.children.filter((child) => 'attribs' in child)[n]!
    assert.equal(renderInside(tree, i), oracleInside(node, isXml), text)
  }
}

test('pages of html5lib give the elements, texts and markup of htmlparser2', {
  skip: skipWithout(TREE) ?? skipWithout(TOKENIZER),
}, (context) => {
  const pages = [
    ...sharedInputs(TREE).map(({ data }) => data as string),
    ...sharedInputs(TOKENIZER).map(({ input }) => input as string),
  ]
  let compared = 0
  for (const input of pages) {
    const page = /<[^>]*$/.test(input) ? `${input}>` : input
    if (isOdd(page)) continue
    compared++
    compare(page, false, ['*', 'p', 'td', ':first-child', 'div p', 'svg *'])
    compare(page, true, ['*', 'p'])
  }
  context.diagnostic(`${compared} of ${pages.length} pages`)
  assert.ok(compared > 0.9 * pages.length)
})

const LEXEMES = [
  ...[
    '<',
    '</',
    '>',
    '/>',
    "'",
    '"',
    '=',
    ' ',
    '/',
    '-',
    '!',
    '<!--',
    '-->',
    '--!>',
    '<!-->',
    '<!--->',
    '<!',
    '<?',
    '</>',
  ],
  ...['<!doctype html>', '<!DOCTYPE', '<![CDATA[', ']]>', '<!-x>', '<?php >', '?>', '</ x>', '<1>', '\0', '\r\n', '\t'],
  ...[
    'x',
    'y ',
    ' \n ',
    'É',
    '日本',
    '&amp;',
    '&amp',
    '&ampx',
    '&notit;',
    '&#x80;',
    '&#0;',
    '&#1',
    '&nbsp;',
    '&',
    'a < b',
  ],
  ...['<script>', '</script>', '<script ', '</scriptx>', '<style>', '</style>', '<textarea>', '</textarea>', '<title>'],
  ...[
    '</title>',
    '<xmp>',
    '</xmp>',
    '<iframe src=f>',
    '</iframe>',
    '<noembed>',
    '<noframes>',
    '<plaintext>',
    '<noscript>',
  ],
  ...[
    '<p>',
    '<P class=a>',
    '</p>',
    '<p id=a class="a b">',
    '<div>',
    '<div class="b a">',
    '</div>',
    '<a href=x>',
    '</a>',
  ],
  ...[
    '<b>',
    '</b>',
    '<b class="a\tb" title="a&amp;b">',
    '<br>',
    '</br>',
    '<img alt="x>y">',
    '<hr/>',
    '<x-y X-Y=1>',
    '</x-y>',
  ],
  ...[
    '<ul>',
    '<li>',
    '</ul>',
    '<dl>',
    '<dt>',
    '<dd class=A>',
    '<table>',
    '<tr>',
    '<td>',
    '<th>',
    '</table>',
    '<tbody>',
  ],
  ...['<h1>', '<h2>', '</h1>', '<form>', '<form id=a>', '</form>', '<input type=text>', '<input type=RADIO checked>'],
  ...['<select>', '<select multiple disabled>', '<option>', '<option selected>', '</select>', '<fieldset disabled>'],
  ...[
    '<legend>',
    '<button>',
    '<input readonly required>',
    '<template>',
    '</template>',
    '<html lang=en>',
    '<body>',
    '<head>',
  ],
  ...['<svg>', '</svg>', '<svg viewbox=1 />', '<svg xlink:href="&lt;">', '<math>', '</math>', '<mi>', '<mi/>', '<g/>'],
  ...[
    '<foreignObject>',
    '</foreignobject>',
    '<desc>',
    '<title/>',
    '<lineargradient/>',
    '<image>',
    '</image>',
    '<clippath>',
  ],
  ...[
    '<a b=c/d href=3/>',
    '<p/ class=a>',
    '<p / >',
    '<p =x>',
    '<p "a"=b>',
    '<p a=1 A=2>',
    "<p class='b'x=y>",
    '</p x="a>b">',
  ],
  ...[
    '<É>',
    '<pÉ>',
    '<p É=É class=É>',
    '<span lang=de-CH>',
    '<span lang="">',
    '</span>',
    '<ruby>',
    '<rt>',
    '<rp>',
    '</ruby>',
  ],
]
const soup = fc.array(fc.constantFrom(...LEXEMES), { maxLength: 24 }).map((parts) => `${parts.join('')}<b>end</b>`)

for (const isXml of [false, true]) {
  test(`markup put together at random gives the tree of htmlparser2, as ${isXml ? 'XML' : 'HTML'}`, () => {
    fc.assert(
      fc.property(soup, (page) => {
        fc.pre(!isOdd(page))
        compare(page, isXml)
      }),
      { numRuns: 1500 },
    )
  })
}

test('nests that are too deep are cut off where they are in the oracle', () => {
  for (const depth of [511, 515]) {
    const open = Array.from({ length: depth }, (_, i) => (i % 7 === 3 ? '<p class=a>x' : '<div class=b>')).join('')
    for (const page of [`${open}<br>y<b>z</b>`, `<ul>${open}<li>1<li>2${'</div>'.repeat(depth)}<a>end</a></ul>t`]) {
      for (const isXml of [false, true]) compare(page, isXml, ['*', 'b', 'div > b', 'p + b', ':nth-of-type(3)', 'li'])
    }
  }
})

const SITE = process.env['BENCH_SITE']
test('real pages give the tree of htmlparser2', {
  skip: SITE === undefined && 'BENCH_SITE names no folder of pages',
}, (context) => {
  const files = readdirSync(SITE!, { recursive: true, encoding: 'utf8' }).filter((name) => /\.html?$/.test(name))
  const step = Math.max(1, Math.floor(files.length / 200))
  const some = files.toSorted().filter((_, i) => i % step === 0)
  for (const file of some)
    compare(readFileSync(join(SITE!, file), 'utf8'), false, ['td', 'a[href]', '.a', 'li > p', 'tr:nth-child(2)'])
  context.diagnostic(`${some.length} of ${files.length} pages`)
  assert.ok(some.length > 0)
})

test('what css-select refuses is refused, and so is what cannot be meant', () => {
  const tree = new Tree('<p>x</p>', false)
  const refused = [
    ...[
      '',
      ' ',
      'a[',
      'a:no-such',
      ':constructor',
      '>',
      'a >',
      'a,',
      ',a',
      'a:not(',
      ':not()',
      ':is',
      ':has',
      ':nth-child',
    ],
    ...[
      ':nth-child(x)',
      ':nth-child(2 of)',
      ':nth-child(2 of :x)',
      'a::before',
      ':before',
      'a || b',
      'n|a',
      '[n|a]',
      '!',
    ],
    ...[':first-child(1)', ':header(1)', ':empty(a)', ':contains', 'a:not(b >)', '::x'],
  ]
  for (const selector of refused) {
    assert.throws(() => findAll(tree, selector, PAGE), { code: 'OPTION_INVALID' }, selector)
  }
})

test('where the oracle is odd the tree is not', () => {
  const tree = (text: string): Tree => new Tree(text, false)
  const texts = (text: string): string => tree(`<p>${text}`).seenText(0)
  assert.deepEqual(
    [texts('a</b x'), texts('a<b/'), texts('a<b x="'), texts('a<'), texts('a</')],
    ['a', 'a', 'a', 'a<', 'a</'],
  )
  assert.equal(tree('<title>a <&amp; b</title>').seenText(0), 'a <& b')
  assert.deepEqual(
    [...tree('<p b=1 2=x __proto__=y b=3>').attributesOf(0)],
    [
      ['b', '1'],
      ['2', 'x'],
      ['__proto__', 'y'],
    ],
  )
  assert.equal(tree('<p __proto__=y>').valueOf(0, '__proto__'), 'y')
  // Only what begins with a combinator or names the scope is about it; elements around it count for the rest.
  const page = tree('<div class=x><ul><li class=y><p><i class=y>')
  assert.equal(findAll(page, ':scope > li, .x .y', 1).length, 2)
  assert.equal(findAll(page, ':scope > li:not(.x .y)', 1).length, 0)
  assert.equal(findAll(page, 'div:nth-child(n)', PAGE).length, 1)
})

test('a search looks at each element once for each step, however many steps it has', () => {
  const deep = new Tree(`${'<div>'.repeat(500)}<b>`.repeat(20), false)
  // Tried in all combinations, eight steps would be 500^8.
  assert.deepEqual(findAll(deep, `i ${'div '.repeat(8)}b`, PAGE), [])
  assert.deepEqual(findAll(deep, `i > ${'div '.repeat(8)}b`, PAGE), [])
  assert.ok(findAll(deep, `${'div '.repeat(8)}b`, PAGE).length > 0)
  const wide = new Tree(`<main>${'<p>x</p>'.repeat(500)}<b>`, false)
  assert.deepEqual(findAll(wide, `i ~ ${'p ~ '.repeat(8)}b`, PAGE), [])
  assert.deepEqual(findAll(wide, `i > ${'p ~ '.repeat(8)}b`, PAGE), [])
  assert.equal(findAll(wide, `main > ${'p ~ '.repeat(8)}b`, PAGE).length, 1)
})
