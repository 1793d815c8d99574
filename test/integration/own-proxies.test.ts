/** Proxies of single requests and several in turn, through the whole engine: who goes which way, and where logins are. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createJob, defineExtractor, fetchAll, polite } from '../../src/index.ts'
import type { Page } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin, OriginOptions } from '../../src/testing/origin.ts'
import { startProxy } from '../../src/testing/proxy.ts'
import type { ProxyOptions, TestProxy } from '../../src/testing/proxy.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { readRecords } from './web.ts'

const CONTACT = ['--contact', 'https://lab.example/bot', '--delay', '0', '--progress', 'none']

async function web(t: TestContext, sites: NonNullable<OriginOptions['sites']>): Promise<Origin> {
  const origin = await startOrigin({ recordHeaders: ['x-token', 'x-own', 'proxy-authorization'], sites })
  t.after(() => origin.close())
  return origin
}

async function proxyTo(t: TestContext, origin: Origin, options: ProxyOptions = {}): Promise<TestProxy> {
  const proxy = await startProxy({ to: () => `127.0.0.1:${origin.port}`, ...options })
  t.after(() => proxy.close())
  return proxy
}

/** Files below a folder that hold a text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path, 'latin1').includes(text))
}

test('rows name their own proxies: each goes its way, robots.txt too, and logins are in credentials.json alone', async (t) => {
  const origin = await web(t, { '*': { pages: { '/*': 'a page' } } })
  const http = await proxyTo(t, origin, { login: { user: 'ada', password: 'canary-1' } })
  const socks = await proxyTo(t, origin, { login: { user: 'bob', password: 'canary-2' } })
  await inFolder(async (cwd) => {
    const rows = [
      'url,via,note',
      `http://a.test/1,${http.url()},first`,
      `http://b.test/2,${socks.url('socks5h')},second`,
      'http://c.test/3,direct,third',
      'http://c.test/4,,fourth',
      'http://d.test/5,gopher://x:canary-3@y,fifth',
    ]
    writeFileSync(join(cwd, 'rows.csv'), `${rows.join('\n')}\n`)
    const args = ['fetch', 'rows.csv', '-j', 'ways', '--proxy', '{via?}', '-o', 'pages.ndjson', '--resolve']
    const first = await runCli([...args, origin.resolveFlag, ...CONTACT, '--limit', '1', '-c', '1'], { cwd })
    assert.equal(first.code, 4, first.stderr)
    const second = await runCli([...args, origin.resolveFlag, ...CONTACT, '--limit', '100'], { cwd })
    assert.equal(second.code, 0, second.stderr)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(
      records.map(({ url, outcome, code, input }) => [url, code ?? outcome, input?.['via']]).toSorted(),
      [
        ['http://a.test/1', 'ok', `http://127.0.0.1:${http.port}`],
        ['http://b.test/2', 'ok', `socks5h://127.0.0.1:${socks.port}`],
        ['http://c.test/3', 'ok', 'direct'],
        ['http://c.test/4', 'ok', ''],
        ['http://d.test/5', 'ROW_INCOMPLETE', 'gopher://y'],
      ],
    )
    const asked = ({ asked: all }: TestProxy): string[] => all.map(({ line, host, user }) => `${line ?? host} ${user}`)
    assert.deepEqual(asked(http), ['GET http://a.test/robots.txt HTTP/1.1 ada', 'GET http://a.test/1 HTTP/1.1 ada'])
    assert.deepEqual([...new Set(asked(socks))], ['b.test bob'])
    const why = await runCli(['why', 'http://a.test/1', '-j', 'ways'], { cwd })
    for (const { stdout, stderr } of [first, second, why]) assert.doesNotMatch(stdout + stderr, /canary/)
    const secret = join(cwd, 'ways.sluice', 'credentials.json')
    assert.deepEqual(filesWith(cwd, 'canary').toSorted(), [join(cwd, 'rows.csv'), secret].toSorted())
    assert.equal(statSync(secret).mode & 0o777, 0o600)
  })
})

test('a proxy is made of columns as well, and no part of its login is recorded', async (t) => {
  const origin = await web(t, { '*': { pages: { '/*': 'a page' } } })
  const proxy = await proxyTo(t, origin, { login: { user: 'ada', password: 'can@ry' } })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'rows.csv'), `id,host,user,word\n7,127.0.0.1:${proxy.port},ada,can@ry\n`)
    const rows = ['--rows', 'rows.csv', '--template', 'http://a.test/{id}', '--proxy', 'http://{user}:{word}@{host}']
    const run = await runCli(['fetch', ...rows, '-o', 'pages.ndjson', ...CONTACT], { cwd })
    assert.equal(run.code, 0, run.stderr)
    const [record] = readRecords(join(cwd, 'pages.ndjson'))
    const { user, word, host } = record?.input ?? {}
    assert.deepEqual([user, word, host], ['***', '***', `127.0.0.1:${proxy.port}`])
    assert.ok(proxy.asked.some(({ line }) => line === 'GET http://a.test/7 HTTP/1.1'))
  })
})

test('a proxy for each input is given alone, and a crawl has none', async () => {
  await inFolder(async (cwd) => {
    const two = await runCli(['fetch', 'http://a.test/', '--proxy', '{a}', '--proxy', 'http://b:1'], { cwd })
    assert.match(two.stderr, /OPTION_INVALID.*gives each input its own/)
    const crawl = await runCli(['crawl', 'http://a.test/', '--proxy', '{a}'], { cwd })
    assert.match(crawl.stderr, /OPTION_INVALID.*no columns/)
    const bare = await runCli(['fetch', 'http://a.test/', '--proxy', 'ada:canary@b:1'], { cwd })
    assert.match(bare.stderr, /OPTION_INVALID: --proxy: a proxy with a login needs its scheme/)
    assert.doesNotMatch(bare.stderr, /canary/)
  })
})

test('requests of a program carry proxy, method, fields and body; a redirect keeps the proxy and nothing else', async (t) => {
  const origin = await web(t, {
    'a.test': { pages: { '/away': { status: 302, headers: { Location: 'http://b.test/there' } }, '/*': 'a page' } },
    '*': { pages: { '/*': 'a page' } },
  })
  const proxy = await proxyTo(t, origin, { login: { user: 'ada', password: 'canary' } })
  const pages: Page[] = []
  const list = [
    { url: 'http://a.test/away', proxy: proxy.url(), headers: { 'X-Own': 'mine' }, columns: { id: '1' } },
    { url: 'http://a.test/post', method: 'post', body: 'x=1' },
    { url: 'http://a.test/post', method: 'post', body: 'x=2' },
    'http://a.test/plain',
  ]
  const options = {
    delay: 0,
    resolve: origin.resolveFlag,
    header: ['X-Token: for all'],
    contact: 'https://lab.example/',
  }
  for await (const page of fetchAll(list, options)) pages.push(page)
  assert.deepEqual(pages.map(({ url, outcome }) => `${outcome} ${url}`).toSorted(), [
    'ok http://a.test/away',
    'ok http://a.test/plain',
    'ok http://a.test/post',
    'ok http://a.test/post',
  ])
  assert.equal(pages.find(({ url }) => url.endsWith('/away'))?.input?.['id'], '1')
  const lines = proxy.asked.map(({ line }) => line?.split(' ')[1])
  assert.deepEqual(lines.slice(-1), ['http://b.test/there'], 'the redirect went the way of its request')
  const arrivals = [...origin.ledger().arrivals()].filter(({ path }) => path !== '/robots.txt')
  const away = arrivals.find(({ path }) => path === '/away')
  assert.deepEqual([away?.headers['x-own'], away?.headers['x-token']], ['mine', 'for all'])
  const there = arrivals.find(({ path }) => path === '/there')
  assert.deepEqual([there?.headers['x-own'], there?.headers['x-token']], [undefined, undefined])
  assert.equal(arrivals.filter(({ method }) => method === 'POST').length, 2)
  assert.equal(arrivals.find(({ path }) => path === '/plain')?.headers['x-token'], 'for all')
  for (const { headers } of arrivals) assert.equal(headers['proxy-authorization'], undefined)
})

test('an entry with a member that no request has ends the job with its name', async () => {
  const read = async (): Promise<void> => {
    for await (const page of fetchAll([{ url: 'http://a.test/', prxy: 'x' } as never])) assert.fail(page.url)
  }
  await assert.rejects(read(), /entry 1 of the list has a member prxy/)
})

test('a policy and an extractor give links proxies of their own', async (t) => {
  const origin = await web(t, {
    'a.test': { pages: { '/': '<a href="/one">1</a><a href="/two">2</a>', '/*': 'a page' } },
  })
  const one = await proxyTo(t, origin, { login: { user: 'ada', password: 'canary' } })
  const two = await proxyTo(t, origin)
  const usual = polite()
  await inFolder(async (cwd) => {
    const job = createJob({
      job: join(cwd, 'links'),
      seeds: 'http://a.test/',
      resolve: origin.resolveFlag,
      contact: 'https://lab.example/',
      delay: 0,
      out: [],
      follow: [],
      policy: {
        ...usual,
        admit: (request) =>
          request.url.endsWith('/one') ? { do: 'admit', priority: 1, proxy: one.url('socks5h') } : usual.admit(request),
      },
      extract: defineExtractor({
        match: '/',
        extract: (page) => {
          page.follow('/one')
          page.follow('/two', { proxy: two.url() })
          return []
        },
      }),
    })
    const { done } = await job.run()
    await job.close()
    assert.equal(done.ok, 3)
    assert.deepEqual(
      [one.asked.map(({ by }) => by), two.asked.map(({ line }) => line)],
      [['socks5'], ['GET http://a.test/two HTTP/1.1']],
    )
    assert.deepEqual(filesWith(cwd, 'canary'), [join(cwd, 'links.sluice', 'credentials.json')])
  })
})

test('a dead proxy of one row costs the other rows of its host nothing', async (t) => {
  const origin = await web(t, { 'a.test': { pages: { '/*': 'a page' } } })
  const good = await proxyTo(t, origin)
  const dead = await proxyTo(t, origin, { trouble: () => 'close' })
  const list = [1, 2, 3, 4].map((n) => ({
    url: `http://a.test/${n}`,
    proxy: (n % 2 === 0 ? good : dead).url('socks5h'),
  }))
  const ended: string[] = []
  const options = { delay: 0, retries: 0, contact: 'https://lab.example/' }
  for await (const page of fetchAll(list, options)) {
    ended.push(`${page.url} ${page.outcome === 'failed' ? page.error.code : page.outcome}`)
  }
  assert.deepEqual(ended.toSorted(), [
    'http://a.test/1 PROXY_FAILED',
    'http://a.test/2 ok',
    'http://a.test/3 PROXY_FAILED',
    'http://a.test/4 ok',
  ])
})

test('of several proxies one that refuses the login and one that is down cost no URL, and warnings name both', async (t) => {
  const origin = await web(t, { '*': { pages: { '/*': 'a page' } } })
  const good = await proxyTo(t, origin)
  const closed = await proxyTo(t, origin, { login: { user: 'ada', password: 'canary' } })
  const down = await proxyTo(t, origin, { trouble: () => 'close' })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), Array.from({ length: 40 }, (_, n) => `http://h${n % 8}.test/${n}\n`).join(''))
    const proxies = [closed.url().replace('canary', 'canary-wrong'), down.url('socks5h'), good.url()]
    const run = await runCli(['fetch', 'urls.txt', '-o', 'pages.ndjson', '--json=all', ...CONTACT], {
      cwd,
      env: { SLUICE_PROXY: proxies.join('\n') },
    })
    assert.equal(run.code, 0, run.stderr)
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).filter(({ outcome }) => outcome === 'ok').length, 40)
    const warnings = run.stdout
      .split('\n')
      .filter((line) => line.includes('"warning.raised"'))
      .map((line) => (JSON.parse(line) as { message: string }).message)
    assert.ok(
      warnings.some((text) => text.startsWith(`http://127.0.0.1:${closed.port} is not asked again`)),
      run.stdout,
    )
    assert.ok(warnings.some((text) => text.startsWith(`socks5h://127.0.0.1:${down.port} rests for 60 s`)))
    assert.doesNotMatch(run.stdout + run.stderr, /canary/)
  })
})

test('--max-redirects limits a chain; 0 follows none, and the record says where it led', async (t) => {
  const origin = await web(t, { '*': { pages: { '/end': 'the end' } } })
  await inFolder(async (cwd) => {
    const outcomes: string[][] = []
    for (const most of ['0', '2', '3']) {
      const out = `${most}.ndjson`
      const url = 'http://a.test/redirect/3'
      await runCli(
        ['fetch', url, '-j', most, '--max-redirects', most, '-o', out, '--resolve', origin.resolveFlag, ...CONTACT],
        { cwd },
      )
      const [record] = readRecords(join(cwd, out))
      outcomes.push([record?.code ?? record?.outcome ?? '', String(record?.status), record?.final ?? ''])
    }
    assert.deepEqual(outcomes, [
      ['TOO_MANY_REDIRECTS', '302', 'http://a.test/redirect/2'],
      ['TOO_MANY_REDIRECTS', '302', 'http://a.test/redirect/0'],
      ['ok', '200', 'http://a.test/redirect/0'],
    ])
  })
})

test('-H goes to every listed URL, of a file too, and not to where a redirect leads', async (t) => {
  const origin = await web(t, {
    'a.test': { pages: { '/1': { status: 302, headers: { Location: 'http://other.test/' } }, '/*': 'a page' } },
    '*': { pages: { '/*': 'a page' } },
  })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/1\nhttp://a.test/2\nhttp://b.test/3\n')
    const run = await runCli(['fetch', 'urls.txt', '-H', 'X-Token: t', '--resolve', origin.resolveFlag, ...CONTACT], {
      cwd,
    })
    assert.equal(run.code, 0, run.stderr)
    const seen = [...origin.ledger().arrivals()]
      .filter(({ path }) => path !== '/robots.txt')
      .map(({ host, path, headers }) => `${host}${path} ${headers['x-token'] ?? '-'}`)
    assert.deepEqual(seen.toSorted(), ['a.test/1 t', 'a.test/2 t', 'b.test/3 t', 'other.test/ -'])
  })
})
