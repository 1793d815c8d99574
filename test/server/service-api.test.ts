/** The API of a service: its description, live events three ways, JSON-RPC, MCP, figures, addresses, being a part of another server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { Hono } from 'hono'
import { WebSocket } from 'ws'
import { openView } from '../../src/job/index.ts'
import { jobApi } from '../../src/server/job-api.ts'
import { sseMessage } from '../../src/server/live.ts'
import { JOB_API, JOB_ROUTES } from '../../src/server/serve/job-routes.ts'
import { METRICS } from '../../src/server/serve/metrics.ts'
import { createService, listenService } from '../../src/server/serve/index.ts'
import type { ListeningService, ListenInit } from '../../src/server/serve/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { BIN, runCli } from '../cli/run-cli.ts'
import { mmdbOf } from '../fetch/mmdb.ts'
import { clientOf, clientOfService, until } from './running-service.ts'
import type { Client, Loose } from './running-service.ts'

const PAGES = 30
let origin: Origin
let dir: string
let listening: ListeningService
let client: Client

before(async () => {
  origin = await startOrigin({ sites: { '*': { pages: { '/p/*': '<title>page</title>' } } } })
  dir = mkdtempSync(join(tmpdir(), 'sluice-api-'))
  listening = await open()
  client = clientOfService(listening)
  const urls = Array.from({ length: PAGES }, (_, n) => `http://a.test/p/${n}`)
  assert.equal((await client.post('/api/jobs/fetch', { urls, name: 'list' })).status, 200)
  await finished('list')
})

after(async () => {
  await listening.close()
  await origin.close()
  rmSync(dir, { recursive: true, force: true })
})

function open(init: Partial<ListenInit> = {}): Promise<ListeningService> {
  const forced = { private: true, resolve: [origin.resolveFlag] }
  return listenService({ dir, port: 0, defaults: { contact: 'https://lab.example/bot', delay: 0 }, forced, ...init })
}

function finished(name: string, from: Client = client): Promise<Loose> {
  return until(
    async () => (await from.get(`/api/jobs/${name}`)).json,
    ({ state }) => ['finished', 'failed', 'interrupted'].includes(state),
  )
}

/** Messages of a stream until there are enough. */
async function read(path: string, wanted: number, headers: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const aborter = new AbortController()
  const response = await fetch(new URL(path, client.url), {
    headers: { authorization: `Bearer ${client.key}`, ...headers },
    signal: aborter.signal,
  })
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const messages: string[] = []
  let rest = ''
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += Buffer.from(bytes).toString()
    const parts = rest.split('\n\n')
    rest = parts.pop() as string
    messages.push(...parts)
    if (messages.length >= wanted) break
  }
  aborter.abort()
  return messages
}

const idOf = (message: string): number => Number(/^id: (\d+)$/m.exec(message)?.[1])

/** Queries of routes that need one. */
const SAMPLES: Readonly<Record<string, string>> = {
  'job.why': '?url=http://a.test/p/1',
  'job.events': '?wait=0',
  'job.robotsFile': '?origin=http://a.test',
  'job.robotsTest': '?url=http://a.test/p/1',
  'job.compare': '?before=tried',
}

