import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { decodedBody } from '../../src/warc/body.ts'
import { indexLine, parseIndexLine } from '../../src/warc/cdxj.ts'
import { digestOf, labelOf, recordId, sha1 } from '../../src/warc/digest.ts'
import { readHttpHead, requestHead, responseHead } from '../../src/warc/http-block.ts'
import { PayloadTable } from '../../src/warc/payload-table.ts'
import { targetUri } from '../../src/warc/record.ts'
import { surtOf } from '../../src/warc/surt.ts'

const LIMIT = 1_000_000

test('sha1 labels are those that archives use and come back as the digest', () => {
  // The empty payload, known from every archive.
  assert.equal(labelOf(sha1()), 'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (digest) => {
      assert.deepEqual(digestOf(labelOf(digest)), Buffer.from(digest))
    }),
  )
  for (const other of ['sha256:abc', 'sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709', '', 'md5:A']) {
    assert.equal(digestOf(other), undefined, other)
  }
})

test('record ids are UUIDs of version 5, the same for the same name', () => {
  assert.match(recordId('a'), /^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$/)
  assert.equal(recordId('a'), recordId('a'))
  assert.notEqual(recordId('a'), recordId('b'))
})

test('a response head keeps order, case, duplicates and bytes of its headers', () => {
  const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
  const value = fc.stringMatching(/^(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]{0,40}[\x21-\x7e\x80-\xff])?)?$/)
  const headers = fc
    .array(fc.tuple(name, value), { maxLength: 30 })
    .map((pairs) => pairs.filter(([key]) => !/^(?:content-length|content-encoding|transfer-encoding)$/i.test(key)))
  fc.assert(
    fc.property(headers, fc.integer({ min: 200, max: 599 }), value, (pairs, status, statusText) => {
      const rawHeaders = pairs.flat()
      const block = responseHead({ method: 'GET', status, statusText, rawHeaders, bodyLength: 3, coded: false })
      const head = readHttpHead(Buffer.concat([block, Buffer.from('\r\n\r\nabc')]))
      assert.deepEqual(head?.headers, rawHeaders)
      assert.equal(head?.status, status)
      assert.equal(head?.statusText, statusText)
      assert.equal(head?.length, block.length)
    }),
  )
})

test('no header value can end the head it stands in', () => {
  const rawHeaders = ['X', 'a\r\n\r\n<script>', 'Y\r\nZ', '\n\n\0']
  const block = responseHead({ method: 'GET', status: 200, statusText: 'O\nK', rawHeaders, bodyLength: 0, coded: true })
  assert.equal(readHttpHead(block)?.length, block.length)
  assert.deepEqual(readHttpHead(block)?.headers, ['X', 'a <script>', 'Y Z', ''])
})

test('lengths that describe another body are kept under another name, those of bodiless answers as they are', () => {
  const length = (method: string, status: number, rawHeaders: readonly string[], bodyLength: number): unknown =>
    readHttpHead(responseHead({ method, status, statusText: '', rawHeaders, bodyLength, coded: true }))?.headers
  const given = ['Content-Length', '9']
  assert.deepEqual(length('GET', 200, given, 9), given)
  assert.deepEqual(length('GET', 200, given, 4), ['X-Archive-Orig-Content-Length', '9', 'Content-Length', '4'])
  assert.deepEqual(length('GET', 200, [], 4), [])
  assert.deepEqual(length('HEAD', 200, given, 0), given)
  assert.deepEqual(length('GET', 304, given, 0), given)
})

test('a request head has the target in origin form', () => {
  const text = String(requestHead('POST', 'https://user:pw@a.example:8443/x/?q=1#frag', ['Host', 'a.example:8443']))
  assert.equal(text, 'POST /x/?q=1 HTTP/1.1\r\nHost: a.example:8443\r\n\r\n')
})

