/** Requests through proxies: which one, in which form, and whose fault it is. */
import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ProxyNews } from '../../src/fetch/proxies.ts'
import { parseProxy } from '../../src/fetch/proxy.ts'
import { environmentProxies } from '../../src/fetch/proxy-environment.ts'
import { startProxy } from '../../src/testing/proxy.ts'
import type { ProxyOptions, TestProxy } from '../../src/testing/proxy.ts'
import { CERTIFICATE } from './certificates.ts'
import { rawServer, reply } from './raw-server.ts'
import { tlsServer } from './tls-server.ts'
import { handClock, setUp } from './setup.ts'

async function testProxy(t: TestContext, options: ProxyOptions): Promise<TestProxy> {
  const proxy = await startProxy(options)
  t.after(() => proxy.close())
  return proxy
}

/** Says its bytes to whoever connects, and nothing more. */
async function speaker(t: TestContext, bytes: Buffer): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

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
  const choose = environmentProxies(env)
  const hostOf = (secure: boolean, host: string, port: number): string | undefined =>
    choose?.(secure, host, port)?.hostname
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
  assert.equal(environmentProxies({ http_proxy: 'p:1', NO_PROXY: '*' })?.(false, 'x.test', 80), undefined)
  assert.equal(environmentProxies({ http_proxy: 'p:1' })?.(true, 'x.test', 443)?.hostname, 'p')
  assert.equal(environmentProxies({ http_proxy: '' }), undefined)
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
  for (const text of ['socks4://user:hunter2@host:1', 'ftp://hunter2@x', '::::hunter2']) {
    assert.throws(
      () => parseProxy(text, '--proxy'),
      (error: Error & { code?: string }) => error.code === 'OPTION_INVALID' && !error.message.includes('hunter2'),
    )
  }
})

test('each request may have a proxy of its own, and none gets the connections or the login of another', async (t) => {
  const origin = await rawServer(t, ({ path }) => reply(path))
  const [first, second] = await Promise.all([
    testProxy(t, { login: { user: 'ada', password: 'canary-1' } }),
    testProxy(t, { login: { user: 'bob', password: 'canary-2' } }),
  ])
  const { get, fetcher } = await setUp(t, { resolve: [{ pattern: '*', address: '127.0.0.1', port: origin.port }] })
  const url = `http://a.test:${origin.port}`
  for (const proxy of [first.url(), second.url(), first.url(), undefined, 'direct']) {
    assert.equal((await get(`${url}/page`, { proxy })).text, '/page')
  }
  assert.deepEqual([first.asked.length, second.asked.length], [2, 1])
  assert.deepEqual([first.asked[0]?.user, second.asked[0]?.user], ['ada', 'bob'])
  assert.equal(first.refused + second.refused, 0, 'each got its own login only')
  assert.equal(origin.asked.length, 5)
  for (const { text } of origin.asked) assert.doesNotMatch(text, /canary|proxy-authorization/i)
  assert.equal(fetcher.sockets, 1, 'what went directly keeps a connection of its own')
})

test('one user of a proxy gets no connection of another user of it', async (t) => {
  const site = await tlsServer(t, CERTIFICATE)
  const proxy = await testProxy(t, { to: () => `127.0.0.1:${site.port}` })
  const { get } = await setUp(t, { ca: CERTIFICATE })
  const as = (user: string): string => proxy.url().replace('//', `//${user}:word@`)
  for (const user of ['ada', 'bob', 'ada']) {
    assert.equal((await get('https://www.good.test/', { proxy: as(user) })).text, 'secret')
  }
  assert.deepEqual(
    proxy.asked.map(({ user }) => user),
    ['ada', 'bob'],
    'a tunnel each, the second request of one goes through its own',
  )
})

