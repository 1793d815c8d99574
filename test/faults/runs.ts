/** The jobs that the cases are part of: each takes its cases to their end and gives the records, in the order of the table. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchAll } from '../../src/index.ts'
import type { JobOptions, Page, PageRecord } from '../../src/index.ts'
import { REAL_LINKS, REAL_PAGES } from '../../src/testing/origin/endless.ts'
import type { FaultName } from '../../src/testing/origin/fault-cases.ts'
import type { RemoteOrigin } from '../../src/testing/origin/remote.ts'
import { inFolder } from '../cli/run-cli.ts'
import { NETWORK_RUNS } from './network.ts'
import { inFastTime, optionsFor, recordsOf, runJob, siteOf, urlsOf } from './web.ts'

export interface Web {
  readonly origin: RemoteOrigin
  /** Number of this time through the matrix: no two share a host. */
  readonly round: number
}

export type Run = (web: Web, names: readonly FaultName[]) => Promise<Map<FaultName, readonly PageRecord[]>>

/** Runs whose limits are fractions of a second: whatever keeps the machine busy may not run beside them. */
export const TIMED = new Set(['slow', 'patient', 'robots-delays', 'robots-day', 'names'])

/** Runs but for `list`, which has the good URLs among its own. */
export const RUNS: Readonly<Record<string, Run>> = {
  ...NETWORK_RUNS,
  /** Limits of time in force. */
  slow: (web, names) => listed(web, names, { ...inFastTime(), timeout: '50s' }),
  /** Waits of an hour. */
  patient: (web, names) => listed(web, names, { ...inFastTime(60_000), timeout: '30s' }),
  /** Requests in their order. */
  cookies,
  redirects,
  methods,
  urls,
  userinfo,
  robots,
  'robots-delays': (web, names) =>
    opened(web, names, { ...inFastTime(60_000), timeout: '30s', delay: 1000, perHost: 1 }),
  'robots-day': (web, names) =>
    opened(web, names, { ...inFastTime(600_000), timeout: '30s', delay: '13h', perHost: 1 }),
  crawls,
  sitemaps,
  traps,
  'many-links': manyLinks,
  extractors: (web, names) => extracted(web, names, '30s'),
  patterns: (web, names) => extracted(web, names, '1s'),
  texts: (web, names) => listed(web, names, { text: true }),
  'stored-names': storedNames,
}

/** The paths of the cases as one list. */
export async function listed(
  { origin, round }: Web,
  names: readonly FaultName[],
  extra: JobOptions = {},
): Promise<Map<FaultName, readonly PageRecord[]>> {
  return fetched(origin, new Map(names.map((name) => [name, urlsOf(name, round)])), extra)
}

async function fetched(
  origin: RemoteOrigin,
  urls: ReadonlyMap<FaultName, readonly string[]>,
  extra: JobOptions,
): Promise<Map<FaultName, readonly PageRecord[]>> {
  const records = await recordsOf([...urls.values()].flat(), { ...optionsFor(origin), ...extra })
  const byUrl = new Map(records.map((record) => [record.url, record]))
  return new Map([...urls].map(([name, own]) => [name, own.flatMap((url) => byUrl.get(url) ?? [])]))
}

/** `/open` and `/shut` of hosts of their own, robots.txt obeyed. */
async function opened({ origin, round }: Web, names: readonly FaultName[], extra: JobOptions = {}) {
  const urls = new Map(names.map((name) => [name, ['/open', '/shut'].map((path) => siteOf(name, round) + path)]))
  return fetched(origin, urls, { robots: 'obey', ...extra })
}

function robots(web: Web, names: readonly FaultName[]) {
  return opened(web, names)
}

async function crawled(start: string, options: JobOptions): Promise<PageRecord[]> {
  const records = await runJob('crawl', start, options)
  return records.toSorted((a, b) => (a.url < b.url ? -1 : 1))
}

async function crawls({ origin, round }: Web, names: readonly FaultName[]) {
  const all = new Map<FaultName, readonly PageRecord[]>()
  for (const name of names) {
    const start = `${siteOf(name, round)}/${name === 'robots-redirect' ? 'open' : ''}`
    all.set(name, await crawled(start, { ...optionsFor(origin), robots: 'obey', scope: 'host' }))
  }
  return all
}

