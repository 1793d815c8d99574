/** Jobs behind a login, against the fake web: what is fetched, how often somebody logs in, and where secrets are not. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  basicAuth,
  bearer,
  createJob,
  digestAuth,
  fetchAll,
  formLogin,
  oauth2ClientCredentials,
  oauth2Refresh,
  tokenLogin,
} from '../../src/index.ts'
import type { Page, SessionRecipe, SluiceError } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { CLIENT, MEMBER } from '../../src/testing/origin/login.ts'
import { killSluice } from '../crash/outputs.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { countOutcomes, fast, readRecords, readSummary } from './web.ts'

const FIELDS = { user: MEMBER.user, password: MEMBER.password }

function privatePages(count: number, query = ''): string[] {
  return Array.from({ length: count }, (_, n) => `http://a.test/private/${n}${query}`)
}

function quick(origin: Origin, session: SessionRecipe, concurrency = 10) {
  return {
    resolve: origin.resolveFlag,
    contact: 'https://lab.example/bot',
    delay: 0,
    perHost: concurrency,
    concurrency,
    session,
  }
}

async function fetched(urls: readonly string[], options: Parameters<typeof fetchAll>[1]): Promise<Page[]> {
  const pages: Page[] = []
  for await (const page of fetchAll(urls, options)) pages.push(page)
  return pages
}

/** How often this arrived, by method and path. */
function asked(origin: Origin, method: string, path: string, host = 'a.test'): number {
  return [...origin.ledger(host).arrivals()].filter((one) => one.method === method && one.path.split('?')[0] === path)
    .length
}

function refusal(exitCode: number) {
  return (error: SluiceError): boolean =>
    error.code === 'LOGIN_REFUSED' && error.exitCode === exitCode && !/canary/.test(error.message)
}

/** Every file below, archives unpacked, as one text a file. */
function* textsBelow(folder: string): Generator<readonly [path: string, text: string]> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    yield [path, (entry.name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')]
  }
}

test('a cookie that dies after 20 pages: 100 URLs at concurrency 10 are 100 pages by exactly 5 logins', async (t) => {
  for (const as of ['', '?as=401', '?as=page']) {
    const origin = await startOrigin()
    t.after(() => origin.close())
    const session = formLogin({ url: 'http://a.test/login?uses=20', fields: FIELDS })
    const pages = await fetched(privatePages(100, as), quick(origin, session))
    assert.equal(pages.length, 100)
    for (const page of pages) {
      assert.equal(page.outcome, 'ok', page.url)
      assert.equal(page.attempt, 1, 'a page that was a login page is no attempt')
      assert.match((await page.response?.text()) ?? '', /<h1>Private \d+<\/h1>/)
    }
    assert.equal(asked(origin, 'POST', '/login'), 5, as)
  }
})

test('one login for all who wait, paced as the host is, and the host waits after it', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const session = formLogin({ url: 'http://a.test/login', fields: FIELDS })
  const pages = await fetched(privatePages(3), { ...quick(origin, session), delay: 60, perHost: 1 })
  assert.equal(pages.filter(({ outcome }) => outcome === 'ok').length, 3)
  assert.equal(asked(origin, 'POST', '/login'), 1)
  assert.deepEqual(origin.ledger('a.test').violations(60), [], 'robots.txt, form, answer and pages keep the delay')
})