test('SOCKS5 carries plain and TLS requests; socks5h lets the proxy look names up, socks5 does not', async (t) => {
  const plain = await rawServer(t, ({ path }) => reply(path))
  const site = await tlsServer(t, CERTIFICATE)
  const proxy = await testProxy(t, {
    login: { user: 'ada', password: 'p@ss wörd' },
    to: (_host, port) => `127.0.0.1:${port === 443 ? site.port : plain.port}`,
  })
  const { get } = await setUp(t, {
    ca: CERTIFICATE,
    lookup: (hostname, callback) =>
      hostname === 'a.test'
        ? callback(null, [{ address: '192.0.2.7', family: 4 }])
        : callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []),
  })
  const ended = await get('http://a.test/plain', { proxy: proxy.url('socks5') })
  assert.equal(ended.text, '/plain', ended.failure?.message)
  assert.equal((await get('http://only-there.test/far', { proxy: proxy.url('socks5h') })).text, '/far')
  assert.equal((await get('https://www.good.test/', { proxy: proxy.url('socks5h') })).text, 'secret')
  assert.equal((await get('http://only-there.test/', { proxy: proxy.url('socks5') })).code, 'DNS_NOT_FOUND')
  assert.deepEqual(
    proxy.asked.map(({ by, host, port, user }) => `${by} ${host}:${port} ${user}`),
    ['socks5 192.0.2.7:80 ada', 'socks5 only-there.test:80 ada', 'socks5 www.good.test:443 ada'],
  )
  // As to the origin itself: no absolute form, nothing of the proxy.
  assert.match(plain.asked[0]?.text ?? '', /^GET \/plain HTTP\/1\.1\r\n/)
  assert.doesNotMatch(plain.asked[0]?.text ?? '', /proxy/i)
})

test('addresses go to a SOCKS5 proxy in their own form', async (t) => {
  const origin = await rawServer(t, () => reply('by address'))
  const proxy = await testProxy(t, { to: () => `127.0.0.1:${origin.port}` })
  const { get } = await setUp(t, { proxy: proxy.url('socks5h') })
  for (const url of ['http://192.0.2.1/', 'http://[2001:db8::c000:207]:81/']) {
    assert.equal((await get(url)).text, 'by address')
  }
  assert.deepEqual(
    proxy.asked.map(({ host, port }) => `${host} ${port}`),
    ['192.0.2.1 80', '2001:db8:0:0:0:0:c000:207 81'],
  )
})

test('what a SOCKS5 proxy replies is told as the cause, and a refused login is not tried twice', async (t) => {
  const codes = [1, 2, 3, 4, 5, 6, 7, 8, 77]
  const proxy = await testProxy(t, {
    login: { user: 'ada', password: 'canary-word' },
    trouble: (_host, _port, count) => codes[count],
  })
  const { get } = await setUp(t)
  for (const [code, why] of [
    [1, 'general failure'],
    [2, 'its rules'],
    [3, 'cannot reach the network'],
    [4, 'cannot reach the host'],
    [5, 'was refused the connection'],
    [6, 'TTL expired'],
    [7, 'knows no CONNECT'],
    [8, 'this kind of address'],
    [77, 'reply 77'],
  ] as const) {
    const { failure } = await get('http://a.test/', { proxy: proxy.url('socks5h') })
    assert.equal(failure?.code, 'PROXY_FAILED')
    assert.ok(failure.message.includes(why) && failure.message.includes(`(reply ${code})`), failure.message)
    assert.doesNotMatch(JSON.stringify(failure), /canary/)
  }
  const wrong = proxy.url('socks5h').replace('canary', 'wrong')
  for (const again of ['refused the login', 'refused the login']) {
    const { failure } = await get('http://a.test/', { proxy: wrong })
    assert.equal(failure?.code, 'PROXY_FAILED')
    assert.ok(failure.message.includes(again), failure.message)
  }
  assert.equal(proxy.refused, 1)
  const bare = await get('http://a.test/', { proxy: wrong.replace(/[^/]*@/, '') })
  assert.match(bare.failure?.message ?? '', /wants a login/)
})

test('a SOCKS5 proxy that is none, says too much, or says nothing fails by itself', async (t) => {
  const said = (bytes: number[]): Promise<number> => speaker(t, Buffer.from(bytes))
  const cases: readonly (readonly [number, string])[] = [
    [await said([4, 90]), 'no answer of SOCKS5'],
    [await said([5, 0, 5]), 'sent more than'],
    [1, 'refused'],
  ]
  const { get } = await setUp(t, { timeoutMs: 300 })
  for (const [port, why] of cases) {
    const { failure } = await get('http://a.test/', { proxy: `socks5h://127.0.0.1:${port}` })
    assert.equal(failure?.code, 'PROXY_FAILED', failure?.message)
    assert.match(failure.message, new RegExp(why))
  }
  const silent = await get('http://a.test/', { proxy: `socks5h://127.0.0.1:${await said([])}` })
  assert.equal(silent.code, 'PROXY_FAILED')
  assert.match(silent.failure?.message ?? '', /opening the way to the site took longer than 300 ms/)
})

