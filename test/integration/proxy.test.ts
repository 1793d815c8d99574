/** The command through a forward proxy that asks for a login: both kinds of request, the exceptions, and no trace of the login. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { CERTIFICATE } from '../fetch/certificates.ts'
import { reply } from '../fetch/raw-server.ts'
import { tlsServer } from '../fetch/tls-server.ts'
import { countOutcomes, readRecords } from './web.ts'

const BASIC = `Basic ${Buffer.from('canary:p@ss canary').toString('base64')}`

/** Takes absolute GETs to one port of loopback and CONNECTs to another; anything without the login gets a 407. */
async function forwardProxy(t: TestContext, plain: number, secure: number): Promise<{ port: number; lines: string[] }> {
  const lines: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      const head = chunk.toString('latin1')
      lines.push(head.slice(0, head.indexOf('\r\n')))
      if (!head.includes(`\r\nProxy-Authorization: ${BASIC}\r\n`)) {
        socket.end('HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n')
        return
      }
      const isTunnel = head.startsWith('CONNECT ')
      const onward = connect(isTunnel ? secure : plain, '127.0.0.1', () => {
        if (isTunnel) socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        else
          onward.write(
            head.replace(/^GET http:\/\/[^/]+/, 'GET ').replace(/\r\nProxy-Authorization: [^\r]+/, ''),
            'latin1',
          )
        socket.pipe(onward).pipe(socket)
      })
      sockets.push(onward)
      onward.on('error', () => socket.destroy())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, lines }
}

test('--proxy with a login serves plain and TLS requests by one CONNECT a connection, and its password shows nowhere', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/page': 'plain' } } } })
  t.after(() => origin.close())
  const site = await tlsServer(t, CERTIFICATE)
  const proxy = await forwardProxy(t, origin.port, site.port)
  await inFolder(async (cwd) => {
    const ca = join(cwd, 'ca.pem')
    writeFileSync(ca, CERTIFICATE)
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/page\nhttps://www.good.test/page\n')
    const url = `http://canary:p%40ss%20canary@127.0.0.1:${proxy.port}`
    const flags = [
      '--delay',
      '0',
      '--contact',
      'https://lab.example/bot',
      '-v',
      '--json=all',
      '--store',
      '-o',
      'pages.ndjson',
    ]
    const env = { SLUICE_PROXY: url, NODE_EXTRA_CA_CERTS: ca }
    const run = await runCli(['fetch', 'urls.txt', ...flags], { cwd, env })
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 2 })
    assert.ok(proxy.lines.includes('GET http://a.test/robots.txt HTTP/1.1'), proxy.lines.join('\n'))
    assert.deepEqual(
      proxy.lines.filter((line) => line.startsWith('CONNECT')),
      ['CONNECT www.good.test:443 HTTP/1.1'],
    )
    assert.ok(site.seen.every(({ text }) => !/proxy-authorization/i.test(text)))
    const why = await runCli(['why', 'https://www.good.test/page'], { cwd, env })
    const wrong = await runCli(['fetch', 'http://a.test/other', ...flags, '-j', 'wrong', '--retries', '0'], {
      cwd,
      env: { ...env, SLUICE_PROXY: url.replace('p%40ss', 'canary-wrong') },
    })
    assert.equal(wrong.code, 3, wrong.stderr)
    for (const { stdout, stderr } of [run, why, wrong]) assert.doesNotMatch(stdout + stderr, /canary/)
    for (const entry of readdirSync(cwd, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      // What resume starts from, for the owner's eyes only.
      if (!entry.isFile() || entry.name === 'credentials.json') continue
      const bytes = readFileSync(path)
      const text = (entry.name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
      assert.ok(!text.includes('canary') && !text.includes(BASIC.slice(6)), path)
    }
  })
})

test('R30: a redirect from TLS to plain and back is followed, and nothing secret goes over the plain hop', async (t) => {
  const origin = await startOrigin({
    recordHeaders: ['authorization', 'cookie'],
    sites: {
      'www.good.test': { pages: { '/hop': { status: 302, headers: { Location: 'https://www.good.test/end' } } } },
    },
  })
  t.after(() => origin.close())
  const site = await tlsServer(t, CERTIFICATE, (text) =>
    text.startsWith('GET /start ')
      ? reply('', { Location: 'http://www.good.test/hop' }, '302 Found')
      : text.startsWith('GET /robots.txt ')
        ? reply('')
        : reply('the end'),
  )
  await inFolder(async (cwd) => {
    const ca = join(cwd, 'ca.pem')
    writeFileSync(ca, CERTIFICATE)
    writeFileSync(join(cwd, 'cookies.txt'), 'www.good.test\tFALSE\t/\tTRUE\t0\tid\tcanary\n')
    const resolve = ['--resolve', `www.good.test:443=127.0.0.1:${site.port}`, '--resolve', origin.resolveFlag]
    const own = ['-H', 'Authorization: Bearer canary', '--cookies', 'cookies.txt']
    const flags = ['--delay', '0', '--contact', 'https://lab.example/bot', '-o', 'pages.ndjson', ...own, ...resolve]
    const ended = await runCli(['fetch', 'https://www.good.test/start', '-j', 'hops', ...flags], {
      cwd,
      env: { NODE_EXTRA_CA_CERTS: ca },
    })
    assert.equal(ended.code, 0, ended.stderr)
    const [record] = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual([record?.outcome, record?.final], ['ok', 'https://www.good.test/end'])
    const plain = [...origin.ledger('www.good.test').arrivals()]
    assert.ok(plain.some(({ path }) => path === '/hop'))
    assert.ok(plain.every(({ headers }) => headers['authorization'] === undefined && headers['cookie'] === undefined))
    const [start, end] = ['/start', '/end'].map((path) => site.seen.find(({ text }) => text.startsWith(`GET ${path} `)))
    assert.match(start?.text ?? '', /\r\nauthorization: Bearer canary\r\n/i)
    assert.match(start?.text ?? '', /\r\ncookie: id=canary\r\n/i)
    assert.match(end?.text ?? '', /\r\ncookie: id=canary\r\n/i)
  })
})

test('proxies of the environment are used, and hosts that no_proxy excepts are asked directly', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/page': 'plain' } } } })
  t.after(() => origin.close())
  const proxy = await forwardProxy(t, origin.port, origin.port)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/page\nhttp://in.local/page\n')
    const env = { http_proxy: `http://canary:p%40ss%20canary@127.0.0.1:${proxy.port}`, NO_PROXY: '.local' }
    const args = ['fetch', 'urls.txt', '--delay', '0', '--contact', 'https://lab.example/bot', '-o', 'pages.ndjson']
    const run = await runCli([...args, '--resolve', origin.resolveFlag], { cwd, env })
    assert.equal(run.code, 0, run.stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 2 })
    assert.ok(proxy.lines.length > 0 && proxy.lines.every((line) => line.includes('//a.test/')), proxy.lines.join('\n'))
    assert.equal(origin.ledger('in.local').paths().has('/page'), true)
    assert.doesNotMatch(run.stdout + run.stderr, /canary/)
  })
})
