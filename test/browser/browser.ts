/** Headless Chromium for the tests of the dashboard; skipped by name where there is none, a failure in CI. */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'

const CHROMIUM = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path))

/** For `test(name, { skip })`. */
export const withoutBrowser: string | false =
  CHROMIUM !== undefined || process.env['CI'] === 'true' ? false : 'no Chromium on this machine (set CHROMIUM)'

export async function openBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('CI needs Chromium: apt-get install chromium')
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Look {
  readonly language?: string
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
}

/** A page on an address with the key, drawn and connected. Whatever it complains of ends up in `errors`. */
export async function look(
  browser: Browser,
  url: string,
  { language = 'en', scheme = 'light', width = 1280 }: Look = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({
    locale: language,
    colorScheme: scheme,
    viewport: { width, height: 900 },
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(url)
  await page.waitForSelector('[data-figure=known]')
  return { page, errors }
}

/** A figure of the page as a number. */
export async function figure(page: Page, name: string): Promise<number> {
  return Number((await page.textContent(`[data-figure=${name}]`))?.replaceAll(/[^\d]/g, ''))
}
