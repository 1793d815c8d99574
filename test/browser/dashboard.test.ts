/** The dashboard in a real browser, on a job that runs and on one that has ended; its figures against the ledger. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { openStatus } from '../../src/job/index.ts'
import { LANGUAGES } from '../../src/locales/catalog.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { fast, polite } from '../integration/web.ts'
import { figure, look, openBrowser, withoutBrowser } from './browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TABLES = ['/urls', '/hosts', '/errors', '/sql']
const PAGES = ['/site', '/items', '/rules', '/rules?origin=http%3A%2F%2Fa.test', '/compare', '/workers', '/audit']

/** 260 good pages on a.test, 120 missing ones on b.test, one host that does not exist. */
function writeList(cwd: string): void {
  const urls = [
    ...Array.from({ length: 260 }, (_, n) => `http://a.test/p/${n}`),
    ...Array.from({ length: 120 }, (_, n) => `http://b.test/none/${n}`),
    'http://c.test/down',
  ]
  writeFileSync(join(cwd, 'urls.txt'), urls.map((url) => `${url}\n`).join(''))
}

const SITES = {
  '*': { pages: { '/p/*': { body: '<title>a page</title>' } } },
  'c.test': { pages: { '/down': { status: 500, body: 'no' } } },
}

/** Starts `sluice ui`; resolves with the address that it prints. */
async function openUi(cwd: string): Promise<{ url: string; close(): Promise<void> }> {
  const { child, ended } = start(['ui', 'urls'], { cwd })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (text: string) => resolve(text.trim()))
    ended.then(({ stderr }) => reject(new Error(stderr)), reject)
  })
  return {
    url,
    close: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function count(page: Page): Promise<number> {
  return Number(await page.getAttribute('[data-count]', 'data-count'))
}

/** Waits until the table shows this many rows in all. */
async function rows(page: Page, expected: number): Promise<void> {
  await page.waitForSelector(`[data-count="${expected}"]`)
}

test('a job that has ended: every table is searched, sorted and paged, and its figures are those of the ledger', {
  skip: withoutBrowser,
}, async (t) => {
  const origin = await startOrigin({ sites: SITES })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    writeList(cwd)
    await runCli(['fetch', 'urls.txt', ...fast(origin), '--retries', '0'], { cwd })
    const ui = await openUi(cwd)
    try {
      const { page, errors } = await look(browser, ui.url)
      assert.ok(!page.url().includes('k='), 'the key is out of the address')
      const status = await openStatus(join(cwd, 'urls.sluice'))
      assert.equal(await figure(page, 'known'), 381)
      for (const [name, value] of [
        ['done', status.doneTotal],
        ['left', status.left.total],
        ['ok', status.done.ok],
        ['gone', status.done.gone],
        ['failed', status.done.failed],
        ['hosts', status.hosts],
      ] as const)
        assert.equal(await figure(page, name), value, name)

      await page.click('header a[href="/urls"]')
      await rows(page, 381)
      await page.click('nav.pages button:last-child')
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 31)
      await page.click('nav.pages button:first-child')
      await page.fill('input[type=search]', 'NONE/11')
      // 11, and 110 to 119.
      await rows(page, 11)
      await page.fill('input[type=search]', '')
      await page.click('.chip.gone')
      await rows(page, 120)
      await page.click('.chip.gone')
      await page.click('th:has-text("status") button')
      await page.click('th:has-text("status") button')
      await page.waitForFunction(() => document.querySelector('tbody tr td:nth-child(3)')?.textContent === '500')
      await page.reload()
      await page.waitForFunction(() => document.querySelector('tbody tr td:nth-child(3)')?.textContent === '500')
      await page.click('tbody tr:first-child a')
      await page.waitForSelector('.trail')
      assert.match((await page.textContent('main')) ?? '', /http:\/\/c\.test\/down/)

      await page.click('header a[href="/hosts"]')
      await rows(page, 3)
      await page.click('th:has-text("known") button')
      await page.click('th:has-text("known") button')
      await page.waitForFunction(() => document.querySelector('tbody tr td')?.textContent === 'a.test')
      await page.fill('input[type=search]', 'b.t')
      await rows(page, 1)

      await page.click('header a[href="/errors"]')
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2)
      assert.equal(await count(page), 2)
      await page.click('header a[href="/settings"]')
      await page.waitForSelector('th:has-text("retries")')
      assert.deepEqual(errors, [])
    } finally {
      await ui.close()
    }
  })
})

test('a job that runs is paused, resumed and stopped in the browser, and the origin sees it', {
  skip: withoutBrowser,
}, async (t) => {
  const origin = await startOrigin({ sites: SITES })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    writeList(cwd)
    const job = start(['fetch', 'urls.txt', ...polite(origin), '--delay', '30ms', '--ui'], { cwd })
    await job.said('#k=')
    const { page, errors } = await look(browser, /http:\S+#k=\S+/.exec(job.stderr())?.[0] ?? '')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    const arrived = origin.ledger().count
    await page.waitForSelector('[data-control=resume]')
    const left = await figure(page, 'left')
    assert.ok(left > 0)
    // Whatever was under way when it paused has been answered: nothing new came since.
    assert.ok(origin.ledger().count - arrived <= 2)
    await page.click('[data-control=resume]')
    await page.waitForSelector('.badge.running')
    await origin.until(arrived + 5)
    await page.click('[data-control=stop]')
    assert.deepEqual(errors, [])
    await page.click('[data-control=stop-yes]')
    assert.equal((await job.ended).code, 130)
  })
})