test('the description of the API names every route, and every route in it answers', async () => {
  // What acts acts on a job of its own.
  await client.post('/api/jobs/fetch', { urls: ['http://a.test/p/1'], name: 'tried' })
  await finished('tried')
  const { json } = await client.get('/openapi.json')
  assert.equal(json.openapi, '3.1.0')
  const ids = new Set<string>()
  for (const [path, methods] of Object.entries<Record<string, Loose>>(json.paths)) {
    for (const [method, { operationId, responses, parameters = [] }] of Object.entries(methods)) {
      assert.ok(!ids.has(operationId), operationId)
      ids.add(operationId)
      for (const name of path.matchAll(/\{(\w+)\}/g))
        assert.ok(
          parameters.some((one: { name: string }) => one.name === name[1]),
          `${operationId} ${name[1]}`,
        )
      if (responses['101'] !== undefined) continue
      const isStream = responses['200'].content['text/event-stream'] !== undefined
      const at = path.replace('{job}', 'tried').replace('{ip}', '127.0.0.1')
      const query = SAMPLES[operationId] ?? ''
      if (isStream && query === '') assert.ok((await read(at, 1)).length > 0, at)
      else if (method === 'get') {
        const { status, json: answer } = await client.get(at + query)
        // What a job has nothing of is refused with a reason.
        if (status === 400) assert.ok(answer.error.hint !== undefined, at)
        else assert.match(String(status), /^(200|204|404)$/, at)
      } else {
        // An empty body is refused with a reason, or acts upon a job that does not run.
        const { status, json: answer } = await client.send(at, { method: method.toUpperCase(), body: '{}' })
        assert.match(String(status), /^(200|400|401|409)$/, `${operationId} ${JSON.stringify(answer)}`)
        if (status >= 400) assert.ok(answer.error.code !== undefined, operationId)
      }
    }
  }
  await finished('tried')
  const view = openView(join(dir, 'list.sluice'))
  // `ALL`: what stands before a route.
  const served = jobApi(view)
    .routes.filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${JOB_API}${path}`)
  await view.close()
  const described = new Set(JOB_ROUTES.map(({ method, path }) => `${method} ${path}`))
  assert.deepEqual(
    served.filter((route) => !described.has(route)),
    [],
    'src/server/serve/job-routes.ts lacks what src/server/job-api.ts serves',
  )
})

test('a message of a stream has a field for each line of its data', () => {
  assert.equal(sseMessage(7, 'note', 'one\ntwo\r\nthree'), 'id: 7\nevent: note\ndata: one\ndata: two\ndata: three\n\n')
})

test('a stream begins with how soon to come back, and a dropped connection goes on after its last event', async () => {
  const all = await read('/jobs/list/api/events', PAGES + 1)
  assert.equal(all[0], 'retry: 2000')
  const ids = all.slice(1).map(idOf)
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(ids).size, ids.length)
  const later = await read('/jobs/list/api/events', PAGES - 9, { 'last-event-id': String(ids[9]) })
  assert.equal(idOf(later[1] as string), ids[10])
})

test('a number that was never given gets one gap and a snapshot', async () => {
  const [, gap, snapshot] = await read('/jobs/list/api/events', 3, { 'last-event-id': '999999' })
  assert.match(gap as string, /^event: gap$/m)
  assert.match(snapshot as string, /^event: frame$/m)
  assert.match(snapshot as string, /"doneTotal":30/)
})

test('a long poll gives what is there at once, waits for what comes, and says when nothing did', async () => {
  const first = await client.get('/jobs/list/api/events?after=0&wait=20')
  assert.ok(first.json.events.length >= PAGES)
  const { last } = first.json
  const began = performance.now()
  assert.equal((await client.get(`/jobs/list/api/events?after=${last}&wait=1`)).status, 204)
  assert.ok(performance.now() - began > 900)
  const pollers = [1, 2].map(() => client.get(`/jobs/list/api/events?after=${last}&wait=60`))
  await client.post('/api/jobs/list/start')
  for (const { status, json } of await Promise.all(pollers)) {
    assert.equal(status, 200)
    assert.ok(json.events[0].id > last)
  }
  await finished('list')
})

test('a WebSocket tells the events after a number, refuses who has no key, and closes on a message that is too long', async () => {
  const url = `${client.url.replace('http', 'ws')}jobs/list/api/socket?after=0`
  const statusOf = async (headers: Record<string, string>): Promise<number> => {
    const refused = new WebSocket(url, { headers })
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }]
    refused.on('error', () => undefined)
    refused.terminate()
    return response.statusCode
  }
  const authorization = `Bearer ${client.key}`
  assert.equal(await statusOf({}), 401)
  assert.equal(await statusOf({ authorization, origin: 'http://evil.example' }), 403)
  assert.equal(await statusOf({ authorization, host: 'rebound.example' }), 403)
  const socket = new WebSocket(url, { headers: { authorization } })
  const events: Loose[] = []
  socket.on('message', (data) => events.push(JSON.parse(String(data))))
  await once(socket, 'open')
  await until(
    async () => events.length,
    (count) => count >= PAGES,
  )
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map(({ id }) => id).toSorted((a, b) => a - b),
  )
  assert.match((await client.get('/metrics')).text, /^sluice_viewers\{kind="websocket"\} 1$/m)
  socket.ping()
  await once(socket, 'pong')
  // In fragments: the whole message is what counts.
  socket.send('x'.repeat(3000), { fin: false })
  socket.send('x'.repeat(3000), { fin: true })
  assert.equal((await once(socket, 'close'))[0], 1009)
  const polite = new WebSocket(url, { headers: { authorization } })
  await once(polite, 'open')
  polite.close(1000)
  assert.equal((await once(polite, 'close'))[0], 1000)
})

test('JSON-RPC 2.0 answers as its specification says', async () => {
  const rpc = (body: unknown): ReturnType<Client['send']> =>
    client.send('/rpc', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
  const call = (method: unknown, params?: unknown, id: unknown = 1): unknown => ({ jsonrpc: '2.0', id, method, params })
  assert.equal((await rpc('{')).json.error.code, -32700)
  for (const body of [[], 1, 'null', { method: 'jobs.list' }, { jsonrpc: '2.0', id: {}, method: 'jobs.list' }, call(5)])
    assert.equal((await rpc(body)).json.error.code, -32600, JSON.stringify(body))
  assert.equal((await rpc(call('jobs.nothing'))).json.error.code, -32601)
  assert.equal((await rpc(call('constructor'))).json.error.code, -32601)
  for (const params of [[1], { nothing: 1 }, { limit: 'x' }])
    assert.equal((await rpc(call('jobs.list', params))).json.error.code, -32602, JSON.stringify(params))
  assert.equal((await rpc(call('jobs.get', { job: 'nothing' }))).json.error.data.code, 'JOB_UNKNOWN')
  assert.equal((await rpc(call('jobs.get', { job: 'list' }))).json.result.done, PAGES)
  assert.equal((await rpc(call('job.urls', { job: 'list', limit: 5 }))).json.result.rows.length, 5)
  assert.equal(
    (await rpc(call('job.query', { job: 'list', sql: 'SELECT count(*) AS n FROM pages' }))).json.result.rows[0][0],
    PAGES,
  )
  const batch = await rpc([call('jobs.get', { job: 'list' }, 'a'), { jsonrpc: '2.0', method: 'jobs.list' }, 7])
  assert.deepEqual(
    batch.json.map(({ id, error }: Loose) => [id, error?.code]),
    [
      ['a', undefined],
      [null, -32600],
    ],
  )
  const silent = await rpc({ jsonrpc: '2.0', method: 'jobs.list' })
  assert.deepEqual([silent.status, silent.text], [202, ''])
})

test('MCP lists tools over HTTP, starts a crawl, tells how it stands and reads its items', async () => {
  const mcp = async (method: string, params: unknown = {}): Promise<Loose> =>
    (await client.post('/mcp', { jsonrpc: '2.0', id: 1, method, params })).json.result
  const tool = async (name: string, given: unknown): Promise<Loose> => mcp('tools/call', { name, arguments: given })
  const { protocolVersion, capabilities } = await mcp('initialize', { protocolVersion: '2025-06-18', capabilities: {} })
  assert.equal(protocolVersion, '2025-06-18')
  assert.ok(capabilities.tools !== undefined)
  const { tools } = await mcp('tools/list')
  for (const name of ['start_crawl', 'start_fetch', 'job_status', 'read_items', 'why'])
    assert.ok(
      tools.some((one: { name: string }) => one.name === name),
      name,
    )
  for (const { inputSchema } of tools) assert.equal(inputSchema.type, 'object')
  const made = await tool('start_crawl', { urls: ['http://a.test/p/1'], name: 'asked' })
  assert.equal(made.isError, false, JSON.stringify(made))
  await finished('asked')
  assert.equal((await tool('job_status', { job: 'asked' })).structuredContent.state, 'finished')
  const items = await tool('read_items', { job: 'asked' })
  assert.equal(items.structuredContent.rows[0].url, 'http://a.test/p/1')
  const wrong = await tool('start_crawl', { urls: ['file:///etc/passwd'] })
  assert.equal(wrong.isError, true)
  assert.match(wrong.content[0].text, /OPTION_INVALID/)
})

test('MCP over standard input and output speaks a line a message', async () => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-mcp-'))
  const child = spawn(
    process.execPath,
    [BIN, 'serve', '--mcp', '--private', '--resolve', origin.resolveFlag, '--delay', '0'],
    {
      cwd: own,
      env: { PATH: process.env['PATH'], HOME: own, LANG: 'C' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (id: number, method: string, params: unknown): Promise<Loose> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    return JSON.parse((await lines.next()).value as string)
  }
  const hello = await ask(1, 'initialize', { protocolVersion: '1999-01-01' })
  assert.deepEqual([hello.id, hello.result.protocolVersion], [1, '2025-06-18'])
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
  const call = (id: number, name: string, given: unknown): Promise<Loose> =>
    ask(id, 'tools/call', { name, arguments: given })
  const made = await call(2, 'start_fetch', { urls: ['http://a.test/p/1'], name: 'one' })
  assert.equal(made.result.isError, false, JSON.stringify(made))
  let id = 3
  await until(
    async () => (await call(id++, 'job_status', { job: 'one' })).result.structuredContent.state,
    (state) => state === 'finished',
  )
  child.stdin.end()
  assert.equal((await once(child, 'exit'))[0], 0)
  assert.ok(existsSync(join(own, 'one.sluice', 'pages.ndjson')))
  rmSync(own, { recursive: true, force: true })
})

test('figures for Prometheus are those of the table, with 200 idle viewers counted and costing nothing', async () => {
  const aborter = new AbortController()
  const { seq } = (await client.get('/jobs/list/api/job')).json
  const streams = await Promise.all(
    Array.from({ length: 200 }, () =>
      fetch(new URL(`/jobs/list/api/events?after=${seq + 100}`, client.url), {
        headers: { authorization: `Bearer ${client.key}` },
        signal: aborter.signal,
      }),
    ),
  )
  const readers = streams.map((response) => response.body?.getReader())
  await Promise.all(readers.map((reader) => reader?.read()))
  const { text } = await until(
    async () => client.get('/metrics'),
    (answer) => answer.text.includes('sluice_viewers{kind="sse"} 200'),
  )
  const named = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
  assert.deepEqual(
    named.filter((name) => !METRICS.some((metric) => metric.name === name)),
    [],
  )
  assert.match(text, /^sluice_jobs\{state="finished"\} \d+$/m)
  const guide = readFileSync(new URL('../../docs/guide/service.md', import.meta.url), 'utf8')
  for (const { name } of METRICS) assert.ok(guide.includes(`\`${name}\``), `the guide has no ${name}`)
  aborter.abort()
  await until(
    async () => (await client.get('/metrics')).text,
    (now) => now.includes('sluice_viewers{kind="sse"} 0'),
  )
})

