/** The page that compares two jobs, on crawls that have ended and on one that runs; its figures against `sluice diff`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffJobs, diffSides } from '../../src/job/index.ts'
import type { JobsDiff } from '../../src/job/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { figure, openBrowser, withoutBrowser } from './browser.ts'
import { onFinished, onLive, open, PRODUCTS, rows, tableWorks } from './site.ts'

async function diffOf(before: string, now: string, cwd: string): Promise<JobsDiff> {
  const [one, other] = diffSides([before, now], cwd)
  const changes = diffJobs({ before: one, now: other, by: undefined })
  for (;;) {
    const next = await changes.next()
    if (next.done === true) return next.value
  }
}

test('two jobs are compared: what is new, gone and changed, and items field by field', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { cwd, origin } = opened
    // The prices go up, and the pages of products change with them.
    await runCli(
      ['crawl', 'http://site.test/', '-j', 'later', '--extract', 'dearer.mjs', ...fast(origin), '--retries', '0'],
      { cwd },
    )
    const { page, errors } = await open(opened, '/compare')
    await page.selectOption('select[name=before]', 'site')
    await page.selectOption('select[name=now]', 'later')
    await page.waitForSelector('[data-figure=new]')
    const { urls, items } = await diffOf('site', 'later', cwd)
    for (const word of ['new', 'gone', 'changed', 'same'] as const)
      assert.equal(await figure(page, word), urls[word], word)
    assert.equal(await figure(page, 'item-changed'), items?.changed)
    assert.equal(items?.changed, (PRODUCTS * 9) / 10)
    const all = urls.new + urls.gone + urls.changed + urls.moved + items.changed + items.new + items.gone
    await tableWorks(page, { total: all, column: ['what', 2], search: ['Thing 1', 10] })
    await page.click('.chip:has-text("item.changed")')
    await rows(page, items.changed)
    await page.fill('input[type=search]', 'thing 11')
    await rows(page, 1)
    assert.match((await page.textContent('.rows tbody td:nth-child(3)')) ?? '', /price11/)
    assert.match((await page.textContent('.rows tbody td:nth-child(4)')) ?? '', /price12/)
    assert.deepEqual(errors, [])
  })
})

test('a crawl that runs is compared with one that has ended, as far as it has come', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, {}, async (opened) => {
    const { cwd, origin } = opened
    await runCli(['fetch', 'http://site.test/', '-j', 'other', ...fast(origin)], { cwd })
    const { page, errors } = await open(opened, '/')
    await origin.until(12, 'site.test')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    await page.goto(new URL('/compare?before=other', opened.url).href)
    await page.waitForSelector('[data-figure=new]')
    const { urls } = await diffOf('other', 'site', cwd)
    assert.ok(urls.new > 0)
    for (const word of ['new', 'gone', 'same'] as const) assert.equal(await figure(page, word), urls[word], word)
    assert.deepEqual(errors, [])
  })
})