test('a wrong password is sent once: LOGIN_REFUSED, exit 2, and the secret is nowhere', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), `${privatePages(50).join('\n')}\n`)
    const recipe = {
      recipe: 'formLogin',
      url: 'http://a.test/login',
      fields: { user: 'reader', password: { env: 'SITE_PASSWORD' } },
    }
    writeFileSync(join(cwd, 'session.json'), JSON.stringify(recipe))
    const args = ['fetch', 'urls.txt', ...fast(origin, 10), '--session', 'session.json', '-v']
    const wrong = await runCli(args, { cwd, env: { SITE_PASSWORD: 'canary-wrong' } })
    assert.equal(wrong.code, 2, wrong.stderr)
    assert.match(wrong.stderr, /LOGIN_REFUSED.*http:\/\/a\.test\/login shows the form again/)
    assert.equal(asked(origin, 'POST', '/login'), 1)
    assert.equal(asked(origin, 'GET', '/private/0'), 0)
    assert.equal(readSummary(cwd, 'urls').exitCode, 2)
    assert.equal(existsSync(join(cwd, 'urls.sluice', 'session.json')), false)
    assert.doesNotMatch(wrong.stdout + wrong.stderr, /canary/)
    for (const [path, text] of textsBelow(cwd)) assert.doesNotMatch(text, /canary/, path)
    const unset = await runCli(args, { cwd })
    assert.equal(unset.code, 2)
    assert.match(unset.stderr, /OPTION_INVALID|LOGIN_REFUSED/)
    assert.match(unset.stderr, /SITE_PASSWORD/)
    assert.equal(asked(origin, 'POST', '/login'), 1, 'nothing is sent without a password')
    // The right one continues the same job.
    const right = await runCli(args, { cwd, env: { SITE_PASSWORD: MEMBER.password } })
    assert.equal(right.code, 0, right.stderr)
    assert.equal(readSummary(cwd, 'urls').exitCode, 0)
    assert.equal(asked(origin, 'POST', '/login'), 2)
  })
})

test('a login refused later in the run ends it with 5, and the same command goes on when it is mended', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  let logins = 0
  origin.handle('a.test', '/login', (request) => {
    if (request.method !== 'POST' || ++logins !== 2) return undefined
    return { status: 403, body: 'locked' }
  })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), `${privatePages(60).join('\n')}\n`)
    const recipe = {
      recipe: 'formLogin',
      url: 'http://a.test/login?uses=20',
      fields: { ...FIELDS, password: { env: 'PW' } },
    }
    writeFileSync(join(cwd, 'login.json'), JSON.stringify(recipe))
    const args = ['fetch', 'urls.txt', ...fast(origin, 5), '--session', 'login.json', '-o', 'pages.ndjson']
    const env = { PW: MEMBER.password }
    const first = await runCli(args, { cwd, env })
    assert.equal(first.code, 5, first.stderr)
    assert.match(first.stderr, /LOGIN_REFUSED/)
    assert.equal(logins, 2)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 20 })
    const rest = await runCli(args, { cwd, env })
    assert.equal(rest.code, 0, rest.stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 60 })
    assert.equal(logins, 4)
  })
})

test('the session is kept with mode 0600, a job killed in the middle goes on in it, and its secrets are nowhere else', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), `${privatePages(300).join('\n')}\n`)
    writeFileSync(join(cwd, 'password.txt'), `${MEMBER.password}\n`, { mode: 0o600 })
    const recipe = {
      recipe: 'formLogin',
      url: 'http://a.test/login',
      fields: { user: 'reader', password: { file: 'password.txt' } },
    }
    writeFileSync(join(cwd, 'login.json'), JSON.stringify(recipe))
    const counts = [60, 150]
    const report = await killSluice(
      [
        'fetch',
        'urls.txt',
        ...fast(origin, 4),
        '--session',
        'login.json',
        '--store',
        '-v',
        '--json=all',
        '-o',
        'pages.ndjson',
      ],
      { cwd, maxKills: 2, kill: { event: (run) => origin.until(counts[run - 1] as number, 'a.test') } },
    )
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, 2)
    assert.equal(asked(origin, 'POST', '/login'), 1, 'no extra login')
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 300 })
    const file = join(cwd, 'urls.sluice', 'session.json')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.match(readFileSync(file, 'utf8'), /canary-session-1/)
    assert.doesNotMatch(readFileSync(file, 'utf8'), /sesame/, 'a session holds no password')
    const why = await runCli(['why', 'http://a.test/private/7'], { cwd })
    assert.equal(why.code, 0, why.stderr)
    for (const { stdout, stderr } of [...report.perRun, why]) assert.doesNotMatch(stdout + stderr, /canary|sesame/)
    for (const [path, text] of textsBelow(cwd)) {
      if (path !== file && !path.endsWith('password.txt')) assert.doesNotMatch(text, /canary|sesame/, path)
    }
    const without = await runCli(['fetch', 'urls.txt', ...fast(origin, 4)], { cwd })
    assert.equal(without.code, 2)
    assert.match(without.stderr, /runs in a session/)
  })
})

