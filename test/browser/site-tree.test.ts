/** The page of the site's tree, on a crawl that has ended and on one that runs; its figures against the ledger. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openReader } from '../../src/frontier/sqlite/read.ts'
import { figure, openBrowser, withoutBrowser } from './browser.ts'
import { atSameEvent, HOSTS, numberIn, onFinished, onLive, open, PRODUCTS, rows, tableWorks } from './site.ts'

const IN_SITE = `/site?in=${encodeURIComponent('http://site.test/')}`

/** Outcomes and bytes of the URLs that begin with something. */
function tally(folder: string, prefix: string): { ok: number; gone: number; done: number; bytes: number } {
  const reader = openReader(folder)
  try {
    const records = reader.ledger({ afterSeq: 0, limit: 10_000 }).map(({ record }) => record)
    const inside = records.filter(({ url }) => url.startsWith(prefix))
    return {
      ok: inside.filter(({ outcome }) => outcome === 'ok').length,
      gone: inside.filter(({ outcome }) => outcome === 'gone').length,
      done: inside.length,
      bytes: inside.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    }
  } finally {
    reader.close()
  }
}

test('the tree of paths opens a level at a time, and each folder counts what is in it and below', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/site')
    await tableWorks(page, { total: HOSTS + 1, column: ['known', 2], search: ['site.', 1] })
    const { known, done } = await atSameEvent(page, opened.folder)
    assert.equal(await figure(page, 'treeKnown'), known)
    assert.equal(await figure(page, 'treeGone'), done.gone)
    await page.click('td a:has-text("http://site.test/")')
    await rows(page, 4)
    const { ok, gone, done: settled } = tally(opened.folder, 'http://site.test/')
    assert.equal(await figure(page, 'treeKnown'), settled)
    assert.equal(await figure(page, 'treeOk'), ok)
    assert.equal(await figure(page, 'treeGone'), gone)
    assert.equal(await numberIn(page, 'tr:has-text("product/") td:nth-child(3)'), PRODUCTS)
    const answer = await page.request.get(new URL(`/api${IN_SITE}`, opened.url).href)
    const { folder } = (await answer.json()) as { folder: { bytes: number } }
    assert.equal(folder.bytes, tally(opened.folder, 'http://site.test/').bytes)
    await page.click('td a:has-text("none/")')
    await page.waitForURL(/\/urls\?q=/)
    await rows(page, 12)
    await page.goBack()
    await page.click('nav.crumbs a:first-child')
    await rows(page, HOSTS + 1)
    assert.deepEqual(errors, [])
  })
})

test('the tree of a crawl that runs grows with it', { skip: withoutBrowser }, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, IN_SITE)
    await opened.origin.until(10, 'site.test')
    await page.waitForSelector('tr:has-text("product/")')
    await page.click('header a[href="/"]')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    await page.goto(new URL(IN_SITE, opened.url).href)
    await page.waitForSelector('[data-figure=treeOk]')
    await atSameEvent(page, opened.folder)
    const { ok, gone, done } = tally(opened.folder, 'http://site.test/')
    assert.equal(await figure(page, 'treeOk'), ok)
    assert.equal(await figure(page, 'treeGone'), gone)
    assert.equal((await figure(page, 'treeKnown')) - (await figure(page, 'treeLeft')), done)
    assert.ok(ok > 0)
    assert.deepEqual(errors, [])
  })
})