async function sitemaps({ origin, round }: Web, names: readonly FaultName[]) {
  const all = new Map<FaultName, readonly PageRecord[]>()
  for (const name of names) {
    const options: JobOptions = { ...optionsFor(origin), robots: 'obey', scope: 'host', sitemaps: 'only' }
    const records = await crawled(`${siteOf(name, round)}/`, options)
    all.set(
      name,
      records.filter(({ url }) => url.endsWith('/real')),
    )
    assert.equal(await origin.ledger('canary.test').count(), 0, 'nothing outside a sitemap is read')
    assert.equal(await origin.ledger('foreign.test').count(), 0, 'a sitemap speaks for its own host')
  }
  return all
}

async function traps({ origin, round }: Web) {
  const options: JobOptions = { ...optionsFor(origin), robots: 'obey', scope: 'domain', limit: 20_000, trapBudget: 200 }
  const records = await crawled(`${siteOf('traps', round)}/`, options)
  const real = records.filter(({ url, outcome }) => url.includes('/real/') && outcome === 'ok')
  assert.equal(real.length, REAL_PAGES, 'all real pages are fetched')
  const refused = records.filter(({ code }) => code === 'TRAP_LIMIT')
  assert.ok(refused.length > 0 && refused.every(({ message }) => (message ?? '').length > 0), 'the rule is named')
  return new Map([['traps' as const, refused]])
}

async function manyLinks({ origin, round }: Web) {
  const options: JobOptions = { ...optionsFor(origin), scope: 'any', limit: REAL_LINKS + 1, maxSize: '64MB' }
  const before = process.memoryUsage.rss()
  const records = await crawled(`${siteOf('many-links', round)}/`, options)
  const grown = process.memoryUsage.rss() - before
  assert.ok(grown < 400e6, `memory grew by ${Math.round(grown / 1e6)} MB`)
  return new Map([['many-links' as const, records.filter(({ url }) => url.includes('many-links'))]])
}

async function cookies({ origin, round }: Web, names: readonly FaultName[]) {
  const all = new Map<FaultName, readonly PageRecord[]>()
  await inFolder(async (folder) => {
    const file = join(folder, 'cookies.txt')
    for (const name of names) {
      const own = urlsOf(name, round)
      const records: PageRecord[] = []
      for (const url of own) {
        // Cookies are taken of sites that the file names.
        writeFileSync(file, `# Netscape HTTP Cookie File\n${new URL(url).hostname}\tFALSE\t/\tFALSE\t0\tseen\t1\n`)
        const echo = `${new URL(url).origin}/echo`
        const options = { ...optionsFor(origin), cookies: file, perHost: 1, concurrency: 1 }
        for await (const page of fetchAll([url, echo], options as object)) {
          if (page.url === url) records.push(page.record)
          else {
            const { headers } = (await toldBy(page)) as { headers: { cookie?: string } }
            checkCookies(url, headers.cookie ?? '')
          }
        }
      }
      all.set(name, records)
    }
  })
  return all
}

/** What `/echo` was asked. */
async function toldBy({ url, response }: Page): Promise<unknown> {
  assert.ok(response !== undefined, `${url}: no answer`)
  return response.json()
}

function checkCookies(url: string, sent: string): void {
  const pairs = sent === '' ? [] : sent.split('; ')
  assert.ok(pairs.length <= 50, `${url}: ${pairs.length} cookies of one domain are sent`)
  assert.ok(
    pairs.every((pair) => pair.length <= 4096),
    `${url}: a cookie over 4,096 bytes is sent`,
  )
  assert.doesNotMatch(sent, /suffix|other|ip=|__Secure|__Host|ctl=/, url)
  if (!url.endsWith('odd-cookies/1')) assert.match(sent, /good=1/, `${url}: ${sent}`)
}

