import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { parse } from 'parse5'
import type { DefaultTreeAdapterTypes } from 'parse5'
import { SluiceError } from '../../src/model/errors.ts'
import { modules, pageOf } from './setup.ts'

const BODY = `<!doctype html><html><head><title> A
  page </title><base href="/base/"><meta name=Description content=" words "></head><body>
<div id=a class="item first"><h2>One &amp; <b>two</b></h2><p>x</p><p>y<br>z&nbsp;!</p><script>no()</script>
<span class=p>1.234,50&nbsp;€</span><a class=n href=" next?x=1 ">n</a><img src=i.png></div>
<div class=item><h2>Three</h2><a href="mailto:x@y">m</a><a href="https://b.example/#f">b</a></div><p class=last>end</p>
</body></html>`

test('elements give text, numbers, attributes, URLs and markup', () => {
  const { page } = pageOf(BODY)
  const el = page.$('.item')
  assert.ok(el)
  assert.equal(page.title, 'A page')
  assert.equal(el.text('h2'), 'One & two')
  assert.equal(el.text(), 'One & two x y z ! 1.234,50 €n')
  assert.equal(el.number('.p'), 1234.5)
  assert.equal(el.attr('CLASS'), 'item first')
  assert.equal(el.attr('href', 'a'), ' next?x=1 ')
  assert.equal(el.url(undefined, 'a'), 'https://shop.example/base/next?x=1')
  assert.equal(el.$('img')?.url(), 'https://shop.example/base/i.png')
  assert.equal(el.html('h2'), 'One &amp; <b>two</b>')
  assert.equal(el.name, 'div')
  assert.equal(page.$('script')?.text(), 'no()')
})

test('elements lead to their neighbours', () => {
  const { page } = pageOf(BODY)
  const bold = page.$('b')
  assert.equal(bold?.closest('.item')?.attr('id'), 'a')
  assert.equal(bold?.closest('b')?.name, 'b')
  assert.equal(bold?.parent()?.name, 'h2')
  assert.equal(page.$('#a')?.next()?.text('h2'), 'Three')
  assert.equal(page.$('#a')?.next('p')?.text(), 'end')
  assert.equal(page.$('#a')?.is('.first'), true)
  assert.deepEqual(
    page.$$('.item').map((el) => el.$$('h2').length),
    [1, 1],
  )
  assert.equal(page.$('#a')?.$$('> p').length, 2)
  assert.equal(page.$('#a')?.$$(':scope > h2 > b').length, 1)
  assert.equal(page.$('h2')?.$$('> p').length, 0)
})

test('what a page lacks is undefined and nothing throws', () => {
  const { page } = pageOf('<p>x</p>')
  const el = page.$('p')
  assert.ok(el)
  assert.deepEqual(
    [el.text('.no'), el.number('.no'), el.number(), el.attr('x'), el.attr('x', '.no'), el.url(), el.url('x', '.no')],
    Array.from({ length: 7 }, () => undefined),
  )
  assert.deepEqual(
    [el.html('.no'), el.$('.no'), el.closest('.no'), el.next(), el.parent(), page.$('.no'), page.title, page.meta('x')],
    Array.from({ length: 8 }, () => undefined),
  )
  assert.equal(el.attr('constructor'), undefined)
  assert.deepEqual(
    [page.$$('.no'), page.links(), page.jsonLd(), page.openGraph(), page.microdata()],
    [[], [], [], {}, []],
  )
})

test('headers, label and input come with the page', () => {
  const { page } = pageOf('', { label: 'list', input: { id: 7 }, status: 203, depth: 3 })
  assert.deepEqual([page.headers.get('X-TWO'), page.headers.get('no'), page.headers.has('x-two')], ['a, b', null, true])
  assert.deepEqual([page.label, page.input, page.status, page.depth], ['list', { id: 7 }, 203, 3])
})

