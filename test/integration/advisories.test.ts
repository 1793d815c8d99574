/**
 * Security advisories that hit other crawlers and HTTP clients, each as what would have to happen for it to hit us. The
 * numbers are those of the list they come from; two that say the same of different programs are tested on different ways.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import { scanPage } from '../../src/extract/html.ts'
import { httpFetcher } from '../../src/fetch/http.ts'
import type { StreamObserver } from '../../src/fetch/fetcher.ts'
import type { JobOptions, SluiceError } from '../../src/index.ts'
import { Jar } from '../../src/session/jar.ts'
import { readSitemap } from '../../src/source/sitemap.ts'
import { startOrigin, type Origin } from '../../src/testing/origin.ts'
import { random } from '../../src/testing/random.ts'
import { runJob } from '../faults/web.ts'
import { rawServer } from '../fetch/raw-server.ts'

async function web(t: TestContext): Promise<Origin> {
  const origin = await startOrigin({ recordHeaders: ['proxy-authorization'] })
  t.after(() => origin.close())
  return origin
}

function options(origin: Origin, extra: JobOptions = {}): JobOptions {
  return {
    resolve: origin.resolveFlag,
    contact: 'https://lab.example/bot',
    delay: 0,
    retries: 0,
    robots: 'ignore',
    reason: 'ours',
    ...extra,
  }
}

const SECRETS = ['Authorization: Bearer canary', 'Cookie: id=canary']

function to(url: string): string {
  return `/redirect-to?url=${encodeURIComponent(url)}`
}

/** What of the secrets arrived at a host, by path. */
function heard(origin: Origin, host: string, path: string): string[] {
  return [...origin.ledger(host).arrivals()]
    .filter((one) => one.path.startsWith(path))
    .flatMap(({ headers }) =>
      ['authorization', 'cookie', 'proxy-authorization'].filter((name) => headers[name] !== undefined),
    )
}

/** A forward proxy for plain requests: answers everything itself and keeps the heads. */
async function proxy(t: TestContext, answer: string): Promise<{ url: string; heads: string[] }> {
  const heads: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      heads.push(chunk.toString('latin1'))
      socket.write(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `127.0.0.1:${(server.address() as AddressInfo).port}`, heads }
}

const EMPTY_PAGE = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

test('advisories 1 and 3: a Cookie and an Authorization given for one site are not sent to where it redirects', async (t) => {
  const origin = await web(t)
  await runJob('fetch', `http://a.test${to('http://b.test/ok')}`, options(origin, { header: SECRETS }))
  assert.deepEqual(heard(origin, 'a.test', '/redirect-to'), ['authorization', 'cookie'])
  assert.equal(origin.ledger('b.test').count, 1)
  assert.deepEqual(heard(origin, 'b.test', '/'), [])
})

test('advisory 2: a cookie for a public suffix is not taken, unless the suffix is the host itself', () => {
  const jar = new Jar(systemClock())
  jar.take('http://a.co.uk/', ['evil=1; Domain=co.uk; Path=/', 'good=1; Path=/'])
  assert.equal(jar.header('http://a.co.uk/'), 'good=1')
  assert.equal(jar.header('http://b.co.uk/'), undefined)
})

test('advisory 4: an Authorization is not sent to another port of the same host', async (t) => {
  const origin = await web(t)
  await runJob('fetch', `http://a.test${to('http://a.test:8080/ok')}`, options(origin, { header: SECRETS }))
  assert.equal([...origin.ledger('a.test').arrivals()].length, 2)
  assert.deepEqual(heard(origin, 'a.test', '/ok'), [])
})

test('advisory 5: credentials go to the sites that were named, not to every one that is fetched', async (t) => {
  const origin = await web(t)
  origin.site('a.test', { pages: { '/': '<a href="http://b.test/ok">b</a><a href="/ok">a</a>' } })
  await runJob('crawl', 'http://a.test/', options(origin, { header: SECRETS, scope: 'any' }))
  assert.deepEqual(heard(origin, 'a.test', '/ok'), ['authorization', 'cookie'])
  assert.equal(origin.ledger('b.test').count, 1)
  assert.deepEqual(heard(origin, 'b.test', '/'), [])
})

