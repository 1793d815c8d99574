/** Rows that become requests, requests that must not be sent twice, and the report of them: the command against the fake web. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import type { Contact } from '../../src/testing/origin/campaign.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { countOutcomes, fast, readRecords } from './web.ts'

async function contactsOf(origin: Origin): Promise<Contact[]> {
  const answer = await fetch(origin.directUrl('/campaign'))
  const text = (await answer.text()).trimEnd()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Contact)
}

test('a mended row is fetched on the next run, and no other row with it', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const rows = join(cwd, 'people.csv')
    const args = ['fetch', '--rows', 'people.csv', '--template', 'http://a.test/campaign?to={tel}', '--method', 'put']
    writeFileSync(rows, 'tel;nome\n1;a\n;b\n1;same number\n3;c\n')
    const first = await runCli([...args, ...fast(origin)], { cwd })
    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual((await contactsOf(origin)).map(({ method, target }) => `${method} ${target}`).toSorted(), [
      'PUT /campaign?to=1',
      'PUT /campaign?to=1',
      'PUT /campaign?to=3',
    ])
    writeFileSync(rows, 'tel;nome;new\n0;first;x\n1;a;x\n2;b;x\n1;same number;x\n3;c;x\n')
    const second = await runCli([...args, ...fast(origin)], { cwd })
    assert.equal(second.code, 0, second.stderr)
    assert.deepEqual(
      (await contactsOf(origin))
        .slice(3)
        .map(({ target }) => target)
        .toSorted(),
      ['/campaign?to=0', '/campaign?to=2'],
    )
    const records = readRecords(join(cwd, 'people.sluice', 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: 5, skipped: 1 })
    const keys = (await contactsOf(origin)).map(({ key }) => key)
    assert.equal(new Set(keys).size, 5, 'every row has a key of its own')
    const again = await runCli([...args, '--if-changed', ...fast(origin)], { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.equal((await contactsOf(origin)).length, 5, 'what is unsafe has no second look')
  })
})

test('a stop never sends a request again that may have arrived', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'people.csv'), 'tel\n1\n2\n')
    const args = [
      'fetch',
      '--rows',
      'people.csv',
      '--template',
      'http://a.test/delay/600000?to={tel}',
      '--data',
      'a=b',
      '--drain',
      '50ms',
    ]
    const run = start([...args, ...fast(origin, 1)], { cwd })
    // robots.txt, and the first row: it is on the wire.
    await origin.until(2, 'a.test')
    run.child.kill('SIGINT')
    const stopped = await run.ended
    assert.equal(stopped.code, 130, stopped.stderr)
    origin.handle('a.test', '/delay/*', () => ({ body: 'taken\n' }))
    const resumed = await runCli(['resume', 'people', ...fast(origin, 1)], { cwd })
    assert.equal(resumed.code, 3, resumed.stderr)
    const records = readRecords(join(cwd, 'people.sluice', 'pages.ndjson'))
    assert.deepEqual(records.map(({ outcome, code, input }) => [input?.['tel'], outcome, code]).toSorted(), [
      ['1', 'failed', 'DELIVERY_UNKNOWN'],
      ['2', 'ok', undefined],
    ])
    const paths = origin.ledger('a.test').paths()
    assert.deepEqual([paths.get('/delay/600000?to=1'), paths.get('/delay/600000?to=2')], [1, 1])
    assert.match((await runCli(['why', 'http://a.test/delay/600000?to=1'], { cwd })).stdout, /DELIVERY_UNKNOWN/)
  })
})

test('what was never written to a connection is tried again, an answer is not', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/busy': { status: 503, body: 'no\n' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'people.csv'), 'host;path\nnowhere.test;x\na.test;busy\n')
    const args = ['--rows', 'people.csv', '--template', 'http://{host}/{path}', '--data', '{"a":1}', '--retries', '1']
    // A port that nobody listens on any more.
    const closed = await startOrigin()
    await closed.close()
    const away = ['--resolve', `nowhere.test=127.0.0.1:${closed.port}`, '--robots', 'ignore', '--reason', 'a test']
    const { code, stderr } = await runCli(['fetch', ...args, ...away, ...fast(origin)], { cwd })
    assert.equal(code, 3, stderr)
    const records = readRecords(join(cwd, 'people.sluice', 'pages.ndjson'))
    assert.deepEqual(records.map(({ url, code: why, attempt }) => [url, why, attempt]).toSorted(), [
      ['http://a.test/busy', 'HTTP_STATUS', 1],
      ['http://nowhere.test/x', 'CONNECT_FAILED', 2],
    ])
  })
})

test('a redirect keeps the method or makes a GET of it, and own headers stay with their site', async (t) => {
  const origin = await startOrigin({ recordHeaders: ['x-token', 'content-type', 'content-length'] })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'people.csv'),
      'status;to\n307;http://a.test/ok?307\n308;http://b.test/ok?308\n303;/ok?303\n302;/ok?302\n',
    )
    const template = 'http://a.test/redirect-to?status={status}&url={to}'
    const extra = ['--data', 'x={to}', '-H', 'X-Token: {status}']
    const { code, stderr } = await runCli(
      ['fetch', '--rows', 'people.csv', '--template', template, ...extra, ...fast(origin)],
      {
        cwd,
      },
    )
    assert.equal(code, 0, stderr)
    const landed = [...origin.ledger().arrivals()].filter(({ path }) => path.startsWith('/ok'))
    assert.deepEqual(
      landed
        .map(({ host, path, method, headers }) => [
          path,
          host,
          method,
          headers['x-token'],
          headers['content-type'],
          headers['content-length'],
        ])
        .toSorted(),
      [
        ['/ok?302', 'a.test', 'GET', undefined, undefined, undefined],
        ['/ok?303', 'a.test', 'GET', undefined, undefined, undefined],
        ['/ok?307', 'a.test', 'POST', '307', 'application/x-www-form-urlencoded', '32'],
        ['/ok?308', 'b.test', 'POST', undefined, undefined, '32'],
      ],
    )
  })
})

test('a list takes a method and a body for all its URLs', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.csv'), 'url,id\nhttp://a.test/campaign?1,x"y\nhttp://a.test/campaign?2,\n')
    writeFileSync(join(cwd, 'body.json'), '{"id": {id}, "page": "{url}", "group": {group}}')
    const args = ['fetch', 'urls.csv', '--data', '@body.json', '--param', 'group=3']
    const { code, stderr } = await runCli([...args, ...fast(origin)], { cwd })
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      (await contactsOf(origin)).map(({ body }) => JSON.parse(body) as unknown),
      [{ id: 'x"y', page: 'http://a.test/campaign?1', group: 3 }],
    )
    const records = readRecords(join(cwd, 'urls.sluice', 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: 1, skipped: 1 })
    assert.equal(records.find(({ outcome }) => outcome === 'skipped')?.message, 'no value for {id}')
  })
})

test('templates and rows that do not fit are refused before anything is asked for', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'people.csv'), 'tel;nome\n1;a\n')
    const rows = ['--rows', 'people.csv']
    const template = ['--template', 'http://a.test/{tel}']
    for (const [args, message] of [
      [rows, /--template/],
      [template, /--rows/],
      [[...rows, '--template', 'http://a.test/{telefone}'], /no column for \{telefone\}/],
      [[...rows, ...template, 'http://a.test/'], /one job/],
      [[...rows, ...template, '--method', 'TRACE'], /no method/],
      [[...rows, ...template, '--data', '{"a": {tel}'], /no JSON/],
      [[...rows, ...template, '--data', '@nothing.json'], /INPUT_UNREADABLE/],
      [[...rows, ...template, '--param', 'x'], /NAME=VALUE/],
      [[...rows, ...template, '-H', 'Content-Length: {tel}', '--data', 'x'], /cannot be set/],
      [['--rows', 'missing.csv', ...template], /INPUT_UNREADABLE/],
    ] as const) {
      const { code, stderr } = await runCli(['fetch', ...args, ...fast(origin)], { cwd })
      assert.equal(code, 2, `${args.join(' ')}\n${stderr}`)
      assert.match(stderr, message)
    }
    assert.equal(origin.ledger().count, 0)
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name.endsWith('.sluice')),
      [],
    )
  })
})

test('export gives lists, sitemaps, tables and items of what a job has come to', async (t) => {
  const page = (title: string): string => `<title>${title}</title>`
  const origin = await startOrigin({
    sites: {
      'a.test': { pages: { '/1': page('One'), '/2?a=1&b=2': page('=2+2'), '/broken': { status: 500, body: 'no\n' } } },
    },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const urls = ['/1', '/2?a=1&b=2', '/none', '/broken'].map((path) => `http://a.test${path}`)
    writeFileSync(
      join(cwd, 'urls.csv'),
      `url;status;nome\n${urls.map((url, n) => `${url};own ${n};=x${n}`).join('\n')}\n`,
    )
    writeFileSync(
      join(cwd, 'titles.ts'),
      `import { defineExtractor } from 'sluice'
export default defineExtractor({ *extract(page) { yield { title: page.title, nested: { a: 1 } } } })\n`,
    )
    const ran = await runCli(['fetch', 'urls.csv', '--extract', 'titles.ts', '--retries', '0', ...fast(origin)], {
      cwd,
    })
    assert.equal(ran.code, 3, ran.stderr)
    const exported = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCli(['export', 'urls', ...args], { cwd })
      assert.equal(code, 0, stderr)
      assert.equal(stderr, '')
      return stdout
    }
    assert.equal(await exported('--failed'), 'http://a.test/broken\n')
    assert.deepEqual((await exported('--format', 'list')).trimEnd().split('\n').toSorted(), urls.toSorted())
    assert.equal(await exported('--outcome', 'gone', '--format', 'list'), 'http://a.test/none\n')
    const sitemap = await exported('--format', 'sitemap')
    assert.match(sitemap, /<loc>http:\/\/a\.test\/2\?a=1&amp;b=2<\/loc>/)
    assert.equal(sitemap.split('<url>').length, 3)
    const rows = parse(await exported('--format', 'csv', '--escape-formulas'), { columns: true }) as Record<
      string,
      string
    >[]
    const two = rows.find(({ url }) => url === urls[1])
    assert.deepEqual(
      [two?.['input.status'], two?.['status'], two?.['nome'], two?.['title'], two?.['line']],
      ['own 1', '200', "'=x1", "'=2+2", '3'],
    )
    for (const name of ['report.csv', 'all.ndjson', 'all.ndjson.gz', 'urls.txt', 'site.xml']) {
      writeFileSync(join(cwd, name), 'of yesterday')
      assert.equal(await exported('-o', name), '')
      const format = { csv: 'csv', son: 'ndjson', '.gz': 'ndjson', txt: 'list', xml: 'sitemap' }[
        name.slice(-3)
      ] as string
      const written = readFileSync(join(cwd, name))
      const text = (name.endsWith('.gz') ? gunzipSync(written) : written).toString()
      assert.equal(text, await exported('--format', format), name)
      assert.equal(existsSync(join(cwd, `${name}.tmp`)), false)
    }
    for (const [args, why] of [
      [['-o', 'report.doc'], /no ending that names a format[^]*--format/],
      [['-o', 'a.csv', '-o', 'b.csv'], /one file/],
      [['-o', 'missing/report.csv'], /cannot write .*missing/],
    ] as const) {
      const refused = await runCli(['export', 'urls', ...args], { cwd })
      assert.notEqual(refused.code, 0)
      assert.match(refused.stderr, why)
    }
    const lines = (await exported('--urls')).trimEnd().split('\n')
    assert.deepEqual(lines.map((line) => (JSON.parse(line) as { url: string }).url).toSorted(), urls.toSorted())
    assert.deepEqual((await exported('--items')).trimEnd().split('\n').toSorted(), [
      '{"title":"=2+2","nested":{"a":1}}',
      '{"title":"One","nested":{"a":1}}',
    ])
    assert.equal(
      (await exported('--items', '--format', 'csv')).split('\r\n').toSorted().join('|'),
      '|=2+2,"{""a"":1}"|One,"{""a"":1}"|title,nested',
    )
    for (const args of [
      ['--items', '--failed'],
      ['--format', 'cvs'],
      ['--items', '--format', 'list'],
    ]) {
      const { code, stdout } = await runCli(['export', 'urls', ...args], { cwd })
      assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    }
    appendFileSync(join(cwd, 'urls.csv'), 'http://a.test/1?3;;\nhttp://a.test/1?4;;\n')
    const limited = await runCli(['fetch', 'urls.csv', '--extract', 'titles.ts', '--limit', '5', ...fast(origin, 1)], {
      cwd,
    })
    assert.equal(limited.code, 4, limited.stderr)
    assert.match((await runCli(['export', 'urls'], { cwd })).stderr, /1 URL of urls is not done yet/)
  })
})
