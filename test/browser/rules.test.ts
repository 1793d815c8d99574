/** The page of robots.txt and rules, on a crawl that has ended and on one that runs; its figures against the ledger. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBrowser, withoutBrowser } from './browser.ts'
import { atSameEvent, HOSTS, numberIn, onFinished, onLive, open, PRIVATE, tableWorks } from './site.ts'

const FILE = `/rules?origin=${encodeURIComponent('http://site.test')}`
const REFUSING = 'tr.ours:has-text("/private/") td:last-child'

test('rules of robots.txt and scope are shown with what they refused, the unneeded ones too, and tried on a URL', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/rules')
    await tableWorks(page, { total: HOSTS + 1, column: ['refused', 6], search: ['SITE', 1] })
    const { codes } = await atSameEvent(page, opened.folder)
    assert.equal(codes['skipped/ROBOTS_DENIED'], PRIVATE)
    assert.equal(await numberIn(page, 'tr:has-text("http://site.test") td:last-child'), codes['skipped/ROBOTS_DENIED'])
    assert.equal(await numberIn(page, '[data-rule="exclude: **.pdf"]'), codes['skipped/SCOPE_DENIED'])
    assert.equal(await numberIn(page, '[data-rule="exclude: /never/**"]'), 0)
    await page.fill('input[name=url]', 'http://site.test/private/new')
    await page.keyboard.press('Enter')
    assert.match((await page.textContent('[data-verdict=refused]')) ?? '', /line 5: Disallow: \/private\//)
    await page.fill('input[name=url]', 'http://site.test/new.pdf')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-verdict=refused]:has-text("exclude: **.pdf")')
    await page.fill('input[name=url]', 'http://site.test/welcome')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-verdict=allowed]')
    await page.click('td a:has-text("http://site.test")')
    await page.waitForSelector('.lines')
    assert.equal(await numberIn(page, REFUSING), PRIVATE)
    assert.equal(await numberIn(page, 'tr.ours:has-text("/never/") td:last-child'), 0)
    assert.equal(await page.$$eval('.lines tr.ours', (lines) => lines.length), 3)
    assert.deepEqual(errors, [])
  })
})

test('the rules of a crawl that runs are those of its ledger', { skip: withoutBrowser }, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/')
    await opened.origin.until(12, 'site.test')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    await page.goto(new URL('/rules', opened.url).href)
    await page.waitForSelector('tr:has-text("http://site.test")')
    const { codes } = await atSameEvent(page, opened.folder)
    const denied = codes['skipped/ROBOTS_DENIED'] ?? 0
    assert.equal(await numberIn(page, 'tr:has-text("http://site.test") td:last-child'), denied)
    assert.equal(await numberIn(page, '[data-rule="exclude: **.pdf"]'), codes['skipped/SCOPE_DENIED'] ?? 0)
    await page.goto(new URL(FILE, opened.url).href)
    await page.waitForSelector('.lines')
    assert.equal(await numberIn(page, REFUSING), denied)
    assert.deepEqual(errors, [])
  })
})