test('advisory 6: the login of one proxy is not sent to another', async (t) => {
  const origin = await web(t)
  const [one, two] = [await proxy(t, EMPTY_PAGE), await proxy(t, EMPTY_PAGE)]
  const hosts = {
    'a.test': { proxy: `http://u:canary1@${one.url}` },
    'b.test': { proxy: `http://u:canary2@${two.url}` },
  }
  await runJob('fetch', ['http://a.test/', 'http://b.test/'], options(origin, { hosts }))
  const basic = (password: string): string => Buffer.from(`u:${password}`).toString('base64')
  assert.equal(one.heads.length, 1)
  assert.ok(one.heads[0]?.includes(basic('canary1')) && !one.heads[0].includes(basic('canary2')))
  assert.ok(two.heads[0]?.includes(basic('canary2')) && !two.heads[0].includes(basic('canary1')))
})

test('advisories 7 and 20: each hop chooses its proxy anew, and a site reached directly hears nothing of its login', async (t) => {
  const origin = await web(t)
  const { url, heads } = await proxy(t, 'HTTP/1.1 302 Found\r\nLocation: http://b.test/ok\r\nContent-Length: 0\r\n\r\n')
  const hosts = { 'a.test': { proxy: `http://u:canary@${url}` }, 'b.test': { proxy: 'direct' } }
  await runJob('fetch', 'http://a.test/', options(origin, { hosts }))
  assert.equal(heads.length, 1)
  assert.equal(origin.ledger('b.test').count, 1)
  assert.deepEqual(heard(origin, 'b.test', '/'), [])
})

test('advisory 8: a redirect leads to no file and no other scheme', async (t) => {
  const origin = await web(t)
  for (const place of ['file:///etc/passwd', 'ftp://a.test/', 's3://bucket/key', 'data:,x']) {
    const [record] = await runJob('fetch', `http://a.test${to(place)}`, options(origin))
    assert.equal(record?.code, 'BAD_REDIRECT', place)
  }
})

test('advisory 9: the cap is on decoded bytes, whatever one chunk of a coding grows to', async (t) => {
  const origin = await web(t)
  for (const coding of ['br', 'zstd', 'gzip', 'deflate']) {
    const url = `http://a.test/bomb?coding=${coding}&bytes=8388608`
    const [record] = await runJob('fetch', url, options(origin, { maxSize: '1MB' }))
    assert.equal(record?.code, 'BOMB', coding)
    assert.ok((record?.bytes ?? 0) <= 1024 * 1024, coding)
  }
})

test('advisory 10: text made to backtrack is read to its end', () => {
  const want = { kinds: new Set(['a' as const]), agent: 'sluice' }
  for (const text of ['<loc', '<a href="', '<url><loc>', '<!--', '<![CDATA[', '&#', '<title>', '<meta content=']) {
    const bytes = Buffer.from(text.repeat(100_000))
    assert.ok(scanPage(bytes, want).links.length <= 100_000)
    assert.ok(readSitemap(bytes, 'http://a.test/sitemap.xml').urls.length <= 50_000)
  }
})

test('advisory 11: entities of XML are not resolved, and sitemaps are held to the scope', async (t) => {
  const origin = await web(t)
  origin.site('a.test', {
    robots: 'Sitemap: http://a.test/xml-attack/external\nSitemap: http://a.test/odd-sitemap/foreign\n',
    pages: { '/real': 'real' },
  })
  const records = await runJob(
    'crawl',
    'http://a.test/',
    options(origin, { robots: 'obey', sitemaps: 'only', scope: 'host' }),
  )
  assert.ok(records.some(({ url, outcome }) => url === 'http://a.test/real' && outcome === 'ok'))
  for (const host of ['canary.test', 'foreign.test']) assert.equal(origin.ledger(host).count, 0, host)
})

