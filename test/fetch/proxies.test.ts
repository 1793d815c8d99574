/** Requests through proxies: which one, in which form, and whose fault it is. */
import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { chooseProxy, parseProxy } from '../../src/fetch/proxy.ts'
import { CERTIFICATE } from './certificates.ts'
import { rawServer, reply } from './raw-server.ts'
import { tlsServer } from './tls-server.ts'
import { setUp } from './setup.ts'

/** A proxy that tunnels to loopback whatever the name says. */
async function tunnelProxy(t: TestContext, port: () => number): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      asked.push(chunk.toString('latin1'))
      const onward = connect(port(), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n')
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
  return { port: (server.address() as AddressInfo).port, asked }
}

test('plain requests go to the proxy in absolute form, with its login and under their own host', async (t) => {
  const proxy = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t, { proxy: `http://user:p%40ss@127.0.0.1:${proxy.port}` })
  const ended = await get('http://site.test/path?q=1')
  assert.equal(ended.text, 'http://site.test/path?q=1')
  const text = proxy.asked[0]?.text ?? ''
  assert.match(text, /^GET http:\/\/site\.test\/path\?q=1 HTTP\/1\.1\r\nhost: site\.test\r\n/i)
  assert.match(text, new RegExp(`\r\nProxy-Authorization: Basic ${Buffer.from('user:p@ss').toString('base64')}\r\n`))
  assert.equal(ended.response?.address, '', 'whom the proxy connected to is not known')
})

test('requests over TLS go through a tunnel that alone carries the login', async (t) => {
  const site = await tlsServer(t, CERTIFICATE)
  const proxy = await tunnelProxy(t, () => site.port)
  const { get } = await setUp(t, { proxy: `http://user:pass@127.0.0.1:${proxy.port}`, ca: CERTIFICATE })
  const ended = await get('https://www.good.test/path')
  assert.equal(ended.text, 'secret', ended.failure?.message)
  assert.match(
    proxy.asked[0] ?? '',
    /^CONNECT www\.good\.test:443 HTTP\/1\.1\r\nHost: www\.good\.test:443\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n/,
  )
  assert.equal(site.seen[0]?.servername, 'www.good.test')
  assert.doesNotMatch(site.seen[0]?.text ?? '', /proxy/i)
  await get('https://www.good.test/again')
  assert.equal(proxy.asked.length, 1, 'the tunnel is kept')
})

test('trouble with the proxy is PROXY_FAILED and never shows its login', async (t) => {
  const refusing = await rawServer(t, ({ path }) =>
    path.startsWith('http')
      ? 'HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n'
      : 'HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n',
  )
  const closing = await rawServer(t, ({ socket }) => void socket.end())
  const talking = await rawServer(t, () => 'HTTP/1.1 200 OK\r\n\r\nEXTRA BYTES')
  const wild = await rawServer(t, () => 'NO HTTP AT ALL\r\n\r\n')
  const cases: readonly (readonly [string, number, string])[] = [
    ['http://a.test/', refusing.port, '407'],
    ['https://a.test/', refusing.port, '407'],
    ['http://a.test/', closing.port, 'without an answer'],
    ['https://a.test/', closing.port, 'closed'],
    ['https://a.test/', talking.port, 'with a body'],
    ['https://a.test/', wild.port, 'no HTTP answer'],
    ['http://a.test/', 1, 'refused'],
    ['https://a.test/', 1, 'refused'],
  ]
  for (const [url, port, why] of cases) {
    const { get } = await setUp(t, { proxy: `http://canary:hunter2@127.0.0.1:${port}` })
    const ended = await get(url)
    assert.equal(ended.code, 'PROXY_FAILED', `${url} ${why}: ${ended.failure?.message}`)
    assert.ok(ended.failure?.message.includes(why), ended.failure?.message)
    assert.doesNotMatch(JSON.stringify(ended.failure), /canary|hunter2/)
  }
})

