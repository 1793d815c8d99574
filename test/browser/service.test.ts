/** The page of a service in a real browser: a job is made, seen, opened, stopped and deleted; five languages, two themes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { LANGUAGES } from '../../src/locales/catalog.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'
import { startService, until } from '../server/running-service.ts'
import type { RunningService } from '../server/running-service.ts'
import { figure, openBrowser, withoutBrowser } from './browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function jobsPage(
  browser: Browser,
  service: RunningService,
  { language = 'en', scheme = 'light' }: { readonly language?: string; readonly scheme?: 'light' | 'dark' } = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ locale: language, colorScheme: scheme, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(`${service.url}#k=${service.key}`)
  await page.waitForSelector('[data-count]')
  return { page, errors }
}

test('jobs of a service are made, opened, stopped and deleted on its page, in five languages and two themes', {
  skip: withoutBrowser,
}, async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': '<title>page</title>' }, answerMs: 20 } } })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    const service = await startService(cwd, origin, '--delay', '0')
    try {
      const urls = Array.from({ length: 20 }, (_, n) => `http://a.test/p/${n}`)
      await service.post('/api/jobs/fetch', { urls, name: 'list' })
      const { page, errors } = await jobsPage(browser, service)
      assert.ok(!page.url().includes('k='), 'the key is out of the address')
      await page.click('details.new summary')
      await page.fill('textarea[name=urls]', 'http://a.test/p/100\nhttp://a.test/p/101\n')
      await page.selectOption('select[name=kind]', 'fetch')
      await page.fill('input[name=name]', 'typed')
      await page.click('[data-control=create]')
      await page.waitForSelector('tbody tr:has-text("typed") .badge.finished')
      await page.waitForSelector('tbody tr:has-text("list") .badge.finished')
      assert.equal(await page.textContent('tbody tr:has-text("list") td:nth-child(4)'), '20')
      await page.click('tbody tr:has-text("list") a')
      await page.waitForSelector('[data-figure=known]')
      assert.equal(await figure(page, 'known'), 20)
      assert.match(page.url(), /\/jobs\/list\/$/)
      for (const name of ['/urls', '/hosts', '/errors', '/settings']) {
        await page.click(`nav a[href$="/jobs/list${name}"]`)
        await page.waitForFunction((path) => location.pathname.endsWith(path), name)
      }
      await page.goto(`${service.url}jobs/list/urls?state=ok`)
      await page.waitForSelector('[data-count="20"]')
      await page.click('.brand a')
      await page.waitForSelector('tbody tr:has-text("typed")')
      await page.click('tbody tr:has-text("typed") button:has-text("Delete")')
      await page.fill('tbody tr:has-text("typed") form input', 'typed')
      await page.click('tbody tr:has-text("typed") button.danger')
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
      await until(
        async () => (await service.get('/api/jobs')).json.matched,
        (matched) => matched === 1,
      )
      assert.deepEqual(errors, [])
      for (const language of LANGUAGES) {
        for (const scheme of ['light', 'dark'] as const) {
          const seen = await jobsPage(browser, service, { language, scheme })
          await seen.page.click('details.new summary')
          await seen.page.evaluate(AXE)
          const found = await seen.page.evaluate(async () => {
            interface Violation {
              readonly id: string
              readonly impact: string
              readonly nodes: readonly { readonly html: string }[]
            }
            const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: readonly Violation[] }> } }
            const { violations } = await axe.run()
            return violations
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
          })
          assert.deepEqual(found, [], `${language} ${scheme}`)
          assert.equal(await seen.page.getAttribute('html', 'lang'), language)
          await seen.page.context().close()
        }
      }
    } finally {
      await service.stop()
    }
  })
})
