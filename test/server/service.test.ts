/** Who may use a service, what a request may ask for, and that nothing else is done: every refusal by itself. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listenService } from '../../src/server/serve/index.ts'
import type { ListeningService, ListenInit } from '../../src/server/serve/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { runCli } from '../cli/run-cli.ts'
import { clientOfService, until } from './running-service.ts'
import type { Client, Loose } from './running-service.ts'

const SECRET = 's3cret-canary'
let origin: Origin
let dir: string
let listening: ListeningService
let client: Client

before(async () => {
  origin = await startOrigin({
    sites: {
      'a.test': { pages: { '/': '<title>start</title><a href="/b">b</a>', '/b': '<title>&lt;script&gt;</title>' } },
    },
  })
  dir = mkdtempSync(join(tmpdir(), 'sluice-service-'))
  mkdirSync(join(dir, 'code'))
  // Installed, as extractors of an application have it.
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(dir, 'node_modules', 'sluice'))
  writeFileSync(
    join(dir, 'code', 'titles.ts'),
    "import { defineExtractor } from 'sluice'\nexport default defineExtractor({ extract: (page) => [{ title: page.title }] })\n",
  )
  listening = await open({ extractors: join(dir, 'code') })
  client = clientOfService(listening)
})

after(async () => {
  await listening.close()
  await origin.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Reaches the fake web unless it is told otherwise. */
function open(init: Partial<ListenInit> = {}): Promise<ListeningService> {
  const forced = { private: true, resolve: [origin.resolveFlag] }
  return listenService({ dir, port: 0, defaults: { contact: 'https://lab.example/bot', delay: 0 }, forced, ...init })
}

function settled(name: string, from: Client = client): Promise<Loose> {
  return until(
    async () => (await from.get(`/api/jobs/${name}`)).json,
    ({ state }) => ['finished', 'failed', 'interrupted'].includes(state),
  )
}

/** Status of a request whose head is written as it is: `fetch` would not send it. */
function raw(head: Readonly<Record<string, string>>, path = '/api/jobs', method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: listening.port, host: '127.0.0.1', path, method, headers: head }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('a service answers nobody without a key but whether it is well', async () => {
  for (const path of [
    '/api/jobs',
    '/api/jobs/x',
    '/api/audit',
    '/jobs.json',
    '/jobs/x/api/job',
    '/jobs/x/urls.json',
    '/jobs/x/api/events',
    '/metrics',
    '/openapi.json',
    '/rpc',
    '/mcp',
  ]) {
    for (const key of ['', 'wrong-wrong-wrong-wrong']) {
      const { status, text } = await client.send(path, {}, key)
      assert.match(String(status), /^4(01|29)$/, `${path} ${text}`)
    }
  }
  const health = await client.send('/healthz', {}, '')
  assert.equal(health.status, 200)
  assert.deepEqual(health.json, { status: 'ok' })
  const page = await client.send('/', {}, '')
  assert.equal(page.status, 200)
  assert.match(page.text, /src="\/jobs\.js"/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/)
})

test('wrong keys of a service are throttled after five within a second, the right one never is', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 12; n++) statuses.push((await client.send('/api/jobs', {}, 'wrong-wrong-wrong')).status)
  assert.ok(statuses.includes(429), String(statuses))
  assert.equal((await client.get('/api/jobs')).status, 200)
})

test('a service refuses names that lead to it, pages of other origins, forms and a cookie without the intent', async () => {
  const authorization = `Bearer ${client.key}`
  for (const host of ['rebound.example', '127.0.0.1.evil.example', '10.0.0.1', '169.254.169.254', 'localhost.evil'])
    assert.equal(await raw({ authorization, host }), 421, host)
  for (const from of ['http://evil.example', 'null', 'http://localhost.evil', 'file://'])
    assert.equal(await raw({ authorization, origin: from }), 403, from)
  const exchanged = await client.send('/key', { method: 'POST', body: JSON.stringify({ key: client.key }) }, '')
  assert.equal(exchanged.status, 204)
  const cookie = (exchanged.headers.get('set-cookie') ?? '').split(';')[0] as string
  assert.match(exchanged.headers.get('set-cookie') ?? '', /HttpOnly.*SameSite=Strict/i)
  const make = (type: string): Promise<{ status: number }> =>
    client.send(
      '/api/jobs/fetch',
      { method: 'POST', body: JSON.stringify({ urls: ['http://a.test/'] }), headers: { cookie, 'content-type': type } },
      '',
    )
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'])
    assert.equal((await make(type)).status, 403, type)
  assert.deepEqual((await client.get('/api/jobs')).json.rows, [])
})