test('links are resolved web addresses, each once', () => {
  const { page } = pageOf(`${BODY}<a href="next?x=1"></a>`)
  assert.deepEqual(page.links(), ['https://shop.example/base/next?x=1', 'https://b.example/#f'])
  assert.deepEqual(page.links('a.n'), ['https://shop.example/base/next?x=1'])
  assert.deepEqual(page.links('.item:nth-of-type(2)'), ['https://b.example/#f'])
})

test('follow takes texts, URLs, elements and lists, against the base of the page', () => {
  const { page, links } = pageOf(BODY)
  page.follow('a')
  page.follow(undefined)
  page.follow(['b', page.$('a.n'), new URL('https://c.example/'), 'javascript:x', 'http://['], { label: 'l' })
  page.follow(page.$('a.n'))
  assert.deepEqual(links, [
    { url: 'https://shop.example/base/a', label: undefined },
    { url: 'https://shop.example/base/b', label: 'l' },
    { url: 'https://shop.example/base/next?x=1', label: 'l' },
    { url: 'https://c.example/', label: 'l' },
    { url: 'https://shop.example/base/next?x=1', label: undefined },
  ])
})

test('on a page without markup follow resolves against the address that answered', () => {
  const { page, links } = pageOf('{"next": "/b", "html": "<base href=/no/>"}', {
    contentType: 'application/json',
    charset: undefined,
    final: 'https://api.example/v2/a',
  })
  page.follow((page.json() as { next: string }).next)
  page.follow('c')
  assert.deepEqual(
    links.map(({ url }) => url),
    ['https://api.example/b', 'https://api.example/v2/c'],
  )
})

test('text is read in the encoding of header, page or default, and JSON as UTF-8', () => {
  const latin = Uint8Array.from([0x63, 0x61, 0x66, 0xe9])
  assert.equal(pageOf(latin, { charset: undefined }).page.text(), 'café')
  assert.equal(pageOf(latin, { charset: 'iso-8859-1' }).page.text(), 'café')
  const utf8 = new TextEncoder().encode('["café"]')
  assert.deepEqual(pageOf(utf8, { charset: undefined, contentType: 'application/json' }).page.json(), ['café'])
  assert.deepEqual(pageOf(utf8, { charset: undefined, contentType: 'application/ld+json' }).page.json(), ['café'])
  const declared = new TextEncoder().encode('<meta charset=utf-8><title>café</title>')
  assert.equal(pageOf(declared, { charset: undefined }).page.title, 'café')
  assert.throws(() => pageOf('<p>').page.json(), SyntaxError)
})

test('XML keeps its case and its self-closing elements', () => {
  const { page } = pageOf('<rss><Item/><Item><Link>a</Link><link>b</link></Item></rss>', {
    contentType: 'application/rss+xml',
  })
  assert.deepEqual(
    page.$$('Item').map((el) => [el.text('Link'), el.text('link')]),
    [
      [undefined, undefined],
      ['a', 'b'],
    ],
  )
})

test('a body that is no text has no elements, and a body in a file is read from there', (t) => {
  assert.deepEqual(pageOf('%PDF <p>x</p>', { contentType: 'application/pdf' }).page.$$('p'), [])
  assert.equal(pageOf('<p>x</p>', { contentType: '' }).page.$('p')?.text(), 'x')
  const file = modules(t)('body.html', '')
  writeFileSync(file, '<p>from disk</p>')
  assert.equal(pageOf('', { file }).page.$('p')?.text(), 'from disk')
})

test('a selector that cannot be read is an error that shows it', () => {
  const { page } = pageOf(BODY)
  for (const selector of ['a[', '', 'a:no-such', '>']) {
    assert.throws(
      () => page.$$(selector),
      (error) => error instanceof SluiceError && error.message.includes(JSON.stringify(selector)),
      selector,
    )
  }
})