test('with the address policy on, SOCKS gets addresses that were judged here, whatever its kind', async (t) => {
  const proxy = await testProxy(t, {})
  const { get } = await setUp(t, {
    allowPrivate: false,
    lookup: (hostname, callback) =>
      callback(null, [{ address: hostname === 'in.test' ? '10.0.0.7' : '93.184.216.34', family: 4 }]),
    proxy: proxy.url('socks5h'),
  })
  assert.equal((await get('http://in.test/')).code, 'ADDRESS_DENIED')
  assert.equal((await get('http://127.0.0.1:1/')).code, 'ADDRESS_DENIED')
  assert.equal(proxy.asked.length, 0)
  await get('http://out.test:9/')
  assert.deepEqual(
    proxy.asked.map(({ host }) => host),
    ['93.184.216.34'],
  )
})

test('proxies take turns, or each host keeps to one', async (t) => {
  const origin = await rawServer(t, () => reply('page'))
  const proxies = await Promise.all([1, 2, 3].map(() => testProxy(t, { to: () => `127.0.0.1:${origin.port}` })))
  const proxy = proxies.map((one) => one.url())
  const turns = await setUp(t, { proxy })
  for (let n = 0; n < 6; n++) await turns.get(`http://a.test/${n}`)
  assert.deepEqual(
    proxies.map(({ asked }) => asked.length),
    [2, 2, 2],
  )
  const sticky = await setUp(t, { proxy, proxyOrder: 'host' })
  for (let n = 0; n < 30; n++) await sticky.get(`http://h${n % 10}.test/${n}`)
  const hosts = proxies.map(({ asked }) => new Set(asked.slice(2).map(({ host }) => host)))
  assert.equal(new Set(hosts.flatMap((set) => [...set])).size, 10)
  assert.equal(
    hosts.reduce((sum, set) => sum + set.size, 0),
    10,
    'no host was seen by two',
  )
})

test('a proxy that fails three times in a row rests, one that refuses the login is out, and both are told', async (t) => {
  const clock = handClock()
  const origin = await rawServer(t, () => reply('page'))
  let isWell = false
  const failing = await testProxy(t, {
    to: () => `127.0.0.1:${origin.port}`,
    trouble: () => (isWell ? undefined : 'close'),
  })
  const closed = await testProxy(t, { login: { user: 'ada', password: 'canary' } })
  const good = await testProxy(t, { to: () => `127.0.0.1:${origin.port}` })
  const news: ProxyNews[] = []
  const { get } = await setUp(t, {
    clock,
    proxy: [failing.url('socks5h'), closed.url().replace('canary', 'canary-wrong'), good.url()],
    onProxyNews: (one) => news.push(one),
  })
  const codes: (string | number)[] = []
  for (let n = 0; n < 12; n++) codes.push((await get(`http://h${n}.test/`)).code)
  assert.equal(failing.asked.length, 3)
  assert.equal(closed.refused, 1)
  assert.deepEqual(codes.slice(7), [200, 200, 200, 200, 200], codes.join())
  isWell = true
  clock.advance(60_000)
  for (let n = 0; n < 3; n++) assert.equal((await get(`http://i${n}.test/`)).code, 200)
  assert.ok(failing.asked.length > 3, 'it is asked again after its rest')
  assert.deepEqual(
    news.map(({ proxy, state }) => `${proxy} ${state}`),
    [
      `http://127.0.0.1:${closed.port} stopped`,
      `socks5h://127.0.0.1:${failing.port} resting`,
      `socks5h://127.0.0.1:${failing.port} back`,
    ],
  )
  assert.doesNotMatch(JSON.stringify(news), /canary/)
})

test('where every proxy rests the request still goes by one of them, never directly', async (t) => {
  const origin = await rawServer(t, () => reply('directly'))
  const dead = await Promise.all([1, 2].map(() => testProxy(t, { trouble: () => 'close' })))
  const { get } = await setUp(t, {
    proxy: dead.map((one) => one.url('socks5h')),
    resolve: [{ pattern: '*', address: '127.0.0.1', port: origin.port }],
  })
  for (let n = 0; n < 10; n++) assert.equal((await get('http://a.test/')).code, 'PROXY_FAILED')
  assert.equal(origin.asked.length, 0)
})
