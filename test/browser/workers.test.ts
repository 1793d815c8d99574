/** The page of the job's process and its extractor threads, live and after the end; its figures against the ledger. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openView } from '../../src/job/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { figure, openBrowser, withoutBrowser } from './browser.ts'
import { atSameEvent, numberIn, onFinished, onLive, open } from './site.ts'

test('the process of a crawl, its threads and their memory are shown while it runs', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, { flags: ['--workers', '2'] }, async (opened) => {
    await opened.origin.until(12, 'site.test')
    const { page, errors } = await open(opened, '/')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    await page.click('header a[href="/workers"]')
    await page.waitForSelector('[data-thread="1"]')
    const { owner, left, extraction } = await atSameEvent(page, opened.folder)
    assert.equal(await figure(page, 'pid'), owner?.pid)
    assert.equal(await figure(page, 'flying'), left.inFlight)
    await page.waitForFunction(
      (pages) =>
        [...document.querySelectorAll('[data-thread] td:nth-child(2)')].reduce(
          (sum, cell) => sum + Number(cell.textContent),
          0,
        ) === pages,
      extraction?.pages,
    )
    // Of the system, as the page says it: within what a process of this kind changes by in a few seconds.
    const status = readFileSync(`/proc/${owner?.pid}/status`, 'utf8')
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
    const shown = Number.parseFloat((await page.textContent('[data-figure=rss]')) ?? '')
    assert.ok(Math.abs(shown - rss) < rss / 2, `${shown} MB shown, ${rss} MB`)
    assert.deepEqual(errors, [])
  })
})

test('pages that were set aside are named with the reason after the job has ended', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, {}, async (opened) => {
    const { cwd, origin, folder } = opened
    const { page, errors } = await open(opened, '/workers')
    await page.waitForSelector('main .empty')
    const { doneTotal } = await atSameEvent(page, folder)
    assert.equal((await page.getAttribute('[data-figure=seq]', 'data-seq').then(Number)) >= doneTotal, true)
    await page.close()
    await runCli(
      [
        'crawl',
        'http://site.test/',
        '-j',
        'site',
        '--fresh',
        '--extract',
        'mean.mjs',
        '--retries',
        '0',
        ...fast(origin),
      ],
      { cwd },
    )
    const view = openView(folder)
    await view.advance()
    const { codes } = await view.status()
    await view.close()
    assert.equal(codes['failed/EXTRACT_CRASHED'], 2)
    const again = await openAnother(opened)
    try {
      const { page: other } = await open({ ...opened, url: again.url }, '/workers')
      await other.waitForSelector('[data-aside=EXTRACT_CRASHED]')
      assert.equal(await numberIn(other, '[data-aside=EXTRACT_CRASHED]'), codes['failed/EXTRACT_CRASHED'])
      assert.match((await other.textContent('.complaints')) ?? '', /ended its thread/)
    } finally {
      await again.close()
    }
    assert.deepEqual(errors, [])
  })
})

/** The folder is another one after `--fresh`. */
async function openAnother({ folder }: { folder: string }): Promise<{ url: string; close(): Promise<void> }> {
  const { openDashboard } = await import('../../src/server/index.ts')
  return openDashboard({ folder, language: 'en' })
}
