/** `--cache`: what a second run asks of the sites, what it says of it, and that no damage gives a wrong page. */
import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JobOptions, PageRecord } from '../../src/index.ts'
import { type Origin, startOrigin } from '../../src/testing/origin.ts'
import type { Reply } from '../../src/testing/origin/reply.ts'
import type { OriginRequest } from '../../src/testing/origin/request.ts'
import { random } from '../../src/testing/random.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { optionsFor, runJob } from '../faults/web.ts'
import { fast, polite, readRecords, readSummary } from './web.ts'

const FRESH = { 'Content-Type': 'text/html', 'Cache-Control': 'max-age=3600' }

function pages(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `http://a.test/p/${n}`)
}

function bodyOf(path: string): string {
  return `<title>${path}</title><p>${path.repeat(40)}`
}

/** Pages that say that they are fresh for an hour. */
function freshWeb(headers: Record<string, string> = FRESH): Promise<Origin> {
  return startOrigin({
    sites: { 'a.test': { pages: { '/p/*': ({ path }) => ({ headers, body: bodyOf(path) }) } } },
    recordHeaders: ['if-none-match'],
  })
}

function flagsOf(records: readonly PageRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome, flags = [] } of records) {
    const word = [outcome, ...flags].join(' ')
    counts[word] = (counts[word] ?? 0) + 1
  }
  return counts
}

test('a second run answers fresh pages without a request, says so, and waits for nobody', async (t) => {
  const origin = await freshWeb()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = [
      'fetch',
      'http://a.test/p/[1-6]',
      ...polite(origin),
      '--delay',
      '300ms',
      '-j',
      'again',
      '--cache',
      '-o',
      'p.ndjson',
    ]
    const first = await runCli(args, { cwd })
    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual(flagsOf(readRecords(join(cwd, 'p.ndjson'))), { ok: 6 })
    assert.ok(readdirSync(cwd).includes('again.cache'), 'it lies beside the job')
    origin.clearLedger()
    const second = await runCli([...args.slice(0, -1), 'q.ndjson', '--fresh'], { cwd })
    assert.equal(second.code, 0, second.stderr)
    const records = readRecords(join(cwd, 'q.ndjson'))
    assert.deepEqual(flagsOf(records), { 'ok cached': 6 })
    assert.equal(records.find(({ url }) => url.endsWith('/3'))?.title, '/p/3')
    assert.deepEqual(
      [...origin.ledger().paths().keys()].map((path) => path.replace(/^.*\.test/, '')),
      ['/robots.txt'],
    )
    const { cache, elapsedMs, bytes } = readSummary(cwd, 'again')
    assert.deepEqual(cache, { fresh: 6, revalidated: 0 })
    assert.ok(bytes < bodyOf('/p/1').length, `${bytes} bytes came: more than the answer to robots.txt`)
    assert.ok(elapsedMs < 5 * 300, `${elapsedMs} ms: the pause after robots.txt alone`)
    assert.match(second.stderr, /cache 6 pages without a request, 0 confirmed by their sites/)
  })
})

test('stale pages are asked about, and what the site confirms is the page itself', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: { kind: 'graph', seed: 7, pages: 30 } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...optionsFor(origin), cache: join(cwd, 'kept'), scope: 'host' as const }
    const first = await runJob('crawl', 'http://a.test/', options)
    const second = await runJob('crawl', 'http://a.test/', options)
    assert.deepEqual(flagsOf(second), { 'ok revalidated': 31 })
    const told = (records: readonly PageRecord[]): unknown =>
      records
        .map(({ url, status, digest, title, bytes }) => ({ url, status, digest, title, bytes }))
        .toSorted((a, b) => (a.url < b.url ? -1 : 1))
    assert.deepEqual(told(second), told(first))
    assert.equal(origin.ledger('a.test').statuses().get(304), 31)
    const third = await runJob('crawl', 'http://a.test/', { ...options, maxStale: '1h' })
    assert.deepEqual(flagsOf(third), { 'ok cached': 31 })
    assert.equal(origin.ledger('a.test').count, 62)
  })
})

test('with --if-changed a fresh page is unchanged without a request', async (t) => {
  const origin = await freshWeb({ ...FRESH, ETag: '"1"' })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['fetch', 'http://a.test/p/1', ...polite(origin), '-j', 'same', '--cache=kept', '-o', 'p.ndjson']
    assert.equal((await runCli(args, { cwd })).code, 0)
    origin.clearLedger()
    const again = await runCli([...args, '--if-changed'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.deepEqual(flagsOf(readRecords(join(cwd, 'p.ndjson')).slice(1)), { 'unchanged cached': 1 })
    assert.equal(origin.ledger().count, 0)
  })
})

test('pages asked for with credentials are neither kept nor answered from what others were told', async (t) => {
  const page = (request: OriginRequest): Reply => ({
    headers: FRESH,
    body: request.header('authorization') ?? 'nobody',
  })
  const everybody = (): Reply => ({ headers: { 'Cache-Control': 'public, max-age=60' }, body: 'open' })
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p': page, '/open': everybody } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const open = { ...optionsFor(origin), cache: join(cwd, 'kept') }
    const named = { ...open, header: 'Authorization: Bearer canary' }
    for (const options of [open, named, open, named]) await runJob('fetch', 'http://a.test/p', options)
    assert.equal(origin.ledger('a.test').count, 3, 'one for nobody, two with credentials')
    for (const options of [named, open, named]) await runJob('fetch', 'http://a.test/open', options)
    assert.equal(origin.ledger('a.test').count, 4)
    for (const name of readdirSync(join(cwd, 'kept')))
      assert.doesNotMatch(readFileSync(join(cwd, 'kept', name), 'latin1'), /canary/)
  })
})

