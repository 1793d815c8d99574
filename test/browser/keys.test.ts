/** The dashboard by keyboard alone: pages by digits, the search, a rule tried, URLs counted before they are added. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBrowser, withoutBrowser } from './browser.ts'
import { onFinished, open, rows } from './site.ts'

test('pages, search, a rule that is tried and URLs that are counted need no pointer', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { page, errors } = await open(opened, '/')
    await page.waitForSelector('[data-figure=known]')
    const focused = (selector: string): Promise<unknown> =>
      page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector)
    const tabTo = async (selector: string): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return
        await page.keyboard.press('Tab')
      }
      assert.fail(`${selector} is not reached by Tab`)
    }
    await page.keyboard.press('?')
    await page.waitForSelector('dialog[open]')
    assert.match((await page.textContent('dialog')) ?? '', /Robots & rules/)
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog:not([open])', { state: 'attached' })
    await page.keyboard.press('2')
    await focused('main')
    await page.keyboard.press('/')
    await focused('input[type=search]')
    await page.keyboard.type('product/1')
    await rows(page, 11)
    // A digit that is typed is text, not a way to another page.
    assert.equal(new URL(page.url()).pathname, '/urls')
    // Twice: the language comes first, and a letter chooses one there.
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('7')
    await page.waitForURL(/\/rules$/)
    await tabTo('input[name=url]')
    await page.keyboard.type('http://site.test/private/1')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-verdict=refused]')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('1')
    await tabTo('[data-control=add]')
    await page.keyboard.press('Enter')
    await tabTo('textarea[name=urls]')
    await page.keyboard.type('http://site.test/by/keyboard')
    await tabTo('[data-control=add-count]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[data-preview="1"]')
    await page.reload()
    await page.waitForSelector('[data-figure=known]')
    await page.keyboard.press('?')
    await tabTo('dialog input[type=checkbox]')
    await page.keyboard.press('Space')
    await page.keyboard.press('Escape')
    await page.keyboard.press('2')
    await page.waitForSelector('dialog:not([open])', { state: 'attached' })
    assert.equal(new URL(page.url()).pathname, '/', 'keys that were turned off do nothing')
    assert.deepEqual(errors, [])
  })
})
