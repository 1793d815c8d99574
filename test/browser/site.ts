/** The site that the tests of the pages crawl, and how they open, read and judge a page of the dashboard. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { openStatus } from '../../src/job/index.ts'
import type { Status } from '../../src/job/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { fast, polite } from '../integration/web.ts'
import { look } from './browser.ts'
import type { Look } from './browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const PRODUCTS = 70
export const PRIVATE = 20
/** Hosts beside site.test, of one page each. */
export const HOSTS = 55

function links(folder: string, count: number, ending = ''): string {
  return Array.from({ length: count }, (_, n) => `<a href="/${folder}/${n}${ending}">${folder} ${n}</a>`).join('\n')
}

const PRODUCT = (name: string): string => `<title>Thing ${name}</title><h1>Thing ${name}</h1>`

export const SITES = {
  '*': { pages: { '/': { body: '<title>one of many</title>' } } },
  'site.test': {
    pages: {
      '/robots.txt': {
        body: 'User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /private/\nDisallow: /never/\nCrawl-delay: 0\n',
        headers: { 'content-type': 'text/plain' },
      },
      '/': {
        body: `<title>start</title>${links('product', PRODUCTS)}${links('private', PRIVATE)}${links('none', 12)}${links('files', 5, '.pdf')}`,
      },
      ...Object.fromEntries(
        Array.from({ length: PRODUCTS }, (_, n) => [`/product/${n}`, { body: PRODUCT(String(n)) }]),
      ),
    },
  },
}

/** Every tenth product has no price, and every seventh of the first 35 an item of another type. */
const EXTRACTOR = `import { defineExtractor } from 'sluice'
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) =>
  value.price === undefined ? { issues: [{ message: 'a price is missing', path: ['price'] }] } : { value } } }
export default defineExtractor({ match: '/product/*', schema, extract: (page) => {
  const n = Number(page.url.split('/').pop())
  return [{ name: page.$('h1').text(), kind: n % 7 === 0 ? 'book' : 'thing', ...(n % 10 === 0 ? {} : { price: n }),
    ...(n % 2 === 0 ? { color: 'red' } : {}) }]
} })
`

/** Two products end the thread that they are given to. */
const MEAN = `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/product/*', extract: (page) => {
  if (page.url.endsWith('/3') || page.url.endsWith('/4')) process.exit(1)
  return [{ name: page.url }]
} })
`

export interface Opened {
  readonly cwd: string
  readonly folder: string
  /** Address of the dashboard, with its key. */
  readonly url: string
  readonly origin: Origin
  readonly browser: Browser
}

export interface SiteJob {
  /** More flags of the crawl. */
  readonly flags?: readonly string[]
  /** More flags of `sluice ui`. */
  readonly ui?: readonly string[]
}

function crawlOf(cwd: string): string[] {
  writeFileSync(join(cwd, 'things.mjs'), EXTRACTOR)
  writeFileSync(join(cwd, 'dearer.mjs'), EXTRACTOR.replace('price: n', 'price: n + 1'))
  writeFileSync(join(cwd, 'mean.mjs'), MEAN)
  const seeds = ['http://site.test/', ...Array.from({ length: HOSTS }, (_, n) => `http://h${n}.test/`)]
  return ['crawl', ...seeds, '-j', 'site', '--exclude', '**.pdf', '--exclude', '/never/**', '--extract', 'things.mjs']
}

/** On a crawl that has ended. */
export async function onFinished(
  browser: Browser,
  { flags = [], ui = [] }: SiteJob,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const origin = await startOrigin({ sites: SITES })
  try {
    await inFolder(async (cwd) => {
      await runCli([...crawlOf(cwd), ...fast(origin), '--retries', '0', ...flags], { cwd })
      const { child, ended } = start(['ui', 'site', ...ui], { cwd })
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout?.once('data', (text: string) => resolve(text.trim()))
        ended.then(({ stderr }) => reject(new Error(stderr)), reject)
      })
      try {
        await work({ cwd, folder: join(cwd, 'site.sluice'), url, origin, browser })
      } finally {
        child.kill('SIGTERM')
        await ended
      }
    })
  } finally {
    await origin.close()
  }
}

/** On a crawl that runs, slowly. */
export async function onLive(
  browser: Browser,
  { flags = [] }: SiteJob,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const origin = await startOrigin({ sites: SITES })
  try {
    await inFolder(async (cwd) => {
      const job = start([...crawlOf(cwd), ...polite(origin), '--delay', '60ms', '--ui', ...flags], { cwd })
      try {
        await job.said('#k=')
        const url = /http:\S+#k=\S+/.exec(job.stderr())?.[0] ?? ''
        await work({ cwd, folder: join(cwd, 'site.sluice'), url, origin, browser })
      } finally {
        job.child.kill('SIGTERM')
        await job.ended
      }
    })
  } finally {
    await origin.close()
  }
}

/** Opens a page of the dashboard by its path. */
export async function open(
  { browser, url }: Pick<Opened, 'browser' | 'url'>,
  path: string,
  options: Look = {},
): Promise<{ page: Page; errors: string[] }> {
  const { page, errors } = await look(browser, url, options)
  await page.goto(new URL(path, url).href)
  await page.waitForSelector('main h1')
  return { page, errors }
}

/** The job's state once the page shows the same settlement: what is compared is of one moment. */
export async function atSameEvent(page: Page, folder: string): Promise<Status> {
  const job = (await (await page.request.get(new URL('/api/job', page.url()).href)).json()) as { seq: number }
  await page.waitForSelector(`[data-seq="${job.seq}"]`)
  return openStatus(folder)
}

export async function rows(page: Page, expected: number): Promise<void> {
  await page.waitForSelector(`[data-count="${expected}"]`)
}

/** Number in an element. */
export async function numberIn(page: Page, selector: string): Promise<number> {
  return Number((await page.textContent(selector))?.replaceAll(/[^\d]/g, ''))
}

/**
 * Sorts a table both ways by a column, turns it to its last page and back, and searches it.
 * @param column heading, and its place from 1
 */
export async function tableWorks(
  page: Page,
  { total, column, search }: { total: number; column: readonly [string, number]; search: readonly [string, number] },
): Promise<void> {
  await rows(page, total)
  const [title, place] = column
  const cells = (): Promise<string[]> =>
    page.$$eval(`.rows tbody tr td:nth-child(${place})`, (found) => found.map((cell) => cell.textContent ?? ''))
  const heading = page.locator(`.rows thead th:nth-child(${place})`)
  await page.click(`.rows thead th:has-text("${title}") button`)
  await page.waitForFunction(
    (nth) => document.querySelector(`.rows thead th:nth-child(${nth})`)?.getAttribute('aria-sort') === 'ascending',
    place,
  )
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.click(`.rows thead th:has-text("${title}") button`)
  assert.equal(await heading.getAttribute('aria-sort'), 'descending')
  const last = ((total - 1) % 50) + 1
  if (total > 50) {
    await page.click('nav.pages button:last-child')
    await page.waitForFunction((wanted) => document.querySelectorAll('.rows tbody tr').length === wanted, last)
    assert.equal((await cells()).length, last)
    await page.click('nav.pages button:first-child')
    await page.waitForFunction(() => document.querySelectorAll('.rows tbody tr').length === 50)
  }
  await page.fill('input[type=search]', search[0])
  await rows(page, search[1])
  await page.fill('input[type=search]', '')
  await rows(page, total)
}

/** Serious findings of axe, as `rule: element`. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate(async () => {
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
}
