/** The report of a job, opened from the disk without a server or a script; its figures against the ledger. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { openStatus } from '../../src/job/index.ts'
import { LANGUAGES } from '../../src/locales/catalog.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { figure, openBrowser, withoutBrowser } from './browser.ts'
import { barriers } from './site.ts'

const HOSTILE = '<img src=x onerror=alert(1)><script>document.title="taken"</script>'

test('a report reads from the disk without a script, in five languages, and what is hostile in it is text', {
  skip: withoutBrowser,
}, async (t) => {
  const origin = await startOrigin({
    sites: {
      '*': {
        pages: {
          '/': {
            body: `<a href="/none/${encodeURIComponent(HOSTILE)}">x</a><a href="/p/1">1</a><a href="/no/2">2</a>`,
          },
          '/p/*': { body: '<title>page</title>' },
          '/robots.txt': { body: 'User-agent: *\nDisallow: /no/<script>\nDisallow: /no/\n' },
        },
      },
    },
  })
  t.after(() => origin.close())
  const browser = await openBrowser()
  t.after(() => browser.close())
  await inFolder(async (cwd) => {
    await runCli(['crawl', 'http://a.test/', '-j', 'a', '--exclude', '/x/<script>alert(1)</script>', ...fast(origin)], {
      cwd,
    })
    const { known, done, left } = await openStatus(join(cwd, 'a.sluice'))
    for (const language of LANGUAGES) {
      const { code, stderr } = await runCli(['report', 'a', '-o', `report-${language}.html`, '--lang', language], {
        cwd,
      })
      assert.equal(code, 0, stderr)
      const file = join(cwd, `report-${language}.html`)
      const html = readFileSync(file, 'utf8')
      assert.ok(!/<script|<img|https?:\/\/(?!a\.test)[^"'\s<&]*\.(?:js|css)/i.test(html), 'nothing but text and shapes')
      for (const scheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 900, height: 900 } })
        const page = await context.newPage()
        const asked: string[] = []
        page.on('request', (request) => asked.push(request.url()))
        await page.goto(pathToFileURL(file).href)
        assert.equal(await page.getAttribute('html', 'lang'), language)
        assert.equal(await figure(page, 'known'), known)
        assert.equal(await figure(page, 'ok'), done.ok)
        assert.equal(await figure(page, 'skipped'), done.skipped)
        assert.equal(await figure(page, 'left'), left.total)
        assert.equal(asked.length, 1, 'it asks for nothing else')
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out')
        await context.close()
      }
      const lenient = await browser.newContext({ bypassCSP: true })
      const page = await lenient.newPage()
      await page.goto(pathToFileURL(file).href)
      assert.deepEqual(await barriers(page), [], language)
      await lenient.close()
    }
  })
})
