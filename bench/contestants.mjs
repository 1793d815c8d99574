/**
 * Who runs and how: fair settings (no robots.txt, no delay, no retries, logging off), every URL once, at most `inFlight`
 * requests at a time, every body read. Peers are the harness's scripts, called as they are.
 */
import { join } from 'node:path'
import { bench, harness, listOf, pinned, port, work } from './place.mjs'

/** Requests in flight of every contestant. */
export const inFlight = Number(process.env.CONC ?? 64)

const python = '/usr/bin/python3'
const peer = (path) => join(harness, 'peers', path)
const crawleeStorage = `CRAWLEE_STORAGE_DIR=${join(work, 'crawlee-storage')}`

/** Flags that take Sluice's politeness off: right on a host of one's own only. */
const OWN_HOST = [
  ...[
    '--delay',
    '0',
    '--robots',
    'ignore',
    '--reason',
    'bench',
    '--contact',
    'https://bench.example/',
    '--retries',
    '0',
  ],
  ...['--progress', 'none', '--max-disk', '99%'],
]

/** Sluice runs in an empty folder, with its durable job folder, ledger and records as by default. */
export function sluiceFetch(command, list, hosts) {
  return [
    ...[pinned, command, 'fetch', list, '-o', 'pages.ndjson', ...OWN_HOST],
    ...['--per-host', String(hosts === 1 ? inFlight : 4), '-c', String(inFlight)],
  ]
}

export function sluiceCrawl(command, start, limit) {
  return [
    ...[pinned, command, 'crawl', start, '-o', 'pages.ndjson', ...OWN_HOST, '--follow', 'a', '--limit', String(limit)],
    ...['--per-host', String(inFlight), '-c', String(inFlight)],
  ]
}

/**
 * Contestants of the bulk job. Slow ones get a shorter list, and Sluice runs each list, so that every ratio is of the same
 * work. `size`, `slow`: thousands of URLs.
 */
export function bulk(command, kind, hosts, size, slow) {
  const fast = listOf(kind, size, hosts)
  const short = listOf(kind, slow, hosts)
  const c = String(inFlight)
  const run = (name, list, argv) => ({ name, work: list, argv })
  return [
    run('sluice', fast, sluiceFetch(command, fast, hosts)),
    run('wget2', fast, [peer('bulk/wget2.sh'), fast, c]),
    run('curl --parallel', fast, [peer('bulk/curl.sh'), fast, c]),
    run('undici dispatch', fast, ['node', peer('bulk/undici-dispatch.mjs'), fast, c]),
    ...(short === fast ? [] : [run('sluice', short, sluiceFetch(command, short, hosts))]),
    run('got + p-queue', short, ['node', peer('bulk/got-pqueue.mjs'), short, c]),
    run('crawler', short, ['node', peer('bulk/crawler-pkg.mjs'), short, c]),
    run('Crawlee memory', short, ['node', peer('bulk/crawlee-http.mjs'), short, c, 'memory']),
    run('Crawlee default', short, ['env', crawleeStorage, 'node', peer('bulk/crawlee-http.mjs'), short, c, 'default']),
    run('Scrapy', short, [python, peer('bulk/scrapy_bulk.py'), short, c]),
    run('Scrapy items=1', short, ['env', 'SCRAPY_ITEMS=1', python, peer('bulk/scrapy_bulk.py'), short, c]),
  ]
}

/** Contestants of the crawl job: title and links of every page, from one start page, to the end or to `limit` pages. */
export function crawl(command, site, limit) {
  const start = `http://127.0.0.1:${port}/${site}/index.html`
  const args = [start, String(limit), String(inFlight)]
  const run = (name, argv) => ({ name, work: `${site}, at most ${limit} pages`, argv })
  const list = [
    run('sluice', sluiceCrawl(command, start, limit)),
    // One worker: all contestants have one core.
    run('sluice --extract', [
      ...sluiceCrawl(command, start, limit),
      ...['--extract', join(bench, 'title-links.mjs'), '--workers', '1'],
    ]),
    run('got + cheerio', ['node', peer('crawl/got-cheerio.mjs'), ...args]),
    run('crawler', ['node', peer('crawl/crawler-pkg.mjs'), ...args]),
    run('Crawlee Cheerio memory', ['node', peer('crawl/crawlee-cheerio.mjs'), ...args, 'memory']),
    run('Crawlee Cheerio default', [
      'env',
      crawleeStorage,
      'node',
      peer('crawl/crawlee-cheerio.mjs'),
      ...args,
      'default',
    ]),
    run('Scrapy xpath', [python, peer('crawl/scrapy_crawl.py'), ...args, 'fast']),
    run('Scrapy xpath items=1', ['env', 'SCRAPY_ITEMS=1', python, peer('crawl/scrapy_crawl.py'), ...args, 'fast']),
  ]
  // wget2 has no limit of pages, so it runs only where the site is crawled to its end.
  if (site === 'postgres') list.push(run('wget2 -r', [peer('crawl/wget2.sh'), ...args]))
  return list
}