test('sentences of the page come in five languages with their plurals, unknown ones in English', async () => {
  const words = async (language: string): Promise<Loose> => (await client.get(`/catalog/${language}`)).json
  const pt = await words('pt-BR')
  assert.equal(pt.language, 'pt-BR')
  assert.match(pt.messages['ui.matched.one'], /^\{count\} linha$/)
  assert.match(pt.messages['ui.matched.other'], /^\{count\} linhas$/)
  assert.equal((await words('tlh')).language, 'en')
  for (const language of ['en', 'es', 'zh-CN', 'ko']) assert.equal((await words(language)).language, language)
})

test('addresses are told from the files of the operator, so many times an hour', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-geo-'))
  const file = join(own, 'country.mmdb')
  writeFileSync(file, mmdbOf({ '127.0.0.0/8': { country: { iso_code: 'BR' } } }))
  const service = await open({ dir: own, geo: [file], geoQuota: 5 })
  t.after(async () => {
    await service.close()
    rmSync(own, { recursive: true, force: true })
  })
  const asked = clientOfService(service)
  const first = await asked.get('/api/geo/127.0.0.1')
  assert.deepEqual(first.json, { ip: '127.0.0.1', country: 'BR', asn: null, organization: null })
  assert.equal((await asked.get('/api/geo/127.0.0.1.csv')).text, 'ip,country,asn,organization\r\n127.0.0.1,BR,,\r\n')
  assert.equal((await asked.get('/api/geo')).json.ip, '127.0.0.1')
  assert.equal((await asked.get('/api/geo/8.8.8.8')).status, 404)
  const last = await asked.get('/api/geo/nowhere.json')
  assert.deepEqual([last.status, last.headers.get('ratelimit-remaining')], [400, '0'])
  const over = await asked.get('/api/geo/127.0.0.1')
  assert.equal(over.status, 429)
  assert.equal(over.headers.get('ratelimit-limit'), '5')
  assert.ok(Number(over.headers.get('retry-after')) > 60)
})