test('the certificate of a site behind a tunnel is the site\u2019s own trouble', async (t) => {
  const site = await tlsServer(t, CERTIFICATE)
  const proxy = await tunnelProxy(t, () => site.port)
  const { get } = await setUp(t, { proxy: `http://127.0.0.1:${proxy.port}` })
  assert.equal((await get('https://www.good.test/')).code, 'TLS_FAILED')
})

test('the environment names proxies in both cases, and no_proxy excepts hosts', async (t) => {
  const proxy = await rawServer(t, () => reply('by proxy'))
  const direct = await rawServer(t, () => reply('direct'))
  const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}`, no_proxy: 'inside.test, 127.0.0.1' }
  const { get } = await setUp(t, { env, resolve: [{ pattern: '*', address: '127.0.0.1', port: direct.port }] })
  assert.equal((await get('http://outside.test/')).text, 'by proxy')
  assert.equal((await get('http://www.inside.test/')).text, 'direct')
  assert.equal((await get(`${direct.origin}/`)).text, 'direct')
})

test('the proxy of a request follows from its scheme, host and port', () => {
  const env = {
    http_proxy: 'http://plain:1',
    https_proxy: 'http://secure:2',
    no_proxy: 'a.test .b.test,*.c.test,d.test:8080 [::1]',
  }
  const choose = chooseProxy(undefined, env)
  const hostOf = (secure: boolean, host: string, port: number): string | undefined =>
    choose(secure, host, port)?.hostname
  assert.equal(hostOf(false, 'x.test', 80), 'plain')
  assert.equal(hostOf(true, 'x.test', 443), 'secure')
  assert.equal(hostOf(false, 'a.test', 80), undefined)
  assert.equal(hostOf(false, 'sub.a.test', 80), undefined)
  assert.equal(hostOf(false, 'nota.test', 80), 'plain')
  assert.equal(hostOf(false, 'b.test.', 80), undefined)
  assert.equal(hostOf(false, 'c.test', 80), 'plain')
  assert.equal(hostOf(false, 'www.c.test', 80), undefined)
  assert.equal(hostOf(false, 'd.test', 8080), undefined)
  assert.equal(hostOf(false, 'd.test', 80), 'plain')
  assert.equal(hostOf(false, '::1', 80), undefined)
  assert.equal(chooseProxy(undefined, { http_proxy: 'p:1', NO_PROXY: '*' })(false, 'x.test', 80), undefined)
  assert.equal(chooseProxy(undefined, { http_proxy: 'p:1' })(true, 'x.test', 443)?.hostname, 'p')
  assert.equal(chooseProxy(undefined, { http_proxy: '' })(false, 'x.test', 80), undefined)
})

test('a host may have a proxy of its own, or none at all', async (t) => {
  const usual = await rawServer(t, () => reply('usual'))
  const own = await rawServer(t, () => reply('own'))
  const direct = await rawServer(t, () => reply('direct'))
  const { get } = await setUp(t, {
    proxy: `http://canary:hunter2@127.0.0.1:${usual.port}`,
    proxyOfHost: (host) =>
      host === 'own.test' ? `http://127.0.0.1:${own.port}` : host === 'in.test' ? 'direct' : undefined,
    resolve: [{ pattern: '*', address: '127.0.0.1', port: direct.port }],
  })
  assert.equal((await get('http://any.test/')).text, 'usual')
  assert.equal((await get('http://own.test/')).text, 'own')
  assert.equal((await get('http://in.test/')).text, 'direct')
  assert.doesNotMatch(own.asked[0]?.text ?? '', /proxy-authorization/i, 'no proxy gets the login of another')
})

test('what is no http proxy is refused at construction without showing its login', () => {
  for (const text of ['socks5://user:hunter2@host:1', 'ftp://hunter2@x', '::::hunter2']) {
    assert.throws(
      () => parseProxy(text, '--proxy'),
      (error: Error & { code?: string }) => error.code === 'OPTION_INVALID' && !error.message.includes('hunter2'),
    )
  }
})
