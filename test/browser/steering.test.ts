/** Adding URLs, leaving patterns out, the log of both, and a dashboard that only shows. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStatus, readAudit } from '../../src/job/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { openBrowser, withoutBrowser } from './browser.ts'
import { atSameEvent, numberIn, onFinished, onLive, open, PRODUCTS, rows } from './site.ts'

test('URLs are added to a running crawl once their count has been seen, and the origin gets them', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, {}, async ({ folder, origin, ...opened }) => {
    const { page, errors } = await open(opened, '/')
    await origin.until(5, 'site.test')
    const urls = [
      'http://site.test/extra/1',
      'http://site.test/extra/2',
      'http://site.test/',
      'http://else.test/',
      'no url',
    ]
    await page.click('[data-control=add]')
    await page.fill('textarea[name=urls]', urls.join('\n'))
    await page.click('[data-control=add-count]')
    await page.waitForSelector('[data-preview="2"]')
    assert.match((await page.textContent('[data-preview]')) ?? '', /1 is known already/)
    const before = (await openStatus(folder)).known
    await page.click('[data-control=add-yes]')
    await page.waitForSelector('.panel [role=status]:has-text("obeyed")')
    while (!origin.ledger('site.test').paths().has('/extra/2'))
      await origin.until(origin.ledger('site.test').count + 1, 'site.test')
    const after = await openStatus(folder)
    assert.ok(after.known >= before + urls.length, 'each of them has an outcome of its own')
    const [action] = readAudit(folder)
    assert.equal(action?.action, 'add')
    assert.deepEqual(action?.details, { urls: 5, first: 'http://site.test/extra/1' })
    assert.deepEqual(errors, [])
  })
})

test('patterns that are left out take waiting URLs away, as many as were counted', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onLive(browser, { flags: ['--delay', '250ms'] }, async (opened) => {
    const { folder, origin, url } = opened
    const { page, errors } = await open(opened, '/')
    await origin.until(4, 'site.test')
    await page.click('[data-control=pause]')
    await page.waitForSelector('.badge.paused')
    // What was under way is over: it counts no more as waiting.
    await page.waitForFunction(() => document.querySelector('[data-figure=inFlight]')?.textContent === '0')
    await page.goto(new URL('/rules', url).href)
    await page.waitForSelector('textarea[name=exclude]')
    await page.fill('textarea[name=exclude]', '**.pdf\n/never/**\n/product/**')
    await page.click('[data-control=exclude-count]')
    await page.waitForSelector('[data-leaving]')
    const leaving = Number(await page.getAttribute('[data-leaving]', 'data-leaving'))
    assert.ok(leaving > 0 && leaving <= PRODUCTS)
    await page.click('[data-control=exclude-yes]')
    await page.waitForSelector('[role=status]:has-text("obeyed")')
    await page.request.post(new URL('/api/resume', url).href, { headers: { 'x-sluice-intent': 'test' } })
    await page.waitForFunction(
      (count) => document.querySelector('[data-rule="exclude: /product/**"]')?.textContent === String(count),
      leaving,
    )
    assert.deepEqual(
      [...origin.ledger('site.test').paths().keys()].filter((path) => path.startsWith('/product/')).length,
      PRODUCTS - leaving,
    )
    const { codes } = await atSameEvent(page, folder)
    assert.ok((codes['skipped/SCOPE_DENIED'] ?? 0) >= leaving)
    await page.goto(new URL('/audit', url).href)
    await rows(page, 3)
    assert.equal(await numberIn(page, '[data-count]'), 3)
    assert.deepEqual(
      await page.$$eval('.rows tbody td:nth-child(2)', (cells) => cells.map((cell) => cell.textContent)),
      ['resume', 'set', 'pause'],
    )
    await page.fill('input[type=search]', 'exclude')
    await rows(page, 1)
    assert.deepEqual(errors, [])
  })
})

test('a dashboard that only shows has no controls, and its server refuses them', {
  skip: withoutBrowser,
}, async (t) => {
  const browser = await openBrowser()
  t.after(() => browser.close())
  await onFinished(browser, { ui: ['--read-only'] }, async (opened) => {
    const { page } = await open(opened, '/')
    await page.waitForSelector('[data-figure=known]')
    for (const path of ['/', '/hosts', '/errors', '/rules']) {
      await page.goto(new URL(path, opened.url).href)
      await page.waitForSelector(path === '/' ? '[data-figure=known]' : '.rows tbody tr')
      assert.equal(await page.$$eval('[data-control]', (controls) => controls.length), 0, path)
    }
    for (const [path, data] of [
      ['pause', {}],
      ['set', { name: 'delay', value: '1s' }],
      ['retry', { query: {} }],
      ['add', { urls: ['http://site.test/x'] }],
    ] as const) {
      const response = await page.request.post(new URL(`/api/${path}`, opened.url).href, {
        data,
        headers: { 'x-sluice-intent': 'test' },
      })
      assert.equal(response.status(), 403, path)
    }
    const sql = await page.request.post(new URL('/api/query', opened.url).href, {
      data: { sql: 'SELECT 1 AS one' },
      headers: { 'x-sluice-intent': 'test' },
    })
    assert.equal(sql.status(), 200)
    assert.deepEqual(readAudit(opened.folder), [])
  })
})

test('URLs added to a job that has ended are inputs of its next run, each with an outcome', async () => {
  const { startOrigin } = await import('../../src/testing/origin.ts')
  const { inFolder } = await import('../cli/run-cli.ts')
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
  try {
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\nhttp://a.test/p/2\n')
      await runCli(['fetch', 'urls.txt', ...fast(origin)], { cwd })
      const counted = await runCli(['add', 'urls', 'http://a.test/p/2', 'http://a.test/p/3', 'mailto:x', '--dry-run'], {
        cwd,
      })
      assert.match(counted.stderr, /1 URL would be queued in urls, 1 known already, 1 refused/)
      assert.equal((await openStatus(join(cwd, 'urls.sluice'))).known, 2)
      const added = await runCli(['add', 'urls', 'http://a.test/p/2', 'http://a.test/p/3'], { cwd })
      assert.equal(added.code, 0, added.stderr)
      await runCli(['resume', 'urls'], { cwd })
      const { known, done, codes, left } = await openStatus(join(cwd, 'urls.sluice'))
      assert.deepEqual([known, done.ok, codes['skipped/DUPLICATE'], left.total], [4, 3, 1, 0])
      assert.equal(origin.ledger('a.test').paths().get('/p/3'), 1)
    })
  } finally {
    await origin.close()
  }
})
