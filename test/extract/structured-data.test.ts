import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from './setup.ts'

test('JSON-LD objects are found in lists and graphs, and broken scripts are passed over', () => {
  const script = (text: string, type = 'application/ld+json'): string => `<script type="${type}">${text}</script>`
  const { page } = pageOf(
    [
      script('{"@type":"Product","name":"a &amp; b"}'),
      script('[{"@type":"A"}, 5, {"@type":"B"}]'),
      script('{"@context":"https://schema.org","@graph":[{"@type":"C"}]}', 'Application/LD+JSON'),
      script('{broken'),
      script('//<![CDATA[\n{"@type":"D"}\n//]]>'),
      script('{"@type":"no"}', 'application/json'),
      script('null'),
    ].join(''),
  )
  assert.deepEqual(page.jsonLd(), [
    { '@type': 'Product', name: 'a &amp; b' },
    { '@type': 'A' },
    { '@type': 'B' },
    { '@type': 'C' },
    { '@type': 'D' },
  ])
})

test('meta elements are read by name and by property', () => {
  const { page } = pageOf(
    `<meta name=Description content=" one "><meta property="og:title" content="T"><meta property="OG:TITLE" content="U">
     <meta property="product:price:amount" content="5"><meta property="plain" content="x"><meta property="__proto__:x">`,
  )
  assert.equal(page.meta('description'), 'one')
  assert.equal(page.meta('og:title'), 'T')
  assert.equal(page.meta('nothing'), undefined)
  assert.deepEqual(page.openGraph(), { 'og:title': 'T', 'product:price:amount': '5' })
})

test('microdata items hold values by element, nested items and what itemref names', () => {
  const { page } = pageOf(
    `<div itemscope itemtype="https://schema.org/Product https://schema.org/Thing" itemid=/p/1 itemref="more gone">
       <h1 itemprop="name title">Tea</h1><a itemprop=url href=/p/1>x</a><time itemprop=when datetime=2024-01-05>Friday</time>
       <div itemprop=offers itemscope itemtype=https://schema.org/Offer><data itemprop=price value=5>five</data></div>
     </div><p id=more><meta itemprop=sku content=77></p>`,
  )
  assert.deepEqual(page.microdata(), [
    {
      type: ['https://schema.org/Product', 'https://schema.org/Thing'],
      id: 'https://shop.example/p/1',
      properties: {
        name: ['Tea'],
        title: ['Tea'],
        url: ['https://shop.example/p/1'],
        when: ['2024-01-05'],
        offers: [{ type: ['https://schema.org/Offer'], properties: { price: ['5'] } }],
        sku: ['77'],
      },
    },
  ])
})

test('microdata that refers to itself or doubles at every step stays bounded', () => {
  const circle = '<div itemscope itemref=a></div><div id=a itemprop=x itemscope itemref=a></div>'
  assert.deepEqual(pageOf(circle).page.microdata(), [{ properties: { x: [{ properties: {} }] } }])
  const steps = Array.from(
    { length: 40 },
    (_, i) =>
      `<p id=l${i} itemprop=l itemscope itemref="l${i + 1} r${i + 1}"></p><p id=r${i} itemprop=r itemscope itemref="l${i + 1} r${i + 1}"></p>`,
  )
  const { page } = pageOf(`<div itemscope itemref="l0 r0"></div>${steps.join('')}`)
  assert.equal(page.microdata().length, 1)
})
