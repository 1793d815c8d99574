/** JSONPath, XPath, bounded regular expressions, articles, RDFa and PDF files, as extractors ask for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineExtractor } from '../../src/extract/define.ts'
import type { Extractor } from '../../src/extract/define.ts'
import { optionalPackage } from '../../src/extract/optional-package.ts'
import { runExtractor } from '../../src/extract/run-extractor.ts'
import { SluiceError } from '../../src/model/errors.ts'
import { pdfOf } from './pdf-file.ts'
import { input, pageOf } from './setup.ts'

test('a JSONPath query finds values in the order of the document', () => {
  const text = JSON.stringify({ items: [{ n: 'a', p: 5 }, { n: 'b', p: 20 }, { n: 'c' }], more: { p: 7 } })
  const { page } = pageOf(text, { contentType: 'application/json' })
  assert.deepEqual(page.jsonPath('$.items[?@.p < 10].n'), ['a'])
  assert.deepEqual(page.jsonPath('$..p'), [5, 20, 7])
  assert.deepEqual(page.jsonPath('$.items[-1:].n'), ['c'])
  assert.deepEqual(page.jsonPath('$.none'), [])
  assert.throws(
    () => page.jsonPath('$.items['),
    (error) =>
      error instanceof SluiceError && error.code === 'OPTION_INVALID' && /"\$\.items\[" is not/.test(error.message),
  )
  assert.throws(() => pageOf('{', { contentType: 'application/json' }).page.jsonPath('$'), SyntaxError)
})

test('an XPath gives texts of elements and attributes, numbers and truths', () => {
  const { page } = pageOf(
    `<h1>A  <i>b</i></h1><ul><li class=x>1<li>2<li data-n=3><a href=/l>L</a></ul><p>one<!-- c --> two</p>`,
  )
  assert.deepEqual(page.xpath('//h1'), ['A b'])
  assert.deepEqual(page.xpath('//li/@data-n | //a/@href'), ['3', '/l'])
  assert.deepEqual(page.xpath('//li[contains(@class, "x")]/following-sibling::li[1]/text()'), ['2'])
  assert.deepEqual(page.xpath('count(//li)'), [3])
  assert.deepEqual(page.xpath('//h1 = "none"'), [false])
  assert.deepEqual(page.xpath('//p/text()'), ['one two'])
  assert.deepEqual(page.xpath('//table'), [])
  assert.throws(
    () => page.xpath('//['),
    (error) => error instanceof SluiceError && error.code === 'OPTION_INVALID',
  )
  const xml = pageOf('<a:Feed><Entry N="1"/></a:Feed>', { contentType: 'application/xml' }).page
  assert.deepEqual(xml.xpath('//Entry/@N'), ['1'])
})

test('regular expressions find like exec, and one that runs away fails its page by name', async () => {
  const { page } = pageOf('<b>id=17</b> id=18')
  assert.equal(page.match(/id=(?<n>\d+)/)?.groups?.['n'], '17')
  assert.equal(page.match(/none/), undefined)
  assert.deepEqual(
    page.matches(/id=(\d+)/).map(([, n]) => n),
    ['17', '18'],
  )
  assert.deepEqual(
    page.matches(/a/gi, 'xAa').map(({ index }) => index),
    [1, 2],
  )
  const extractor = defineExtractor({
    extract: (each) => [{ found: each.match(/^(a+)+$/, `${'a'.repeat(60)}b`, 20) !== undefined }],
  }) as Extractor
  const { failure, items } = await runExtractor([extractor], input('x'))
  assert.equal(failure?.code, 'EXTRACT_TIMEOUT')
  assert.match(failure.message, /the expression \/\^\(a\+\)\+\$\/ did not end within 20 ms/)
  assert.match(failure.frame ?? '', /each\.match/)
  assert.deepEqual(items, [])
  // What was stopped leaves the next one alone.
  assert.equal(page.match(/b>/)?.[0], 'b>')
})

test('an article is the readable part of a page with what it says of itself', () => {
  const paragraph =
    'A sluice washes gold out of gravel, and lets water through only as fast as the bed can take it, which is the point. '
  const { page } = pageOf(
    `<html lang=en><head><title>Gold | Site</title><meta property="og:site_name" content="Site">
      <script type="application/ld+json">{"@context":"https://schema.org","@type":"Article","headline":"Gold","author":{"name":"Ana"},
      "datePublished":"2024-02-29"}</script></head>
      <body><nav><a href=/>Home</a> <a href=/x>More</a></nav><article><h1>Gold</h1>
      <p onclick="x()">${paragraph.repeat(3)}</p><p>${paragraph.repeat(3)} <a href="/two">two</a></p><script>bad()</script></article>
      <footer>Imprint</footer></body></html>`,
  )
  const article = page.article()
  assert.equal(article?.title, 'Gold')
  assert.equal(article.byline, 'Ana')
  assert.equal(article.siteName, 'Site')
  assert.equal(article.language, 'en')
  assert.equal(article.published, '2024-02-29')
  assert.equal(article.text.split('\n\n').length, 2)
  assert.ok(article.text.startsWith('A sluice washes gold'))
  assert.doesNotMatch(article.text, /Home|Imprint|bad/)
  assert.match(article.html, /<a href="https:\/\/shop\.example\/two">two<\/a>/)
  assert.doesNotMatch(article.html, /onclick|script/)
  assert.equal(pageOf('').page.article(), undefined)
})

test('RDFa gives items like those of microdata', () => {
  const { page } = pageOf(
    `<div vocab="https://schema.org/" typeof="Product" resource="/p/1"><h1 property="name">A <b>b</b></h1>
      <img property="image" src="i.png"><meta property="sku" content=" 17 "><time property="releaseDate" datetime="2024-02-29">x</time>
      <div property="offers" typeof="Offer"><span property="price">5</span><link property="availability" href="https://schema.org/InStock"></div>
      <span property="name alternateName">C</span><span property="og:title">O</span>
      <div typeof="Thing"><span property="name">apart</span></div></div>
      <p resource="/p/1"><span property="https://x.example/note">later</span></p>
      <span property="name">of nothing</span><div prefix="ex: https://ex.example/#" typeof="ex:T"><i property="ex:p">v</i></div>`,
  )
  assert.deepEqual(page.rdfa(), [
    {
      type: ['https://schema.org/Product'],
      id: 'https://shop.example/p/1',
      properties: {
        image: ['https://shop.example/c/i.png'],
        sku: ['17'],
        releaseDate: ['2024-02-29'],
        offers: [
          {
            type: ['https://schema.org/Offer'],
            properties: { price: ['5'], availability: ['https://schema.org/InStock'] },
          },
        ],
        name: ['A b', 'C'],
        alternateName: ['C'],
        'http://ogp.me/ns#title': ['O'],
        'https://x.example/note': ['later'],
      },
    },
    { type: ['https://schema.org/Thing'], properties: { name: ['apart'] } },
    { type: ['https://ex.example/#T'], properties: { 'https://ex.example/#p': ['v'] } },
  ])
  assert.deepEqual(pageOf('<div typeof>').page.rdfa(), [])
})

test('a PDF file tells its title, dates, pages and outline', async () => {
  const bytes = pdfOf({
    info: { Title: 'On Gold', Author: 'Ana', CreationDate: "D:20240229101500+02'00'", ModDate: 'D:2024' },
    pages: ['First page', 'Second page'],
    outline: [
      { title: 'One', page: 1, items: [{ title: 'One and a half', page: 2, items: [] }] },
      { title: 'Two', page: 2, items: [] },
    ],
  })
  const { page } = pageOf(bytes, { contentType: 'application/octet-stream' })
  const file = await page.pdf()
  assert.ok(file !== undefined)
  try {
    assert.equal(file.pages, 2)
    assert.deepEqual(file.info, {
      title: 'On Gold',
      author: 'Ana',
      created: '2024-02-29T08:15:00.000Z',
      modified: '2024-01-01T00:00:00.000Z',
      version: '1.4',
    })
    assert.deepEqual(file.outline, [
      { title: 'One', page: 1, items: [{ title: 'One and a half', page: 2, items: [] }] },
      { title: 'Two', page: 2, items: [] },
    ])
    assert.equal((await file.text(2)).trim(), 'Second page')
  } finally {
    await file.close()
  }
  assert.equal(await pageOf('<p>no').page.pdf(), undefined)
  await assert.rejects(async () => pageOf('%PDF-1.4 broken').page.pdf(), /cannot read the PDF file/)
})

test('a package that is not there is named with the command that installs it', () => {
  assert.throws(
    () => optionalPackage('no-such-package', 'page.nothing()', 'no-such-package other'),
    (error) =>
      error instanceof SluiceError &&
      error.code === 'DEPENDENCY_MISSING' &&
      error.message === 'page.nothing() needs the packages no-such-package and other' &&
      error.hint === 'npm install no-such-package other',
  )
})