test('nothing that acts can be asked for by GET', async () => {
  for (const path of [
    '/api/jobs/x/start',
    '/api/jobs/x/stop',
    '/api/jobs/x/pause',
    '/api/jobs/crawl',
    '/rpc',
    '/mcp',
  ]) {
    const { status } = await client.get(path)
    assert.match(String(status), /^40[45]$/, path)
  }
})

test('a service does not start at an address that others reach without keys', async () => {
  await assert.rejects(open({ host: '0.0.0.0' }), /needs keys/)
  const { code, stderr } = await runCli(['serve', '--host', '0.0.0.0', '--port', '0'], { cwd: dir })
  assert.equal(code, 2)
  assert.match(stderr, /--auth/)
})

test('a second service of one folder is refused', async () => {
  await assert.rejects(open(), (error: { code?: string }) => error.code === 'FRONTIER_LOCKED')
})

test('keys of a file are people: one changes, one only reads, and the audit log says who did it', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-keys-'))
  const keys = join(own, 'keys.txt')
  const [ann, bob] = ['a'.repeat(24), 'b'.repeat(24)]
  writeFileSync(keys, `# people\nann ${ann}\nbob ${bob} read\n`)
  const { readKeys } = await import('../../src/server/serve/index.ts')
  const service = await open({ dir: own, holders: readKeys(keys), host: '0.0.0.0', hosts: ['crawl.example'] })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService({ ...service, url: `http://127.0.0.1:${service.port}/` })
  const body = JSON.stringify({
    urls: [`http://me:${SECRET}@a.test/`],
    name: 'mine',
    options: { header: [`X-Token: ${SECRET}`] },
    reason: 'a test',
  })
  const init = { method: 'POST', body }
  const refused = await asked.send('/api/jobs/fetch', init, bob)
  assert.deepEqual([refused.status, refused.json.error.code], [403, 'READ_ONLY'])
  assert.equal((await asked.send('/api/jobs', {}, bob)).json.matched, 0)
  assert.equal((await asked.send('/api/jobs/fetch', init, ann)).status, 200)
  await until(
    async () => (await asked.send('/jobs/mine/api/job', {}, bob)).status,
    (status) => status === 200,
  )
  for (const path of ['pause', 'resume', 'stop', 'set', 'retry', 'add'])
    assert.equal((await asked.send(`/jobs/mine/api/${path}`, { method: 'POST', body: '{}' }, bob)).status, 403, path)
  // A trial is one only where it counts.
  for (const path of ['pause', 'resume', 'stop', 'set'])
    assert.equal(
      (await asked.send(`/jobs/mine/api/${path}`, { method: 'POST', body: '{"dryRun":true}' }, bob)).status,
      403,
      path,
    )
  await until(
    async () => (await asked.send('/api/jobs/mine', {}, bob)).json.state,
    (state) => state === 'finished',
  )
  const set = { name: 'delay', value: '2s', reason: 'be gentle' }
  assert.equal((await asked.send('/jobs/mine/api/set', { method: 'POST', body: JSON.stringify(set) }, ann)).status, 200)
  const [first] = (await asked.send('/api/audit', {}, bob)).json.entries
  assert.deepEqual([first.who, first.action, first.why, first.result], ['ann', 'jobs.fetch', 'a test', 'done'])
  const [own1] = (await asked.send('/jobs/mine/api/audit', {}, bob)).json.rows
  assert.deepEqual([own1.who, own1.action, own1.why, own1.details.name], ['ann', 'set', 'be gentle', 'delay'])
  // Secrets are in the job's own settings, for their owner alone, and told by nobody.
  const seen = await Promise.all(
    [
      '/api/audit',
      '/jobs/mine/api/audit',
      '/jobs/mine/api/settings',
      '/jobs/mine/api/urls',
      '/api/jobs',
      '/metrics',
    ].map(async (path) => (await asked.send(path, {}, bob)).text),
  )
  assert.doesNotMatch(seen.join('\n'), new RegExp(SECRET))
  assert.doesNotMatch(readFileSync(join(own, 'mine.sluice', 'audit.ndjson'), 'utf8'), new RegExp(SECRET))
})