test('a hundred thousand nested elements overflow nothing', () => {
  const bombs = [
    [100_000, `${'<div class=x>'.repeat(100_000)}deep<b>est</b>`],
    [100_000, `${'<div class=x>'.repeat(100_000)}deep<b>est</b>${'</div>'.repeat(100_000)}<i>after</i>`],
  ] as const
  for (const [depth, body] of bombs) {
    const { page } = pageOf(body)
    assert.equal(page.$$('.x').length, depth)
    assert.equal(page.$('div')?.text(), 'deepest')
    assert.equal(page.$('b')?.closest('.x .x')?.name, 'div')
    assert.ok((page.$('div')?.html().length ?? 0) > depth)
    assert.ok(page.$('.x:has(b)') !== undefined)
    assert.deepEqual(page.microdata(), [])
    assert.equal(page.$('i')?.parent(), undefined)
  }
})

test('what follows a nest that was cut off stands where it stood', () => {
  const { page } = pageOf(`<main>${'<b>'.repeat(600)}x${'</b>'.repeat(600)}<p id=p>y</p></main><p>z</p>`)
  assert.equal(page.$('main > #p')?.text(), 'y')
  assert.equal(page.$$('b').length, 600)
  assert.equal(page.$('main + p')?.text(), 'z')
})

test('strings that an extractor keeps do not keep their pages', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const kept: unknown[] = []
  const keep = (number: number): void => {
    const { page, links } = pageOf(
      `<title>a title of some length ${number}</title><meta name=description content="described at length ${number}">
       <a href="/a/long/path/${number}" title="a title of some length ${number}">text of link ${number}</a>${'x'.repeat(1_000_000)}`,
    )
    const a = page.$('a')
    page.follow(a)
    kept.push(page.title, page.meta('description'), page.links(), links)
    kept.push(a?.text(), a?.html(), a?.attr('title'), a?.attr('href'), a?.url())
  }
  keep(0)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 1; i <= 60; i++) keep(i)
  collect()
  const grown = (process.memoryUsage().heapUsed - before) / 1_000_000
  assert.equal(kept.length, 61 * 9)
  assert.ok(grown < 20, `60 pages of 1 MB left ${grown.toFixed(1)} MB`)
})

test('selectors find in well-formed pages what the parser of browsers builds', () => {
  const tree = fc.letrec<{ node: string }>((tie) => ({
    node: fc
      .tuple(
        fc.constantFrom('div', 'span', 'section', 'em'),
        fc.constantFrom('a', 'b', 'a b'),
        fc.array(fc.oneof({ maxDepth: 4 }, fc.constantFrom('t', 'u &amp; v', '<br>'), tie('node')), { maxLength: 4 }),
      )
      .map(([name, classes, children]) => `<${name} class="${classes}">${children.join('')}</${name}>`),
  })).node
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 4 }), fc.constantFrom('div', 'span', 'em'), (nodes, name) => {
      // Blocks inside inline elements are moved by nobody: these four may hold each other.
      const body = nodes.join('')
      const { page } = pageOf(`<body>${body}</body>`)
      const expected = elementsOf(parse(`<body>${body}</body>`)).filter(({ tagName }) => tagName === name)
      const found = page.$$(name)
      assert.deepEqual(
        found.map((el) => el.attr('class')),
        expected.map(({ attrs }) => attrs.find((attribute) => attribute.name === 'class')?.value),
      )
      assert.equal(
        page.$$(`${name}.a`).length,
        expected.filter(({ attrs }) => attrs[0]?.value.includes('a') === true).length,
      )
      assert.equal(
        page.$$(`div > ${name}`).length,
        expected.filter(
          ({ parentNode }) => parentNode !== null && 'tagName' in parentNode && parentNode.tagName === 'div',
        ).length,
      )
    }),
  )
})

function elementsOf(node: DefaultTreeAdapterTypes.ParentNode): DefaultTreeAdapterTypes.Element[] {
  return node.childNodes.flatMap((child) => ('tagName' in child ? [child, ...elementsOf(child)] : []))
}
