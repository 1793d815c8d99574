import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { countOutcomes, fast, fetchedAgain, readRecords, readSummary } from './web.ts'

const GRAPH = { content: { kind: 'graph' as const, seed: 3, pages: 300, links: 6 } }

test('a crawl fetches every page of a site once and records each', async () => {
  const origin = await startOrigin({ sites: { 'a.test': GRAPH } })
  await inFolder(async (cwd) => {
    const { code, stdout, stderr } = await runCli(['crawl', 'http://a.test/', ...fast(origin), '-o', 'pages.ndjson'], {
      cwd,
    })
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '')
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.equal(records.length, 301)
    assert.equal(new Set(records.map((record) => record.url)).size, 301)
    assert.deepEqual(countOutcomes(records), { ok: 301 })
    assert.equal(fetchedAgain(origin, 'a.test'), 0)
    assert.deepEqual(
      records.map((record) => record.seq).sort((a, b) => a - b),
      [...new Set(records.map((record) => record.seq))].sort((a, b) => a - b),
    )
    const page = records.find((record) => record.url === 'http://a.test/p/7')
    assert.equal(page?.title, 'Page 7')
    assert.equal(page?.via, 'a')
    assert.ok(page?.from?.startsWith('http://a.test/'))
  })
  await origin.close()
})

test('the same command again asks the site for nothing and exits as the ledger says', async () => {
  const origin = await startOrigin({ sites: { 'a.test': GRAPH } })
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://a.test/', ...fast(origin), '-o', 'pages.ndjson']
    assert.equal((await runCli(args, { cwd })).code, 0)
    const before = origin.ledger().count
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.equal(origin.ledger().count, before)
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).length, 301)
  })
  await origin.close()
})

test('with --if-changed every page that was ok is unchanged and no body is sent', async () => {
  const origin = await startOrigin({ sites: { 'a.test': GRAPH } })
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://a.test/', ...fast(origin), '-o', 'pages.ndjson']
    assert.equal((await runCli(args, { cwd })).code, 0)
    origin.clearLedger()
    const again = await runCli([...args, '--if-changed'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    const second = readRecords(join(cwd, 'pages.ndjson')).filter((record) => record.run === 2)
    assert.deepEqual(countOutcomes(second), { unchanged: 301 })
    const statuses = origin.ledger('a.test').statuses()
    assert.equal(statuses.get(304), 301)
    assert.deepEqual(readSummary(cwd, 'a.test').done, {
      ok: 0,
      unchanged: 301,
      gone: 0,
      denied: 0,
      failed: 0,
      skipped: 0,
    })
  })
  await origin.close()
})

test('robots.txt is read first, obeyed, and the refused URL says which line refused it', async () => {
  const pages = { '/': '<a href=/open>o</a><a href=/private/x>p</a>', '/open': 'open', '/private/x': 'secret' }
  const origin = await startOrigin({ sites: { 'a.test': { robots: 'User-agent: *\nDisallow: /private/\n', pages } } })
  await inFolder(async (cwd) => {
    const { code } = await runCli(['crawl', 'http://a.test/', ...fast(origin), '-o', 'pages.ndjson'], { cwd })
    assert.equal(code, 0)
    assert.equal(origin.ledger('a.test').paths().has('/private/x'), false)
    const [first] = origin.ledger('a.test').arrivals()
    assert.equal(first?.path, '/robots.txt')
    const refused = readRecords(join(cwd, 'pages.ndjson')).find((record) => record.url === 'http://a.test/private/x')
    assert.equal(refused?.outcome, 'skipped')
    assert.equal(refused?.code, 'ROBOTS_DENIED')
    assert.match(refused?.message ?? '', /line 2: .*Disallow: \/private\//i)
    const why = await runCli(['why', 'http://a.test/private/x'], { cwd })
    assert.match(why.stdout, /ROBOTS_DENIED/)
    assert.match(why.stdout, /Disallow: \/private\//)
  })
  await origin.close()
})

test('a robots.txt that is answered with an error keeps the host untouched', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { robots: { status: 503 }, pages: { '/': 'x' } } } })
  await inFolder(async (cwd) => {
    const { code } = await runCli(
      ['fetch', 'http://a.test/', ...fast(origin), '--retries', '1', '-o', 'pages.ndjson'],
      { cwd },
    )
    assert.equal(code, 0)
    assert.deepEqual([...origin.ledger('a.test').paths().keys()], ['/robots.txt'])
    const [record] = readRecords(join(cwd, 'pages.ndjson'))
    assert.equal(record?.code, 'ROBOTS_UNREACHABLE')
    assert.match(record?.message ?? '', /503/)
  })
  await origin.close()
})