test('a page that is gone, changed by a POST, or another one by a HEAD is not answered from the cache any more', async (t) => {
  let etag = '"1"'
  let isThere = true
  const page = (): Reply =>
    isThere ? { headers: { ...FRESH, ETag: etag }, body: `page ${etag}` } : { status: 404, body: 'no' }
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p': page } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...optionsFor(origin), cache: join(cwd, 'kept') }
    const ask = async (extra: JobOptions = {}): Promise<string> => {
      const [record] = await runJob('fetch', 'http://a.test/p', { ...options, ...extra })
      return [record?.status, ...(record?.flags ?? [])].join(' ')
    }
    assert.equal(await ask(), '200')
    assert.equal(await ask({ method: 'HEAD' }), '200')
    assert.equal(await ask(), '200 cached')
    etag = '"2"'
    assert.equal(await ask({ method: 'HEAD' }), '200')
    assert.equal(await ask(), '200', 'another one')
    assert.equal(await ask({ method: 'POST', data: 'a' }), '200')
    assert.equal(await ask(), '200', 'changed')
    isThere = false
    assert.equal(await ask({ header: 'Cache-Control: no-cache' }), '404')
    assert.equal(await ask({ maxStale: '1d' }), '404', 'gone')
  })
})

test('a cache damaged anywhere is asked for again and never gives a wrong page', async (t) => {
  const origin = await freshWeb()
  t.after(() => origin.close())
  const chance = random(9)
  const urls = pages(40)
  await inFolder(async (cwd) => {
    const kept = join(cwd, 'kept')
    const file = join(kept, 'answers.db')
    let truth: Map<string, string | undefined> | undefined
    for (let round = 0; round < 12; round++) {
      const records = await runJob('fetch', urls, { ...optionsFor(origin), cache: kept })
      const digests = new Map(records.map(({ url, digest }) => [url, digest]))
      truth ??= digests
      assert.deepEqual([...digests].toSorted(), [...truth].toSorted())
      assert.equal(records.filter(({ outcome }) => outcome === 'ok').length, urls.length)
      // One that was found damaged is gone by then.
      if (!existsSync(file)) continue
      const size = statSync(file).size
      if (round % 4 === 3) truncateSync(file, Math.floor(size * chance.next()))
      else {
        const handle = openSync(file, 'r+')
        for (let i = 0; i < 30; i++) writeSync(handle, Buffer.from([i * 7]), 0, 1, Math.floor(size * chance.next()))
        closeSync(handle)
      }
    }
  })
  assert.ok(origin.ledger('a.test').count > urls.length)
})

test('killed runs that share a cache end with each page once, and each page is the right one', async (t) => {
  const origin = await freshWeb()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['fetch', 'http://a.test/p/[1-400]', ...fast(origin, 8), '-j', 'cut', '--cache', '-o', 'p.ndjson']
    for (const arrivals of [60, 200]) {
      const { child, ended } = start(args, { cwd })
      await origin.until(arrivals)
      child.kill('SIGKILL')
      await ended
    }
    const last = await runCli(args, { cwd })
    assert.equal(last.code, 0, last.stderr)
    const records = readRecords(join(cwd, 'p.ndjson'))
    assert.equal(records.length, 400)
    assert.equal(new Set(records.map(({ url }) => url)).size, 400)
    for (const { url, outcome, bytes, title } of records) {
      const path = url.slice('http://a.test'.length)
      assert.deepEqual({ outcome, bytes, title }, { outcome: 'ok', bytes: bodyOf(path).length, title: path })
    }
  })
})

test('what it holds stays below its size, the longest unused going first', async (t) => {
  const origin = await startOrigin({
    sites: { 'a.test': { pages: { '/p/*': { headers: FRESH, body: 'x'.repeat(50_000) } } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...optionsFor(origin), cache: join(cwd, 'kept'), cacheSize: '1MB' }
    const [first = '', ...rest] = pages(60)
    await runJob('fetch', [...rest.slice(0, 12), first], options)
    // It is used again, the others are not.
    assert.deepEqual(flagsOf(await runJob('fetch', first, options)), { 'ok cached': 1 })
    await runJob('fetch', rest.slice(12, 20), options)
    assert.deepEqual(flagsOf(await runJob('fetch', first, options)), { 'ok cached': 1 })
    await runJob('fetch', rest.slice(20), options)
    const again = flagsOf(await runJob('fetch', rest, options))
    assert.ok((again['ok'] ?? 0) >= 38, JSON.stringify(again))
    assert.ok(statSync(join(cwd, 'kept', 'answers.db')).size < 2 * 1024 * 1024)
  })
})

test('an archive takes no pages of a cache: the two together are refused', async () => {
  await inFolder(async (cwd) => {
    for (const flags of [['--store'], ['-o', 'a.warc.gz']]) {
      const { code, stderr } = await runCli(['fetch', 'http://a.test/', '--cache', ...flags], { cwd })
      assert.equal(code, 2, stderr)
      assert.match(stderr, /OPTION_INVALID/)
    }
  })
})
