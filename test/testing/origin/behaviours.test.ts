import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { type Origin, startOrigin } from '../../../src/testing/origin.ts'
import { encodeText, sampleOf } from '../../../src/testing/origin/charset.ts'
import { ask, heard, openLine, requestBytes } from '../raw-client.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n'

describe('behaviours of the fake web', () => {
  let origin: Origin
  const get = (path: string, headers: Record<string, string> = {}) => ask(origin.port, path, { headers })
  before(async () => {
    origin = await startOrigin()
  })
  after(() => origin.close())

  /** Path → the exact bytes that come before the connection is over. */
  const EXACT: Record<string, string> = {
    '/drop': '',
    '/empty': '',
    '/headers-cut': `${OK}Content-Le`,
    '/partial/3': `${OK}Content-Length: 7\r\n\r\nxxx`,
    '/until-close': `${OK}\r\nhello`,
    '/chunked': `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`,
    '/chunked-broken': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    '/bad-chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nhello\r\n0\r\n\r\n`,
    '/chunk-extensions': `${OK}Transfer-Encoding: chunked\r\n\r\n5;name=value;q="a;b"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n`,
    '/lf-chunks': `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n`,
    '/length-and-chunked': `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    '/chunked-twice': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    '/two-lengths': `${OK}Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello`,
    '/two-lengths/equal': `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    '/two-lengths/list': `${OK}Content-Length: 5, 5\r\n\r\nhello`,
    '/length/42s': `${OK}Content-Length: 42s\r\n\r\nhello`,
    '/length/-1': `${OK}Content-Length: -1\r\n\r\nhello`,
    '/extra-bytes': `${OK}Content-Length: 5\r\n\r\nhelloand more`,
    '/no-body/204': 'HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\nhello',
    '/lf-headers': 'HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 5\n\nhello',
    '/obs-fold': `${OK}X-Folded: one\r\n two\r\n\tthree\r\nContent-Length: 5\r\n\r\nhello`,
    '/no-colon': `${OK}this is no field\r\nContent-Length: 5\r\n\r\nhello`,
    '/space-before-colon': `${OK}X-Spaced : 1\r\nContent-Length: 5\r\n\r\nhello`,
    '/leading-space': 'HTTP/1.1 200 OK\r\n X-First: 1\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
    '/stray-cr': `${OK}X-Stray: a\rb\r\nContent-Length: 5\r\n\r\nhello`,
    '/nul-header': `${OK}X-Nul: a\0b\r\nContent-Length: 5\r\n\r\nhello`,
    '/big-header/70000': `${OK}X-Big: ${'b'.repeat(70000)}\r\nContent-Length: 5\r\n\r\nhello`,
    '/many-headers/2': `${OK}X-0: 0\r\nX-1: 1\r\nContent-Length: 5\r\n\r\nhello`,
    '/bad-status-line': 'HTTP/1.1 20 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
    '/bad-status-line/HTTP%2F1.2%20200%20OK':
      'HTTP/1.2 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
    '/no-reason': 'HTTP/1.1 200\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
    '/not-http': '<html><title>old</title>hello</html>\n',
    '/icy': 'ICY 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello',
    '/interim/2': `${'HTTP/1.1 103 Early\r\nLink: </style.css>; rel=preload\r\n\r\n'.repeat(2)}${OK}Content-Length: 5\r\n\r\nhello`,
    '/interim-only': 'HTTP/1.1 100 Continue\r\n\r\n',
    '/two-locations': 'HTTP/1.1 302 Found\r\nLocation: /ok?1\r\nLocation: /ok?2\r\nContent-Length: 0\r\n\r\n',
    '/loop': 'HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n',
    '/loop/a': 'HTTP/1.1 302 Found\r\nLocation: /loop/b\r\nContent-Length: 0\r\n\r\n',
    '/loop/b': 'HTTP/1.1 302 Found\r\nLocation: /loop/a\r\nContent-Length: 0\r\n\r\n',
  }
  for (const [path, bytes] of Object.entries(EXACT)) {
    test(`${path} sends exactly its promised bytes`, async () => {
      const { text, error } = await get(path)
      assert.equal(text, bytes)
      assert.equal(error, undefined)
    })
  }

  test('/reset resets the connection without a byte', async () => {
    const { text, error } = await get('/reset')
    assert.equal(text, '')
    assert.equal(error, 'ECONNRESET')
  })

  test('/reset-body resets the connection in the middle of the body', async () => {
    const { body, error } = await get('/reset-body')
    assert.equal(body, 'hello')
    assert.equal(error, 'ECONNRESET')
  })

  for (const [path, sent] of [
    ['/hang', ''],
    ['/hang-after-headers', 'Content-Length: 1000\r\n\r\n'],
    ['/hang-in-body', 'hello'],
    ['/switching', 'hello'],
  ] as const) {
    test(`${path} sends what it says and then keeps silent without closing`, async () => {
      const line = await openLine(origin.port)
      const host = `h${path.replaceAll('/', '-')}.test`
      line.write(requestBytes(path, { host }))
      await origin.until(1, host)
      if (sent !== '') await line.read(sent)
      // Another exchange has come and gone meanwhile.
      await get('/ok')
      const [arrival] = origin.ledger(host).arrivals()
      assert.equal(arrival?.endedAt, null)
      line.socket.destroy()
    })
  }

  test('/status/n answers n, with the fields that are asked for', async () => {
    for (const status of [200, 204, 301, 403, 404, 410, 429, 503, 999]) {
      const reply = await get(`/status/${status}?retry-after=7&location=/x`)
      assert.equal(reply.status, status)
      assert.match(reply.head, /\r\nRetry-After: 7(\r\n|$)/)
      assert.match(reply.head, /\r\nLocation: \/x(\r\n|$)/)
    }
  })

  test('/delay/n answers no sooner than n ms after the request', async () => {
    await ask(origin.port, '/delay/30', { host: 'delay.test' })
    const [arrival] = origin.ledger('delay.test').arrivals()
    // Timers of Node may fire up to a millisecond early.
    assert.ok((arrival?.endedAt as number) - (arrival?.arrivedAt as number) >= 29)
  })

  test('/redirect/n takes n hops to a page', async () => {
    assert.match((await get('/redirect/2')).head, /^HTTP\/1.1 302 Found\r\nLocation: \/redirect\/1\r\n/)
    assert.match(
      (await get('/redirect/1?status=308')).head,
      /^HTTP\/1.1 308 .*\r\nLocation: \/redirect\/0\?status=308\r\n/,
    )
    assert.equal((await get('/redirect/0')).status, 200)
    assert.match(
      (await get('/redirect-to?url=http%3A%2F%2Fb.test%2F&status=301')).head,
      /301 .*\r\nLocation: http:\/\/b.test\//,
    )
  })

  test('/slow/n and /drip/n send in pieces over time', async () => {
    const slow = await get('/slow/40000?bytes=9000')
    assert.equal(slow.body, 's'.repeat(9000))
    const line = await openLine(origin.port)
    line.write(requestBytes('/drip/1'))
    await line.read('\r\n\r\n')
    await line.read('.')
    await line.read('.')
    line.socket.destroy()
  })

  test('/endless sends chunk after chunk until the client leaves', async () => {
    const line = await openLine(origin.port)
    line.write(requestBytes('/endless', { host: 'endless.test' }))
    let bytes = 0
    await new Promise<void>((resolve) => {
      line.socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > 1_000_000) resolve()
      })
    })
    line.socket.destroy()
  })

  test('content codings are what their field says', async () => {
    const decoders: Record<string, (bytes: Uint8Array) => Buffer> = {
      gzip: gunzipSync,
      deflate: inflateSync,
      'deflate-raw': inflateRawSync,
      br: brotliDecompressSync,
      zstd: zstdDecompressSync,
      'gzip-file': gunzipSync,
      'gzip-members': gunzipSync,
    }
    for (const [name, decode] of Object.entries(decoders)) {
      const reply = await get(`/${name}`)
      const body = reply.bytes.subarray(reply.head.length + 4)
      assert.match(decode(body).toString(), /<title>Coded<\/title>/, name)
      const coding = name === 'gzip-file' ? undefined : name.replace(/-.*/, '')
      assert.equal(/\r\nContent-Encoding: (.*)/.exec(reply.head)?.[1], coding, name)
    }
    const stacked = await get('/stacked/gzip,br')
    assert.match(stacked.head, /\r\nContent-Encoding: gzip, br\r\n/)
    assert.match(
      gunzipSync(brotliDecompressSync(stacked.bytes.subarray(stacked.head.length + 4))).toString(),
      /<title>Coded/,
    )
    assert.match((await get('/layers/6')).head, /\r\nContent-Encoding: gzip(, gzip){5}\r\n/)
    assert.equal((await get('/stacked/gzip,nothing')).status, 404)
  })

  test('broken codings are broken', async () => {
    for (const path of ['/gzip-cut', '/gzip-crc', '/gzip-lie', '/coding-broken/gzip']) {
      const reply = await get(path)
      assert.match(reply.head, /\r\nContent-Encoding: gzip\r\n/)
      assert.throws(() => gunzipSync(reply.bytes.subarray(reply.head.length + 4)), path)
    }
    assert.match((await get('/gzip-garbage')).body, /garbage after the end$/)
    assert.match((await get('/encoding/identity')).body, /<title>Coded/)
    assert.match((await get('/transfer-gzip')).head, /\r\nTransfer-Encoding: gzip, chunked/)
  })

  test('/bomb is small on the wire and large when decoded', async () => {
    for (const [coding, decode] of Object.entries({
      gzip: gunzipSync,
      br: brotliDecompressSync,
      zstd: zstdDecompressSync,
    })) {
      const reply = await get(`/bomb?coding=${coding}&bytes=5000000`)
      const body = reply.bytes.subarray(reply.head.length + 4)
      assert.ok(body.length < 20_000)
      assert.equal(decode(body).length, 5_000_000)
    }
  })

  test('/charset/x writes its sample in the charset and names it where it is told to', async () => {
    for (const charset of [
      'utf-8',
      'windows-1252',
      'shift_jis',
      'euc-jp',
      'gb18030',
      'big5',
      'euc-kr',
      'koi8-r',
      'utf-16le',
    ]) {
      const reply = await get(`/charset/${charset}`)
      assert.match(reply.head, new RegExp(`\r\nContent-Type: text/html; charset=${charset}\r\n`))
      const text = new TextDecoder(charset, { fatal: true }).decode(reply.bytes.subarray(reply.head.length + 4))
      assert.ok(text.includes(`<title>${sampleOf(charset)}</title>`), charset)
    }
    const meta = await get('/charset/shift_jis?in=meta')
    assert.match(meta.head, /\r\nContent-Type: text\/html\r\n/)
    assert.match(meta.body, /<meta charset="shift_jis">/)
    assert.match((await get('/charset/utf-8?in=bom')).body, /^\xef\xbb\xbf/)
    assert.match((await get('/charset/utf-16be?in=bom')).body, /^\xfe\xff/)
    assert.doesNotMatch((await get('/charset/utf-8?in=none')).text, /charset/)
    assert.equal((await get('/charset/no-such-thing')).status, 404)
    assert.equal(encodeText('日', 'windows-1252'), undefined)
  })

  test('/etag answers 304 to a client that has the version', async () => {
    const first = await get('/etag/7')
    assert.equal(first.status, 200)
    assert.match(first.head, /\r\nETag: "7"\r\nLast-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n/)
    const again = await get('/etag/7', { 'If-None-Match': '"6", W/"7"' })
    assert.equal(again.status, 304)
    assert.match(again.head, /\r\nContent-Length: \d\d/)
    assert.equal(again.body, '')
    assert.equal((await get('/etag/8', { 'If-None-Match': '"7"' })).status, 200)
    assert.equal((await get('/etag/8', { 'If-Modified-Since': 'Wed, 01 Jan 2025 00:00:00 GMT' })).status, 304)
    assert.equal((await get('/etag/8', { 'If-Modified-Since': 'Tue, 31 Dec 2024 00:00:00 GMT' })).status, 200)
    const both = { 'If-None-Match': '"7"', 'If-Modified-Since': 'Wed, 01 Jan 2025 00:00:00 GMT' }
    assert.equal((await get('/etag/8', both)).status, 200)
  })

  test('/flaky/n and /retry-after/s fail at first, for each URL on its own', async () => {
    const statuses = async (path: string): Promise<number[]> => {
      const found: number[] = []
      for (let i = 0; i < 3; i++) found.push((await get(path)).status)
      return found
    }
    assert.deepEqual(await statuses('/flaky/2'), [503, 503, 200])
    assert.deepEqual(await statuses('/flaky/2?b'), [503, 503, 200])
    assert.deepEqual(await statuses('/flaky/1?status=500'), [500, 200, 200])
    assert.match((await get('/retry-after/3')).head, /^HTTP\/1.1 429 .*\r\nRetry-After: 3\r\n/)
    assert.deepEqual(await statuses('/retry-after/3'), [200, 200, 200])
    assert.match(
      (await get('/retry-after/Wed,%2021%20Oct%202099%2007:28:00%20GMT')).head,
      /Retry-After: Wed, 21 Oct 2099/,
    )
  })

  test('/echo tells the request, /set-cookie sets cookies', async () => {
    const { body } = await ask(origin.port, '/echo?x=1', { method: 'POST', headers: { 'X-One': '1' }, body: 'grüße' })
    const echo = JSON.parse(Buffer.from(body, 'latin1').toString()) as Record<string, unknown>
    assert.equal(echo['method'], 'POST')
    assert.equal(echo['target'], '/echo?x=1')
    assert.equal((echo['headers'] as Record<string, string>)['x-one'], '1')
    assert.equal(echo['body'], Buffer.from('grüße', 'latin1').toString())
    assert.match(
      (await get('/set-cookie?name=k&value=v&attributes=Path%3D%2F')).head,
      /\r\nSet-Cookie: k=v; Path=\/\r\n/,
    )
  })

  test('/close-on-reuse closes where the same connection is used again', async () => {
    const line = await openLine(origin.port)
    const request = requestBytes('/close-on-reuse', { headers: { Connection: 'keep-alive' } })
    line.write(request)
    await line.read('hello')
    line.write(request)
    await line.closed
  })

  test('/poison leaves a reply on the idle connection that nobody asked for', async () => {
    const line = await openLine(origin.port)
    line.write(requestBytes('/poison', { headers: { Connection: 'keep-alive' } }))
    const text = await line.read('poison')
    assert.equal(heard(Buffer.from(text)).status, 200)
    line.write(requestBytes('/ok', { headers: { Connection: 'keep-alive' } }))
    await line.read('A page')
    line.socket.destroy()
  })

  test('/bytes, /404-html, /x-robots-tag, /links and /content-type answer as named', async () => {
    const bytes = await get('/bytes/1000')
    assert.equal(bytes.body.length, 1000)
    assert.match(bytes.head, /Content-Length: 1000/)
    assert.equal((await get('/bytes/1000')).body, bytes.body)
    assert.match((await get('/404-html')).body, /<h1>Not found/)
    assert.match((await get('/x-robots-tag?value=noindex')).head, /\r\nX-Robots-Tag: noindex\r\n/)
    assert.equal((await get('/links/30')).body.match(/<a /g)?.length, 30)
    assert.match((await get('/content-type?type=application/pdf')).head, /\r\nContent-Type: application\/pdf\r\n/)
    assert.doesNotMatch((await get('/content-type')).head, /Content-Type/)
    assert.equal((await get('/no-such-behaviour')).status, 404)
    assert.equal((await get('/robots.txt')).status, 404)
  })
})

test('the target of campaigns remembers what is sent to it and refuses what it is told to', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const post = (body: string) =>
    ask(origin.port, '/campaign?fail=no', { method: 'POST', body, headers: { 'Idempotency-Key': '"1"' } })
  assert.equal((await post('yes')).status, 200)
  assert.equal((await post('oh no')).status, 500)
  const { body } = await ask(origin.port, '/campaign')
  assert.deepEqual(
    body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    ['yes', 'oh no'].map((text) => ({ method: 'POST', target: '/campaign?fail=no', body: text, key: '"1"' })),
  )
})