test('cookies that pages change are stored, and sent in the next run', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  origin.handle('a.test', '/turn', () => ({
    headers: { 'Set-Cookie': 'turn=canary-turned; Path=/; Max-Age=3600' },
    body: 'x',
  }))
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'cookies.txt'), 'a.test\tFALSE\t/\tFALSE\t0\tbrowser\tcanary-browser\n')
    const args = ['http://a.test/turn', ...fast(origin, 1), '--cookies', 'cookies.txt', '-j', 'one']
    assert.equal((await runCli(['fetch', ...args], { cwd })).code, 0)
    assert.equal(statSync(join(cwd, 'one.sluice', 'session.json')).mode & 0o777, 0o600)
    const again = await runCli(['fetch', ...args, '--if-changed'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    const sent = [...origin.ledger('a.test').arrivals()]
      .filter(({ path }) => path === '/turn')
      .map(({ headers }) => headers['cookie'])
    assert.deepEqual(sent, ['browser=canary-browser', 'browser=canary-browser; turn=canary-turned'])
  })
})

test('a redirect to another host carries neither cookie nor Authorization', async (t) => {
  for (const session of [
    formLogin({ url: 'http://a.test/login', fields: FIELDS }),
    basicAuth({ url: 'http://a.test/', user: 'reader', password: 'canary' }),
    bearer({ url: 'http://a.test/', token: 'canary' }),
  ]) {
    const origin = await startOrigin()
    t.after(() => origin.close())
    const to = encodeURIComponent('http://b.test/echo')
    const pages = await fetched(
      [`http://a.test/redirect-to?url=${to}`, 'http://b.test/echo?direct'],
      quick(origin, session),
    )
    assert.deepEqual(
      pages.map(({ outcome }) => outcome),
      ['ok', 'ok'],
    )
    const home = [...origin.ledger('a.test').arrivals()].find(({ path }) => path.startsWith('/redirect-to'))
    assert.ok(home?.headers['cookie'] ?? home?.headers['authorization'], session.name)
    for (const { headers } of origin.ledger('b.test').arrivals()) {
      assert.equal(headers['cookie'], undefined)
      assert.equal(headers['authorization'], undefined)
    }
  }
})

test('credentials of an origin do not go to its other ports, schemes and hosts', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const session = bearer({ url: 'http://a.test/', token: 'canary' })
  await fetched(['http://a.test/echo', 'http://a.test:8080/echo', 'http://www.a.test/echo'], quick(origin, session))
  const sent = [...origin.ledger().arrivals()]
    .filter(({ path }) => path === '/echo')
    .map(({ headers }) => headers['authorization'])
  assert.deepEqual(
    sent.filter((value) => value !== undefined),
    ['Bearer canary'],
  )
})

test('logout links and the login itself are not followed, and say why', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  origin.site('a.test', {
    pages: {
      '/': '<a href="/private/1">1</a><a href="/logout?x=1">o</a><a href="/account/sign-out">s</a><a href="/end">e</a><a href="/login">l</a><a href="/blog/logouts-of-note">b</a>',
    },
  })
  const job = createJob({
    ...quick(origin, formLogin({ url: 'http://a.test/login', fields: FIELDS, avoid: ['http://a.test/end*'] })),
    seeds: 'http://a.test/',
    job: join(await folderFor(t), 'out'),
  })
  const records = new Map<string, string>()
  job.on('request.settled', ({ url, outcome, message }) => records.set(new URL(url).pathname, message ?? outcome))
  await job.run()
  assert.deepEqual(Object.fromEntries(records), {
    '/': 'ok',
    '/private/1': 'ok',
    '/logout': 'session: the link logs out',
    '/account/sign-out': 'session: the link logs out',
    '/end': 'session: avoid',
    '/login': 'session: the login itself',
    '/blog/logouts-of-note': 'gone',
  })
  assert.equal(asked(origin, 'GET', '/logout'), 0)
})