test('a request may give no option that names files, code, proxies, servers or the address policy', async () => {
  const refused: readonly Record<string, unknown>[] = [
    { private: true },
    { proxy: 'http://127.0.0.1:1' },
    { resolve: ['a.test=127.0.0.1'] },
    { dns: ['127.0.0.1'] },
    { lists: ['/etc/passwd'] },
    { rows: '/etc/passwd', template: 'http://a.test/{x}' },
    { data: '@/etc/passwd' },
    { session: '/etc/passwd' },
    { cookies: '/etc/passwd' },
    { geo: ['/etc/passwd'] },
    { extract: ['/tmp/evil.ts'] },
    { out: ['/tmp/evil.ndjson'] },
    { job: '../other' },
    { unsafeLock: true },
    { robots: 'ignore' },
    { robots: 'record' },
    { hosts: { 'a.test': { proxy: 'http://127.0.0.1:1' } } },
  ]
  for (const options of refused) {
    const { status, json } = await client.post('/api/jobs/fetch', {
      urls: ['http://a.test/'],
      name: 'refused',
      options,
    })
    assert.deepEqual([status, json.error?.code], [403, 'OPTION_REFUSED'], JSON.stringify(options))
  }
  for (const options of [{ depht: 1 }, { delay: 'soon' }, { __proto__x: 1 }, 'delay=0', [1]]) {
    const { status, text } = await client.post('/api/jobs/fetch', {
      urls: ['http://a.test/'],
      name: 'refused',
      options,
    })
    assert.equal(status, 400, text)
  }
  for (const urls of [
    [],
    ['/etc/passwd'],
    ['file:///etc/passwd'],
    ['-'],
    ['urls.txt'],
    ['gopher://a.test/'],
    'http://a.test/',
    [5],
  ])
    assert.equal((await client.post('/api/jobs/fetch', { urls, name: 'refused' })).status, 400, JSON.stringify(urls))
  for (const extract of ['../code/titles', '/etc/passwd', 'evil', 'titles.ts/../../x', 'data:text/javascript,0'])
    assert.equal(
      (await client.post('/api/jobs/fetch', { urls: ['http://a.test/'], name: 'refused', extract: [extract] })).status,
      403,
      extract,
    )
  assert.ok(!existsSync(join(dir, 'refused.sluice')))
})

test('outputs of a request lie in the folder of its job, whatever they are called', async () => {
  for (const out of [
    '../x.ndjson',
    '/tmp/x.ndjson',
    'a/../../x.ndjson',
    '..\\x.ndjson',
    'C:\\x.ndjson',
    'redis://127.0.0.1/0',
    'sqlite:/tmp/x.db',
    'x.exe',
    '.hidden/x.ndjson',
    'x\u0000.ndjson',
    '-',
  ])
    assert.equal(
      (await client.post('/api/jobs/fetch', { urls: ['http://a.test/'], name: 'refused', out: [out] })).status,
      400,
      out,
    )
  for (const name of ['../up', 'a/b', '..', '.', '', 'x\u0000', 'a.sluice', '\\\\host\\share', 'n'.repeat(101)])
    assert.equal((await client.post('/api/jobs/fetch', { urls: ['http://a.test/'], name })).status, 400, name)
})