test('the delay of a host and blocking it reach the next fetch, and are kept', { skip: withoutBrowser }, async (t) => {
  const origin = await startOrigin({ sites: SITES })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    writeList(cwd)
    const job = start(['fetch', 'urls.txt', ...polite(origin), '--delay', '50ms', '--ui'], { cwd })
    await job.said('#k=')
    const { page, errors } = await look(browser, /http:\S+#k=\S+/.exec(job.stderr())?.[0] ?? '')
    await page.click('header a[href="/hosts"]')
    await page.click('tr:has-text("b.test") [data-control=block]')
    assert.match((await page.textContent('form.dialog')) ?? '', /URLs? left/)
    await page.click('[data-control=set-yes]')
    await page.waitForSelector('tr:has-text("b.test") [role=status]:has-text("now")')
    const blocked = origin.ledger('b.test').count
    await page.click('tr:has-text("a.test") [data-control=delay]')
    await page.fill('input[name=delay]', '300ms')
    await page.keyboard.press('Enter')
    await page.waitForSelector('tr:has-text("a.test") [role=status]:has-text("now")')
    const from = origin.ledger('a.test').count
    await origin.until(from + 4, 'a.test')
    const arrivals = [...origin.ledger('a.test').arrivals()].slice(from)
    const gaps = arrivals.slice(1).map(({ arrivedAt }, i) => arrivedAt - (arrivals[i]?.endedAt ?? 0))
    assert.ok(gaps.length > 0 && gaps.every((gap) => gap >= 299), `gaps ${gaps.join(', ')}`)
    // What was in flight when it was blocked has been answered since.
    assert.ok(origin.ledger('b.test').count - blocked <= 1)
    assert.deepEqual(errors, [])
    await runCli(['stop'], { cwd })
    await job.ended
    const before = origin.ledger('b.test').count
    assert.match((await runCli(['set', 'urls', 'a.test', 'delay=0'], { cwd })).stderr, /next run/)
    const stopped = origin.ledger('a.test').count
    await runCli(['resume', '--delay', '0'], { cwd })
    const rest = [...origin.ledger('a.test').arrivals()].slice(stopped)
    const tookMs = (rest.at(-1)?.arrivedAt ?? 0) - (rest[0]?.arrivedAt ?? 0)
    assert.ok(rest.length > 50 && tookMs < rest.length * 200, `${rest.length} pages in ${tookMs} ms`)
    assert.equal(origin.ledger('b.test').count, before)
    const { codes } = await openStatus(join(cwd, 'urls.sluice'))
    assert.equal(codes['skipped/HOST_BLOCKED'], 120 - (await openStatus(join(cwd, 'urls.sluice'))).done.gone)
  })
})

test('a group of failures is counted, then queued again', { skip: withoutBrowser }, async (t) => {
  const origin = await startOrigin({ sites: SITES })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    writeList(cwd)
    await runCli(['fetch', 'urls.txt', ...fast(origin), '--retries', '0'], { cwd })
    const ui = await openUi(cwd)
    try {
      const { page } = await look(browser, ui.url)
      await page.click('header a[href="/errors"]')
      await page.click('tr:has-text("b.test") [data-control=retry]')
      assert.match((await page.textContent('[data-control=retry-yes]')) ?? '', /120/)
      await page.click('[data-control=retry-yes]')
      await page.click('header a[href="/"]')
      await page.waitForFunction(
        () => document.querySelector('[data-figure=left]')?.textContent?.replaceAll(/\D/g, '') === '120',
      )
      assert.equal((await openStatus(join(cwd, 'urls.sluice'))).left.total, 120)
    } finally {
      await ui.close()
    }
  })
})

test('no serious barrier in five languages, light and dark, and all of it by keyboard', {
  skip: withoutBrowser,
}, async (t) => {
  const origin = await startOrigin({ sites: SITES })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    writeList(cwd)
    await runCli(['fetch', 'urls.txt', ...fast(origin), '--retries', '0'], { cwd })
    const ui = await openUi(cwd)
    try {
      for (const language of LANGUAGES) {
        for (const scheme of ['light', 'dark'] as const) {
          const { page } = await look(browser, ui.url, { language, scheme })
          assert.equal(await page.getAttribute('html', 'lang'), language)
          for (const path of ['/', ...TABLES, ...PAGES, '/settings', '/url?url=http%3A%2F%2Fa.test%2Fp%2F1']) {
            await page.goto(new URL(path, ui.url).href)
            await page.waitForSelector(path === '/' ? '[data-figure=known]' : 'tbody tr, .trail, main .empty, .cards')
            await page.evaluate(AXE)
            const found = await page.evaluate(async () => {
              const axe = (globalThis as unknown as { axe: { run(): Promise<{ violations: readonly Violation[] }> } })
                .axe
              interface Violation {
                readonly id: string
                readonly impact: string
                readonly nodes: readonly { readonly html: string }[]
              }
              const { violations } = await axe.run()
              return violations
                .filter(({ impact }) => impact === 'serious' || impact === 'critical')
                .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
            })
            assert.deepEqual(found, [], `${language} ${scheme} ${path}`)
          }
          await page.context().close()
        }
      }
      const { page } = await look(browser, ui.url)
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement?.className), 'skip')
      for (
        let i = 0;
        i < 20 && (await page.evaluate(() => document.activeElement?.getAttribute('href'))) !== '/urls';
        i++
      )
        await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await rows(page, 381)
      await page.waitForFunction(() => document.activeElement?.id === 'main')
      await page.keyboard.press('Tab')
      await page.keyboard.type('p/25')
      // p/25 and p/250 to p/259.
      await rows(page, 11)
    } finally {
      await ui.close()
    }
  })
})