test('a page that this account may not see is denied after one more login, and the others go on', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  origin.handle('a.test', '/board', () => ({ status: 302, headers: { Location: '/login' } }))
  const session = formLogin({ url: 'http://a.test/login', fields: FIELDS })
  const urls = [...privatePages(2), 'http://a.test/board', 'http://a.test/private/8', 'http://a.test/private/9']
  const pages = await fetched(urls, quick(origin, session, 1))
  const board = pages.find(({ url }) => url.endsWith('/board'))
  assert.equal(board?.outcome, 'denied')
  assert.equal(pages.filter(({ outcome }) => outcome === 'ok').length, 4)
  assert.equal(board?.record.code, 'LOGIN_REFUSED')
  assert.equal(board?.response, undefined, 'no login page is kept')
  assert.ok(asked(origin, 'POST', '/login') <= 3, 'no storm of logins')
})

test('a login that is accepted but does not help is not repeated', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const session = formLogin({ url: 'http://a.test/login?uses=0', fields: FIELDS })
  await assert.rejects(fetched(privatePages(20), quick(origin, session)), refusal(2))
  assert.equal(asked(origin, 'POST', '/login'), 1)
})

test('a token is changed for a cookie, and refused credentials are said without them', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const recipe = (password: string): SessionRecipe =>
    tokenLogin({
      url: 'http://accounts.test/token?uses=10',
      fields: {
        Email: MEMBER.user,
        Passwd: password,
        source: 'sluice',
        service: 'ah',
        accountType: 'HOSTED_OR_GOOGLE',
      },
      cookieUrl: 'http://accounts.test/_ah/login?continue=http%3A%2F%2Faccounts.test%2F&auth={token}',
      cookie: 'ACSID',
    })
  const urls = Array.from({ length: 25 }, (_, n) => `http://accounts.test/private/${n}`)
  const pages = await fetched(urls, quick(origin, recipe(MEMBER.password), 4))
  assert.equal(pages.filter(({ outcome }) => outcome === 'ok').length, 25)
  assert.equal(asked(origin, 'POST', '/token', 'accounts.test'), 3)
  origin.clearLedger()
  await assert.rejects(fetched(urls, quick(origin, recipe('canary-wrong'), 4)), refusal(2))
  assert.equal(asked(origin, 'POST', '/token', 'accounts.test'), 1)
  assert.equal(asked(origin, 'GET', '/_ah/login', 'accounts.test'), 0)
})

test('access tokens of OAuth 2.0 are got and renewed, and a wrong client is refused once', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const base = { url: 'http://a.test/', tokenUrl: 'http://a.test/token?uses=10', clientId: CLIENT.id }
  const urls = privatePages(25, '?as=401')
  for (const clientAuth of ['basic', 'body'] as const) {
    origin.clearLedger()
    const session = oauth2ClientCredentials({ ...base, clientSecret: CLIENT.secret, clientAuth })
    const pages = await fetched(urls, quick(origin, session, 4))
    assert.equal(pages.filter(({ outcome }) => outcome === 'ok').length, 25)
    assert.equal(asked(origin, 'POST', '/token'), 3)
  }
  origin.clearLedger()
  const wrong = oauth2ClientCredentials({ ...base, clientSecret: 'canary-wrong' })
  await assert.rejects(fetched(urls, quick(origin, wrong, 4)), (error: SluiceError) => {
    return refusal(2)(error) && error.message.endsWith('http://a.test/token answers with 401 invalid_client')
  })
  assert.equal(asked(origin, 'POST', '/token'), 1)
})

test('a refresh token that the server replaces is remembered for the next run', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const session = oauth2Refresh({
    url: 'http://a.test/',
    tokenUrl: 'http://a.test/token?uses=5',
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    refreshToken: CLIENT.refreshToken,
  })
  const options = { ...quick(origin, session, 1), job: join(await folderFor(t), 'tokens') }
  assert.equal((await fetched(privatePages(7, '?as=401'), options)).filter(({ outcome }) => outcome === 'ok').length, 7)
  assert.equal(asked(origin, 'POST', '/token'), 2, 'the second time with the new one')
})