test('a crawl with an extractor of the operator gives items, and is listed, stopped and deleted with care', async () => {
  const made = await client.post('/api/jobs/crawl', {
    urls: ['http://a.test/'],
    name: 'shop',
    extract: ['titles'],
    out: ['items.ndjson'],
  })
  assert.equal(made.status, 200, made.text)
  assert.equal(made.json.page, '/jobs/shop/')
  const row = await settled('shop')
  assert.deepEqual([row.state, row.done, row.kind], ['finished', 2, 'crawl'], JSON.stringify(row))
  const items = await client.get('/api/jobs/shop/items')
  assert.deepEqual(
    items.json.rows.map(({ title }: { title: string }) => title),
    ['start', '<script>'],
  )
  assert.match(items.headers.get('content-type') ?? '', /^application\/json/)
  assert.ok(existsSync(join(dir, 'shop.sluice', 'out', 'items.ndjson')))
  assert.equal((await client.post('/api/jobs/fetch', { urls: ['http://a.test/'], name: 'shop' })).status, 409)
  assert.equal((await client.get('/jobs/shop/api/urls')).json.matched, 2)
  assert.equal((await client.get('/jobs/shop/urls.json')).json.matched, 2)
  assert.equal((await client.get('/jobs/shop/live.json')).json.doneTotal, 2)
  assert.equal((await client.post('/api/jobs/shop/stop')).status, 409)
  const remove = (body: object) => client.send('/api/jobs/shop', { method: 'DELETE', body: JSON.stringify(body) })
  assert.equal((await remove({ confirm: 'shopp' })).status, 409)
  assert.equal((await remove({})).status, 400)
  assert.equal((await remove({ confirm: 'shop' })).status, 200)
  assert.ok(existsSync(join(dir, '.sluice-service', 'deleted', 'shop.1.sluice', 'job.db')))
  assert.equal((await client.get('/api/jobs/shop')).status, 404)
})

test('paths that climb out of the service find nothing', async () => {
  for (const path of [
    '/../package.json',
    '/%2e%2e/package.json',
    '/%252e%252e%252fpackage.json',
    '/..%5cpackage.json',
    '/jobs/..%2f..%2fetc/api/job',
    '/jobs/%2e%2e/api/job',
    '/jobs/x%00/api/job',
    '/jobs/shop/..%2f..%2fcode/titles.ts',
    '/main.js%00.html',
    '/api/jobs/..%2fcode',
  ]) {
    const status = await raw({ authorization: `Bearer ${client.key}` }, path)
    assert.match(String(status), /^(?:404|400|401)$/, path)
  }
})

test('jobs of a service reach no address inside the network unless the operator says so', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-ssrf-'))
  const service = await open({
    dir: own,
    forced: { resolve: [`rebound.test=127.0.0.1:${origin.port}`, `mapped.test=[::ffff:127.0.0.1]:${origin.port}`] },
  })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const before = origin.ledger().count
  const urls = [
    ...[`127.0.0.1:${origin.port}`, `localhost:${origin.port}`, `0x7f.1:${origin.port}`, `2130706433:${origin.port}`],
    ...[`017700000001:${origin.port}`, `[::1]:${origin.port}`, `[::ffff:127.0.0.1]:${origin.port}`],
    ...[
      'rebound.test',
      'mapped.test',
      '10.0.0.1',
      '169.254.169.254',
      '[fd00::1]',
      '100.64.0.1',
      `127.0.0.1:${service.port}`,
    ],
  ].map((host) => `http://${host}/canary`)
  assert.equal((await asked.post('/api/jobs/fetch', { urls, name: 'inwards' })).status, 200)
  const row = await settled('inwards', asked)
  assert.equal(row.outcomes.skipped, row.known, JSON.stringify(row))
  const { rows } = (await asked.get('/jobs/inwards/api/urls?limit=500')).json
  for (const { url, record } of rows) assert.match(record.code, /^(?:ADDRESS_DENIED|DUPLICATE)$/, url)
  assert.equal(
    (
      await asked.post('/api/jobs/crawl', {
        urls: ['http://rebound.test/'],
        name: 'seed',
        options: { sitemaps: 'auto' },
      })
    ).status,
    200,
  )
  await settled('seed', asked)
  assert.equal(origin.ledger().count, before, 'nothing arrived')
})

