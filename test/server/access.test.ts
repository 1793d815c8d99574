/** The server refuses whoever has no key, another host's name, and pages of other origins. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openView } from '../../src/job/index.ts'
import { openDashboard } from '../../src/server/index.ts'
import type { Dashboard } from '../../src/server/index.ts'
import { createLive } from '../../src/server/live.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'

let origin: Origin
let dashboard: Dashboard
let folder: string
let leave: () => void
let left: Promise<void>

before(async () => {
  origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
  await new Promise<void>((ready, failed) => {
    left = inFolder(async (cwd) => {
      const urls = Array.from({ length: 30 }, (_, n) => `http://a.test/${n < 20 ? 'p' : 'none'}/${n}\n`)
      writeFileSync(join(cwd, 'urls.txt'), urls.join(''))
      await runCli(['fetch', 'urls.txt', ...fast(origin), '--header', 'Authorization: Bearer s3cret'], { cwd })
      folder = join(cwd, 'urls.sluice')
      dashboard = await openDashboard({ folder, language: 'en' })
      ready()
      await new Promise<void>((go) => (leave = go))
      await dashboard.close()
    })
    left.catch(failed)
  })
})

after(async () => {
  leave()
  await left
  await origin.close()
})

function ask(path: string, init: RequestInit = {}, key: string | undefined = dashboard.key): Promise<Response> {
  const headers = new Headers(init.headers)
  if (key !== '') headers.set('authorization', `Bearer ${key}`)
  return fetch(`http://127.0.0.1:${dashboard.port}${path}`, { ...init, headers })
}

test('nothing of the job is told without the key, and a wrong one is no key', async () => {
  for (const path of [
    'job',
    'series',
    'settings',
    'urls',
    'urls.ndjson',
    'hosts',
    'errors',
    'why?url=x',
    'live',
    'events',
  ]) {
    for (const key of ['', 'wrong', `${dashboard.key}x`]) {
      const response = await ask(`/api/${path}`, {}, key)
      assert.match(String(response.status), /^4(01|29)$/, path)
      assert.doesNotMatch(await response.text(), /a\.test/)
    }
  }
  for (const control of ['pause', 'resume', 'stop', 'retry'])
    assert.match(String((await ask(`/api/${control}`, { method: 'POST' }, '')).status), /^4(01|29)$/, control)
})

test('the key is exchanged for a cookie that scripts and other sites cannot use', async () => {
  const refused = await ask('/key', { method: 'POST', body: JSON.stringify({ key: 'wrong' }) }, '')
  assert.match(String(refused.status), /^4(01|29)$/)
  assert.equal(refused.headers.get('set-cookie'), null)
  const response = await ask('/key', { method: 'POST', body: JSON.stringify({ key: dashboard.key }) }, '')
  assert.equal(response.status, 204)
  const cookie = response.headers.get('set-cookie') ?? ''
  assert.match(cookie, /HttpOnly/i)
  assert.match(cookie, /SameSite=Strict/i)
  const pair = cookie.split(';')[0] as string
  assert.equal((await ask('/api/job', { headers: { cookie: pair } }, '')).status, 200)
  // A form of another page would send the cookie of an old browser, but never this header.
  assert.equal((await ask('/api/pause', { method: 'POST', headers: { cookie: pair } }, '')).status, 403)
  const intended = { cookie: pair, 'x-sluice-intent': 'test' }
  assert.equal((await ask('/api/pause', { method: 'POST', headers: intended }, '')).status, 409)
})

test('a name that leads here and a page of another origin are refused, with the key too', async () => {
  const { request } = await import('node:http')
  const statusFor = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(
        {
          port: dashboard.port,
          host: '127.0.0.1',
          path: '/api/job',
          headers: { authorization: `Bearer ${dashboard.key}`, ...headers },
        },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      asked.on('error', reject)
      asked.end()
    })
  assert.equal(await statusFor({}), 200)
  for (const host of ['rebound.example', '127.0.0.1.evil.example', 'localhost.evil', '10.0.0.1', '169.254.169.254'])
    assert.equal(await statusFor({ host }), 421, host)
  for (const origin of ['http://evil.example', 'null', 'http://localhost.evil'])
    assert.equal(await statusFor({ origin }), 403, origin)
})

test('answers forbid scripts from elsewhere, frames and sniffing, and are not kept', async () => {
  const response = await ask('/api/job')
  const policy = response.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /script-src 'self'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
  assert.equal(response.headers.get('cache-control'), 'no-store')
})

test('settings are shown without what may be a secret', async () => {
  const path = join(folder, 'config.json')
  const before = readFileSync(path, 'utf8')
  const stored = JSON.parse(before) as { options: object }
  const options = {
    ...stored.options,
    seeds: ['http://me:s3cret@a.test/'],
    lists: ['https://me:s3cret@a.test/list.txt'],
    out: ['postgres://me:s3cret@h/db#pages', 'postgres://h/db?user=me&password=s3cret&sslmode=on'],
    param: ['token=s3cret'],
    data: '{"password":"s3cret"}',
    hosts: { 'a.test': { proxy: 'http://me:s3cret@proxy.test:8080' } },
  }
  writeFileSync(path, JSON.stringify({ ...stored, options }))
  const text = await (await ask('/api/settings')).text()
  writeFileSync(path, before)
  assert.match(text, /"header":"\*\*\*"/)
  assert.match(text, /proxy\.test:8080/)
  assert.match(text, /sslmode=on/)
  assert.doesNotMatch(text, /s3cret/)
})

test('bad questions are answered with a code and a hint, large bodies are refused', async () => {
  for (const path of [
    'urls?state=fine',
    'urls?sort=colour',
    'urls?offset=-1',
    'hosts?limit=x',
    'errors?sort=__proto__',
  ]) {
    const response = await ask(`/api/${path}`)
    assert.equal(response.status, 400, path)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    assert.equal(error.code, 'OPTION_INVALID')
  }
  const large = await ask('/api/retry', {
    method: 'POST',
    body: JSON.stringify({ query: { host: 'x'.repeat(100_000) } }),
  })
  assert.equal(large.status, 413)
  assert.equal((await ask('/api/nothing')).status, 404)
  assert.equal((await ask('/../package.json')).status, 404)
})

test('a body of another shape is a bad question: no stack, no guess at what was meant', async (t) => {
  const told = t.mock.method(console, 'error', () => undefined)
  const long = 'x'.repeat(257)
  const bodies: readonly (readonly [string, string])[] = [
    ['/key', 'null'],
    ['/key', '[]'],
    ['/api/set', 'null'],
    ['/api/set', '{"name":["delay"],"value":"1s"}'],
    ['/api/set', '{"name":"delay","value":null}'],
    ['/api/set', `{"name":"delay","value":"1s","host":"${long}"}`],
    ['/api/query', '{'],
    ['/api/query', '{"sql":{}}'],
    ['/api/retry', ''],
    ['/api/retry', '{"query":null}'],
    ['/api/retry', '{"query":{"code":5}}'],
    ['/api/retry', `{"query":{"host":"${long}"}}`],
  ]
  for (const [path, body] of bodies) {
    const response = await ask(path, { method: 'POST', body })
    const text = await response.text()
    assert.equal(response.status, 400, `${path} ${body} ${text}`)
    assert.equal((JSON.parse(text) as { error: { code: string } }).error.code, 'OPTION_INVALID')
    assert.doesNotMatch(text, /    at |\.ts:/)
  }
  const chunks = new Blob([new Uint8Array(100_000)]).stream()
  const large = await ask('/api/query', { method: 'POST', body: chunks, duplex: 'half' } as RequestInit)
  assert.equal(large.status, 413)
  assert.equal(told.mock.callCount(), 0)
})

test('SQL over the job reads, within its limits, and changes nothing', async () => {
  const query = async (sql: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await ask('/api/query', { method: 'POST', body: JSON.stringify({ sql }) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const counted = await query(
    'SELECT outcome, count(*) AS n, count(*) AS n FROM pages GROUP BY outcome ORDER BY n DESC',
  )
  assert.deepEqual(counted.body, {
    columns: ['outcome', 'n', 'n_2'],
    rows: [
      ['ok', 20, 20],
      ['gone', 10, 10],
    ],
    more: false,
  })
  const many = await query(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501) SELECT i FROM n',
  )
  assert.equal((many.body['rows'] as unknown[]).length, 500)
  assert.equal(many.body['more'], true)
  for (const sql of ['DELETE FROM ledger', 'SELECT', '', "ATTACH '/tmp/other.db' AS other"])
    assert.equal((await query(sql)).status, 400, sql)
  const job = (await (await ask('/api/job')).json()) as { doneTotal: number }
  assert.equal(job.doneTotal, 30)
})

test('tables add up: states, codes and statuses of all pages of a table are those of the job', async () => {
  const job = (await (await ask('/api/job')).json()) as { known: number; done: Record<string, number> }
  interface Row {
    readonly url: string
    readonly state: string
  }
  const rows: Row[] = []
  for (let offset = 0; ; offset += 7) {
    const page = (await (await ask(`/api/urls?limit=7&offset=${offset}&sort=settled&dir=desc`)).json()) as {
      matched: number
      rows: Row[]
    }
    assert.equal(page.matched, job.known)
    rows.push(...page.rows)
    if (page.rows.length < 7) break
  }
  assert.equal(new Set(rows.map(({ url }) => url)).size, 30)
  for (const [state, count] of Object.entries(job.done))
    assert.equal(rows.filter((row) => row.state === state).length, count, state)
  const lines = (await (await ask('/api/urls.ndjson?state=gone')).text()).trimEnd().split('\n')
  assert.equal(lines.length, 10)
  for (const line of lines) assert.equal((JSON.parse(line) as { status: number }).status, 404)
})

test('events continue after the id that the viewer names: none twice, none lost', async () => {
  const read = async (after: number, wanted: number): Promise<number[]> => {
    const aborter = new AbortController()
    const response = await ask('/api/events', { headers: { 'last-event-id': String(after) }, signal: aborter.signal })
    const ids: number[] = []
    let rest = ''
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      rest += Buffer.from(bytes).toString()
      const events = rest.split('\n\n')
      rest = events.pop() as string
      for (const event of events) if (event.startsWith('id:')) ids.push(Number(/^id: (\d+)$/m.exec(event)?.[1]))
      if (ids.length >= wanted) break
    }
    aborter.abort()
    return ids
  }
  const { seq } = (await (await ask('/api/job')).json()) as { seq: number }
  const all = await read(0, seq)
  assert.deepEqual(
    all,
    all.toSorted((a, b) => a - b),
  )
  assert.equal(new Set(all).size, all.length)
  const later = await read(all[9] as number, all.length - 10)
  assert.deepEqual(later, all.slice(10))
})

test('a download holds the rows that matched when it began, though they change meanwhile', async () => {
  const copy = join(folder, '..', 'copy.sluice')
  cpSync(folder, copy, { recursive: true })
  const view = openView(copy)
  await view.advance()
  const slices = view.urlSlices({ state: 'gone' }, 4)
  const urls = (slices.next().value ?? []).map(({ url }) => url)
  assert.equal(await view.retry({ outcome: 'gone' }, false), 10)
  await view.advance()
  assert.equal(view.urls({ state: 'gone' }, { offset: 0, limit: 10 }).matched, 0)
  for (let step = slices.next(); step.done !== true; step = slices.next())
    urls.push(...step.value.map(({ url }) => url))
  assert.equal(new Set(urls).size, 10)
  await view.close()
})

test('what is changed is written down, with who did it and why, and without secrets; what only reads is not', async () => {
  const set = { name: 'delay', value: '2s', host: 'a.test', reason: 'they asked for it' }
  assert.equal((await ask('/api/set', { method: 'POST', body: JSON.stringify(set) })).status, 200)
  await ask('/api/query', { method: 'POST', body: JSON.stringify({ sql: 'SELECT 1' }) })
  await ask('/api/retry', { method: 'POST', body: JSON.stringify({ query: { outcome: 'gone' }, dryRun: true }) })
  const { rows } = (await (await ask('/api/audit')).json()) as { rows: Record<string, unknown>[] }
  const [last] = rows
  assert.deepEqual(
    [last?.['who'], last?.['action'], last?.['why'], last?.['result'], last?.['details']],
    ['the key', 'set', 'they asked for it', 'done', { name: 'delay', value: '2s', host: 'a.test' }],
  )
  assert.match(readFileSync(join(folder, 'audit.ndjson'), 'utf8'), /"they asked for it"/)
})

test('a viewer that takes nothing for a minute is let go', async (t) => {
  const view = openView(folder)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const live = createLive(view)
  const aborter = new AbortController()
  let dropped = 0
  const reader = live.events(0, aborter.signal, () => dropped++).getReader()
  assert.equal((await reader.read()).done, false)
  assert.equal(live.viewers, 1)
  t.mock.timers.tick(59_000)
  assert.equal(dropped, 0)
  t.mock.timers.tick(2_000)
  assert.deepEqual([dropped, live.viewers], [1, 0])
  aborter.abort()
  live.close()
  await view.close()
})

test('a viewer costs one listener however long it watches, and ends when it leaves', async () => {
  const view = openView(folder)
  const live = createLive(view)
  const aborter = new AbortController()
  const reader = live.frames(aborter.signal).getReader()
  for (let n = 0; n < 5; n++) {
    const next = reader.read()
    await live.look()
    assert.equal((await next).done, false)
  }
  assert.equal(getEventListeners(aborter.signal, 'abort').length, 1)
  aborter.abort()
  // At most the frame that was already there comes before the end.
  assert.ok((await reader.read()).done || (await reader.read()).done)
  live.close()
  await view.close()
})