test('Digest signs each request, follows a stale nonce without a login, and a wrong password is refused once', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  let nonce = 1
  let used = 0
  let unsigned = 0
  const counts: string[] = []
  origin.handle('a.test', '/signed/*', async (request) => {
    const { createHash } = await import('node:crypto')
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
    const given = request.header('authorization') ?? ''
    const field = (name: string): string => new RegExp(`[ ,]${name}="?([^",]*)`).exec(given)?.[1] ?? ''
    const wanted = hash(
      `${hash(`reader:site:${MEMBER.password}`)}:${field('nonce')}:${field('nc')}:${field('cnonce')}:auth:${hash(`GET:${request.target}`)}`,
    )
    const stale = given !== '' && field('nonce') !== `n${nonce}`
    if (given === '') unsigned++
    if (!stale && field('response') === wanted) {
      counts.push(field('nc'))
      if (++used % 4 === 0) nonce++
      return { body: 'signed' }
    }
    const challenge = `Digest realm="site", qop="auth", algorithm=SHA-256, nonce="n${nonce}"${stale ? ', stale=true' : ''}`
    return { status: 401, headers: { 'WWW-Authenticate': challenge }, body: 'no' }
  })
  const urls = Array.from({ length: 9 }, (_, n) => `http://a.test/signed/${n}?q=${n}`)
  const recipe = (password: string): SessionRecipe =>
    digestAuth({ url: 'http://a.test/signed/0', user: 'reader', password, cnonce: () => 'c' })
  const pages = await fetched(urls, quick(origin, recipe(MEMBER.password), 1))
  assert.equal(pages.filter(({ outcome }) => outcome === 'ok').length, 9)
  assert.equal(unsigned, 1, 'the nonce is asked for once')
  assert.deepEqual(counts.slice(0, 6), ['00000001', '00000002', '00000003', '00000004', '00000001', '00000002'])
  origin.clearLedger()
  await assert.rejects(fetched(urls, quick(origin, recipe('canary-wrong'), 1)), refusal(2))
  assert.equal(
    [...origin.ledger('a.test').arrivals()].filter(({ headers }) => headers['authorization'] !== undefined).length,
    1,
  )
})

test('Basic credentials are refused with the first 401; once pages have come, a single 401 is that page alone', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const right = `Basic ${Buffer.from(`reader:${MEMBER.password}`).toString('base64')}`
  origin.handle('a.test', '/basic/*', (request) =>
    request.header('authorization') === right && !request.target.endsWith('/3')
      ? { body: 'in' }
      : { status: 401, body: 'no' },
  )
  const urls = Array.from({ length: 6 }, (_, n) => `http://a.test/basic/${n}`)
  const recipe = (password: string): SessionRecipe => basicAuth({ url: 'http://a.test/', user: 'reader', password })
  const pages = await fetched(urls, quick(origin, recipe(MEMBER.password), 1))
  assert.deepEqual(
    pages.map(({ outcome }) => outcome),
    ['ok', 'ok', 'ok', 'denied', 'ok', 'ok'],
  )
  origin.clearLedger()
  await assert.rejects(fetched(urls, quick(origin, recipe('canary-wrong'), 1)), refusal(2))
  assert.equal([...origin.ledger('a.test').arrivals()].filter(({ path }) => path.startsWith('/basic')).length, 1)
})

test('a login server in trouble is asked again, but never twice with a password that may have arrived', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  let shown = 0
  origin.handle('a.test', '/login', ({ method }) =>
    method === 'GET' && ++shown === 1 ? { status: 503, body: 'busy' } : undefined,
  )
  const session = formLogin({ url: 'http://a.test/login', fields: FIELDS })
  assert.equal((await fetched(privatePages(2), quick(origin, session)))[1]?.outcome, 'ok')
  assert.equal(shown, 2)
  origin.clearLedger()
  origin.fault('a.test', ({ method }) => (method === 'POST' ? { status: 0, steps: [{ end: 'reset' }] } : undefined))
  await assert.rejects(fetched(privatePages(2), quick(origin, session)), refusal(2))
  assert.equal(asked(origin, 'POST', '/login'), 1)
})

async function folderFor(t: { after(work: () => void): void }): Promise<string> {
  const { mkdtempSync, rmSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-session-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
