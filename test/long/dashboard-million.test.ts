/** A stopped job of a million URLs and 50,000 hosts: each page is painted within a second, a search takes less than 300 ms. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { look, openBrowser, withoutBrowser } from '../browser/browser.ts'
import { BIN } from '../cli/run-cli.ts'

const URLS = Number(process.env['SLUICE_LARGE_URLS'] ?? 1_000_000)
const HOSTS = URLS / 20
const PAINT_MS = 1_000
const SEARCH_MS = 300
const RSS_MB = 400
const PAGES = ['/', '/urls', '/hosts', '/errors', '/rules', '/site', '/items', '/workers', '/audit', '/settings']
const SEARCHES = ['page-77', 'HOST-123', 'part-3/page', 'nothing like it', 'section/1']

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

test('a dashboard of a million URLs paints every page within a second and finds any URL in less than 300 ms', {
  skip: withoutBrowser,
}, async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-large-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const folder = join(cwd, 'large.sluice')
  const maker = fileURLToPath(new URL('./large-job.ts', import.meta.url))
  execFileSync(process.execPath, [
    '--conditions=sluice-source',
    '--no-warnings',
    maker,
    folder,
    String(URLS),
    String(HOSTS),
  ])
  const began = performance.now()
  const ui = spawn(process.execPath, [BIN, 'ui', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => ui.kill('SIGTERM'))
  const url = await new Promise<string>((resolve) => createInterface({ input: ui.stdout }).once('line', resolve))
  const browser = await openBrowser()
  t.after(() => browser.close())
  const { page } = await look(browser, url)
  t.diagnostic(`first figures after ${Math.round(performance.now() - began)} ms`)
  const api = async (path: string): Promise<unknown> => (await page.request.get(new URL(path, url).href)).json()
  while (!((await api('/api/job')) as { complete: boolean }).complete) await page.waitForTimeout(50)
  t.diagnostic(`tables complete after ${Math.round(performance.now() - began)} ms`)
  const slow: string[] = []
  for (const path of PAGES) {
    const paints: number[] = []
    for (let i = 0; i < 5; i++) {
      await page.goto(new URL(path, url).href)
      await page.waitForSelector('main h1')
      await page.waitForSelector('.rows, [data-figure=known], .empty, .cards, table')
      paints.push(await page.evaluate(() => performance.now()))
    }
    t.diagnostic(`${path} ${paints.map(Math.round).join(', ')} ms`)
    if (median(paints) >= PAINT_MS) slow.push(`${path}: ${median(paints)} ms`)
  }
  assert.deepEqual(slow, [])
  const times: number[] = []
  for (const wanted of SEARCHES) {
    const from = performance.now()
    await api(`/api/urls?q=${encodeURIComponent(wanted)}&limit=50`)
    times.push(performance.now() - from)
  }
  t.diagnostic(`searches ${times.map(Math.round).join(', ')} ms`)
  assert.ok(median(times) < SEARCH_MS, `searches take ${times.map(Math.round).join(', ')} ms`)
  const rss = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${ui.pid}/status`, 'utf8'))?.[1]) / 1024
  t.diagnostic(`at most ${Math.round(rss)} MB`)
  assert.ok(rss < RSS_MB, `${rss} MB`)
})