test('a job never asks the service that runs it, even where it may reach inwards', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-itself-'))
  const service = await open({ dir: own, forced: { private: true } })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const urls = [`http://127.0.0.1:${service.port}/healthz`, `http://[::ffff:127.0.0.1]:${service.port}/healthz`]
  assert.equal((await asked.post('/api/jobs/fetch', { urls, name: 'itself' })).status, 200)
  await settled('itself', asked)
  const { rows } = (await asked.get('/jobs/itself/api/urls')).json
  assert.deepEqual(
    rows.map(({ record }: { record: { code: string } }) => record.code),
    ['ADDRESS_DENIED', 'ADDRESS_DENIED'],
  )
})

test('large and malformed requests are answered, and the service goes on', async () => {
  assert.equal((await client.post('/jobs/x/api/set', { name: 'x'.repeat(100_000) })).status, 413)
  assert.equal((await client.send('/key', { method: 'POST', body: 'x'.repeat(70_000) }, '')).status, 413)
  assert.equal(await streamed(17 * 1024 * 1024), 413)
  for (const body of [
    'null',
    '[]',
    '{',
    '"x"',
    '{"urls":{}}',
    '{"urls":["http://a.test/"],"constructor":{}}',
    '{"urls":["http://a.test/"],"__proto__":{"name":"x"}}',
  ])
    assert.equal((await client.send('/api/jobs/fetch', { method: 'POST', body })).status, 400, body)
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    'NONSENSE\r\n\r\n',
    '\u0000\u0001\u0002\r\n\r\n',
    'GET / HTTP/1.1\nHost: localhost\n X: folded\n\n',
  ])
    assert.match(await sent(bytes), /^(?:HTTP\/1\.1 4\d\d|$)/, JSON.stringify(bytes.slice(0, 60)))
  assert.equal((await client.get('/api/jobs')).status, 200)
})

test('no more jobs run at a time than were asked for; the others wait their turn', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-turns-'))
  const service = await open({ dir: own, jobs: 1 })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const stateOf = async (name: string): Promise<string> => (await asked.get(`/api/jobs/${name}`)).json.state
  await asked.post('/api/jobs/fetch', { urls: ['http://a.test/'], name: 'first', paused: true })
  await asked.post('/api/jobs/fetch', { urls: ['http://a.test/'], name: 'second' })
  await until(
    () => stateOf('first'),
    (state) => state === 'paused',
  )
  assert.equal(await stateOf('second'), 'queued')
  assert.equal((await asked.post('/api/jobs/first/stop')).status, 200)
  assert.equal((await settled('second', asked)).outcomes.ok, 1)
  assert.equal(await stateOf('first'), 'interrupted')
})

test('who asks too often waits', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-rate-'))
  const service = await open({ dir: own, rate: { burst: 5, perSecond: 0.5 } })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const answers = []
  for (let n = 0; n < 7; n++) answers.push(await asked.get('/api/jobs'))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 429, 429],
  )
  assert.match(answers[6]?.headers.get('retry-after') ?? '', /^[12]$/)
})

test('a service for reading only lets nobody change anything', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-read-'))
  const service = await open({ dir: own, readOnly: true })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const { status, json } = await asked.post('/api/jobs/fetch', { urls: ['http://a.test/'] })
  assert.deepEqual([status, json.error.code], [403, 'READ_ONLY'])
  const called = await asked.post('/rpc', {
    jsonrpc: '2.0',
    id: 1,
    method: 'jobs.crawl',
    params: { urls: ['http://a.test/'] },
  })
  assert.equal(called.json.error.data.code, 'READ_ONLY')
})

/** Status of a new job whose body comes in chunks without an end that is told; 413 too where the connection is closed. */
function streamed(bytes: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${client.key}` }
    const asked = request(
      new URL('/api/jobs/fetch', client.url),
      { method: 'POST', headers, agent: false },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    asked.on('error', () => resolve(413))
    asked.end(Buffer.alloc(bytes))
  })
}

/** What a server says to bytes, until it closes. */
function sent(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(listening.port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(text))
  })
}
