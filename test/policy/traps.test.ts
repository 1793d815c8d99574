import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordingOf } from '../../src/extract/wording.ts'
import { createTrapGuard, type TrapGuard } from '../../src/policy/traps.ts'
import { shapeOf } from '../../src/url/shape.ts'

const BUDGET = 100

function shapes(...urls: string[]): string[] {
  return urls.map((url) => shapeOf(url).path + shapeOf(url).query)
}

/** Reads pages until one closes its shape; undefined when none did. */
function read(guard: TrapGuard, pages: Iterable<readonly [url: string, html: string]>, depth = 3): string | undefined {
  for (const [url, html] of pages) {
    const rule = guard.wants(url) ? guard.note(url, depth, wordingOf(Buffer.from(html), true, url)) : undefined
    if (rule !== undefined) return rule
  }
  return undefined
}

function* numbered(url: string, html: (n: number) => string, count = 5000): Generator<readonly [string, string]> {
  for (let n = 1; n <= count; n++) yield [`${url}${n}`, html(n)]
}

test('URLs of one shape differ in values, order of parameters and subdomain, not in kind', () => {
  const [a, ...same] = shapes(
    'http://site.example/blog/first?page=1&sort=a',
    'http://www.site.example/Blog/other?sort=b&page=7',
    'https://w7.site.example/blog/x?sort=&page=2&page=3',
  )
  assert.equal(a, 'site.example/blog/2?page&sort')
  assert.deepEqual(new Set(same), new Set([a]))
  const others = shapes(
    'http://site.example/blog/first',
    'http://site.example/shop/first?page=1&sort=a',
    'http://site.example/blog/first/more?page=1&sort=a',
    'http://other.example/blog/first?page=1&sort=a',
  )
  assert.equal(new Set([a, ...others]).size, 5)
  assert.deepEqual(shapes('http://a.example/one', 'http://a.example/two'), ['a.example/*/1', 'a.example/*/1'])
})

test('a page says the same in any order, under any address that it repeats, and something else with another picture', () => {
  const all = (html: string, url: string): number => wordingOf(Buffer.from(html), true, url).all
  const page = all('<h1>Results for mill</h1><p>water gate</p>', 'http://a.test/?q=mill')
  assert.equal(all('<p>gate water</p> for <b>Results</b> gravel', 'http://a.test/?q=gravel'), page)
  assert.notEqual(all('<h1>Results for mill</h1><p>water mill</p>', 'http://a.test/'), page)
  assert.notEqual(all('<p><img src=1.png></p>', 'http://a.test/1'), all('<p><img src=2.png></p>', 'http://a.test/2'))
})

test('a shape is closed when as many pages as its budget said nothing new, and only to its own links', () => {
  const guard = createTrapGuard(BUDGET, undefined)
  const rule =
    read(
      guard,
      numbered('http://a.test/day?date=', () => '<p>No events</p>'),
    ) ?? ''
  assert.match(rule, /^trap budget: of 1\d\d pages like a\.test\/day\/1\?date the last 100 said nothing new$/)
  const next = 'http://a.test/day?date=9999'
  assert.deepEqual(guard.check(next, 'http://a.test/day?date=9998'), { code: 'TRAP_LIMIT', reason: rule })
  assert.equal(guard.check(next, 'http://a.test/events/list')?.code, undefined, 'another kind of page leads there')
  assert.equal(guard.check('http://a.test/events/1', 'http://a.test/day?date=1'), undefined)
  const again = createTrapGuard(BUDGET, guard.encode())
  assert.equal(again.check(next, 'http://a.test/day?date=9998')?.code, 'TRAP_LIMIT', 'also after a restart')
})

test('pages that say something new never close their shape, however many they are', () => {
  const guard = createTrapGuard(BUDGET, undefined)
  assert.equal(
    read(
      guard,
      numbered('http://a.test/p/', (n) => `<p>Gauge ${n * 7919} of the river</p>`),
    ),
    undefined,
  )
  assert.equal(guard.isQuiet, true)
  assert.equal(guard.check('http://a.test/p/1', 'http://a.test/p/2'), undefined)
})

test('far from the start numbers are no news', () => {
  const guard = createTrapGuard(BUDGET, undefined)
  const pages = numbered('http://a.test/p/', (n) => `<p>Visitor ${n * 7919}</p>`)
  assert.match(read(guard, pages, 60) ?? '', /^trap budget/)
})

test('an empty list now and then costs a catalogue nothing', () => {
  const guard = createTrapGuard(BUDGET, undefined)
  const pages = numbered('http://a.test/list?page=', (n) =>
    n % 3 === 0 ? '<p>None</p>' : `<p>Item word${n}x</p> ${n * 31}`,
  )
  assert.equal(read(guard, pages), undefined)
})

test('combinations of filters have one budget together, and those that say something stay open', () => {
  const guard = createTrapGuard(BUDGET, undefined)
  const names = ['size', 'color', 'sort', 'brand', 'year', 'stock']
  function* filters(): Generator<readonly [string, string]> {
    for (let n = 0; n < 20_000; n++) {
      const chosen = names.filter((_, i) => (n >> i) & 1)
      if (chosen.length > 1)
        yield [`http://a.test/list?${chosen.map((name) => `${name}=${n}`).join('&')}`, '<p>All</p>']
      if (n % 4 === 0) yield [`http://a.test/list?q=${n}&lang=en`, `<p>${(n * 7919) % 100_003} found</p>`]
    }
  }
  assert.match(read(guard, filters()) ?? '', /like a\.test\/list\/1\?…/)
  const from = 'http://a.test/list?size=1&color=2'
  assert.equal(guard.check('http://a.test/list?size=1&sort=2&year=3', from)?.code, 'TRAP_LIMIT')
  assert.equal(guard.check('http://a.test/list?q=1&lang=en', from), undefined)
})