test('a body is decoded as far as its headers say how', () => {
  const plain = Buffer.from('text '.repeat(50))
  const chunked = Buffer.from(`3\r\ntex\r\n2;x=y\r\nt \r\n0\r\n\r\n`)
  const cases: [string[], Uint8Array, string][] = [
    [[], plain, String(plain)],
    [['content-encoding', 'gzip'], gzipSync(plain), String(plain)],
    [['Content-Encoding', 'x-gzip, br'], brotliCompressSync(gzipSync(plain)), String(plain)],
    [['Content-Encoding', 'deflate'], deflateSync(plain), String(plain)],
    [['Content-Encoding', 'deflate'], deflateRawSync(plain), String(plain)],
    [['Content-Encoding', 'zstd'], zstdCompressSync(plain), String(plain)],
    [['Transfer-Encoding', 'chunked'], chunked, 'text '],
    [['Transfer-Encoding', 'chunked'], plain, String(plain)],
    [['Content-Encoding', 'gzip'], plain, String(plain)],
    [['Content-Encoding', 'gzip'], Buffer.alloc(0), ''],
  ]
  for (const [headers, stored, wanted] of cases) {
    const { body, problem } = decodedBody(headers, stored, LIMIT)
    assert.equal(problem, undefined, String(headers))
    assert.equal(String(Buffer.from(body)), wanted, String(headers))
  }
})

test('a body that cannot be decoded, or grows past the limit, comes as it is stored and says why', () => {
  const bomb = gzipSync(Buffer.alloc(LIMIT + 1))
  const cut = gzipSync('text '.repeat(50)).subarray(0, 20)
  for (const [coding, stored] of [
    ['gzip', bomb],
    ['gzip', cut],
    ['lzma', cut],
    [Array(9).fill('br').join(), cut],
  ] as const) {
    const { body, problem } = decodedBody(['Content-Encoding', coding], stored, LIMIT)
    assert.deepEqual(body, stored)
    assert.notEqual(problem, undefined)
  }
})

test('sort keys are those of the common indexers', () => {
  const cases: Record<string, string> = {
    'https://www.Example.com/A/b?z=1&A=2': 'com,example)/a/b?a=2&z=1',
    'http://www2.example.co.uk:8080': 'uk,co,example:8080)/',
    'https://example.com:443/#frag': 'com,example)/',
    'http://127.0.0.1/x': '127.0.0.1)/x',
    'http://[::1]:81/x': '[::1]:81)/x',
    'https://m\u00fcnchen.example/\u00fc': 'example,xn--mnchen-3ya)/%c3%bc',
    'urn:x y': 'urn:x%20y',
  }
  for (const [url, key] of Object.entries(cases)) assert.equal(surtOf(url), key, url)
})

test('sort keys agree with an independent indexer', async () => {
  const { getSurt } = await import('warcio/utils')
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, validSchemes: ['http', 'https'] }), (url) => {
      // It turns addresses around as well, and takes `www.` only in lower case.
      fc.pre(!/^[\d.]+$/.test(new URL(url).hostname) && !/\/\/www/i.test(url))
      assert.equal(surtOf(url), getSurt(url))
    }),
  )
})

test('an index line holds no byte outside ASCII, one line, and comes back as it was', () => {
  const entry = fc.record(
    {
      url: fc.oneof(fc.webUrl(), fc.string({ unit: 'binary', minLength: 1 }).map(targetUri)),
      date: fc
        .date({ min: new Date('1995-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((at) => at.toISOString()),
      mime: fc.string({ unit: 'binary' }),
      status: fc.integer({ min: 0, max: 999 }),
      digest: fc.constantFrom('', 'sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ'),
      length: fc.integer({ min: 1, max: 2 ** 40 }),
      offset: fc.integer({ min: 0, max: 2 ** 40 }),
      filename: fc.string({ unit: 'binary', minLength: 1 }),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(entry, (one) => {
      const line = indexLine(one)
      assert.match(line, /^[\x20-\x7e]+$/)
      assert.deepEqual(parseIndexLine(line), one)
      assert.equal(parseIndexLine(line.slice(0, -1)), undefined)
    }),
  )
})

test('the table of payloads finds what it holds, stays within its bound and takes the first place of each', () => {
  const table = new PayloadTable(8192)
  const digests = Array.from({ length: 10_000 }, (_, i) => createHash('sha1').update(String(i)).digest())
  for (const [i, digest] of digests.entries()) {
    table.add(digest, { file: i % 3, offset: i * 1_000_000 })
    table.add(digest, { file: 7, offset: 7 })
  }
  assert.equal(table.size, 8192 * 0.75)
  for (const [i, digest] of digests.slice(0, table.size).entries()) {
    assert.deepEqual(table.find(digest), { file: i % 3, offset: i * 1_000_000 })
  }
  assert.equal(table.find(digests.at(-1) as Buffer), undefined)
})