test('URLs of a host that cannot be reached fail with the cause, and why names it', async () => {
  await inFolder(async (cwd) => {
    const flags = ['--retries', '0', '--delay', '0', '--progress', 'none', '--job', 'dead', '-o', 'pages.ndjson']
    const args = ['fetch', 'http://127.0.0.1:1/a', 'http://127.0.0.1:1/b', ...flags]
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 3, stderr)
    for (const record of readRecords(join(cwd, 'pages.ndjson'))) {
      assert.deepEqual([record.outcome, record.code], ['failed', 'CONNECT_FAILED'])
      assert.match(record.message ?? '', /^robots\.txt could not be had: .*refused/)
    }
    const why = await runCli(['why', 'http://127.0.0.1:1/a', '--job', 'dead'], { cwd })
    assert.match(why.stdout, /failed: CONNECT_FAILED/)
    assert.match(why.stdout, /robots +denied: robots\.txt could not be had: .*refused/)
    const host = await runCli(['why', '127.0.0.1', '--job', 'dead'], { cwd })
    assert.match(host.stdout, /CONNECT_FAILED/)
  })
})

test('nofollow of a link, of a page and of a header is obeyed, and can be switched off', async () => {
  const pages = {
    '/': '<a href=/a rel=nofollow>1</a><a href=/b>2</a><a href=/c>3</a>',
    '/b': '<meta name=robots content=nofollow><a href=/from-b>4</a>',
    '/c': { headers: { 'X-Robots-Tag': 'nofollow', 'Content-Type': 'text/html' }, body: '<a href=/from-c>5</a>' },
  }
  const origin = await startOrigin({ sites: { 'a.test': { pages: pages as never } } })
  await inFolder(async (cwd) => {
    await runCli(['crawl', 'http://a.test/', ...fast(origin), '-j', 'obey'], { cwd })
    const asked = [...origin.ledger('a.test').paths().keys()].sort()
    assert.deepEqual(asked, ['/', '/b', '/c', '/robots.txt'])
    await runCli(['crawl', 'http://a.test/', ...fast(origin), '-j', 'all', '--no-nofollow'], { cwd })
    const all = origin.ledger('a.test').paths()
    for (const path of ['/a', '/from-b', '/from-c']) assert.ok(all.has(path), path)
  })
  await origin.close()
})

test('scope, depth and exclude settle what they refuse, each with its rule', async () => {
  const pages = {
    '/': '<a href=/1>1</a><a href=/x.zip>z</a><a href=http://b.test/>b</a>',
    '/1': '<a href=/2>2</a>',
    '/2': '<a href=/3>3</a>',
  }
  const origin = await startOrigin({ sites: { 'a.test': { pages } } })
  await inFolder(async (cwd) => {
    const flags = ['--scope', 'host', '--depth', '2', '--exclude', '**.zip', '-o', 'pages.ndjson']
    await runCli(['crawl', 'http://a.test/', ...fast(origin), ...flags], { cwd })
    const byUrl = new Map(readRecords(join(cwd, 'pages.ndjson')).map((record) => [record.url, record]))
    assert.equal(byUrl.get('http://a.test/2')?.outcome, 'ok')
    assert.equal(byUrl.get('http://a.test/3')?.code, 'LIMIT')
    assert.equal(byUrl.get('http://a.test/x.zip')?.code, 'SCOPE_DENIED')
    assert.match(byUrl.get('http://a.test/x.zip')?.message ?? '', /exclude: \*\*\.zip/)
    assert.equal(byUrl.get('http://b.test/')?.code, 'SCOPE_DENIED')
    assert.equal(origin.ledger('b.test').count, 0)
  })
  await origin.close()
})