test('a service is a part of an application of node:http and of hono, below a path of its own', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-part-'))
  const service = createService({ dir: own, base: '/crawls', forced: { private: true, resolve: [origin.resolveFlag] } })
  await service.start()
  const app = new Hono()
  app.get('/', (context) => context.text('the application'))
  app.all('/crawls/*', (context) => service.fetch(context.req.raw))
  const server = createServer((request, response) => {
    // As Express does below a mount.
    const isMounted = request.headers['x-mounted'] !== undefined
    if (isMounted) Object.assign(request, { originalUrl: request.url, url: request.url?.replace('/crawls', '') })
    if (isMounted || request.url?.startsWith('/crawls/') === true) service.listener(request, response)
    else response.end('the application')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    await service.close()
    server.close()
    server.closeAllConnections()
    rmSync(own, { recursive: true, force: true })
  })
  const { port } = server.address() as AddressInfo
  const asked = clientOf(`http://127.0.0.1:${port}/`, service.key)
  assert.equal((await asked.get('/')).text, 'the application')
  const page = await asked.get('/crawls/')
  assert.match(page.text, /src="\/crawls\/jobs\.js"/)
  assert.match(page.text, /content="\/crawls\|\/crawls"/)
  assert.equal((await asked.get('/crawls/jobs.js')).status, 200)
  assert.equal((await asked.get('/crawls/jobs.js', { 'x-mounted': 'yes' })).status, 200)
  const unchanged = await asked.get('/crawls/jobs.js', {
    'if-none-match': (await asked.get('/crawls/jobs.js')).headers.get('etag') ?? '',
  })
  assert.deepEqual([unchanged.status, unchanged.text], [304, ''])
  assert.equal((await asked.send('/crawls/api/jobs', {}, '')).status, 401)
  const made = await asked.post('/crawls/api/jobs/fetch', {
    urls: ['http://a.test/p/1'],
    name: 'one',
    options: { delay: 0 },
  })
  assert.equal(made.json.api, '/crawls/jobs/one/api', made.text)
  await until(
    async () => (await asked.get('/crawls/api/jobs/one')).json.state,
    (state) => state === 'finished',
  )
  assert.equal((await asked.get('/crawls/jobs/one/api/job')).json.doneTotal, 1)
  assert.match((await asked.get('/crawls/jobs/one/')).text, /content="\/crawls\|\/crawls\/jobs\/one"/)
  const request = new Request('http://localhost/crawls/api/jobs', {
    headers: { host: 'localhost', authorization: `Bearer ${service.key}` },
  })
  const answer = await app.fetch(request)
  assert.equal(((await answer.json()) as { matched: number }).matched, 1)
  assert.equal(await (await app.fetch(new Request('http://localhost/'))).text(), 'the application')
})

test('a job of the command line in the folder of the service is shown, run and kept', async () => {
  writeFileSync(join(dir, 'more.txt'), 'http://a.test/p/100\n')
  const flags = ['--resolve', origin.resolveFlag, '--delay', '0', '--progress', 'none']
  assert.equal((await runCli(['fetch', 'more.txt', ...flags], { cwd: dir })).code, 0)
  assert.equal((await client.get('/api/jobs/more')).json.state, 'finished')
  appendFileSync(join(dir, 'more.txt'), 'http://a.test/p/101\n')
  assert.equal((await client.post('/api/jobs/more/start')).status, 200)
  const row = await until(
    async () => (await client.get('/api/jobs/more')).json,
    ({ state, done }) => state === 'finished' && done === 2,
  )
  assert.equal(row.outcomes.ok, 2)
})