/** Credentials of one origin never show up at another. */
async function redirects(web: Web, names: readonly FaultName[]) {
  const canary = `canary-${web.round}`
  const header = [`Authorization: Bearer ${canary}`, `Cookie: id=${canary}`]
  const [name = 'leaky-redirect'] = names
  const records: PageRecord[] = []
  for (const url of urlsOf(name, web.round)) {
    records.push(...(await recordsOf(url, { ...optionsFor(web.origin), header })))
  }
  const there = await web.origin.ledger('thief.test').arrivals()
  assert.ok(there.length > web.round, 'the redirect was followed')
  for (const { headers } of there) assert.doesNotMatch(JSON.stringify(headers), /canary/)
  const own = new URL(urlsOf(name, web.round)[0] as string).hostname
  for (const { headers } of await web.origin.ledger(own).arrivals()) assert.match(JSON.stringify(headers), /canary/)
  return new Map([[name, records]])
}

async function methods({ origin, round }: Web, names: readonly FaultName[]) {
  const [name = 'method-after-redirect'] = names
  const urls = urlsOf(name, round)
  const options = { ...optionsFor(origin), method: 'POST', data: 'a=1', header: ['Content-Type: text/plain'] }
  const byUrl = new Map<string, PageRecord>()
  for await (const page of fetchAll(urls, options as object)) {
    byUrl.set(page.url, page.record)
    const told = (await toldBy(page)) as { method: string; body: string; headers: Record<string, string> }
    const keeps = urls.indexOf(page.url) > 2
    assert.equal(told.method, keeps ? 'POST' : 'GET', page.url)
    assert.equal(told.body, keeps ? 'a=1' : '', page.url)
    if (!keeps) assert.equal(told.headers['content-type'], undefined, page.url)
  }
  return new Map([[name, urls.flatMap((url) => byUrl.get(url) ?? [])]])
}

/** Texts that are URLs to a browser, and texts that are none. */
const ODD_URLS: Readonly<Partial<Record<FaultName, readonly string[]>>> = {
  'odd-urls': [
    'http://0x7f.1/ok?1',
    'http://017700000001/ok?2',
    'HTTP://ODD.test:80/x/%2E%2e/ok',
    'http:\\\\odd.test\\ok?3',
    'http://odd.te\tst/ok?4\n',
    'http://b\u{fc}cher.test/ok?5',
  ],
  'bad-urls': [
    'http://',
    'http://[1::2/',
    'http://odd.test:65536/',
    'http://exa mple.test/',
    'mailto:a@odd.test',
    'odd',
  ],
  'long-url': [`http://odd.test/${'l'.repeat(100_000)}`],
}

async function urls({ origin }: Web, names: readonly FaultName[]) {
  const all = new Map<FaultName, readonly PageRecord[]>()
  for (const name of names) {
    const records: PageRecord[] = []
    for await (const page of fetchAll(ODD_URLS[name] ?? [], optionsFor(origin) as object)) records.push(page.record)
    all.set(name, records)
  }
  return all
}

async function userinfo({ origin, round }: Web) {
  const [url = ''] = urlsOf('userinfo', round)
  const records: PageRecord[] = []
  for await (const page of fetchAll([url.replace('//', '//user:canary@')], optionsFor(origin) as object)) {
    records.push(page.record)
    const { headers } = (await toldBy(page)) as { headers: { authorization?: string } }
    assert.equal(headers.authorization, `Basic ${Buffer.from('user:canary').toString('base64')}`)
    assert.doesNotMatch(JSON.stringify(page.record), /canary/)
  }
  return new Map([['userinfo' as const, records]])
}

async function extracted(web: Web, names: readonly FaultName[], extractTimeout: string) {
  const module = new URL('./odd-extractor.ts', import.meta.url)
  const records = await listed(web, names, { extract: module, workers: 1, extractTimeout, maxSize: '16MB' })
  assert.equal(({} as { polluted?: true }).polluted, undefined, 'nobody may add to Object.prototype')
  return records
}

async function storedNames(web: Web, names: readonly FaultName[]) {
  let records: Awaited<ReturnType<typeof listed>> = new Map()
  await inFolder(async (folder) => {
    records = await listed(web, names, { out: `${join(folder, 'in')}/` })
    assert.deepEqual(readdirSync(folder), ['in'], 'nothing is written beside the folder')
    const files = readdirSync(join(folder, 'in'), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    assert.ok(files.length >= 8, `${files.length} files`)
    // oxlint-disable-next-line no-control-regex
    for (const { name } of files) assert.doesNotMatch(name, /[\0-\x1f\u202e\\]|^con(\.|$)|^.{250}/i)
  })
  return records
}
