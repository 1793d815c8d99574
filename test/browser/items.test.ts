/** The page of items, on a crawl that has ended and on one that runs; its figures against what was stored. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { figure, openBrowser, withoutBrowser } from './browser.ts'
import { atSameEvent, numberIn, onFinished, onLive, open, PRODUCTS, rows, tableWorks } from './site.ts'

function itemsIn(folder: string): Record<string, unknown>[] {
  const text = readFileSync(join(folder, 'items.ndjson'), 'utf8').trimEnd()
  return text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('items are searched, chosen by type and by what they lack, sorted by a field, and downloaded', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/items')
    const items = itemsIn(opened.folder)
    assert.equal(items.length, (PRODUCTS * 9) / 10)
    await tableWorks(page, { total: items.length, column: ['price', 3], search: ['tHING 6', 10] })
    const { extraction } = await atSameEvent(page, opened.folder)
    assert.equal(await figure(page, 'items'), extraction?.items)
    assert.equal(await figure(page, 'rejected'), extraction?.rejected)
    assert.equal(await figure(page, 'pages'), extraction?.pages)
    assert.equal(await numberIn(page, '[data-rejected=price]'), PRODUCTS / 10)
    const books = items.filter(({ kind }) => kind === 'book').length
    await page.click('.chip:has-text("book")')
    await rows(page, books)
    await page.click('.chip:has-text("book")')
    const colored = items.filter((item) => 'color' in item).length
    assert.equal(await numberIn(page, '[data-field=color] td:nth-child(2)'), colored)
    await page.click('[data-field=color] button')
    await rows(page, items.length - colored)
    const href = (await page.getAttribute('a[download]', 'href')) ?? ''
    const file = await (await page.request.get(new URL(href, opened.url).href)).text()
    assert.equal(file.trimEnd().split('\n').length, items.length - colored)
    await page.goto(new URL('/items?sort=price&dir=desc', opened.url).href)
    await page.waitForFunction(
      (most) => document.querySelector('.rows tbody td:nth-child(3)')?.textContent === most,
      String(PRODUCTS - 1),
    )
    assert.deepEqual(errors, [])
  })
})

test('items of a crawl that runs are those it has stored by then, and the latest of each key is one row', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/')
    await opened.origin.until(16, 'site.test')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    await page.click('header a[href="/items"]')
    await page.waitForSelector('.rows tbody tr')
    const { extraction } = await atSameEvent(page, opened.folder)
    const items = itemsIn(opened.folder)
    assert.equal(await figure(page, 'items'), extraction?.items)
    assert.equal(await figure(page, 'rejected'), extraction?.rejected)
    await rows(page, items.length)
    const kinds = new Set(items.map(({ kind }) => kind))
    await page.click('.chip:has-text("name")')
    await rows(page, new Set(items.map(({ name }) => name)).size)
    assert.ok(kinds.size > 0)
    assert.deepEqual(errors, [])
  })
})