test('redirects are hops in their own queue and the input takes the outcome of the last', async () => {
  const origin = await startOrigin({
    sites: {
      'a.test': { pages: { '/go': { status: 302, headers: { Location: 'http://b.test/there' }, body: '' } as never } },
      'b.test': { robots: 'User-agent: *\nDisallow: /no\n', pages: { '/there': 'arrived', '/no': 'x' } },
    },
  })
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'urls.txt'),
      'http://a.test/go\nhttp://a.test/redirect/3\nhttp://a.test/loop\nhttp://a.test/redirect-to?url=http%3A%2F%2Fb.test%2Fno\n',
    )
    const { code } = await runCli(['fetch', 'urls.txt', ...fast(origin), '-o', 'pages.ndjson'], { cwd })
    assert.equal(code, 3)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.equal(records.length, 4)
    const byUrl = new Map(records.map((record) => [record.url, record]))
    assert.equal(byUrl.get('http://a.test/go')?.outcome, 'ok')
    assert.equal(byUrl.get('http://a.test/go')?.final, 'http://b.test/there')
    assert.deepEqual(byUrl.get('http://a.test/go')?.chain, ['http://a.test/go'])
    assert.equal(byUrl.get('http://a.test/redirect/3')?.outcome, 'ok')
    assert.equal(byUrl.get('http://a.test/redirect/3')?.chain?.length, 3)
    assert.equal(byUrl.get('http://a.test/loop')?.code, 'REDIRECT_LOOP')
    const refused = byUrl.get('http://a.test/redirect-to?url=http%3A%2F%2Fb.test%2Fno')
    assert.equal(refused?.code, 'ROBOTS_DENIED')
    assert.equal(origin.ledger('b.test').paths().has('/no'), false)
  })
  await origin.close()
})

test('in a crawl a redirect to a known page is a duplicate that names where it led', async () => {
  const pages = {
    '/': '<a href=/old>o</a><a href=/new>n</a>',
    '/old': { status: 301, headers: { Location: '/new' }, body: '' } as never,
    '/new': 'new',
  }
  const origin = await startOrigin({ sites: { 'a.test': { pages } } })
  await inFolder(async (cwd) => {
    await runCli(['crawl', 'http://a.test/', ...fast(origin), '-o', 'pages.ndjson'], { cwd })
    const byUrl = new Map(readRecords(join(cwd, 'pages.ndjson')).map((record) => [record.url, record]))
    assert.equal(byUrl.get('http://a.test/old')?.code, 'DUPLICATE')
    assert.equal(byUrl.get('http://a.test/old')?.final, 'http://a.test/new')
    assert.equal(origin.ledger('a.test').paths().get('/new'), 1)
  })
  await origin.close()
})

test('sitemaps named in robots.txt are read and lead to pages nobody links to', async () => {
  const xml =
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://a.test/hidden</loc></url></urlset>'
  const pages = {
    '/': 'nothing here',
    '/hidden': 'found',
    '/map.xml': { headers: { 'Content-Type': 'application/xml' }, body: xml } as never,
  }
  const origin = await startOrigin({ sites: { 'a.test': { robots: 'Sitemap: http://a.test/map.xml\n', pages } } })
  await inFolder(async (cwd) => {
    const { code } = await runCli(
      ['crawl', 'http://a.test/', ...fast(origin), '--sitemaps', 'auto', '-o', 'pages.ndjson'],
      { cwd },
    )
    assert.equal(code, 0)
    const hidden = readRecords(join(cwd, 'pages.ndjson')).find((record) => record.url === 'http://a.test/hidden')
    assert.equal(hidden?.outcome, 'ok')
    assert.equal(hidden?.via, 'sitemap')
  })
  await origin.close()
})

test('bodies land in a folder by content, once each, with a record for every URL', async () => {
  const pages = { '/1': 'same', '/2': 'same', '/3': 'other' }
  const origin = await startOrigin({ sites: { 'a.test': { pages } } })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/1\nhttp://a.test/2\nhttp://a.test/3\n')
    const { code } = await runCli(['fetch', 'urls.txt', ...fast(origin), '-o', 'data/'], { cwd })
    assert.equal(code, 0)
    const records = readRecords(join(cwd, 'data', 'pages.ndjson'))
    const files = new Map(records.map((record) => [record.url, record.file as string]))
    assert.equal(files.get('http://a.test/1'), files.get('http://a.test/2'))
    assert.notEqual(files.get('http://a.test/1'), files.get('http://a.test/3'))
    assert.equal(readFileSync(join(cwd, 'data', files.get('http://a.test/3') as string), 'utf8'), 'other')
    assert.ok(existsSync(join(cwd, 'urls.sluice', 'summary.json')))
  })
  await origin.close()
})