test('advisory 12: no header names code: one that does is a text like any other', async (t) => {
  const origin = await web(t)
  const evil = 'node:child_process.execSync'
  origin.site('a.test', {
    pages: {
      '/': {
        headers: {
          'Referrer-Policy': evil,
          'X-Robots-Tag': evil,
          Refresh: `0; url=javascript:${evil}`,
          Link: `<${evil}>`,
        },
      },
    },
  })
  const records = await runJob('crawl', 'http://a.test/', options(origin))
  assert.deepEqual(
    records.map(({ outcome }) => outcome),
    ['ok'],
  )
})

test('advisory 13: there is no store that would be written to without TLS', async (t) => {
  const origin = await web(t)
  for (const out of ['s3://bucket/', 'ftp://a.test/']) {
    await assert.rejects(
      runJob('fetch', 'http://a.test/ok', options(origin, { out })),
      (error: SluiceError) => error.code === 'OPTION_INVALID',
      out,
    )
  }
})

test('advisory 14: a stream is as careful with credentials as a request', async (t) => {
  const server = await rawServer(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  const fetcher = await httpFetcher({
    clock: systemClock(),
    userAgent: 'test',
    spoolFolder: '/nowhere',
    headers: { Authorization: 'Bearer canary', Cookie: 'id=canary' },
    headerOrigins: ['http://elsewhere.test'],
  })
  t.after(() => fetcher.close())
  await new Promise<void>((resolve) =>
    fetcher.stream?.(
      { url: `${server.origin}/` },
      quiet(() => resolve()),
    ),
  )
  assert.equal(server.asked.length, 1)
  assert.doesNotMatch(server.asked[0]?.text ?? '', /canary/)
})

test('advisory 15: a thousand layers of coding are refused, none of them decoded', async (t) => {
  const origin = await web(t)
  const [record] = await runJob('fetch', 'http://a.test/layers/1000', options(origin))
  assert.equal(record?.code, 'BAD_ENCODING')
})

test('advisory 16: of 10,000 requests over 8 poisoned connections none gets the body of another', async (t) => {
  const answer = (path: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`
  const chance = random(16)
  /** Moments after an answer, from its own write on. */
  const moments: readonly ((work: () => void) => void)[] = [
    (work) => work(),
    (work) => queueMicrotask(work),
    (work) => process.nextTick(work),
    (work) => setImmediate(work),
    (work) => setImmediate(() => setImmediate(work)),
    (work) => setImmediate(() => setImmediate(() => setImmediate(work))),
  ]
  const moment = (): ((work: () => void) => void) => chance.pick(moments)
  /** Number of the latest request of each lane: once it is written, what comes is its answer to any client. */
  const asked = Array.from({ length: 8 }, () => -1)
  let poisoned = 0
  const server = await rawServer(t, ({ path, socket }) => {
    const [, , lane, n] = path.split('/').map(Number) as [number, number, number, number]
    // Else the kernel holds the poison back until our next request brings the acknowledgement.
    socket.setNoDelay(true)
    socket.write(answer(path))
    if (chance.next() < 0.4) return
    moment()(() => {
      if (asked[lane] !== n || !socket.writable) return
      poisoned++
      socket.write(answer('/poison'))
    })
  })
  let right = 0
  let next = 0
  // A connection each, so that nobody else is asked on it while it is poisoned.
  const lane = async (_: unknown, number: number): Promise<void> => {
    const fetcher = await httpFetcher({ clock: systemClock(), userAgent: 'test', spoolFolder: '/nowhere' })
    await new Promise<void>((resolve) => {
      const ask = (): void => {
        const n = next++
        if (n >= 10_000) {
          resolve()
          return
        }
        asked[number] = n
        const path = `/page/${number}/${n}`
        const onEnd = (body: string): void => {
          if (body === path) right++
          // At once, on the connection that has just been freed, as often as not.
          if (chance.next() < 0.5) ask()
          else moment()(ask)
        }
        fetcher.start(
          { url: server.origin + path, maxConnections: 1 },
          {
            onDone: (response) => onEnd(Buffer.from(response.body).toString()),
            onFailed: ({ message }) => onEnd(message),
          },
        )
      }
      ask()
    })
    await fetcher.close()
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  assert.ok(poisoned > 2_000, `${poisoned} poisoned`)
  assert.equal(right, 10_000)
})

test('advisory 17: what is asked for twice is fetched once, and nobody holds its body for the other', async (t) => {
  const origin = await web(t)
  const records = await runJob('fetch', ['http://a.test/ok', 'http://a.test/ok#again'], options(origin))
  assert.deepEqual(records.map(({ code }) => code).toSorted(), ['DUPLICATE', undefined])
  assert.equal(origin.ledger('a.test').count, 1)
})

test('advisory 18: lengths and line ends in the headers of a user are refused', async (t) => {
  const origin = await web(t)
  for (const header of [['content-length: 1', 'Content-Length: 2'], ['X: a\r\nHost: b'], ['X: a\0b']]) {
    await assert.rejects(
      runJob('fetch', 'http://a.test/ok', options(origin, { header })),
      (error: SluiceError) => error.code === 'OPTION_INVALID',
    )
  }
})

test('advisory 19: a WebSocket whose server offers a window that cannot be ends with a code', async (t) => {
  const server = await rawServer(t, ({ text }) => {
    const key = /\r\nSec-WebSocket-Key: ([^\r]+)/i.exec(text)?.[1] ?? ''
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    return `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=1000\r\n\r\n`
  })
  const fetcher = await httpFetcher({ clock: systemClock(), userAgent: 'test', spoolFolder: '/nowhere' })
  t.after(() => fetcher.close())
  const code = await new Promise((resolve) =>
    fetcher.stream?.(
      { url: server.origin.replace('http', 'ws') },
      quiet((failure) => resolve(failure?.code)),
    ),
  )
  assert.ok(typeof code === 'string', 'it failed, and said so')
})

test('advisory 21: the scope is asked again where a link redirects', async (t) => {
  const origin = await web(t)
  origin.site('a.test', { pages: { '/': `<a href="${to('http://b.test/ok')}">out</a>` } })
  const records = await runJob('crawl', 'http://a.test/', options(origin, { scope: 'host' }))
  assert.deepEqual(records.map(({ code }) => code).toSorted(), ['SCOPE_DENIED', undefined])
  assert.equal(origin.ledger('b.test').count, 0)
})

test('advisory 22: no way in leads to an address inside', async (t) => {
  const origin = await web(t)
  let touched = 0
  const canary = createServer((socket) => {
    touched++
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
  t.after(() => canary.close())
  const { port } = canary.address() as AddressInfo
  const inside = ['127.0.0.1', '0x7f.1', '017700000001', '2130706433', '[::1]', '[::ffff:127.0.0.1]', 'localhost'].map(
    (host) => `http://${host}:${port}/`,
  )
  origin.site('a.test', {
    robots: inside.map((url) => `Sitemap: ${url}\n`).join(''),
    pages: {
      '/': [
        ...inside.map((url) => `<a href="${url}">in</a>`),
        ...inside.map((url) => `<a href="${to(url)}">in</a>`),
      ].join(''),
    },
  })
  // The site is reached by a proxy, which may be inside; everything else directly.
  const hosts = { 'a.test': { proxy: `http://127.0.0.1:${origin.port}` } }
  const { resolve: _, ...others } = options(origin)
  const denied: JobOptions = { ...others, hosts, private: false, scope: 'any', robots: 'obey' }
  const crawled = await runJob('crawl', 'http://a.test/', { ...denied, sitemaps: 'auto' })
  const listed = await runJob('fetch', inside, denied)
  assert.equal(touched, 0)
  assert.equal(crawled.filter(({ outcome }) => outcome === 'ok').length, 1)
  for (const { code, url } of listed) assert.ok(code === 'ADDRESS_DENIED' || code === 'DUPLICATE', `${url} ${code}`)
})

function quiet(onEnded: StreamObserver['onEnded']): StreamObserver {
  return { onHead: () => undefined, onData() {}, onMessage() {}, onEnded }
}
