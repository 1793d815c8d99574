import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { warcSink } from '../../src/sink/warc.ts'
import type { SinkRecord } from '../../src/sink/sink.ts'
import { openArchive } from '../../src/source/warc.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { JOB, page } from './exchanges.ts'
import { temporaryFolder } from './storages.ts'

async function stored(path: string, batches: readonly (readonly SinkRecord[])[], rotateBytes = 1e9): Promise<void> {
  const sink = warcSink({ path, rotateBytes })
  await sink.open(JOB, undefined)
  for (const batch of batches) await sink.write(batch)
  await sink.close()
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body(folder.path)
  } finally {
    await folder.remove()
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function bytesOf(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed + 1
  for (let i = 0; i < length; i++) bytes[i] = (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 16
  return bytes
}

test('a page is archived as request, response and metadata, with the headers of the wire', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const rawHeaders = ['Set-Cookie', 'a=1', 'X-Odd', 'caf\xe9', 'set-cookie', 'b=2', 'content-LENGTH', '5']
    await stored(path, [[page(1, { body: Buffer.from('hello'), exchange: { rawHeaders, address: '[2001:db8::1]' } })]])
    const [info, request, response, metadata, ...rest] = await readWithWarcio(path)
    assert.deepEqual(rest, [])
    assert.deepEqual([info?.type, request?.type, metadata?.type], ['warcinfo', 'request', 'metadata'])
    assert.equal(info?.header('WARC-Filename'), 'a.warc.gz')
    assert.equal(request?.startLine, 'GET /1 HTTP/1.1')
    assert.equal(response?.startLine, 'HTTP/1.1 200 OK')
    assert.deepEqual(response?.httpHeaders.flat(), rawHeaders)
    assert.equal(String(response?.content), 'hello')
    assert.equal(response?.header('WARC-Date'), '2026-11-21T02:13:38.120Z')
    assert.equal(response?.header('WARC-IP-Address'), '2001:db8::1')
    assert.equal(response?.header('WARC-Concurrent-To'), request?.header('WARC-Record-ID'))
    assert.equal(request?.header('WARC-Concurrent-To'), response?.header('WARC-Record-ID'))
    assert.equal(metadata?.header('WARC-Concurrent-To'), response?.header('WARC-Record-ID'))
    assert.equal((JSON.parse(String(metadata?.content)) as { seq: number }).seq, 1)
  }))

test('a coded body is archived as it came, a decoded one with its coding headers renamed', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const body = Buffer.from('<p>both ways</p>')
    const wireBody = gzipSync(body)
    const rawHeaders = ['Content-Encoding', 'gzip', 'Transfer-Encoding', 'chunked']
    const wrong = ['Content-Encoding', 'br', 'Content-Length', '7']
    await stored(path, [
      [
        page(1, { body, exchange: { rawHeaders, wireBody } }),
        page(2, { body, exchange: { rawHeaders } }),
        page(3, { body, exchange: { rawHeaders: wrong } }),
      ],
    ])
    const [coded, decoded, renamed] = (await readWithWarcio(path)).filter(({ type }) => type === 'response')
    assert.deepEqual(coded?.content, wireBody)
    assert.deepEqual(coded?.httpHeaders, [
      ['Content-Encoding', 'gzip'],
      ['X-Archive-Orig-Transfer-Encoding', 'chunked'],
      ['Content-Length', String(wireBody.length)],
    ])
    assert.deepEqual(decoded?.content, body)
    assert.deepEqual(decoded?.httpHeaders[0], ['X-Archive-Orig-Content-Encoding', 'gzip'])
    assert.deepEqual(renamed?.httpHeaders, [
      ['X-Archive-Orig-Content-Encoding', 'br'],
      ['X-Archive-Orig-Content-Length', '7'],
      ['Content-Length', String(body.length)],
    ])
    const pages = await all(openArchive(path).pages())
    assert.deepEqual(
      pages.map((one) => String(one.body)),
      Array.from({ length: 3 }, () => String(body)),
    )
  }))

test('a payload that the archive holds is stored as a revisit, within a batch, later and after a restart', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const body = Buffer.from('the same text '.repeat(100))
    await stored(path, [[page(1, { body }), page(2, { body })], [page(3, { body })]])
    const sink = warcSink({ path })
    await sink.open({ ...JOB, id: 'job-2' }, undefined)
    await sink.write([page(4, { body }), page(5)])
    await sink.close()
    const records = (await readWithWarcio(path)).filter(({ type }) => type === 'response' || type === 'revisit')
    assert.deepEqual(
      records.map(({ type }) => type),
      ['response', 'revisit', 'revisit', 'revisit', 'response'],
    )
    for (const revisit of records.slice(1, 4)) {
      assert.match(revisit.header('WARC-Profile') ?? '', /identical-payload-digest$/)
      assert.equal(revisit.header('WARC-Refers-To-Target-URI'), 'https://a.example/1')
      assert.equal(revisit.header('WARC-Refers-To-Date'), '2026-11-21T02:13:38.120Z')
      assert.equal(revisit.content.length, 0)
    }
    const pages = await all(openArchive(path).pages())
    assert.deepEqual(
      pages.map((one) => Buffer.from(one.body).equals(body)),
      [true, true, true, true, false],
    )
    assert.equal(String((await openArchive(folder).lookup('https://a.example/3'))?.body), String(body))
  }))

test('a 304 is archived as a revisit of what was stored before and read as that page', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const url = 'https://a.example/page?b=2&a=1'
    await stored(path, [[page(1, { url, body: Buffer.from('first') })]])
    const sink = warcSink({ path })
    await sink.open({ ...JOB, id: 'job-2' }, undefined)
    const rawHeaders = ['ETag', '"x"', 'Content-Length', '5']
    const exchange = { status: 304, statusText: 'Not Modified', rawHeaders }
    await sink.write([page(2, { url, body: Buffer.alloc(0), record: { outcome: 'unchanged' }, exchange })])
    await sink.close()
    const revisit = (await readWithWarcio(path)).find(({ type }) => type === 'revisit')
    assert.match(revisit?.header('WARC-Profile') ?? '', /server-not-modified$/)
    assert.equal(revisit?.header('WARC-Refers-To-Date'), '2026-11-21T02:13:38.120Z')
    assert.deepEqual(revisit?.httpHeaders.flat(), rawHeaders)
    const found = await openArchive(path).lookup(url)
    assert.deepEqual([found?.status, String(found?.body), found?.date], [200, 'first', '2026-11-21T02:13:39.120Z'])
  }))

test('a response whose body was not kept is not archived, and what had no response is metadata alone', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const lost = page(1, { body: Buffer.alloc(0), record: { bytes: 500 } })
    const { exchange: _, ...skipped } = page(2, { record: { outcome: 'skipped', url: 'not a url' } })
    const gone = page(3, { body: Buffer.from('no'), record: { outcome: 'gone' }, exchange: { status: 404 } })
    await stored(path, [[lost, skipped, gone]])
    const types = (await readWithWarcio(path)).map(({ type }) => type)
    assert.deepEqual(types, ['warcinfo', 'metadata', 'metadata', 'request', 'response', 'metadata'])
    assert.equal((await openArchive(path).lookup('https://a.example/3'))?.status, 404)
  }))

test('credentials of a request are not archived', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc')
    const requestHeaders = ['Authorization', 'Basic c2VjcmV0', 'proxy-authorization', 'Basic c2VjcmV0', 'Accept', '*/*']
    await stored(path, [[page(1, { exchange: { requestHeaders } })]])
    assert.doesNotMatch(readFileSync(path, 'latin1'), /c2VjcmV0/)
    assert.match(readFileSync(path, 'latin1'), /Accept: \*\/\*/)
  }))

test('a spooled body is archived whole, with right digests, and once', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const body = bytesOf(6_000_000, 1)
    const bodyFile = join(folder, 'spooled')
    writeFileSync(bodyFile, body)
    const spooled = { body: Buffer.alloc(0), bodyFile, record: { bytes: body.length } }
    const exchange = { rawHeaders: ['Content-Length', String(body.length)] }
    await stored(path, [[page(1, { ...spooled, exchange }), page(2, { ...spooled, exchange })]])
    const [response, revisit] = (await readWithWarcio(path)).filter(
      ({ type }) => type.startsWith('re') && type !== 'request',
    )
    assert.deepEqual([response?.type, revisit?.type], ['response', 'revisit'])
    assert.ok(response?.content.equals(body))
    const found = await openArchive(path).lookup('https://a.example/2')
    assert.equal(
      createHash('md5')
        .update(found?.body ?? '')
        .digest('hex'),
      createHash('md5').update(body).digest('hex'),
    )
  }))

test('a full archive goes on in a next file, each with a sorted index by which every page is found', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const batch = (from: number): SinkRecord[] =>
      Array.from({ length: 10 }, (_, i) => page(from + i, { body: bytesOf(3000, from + i) }))
    await stored(path, [batch(1), batch(11), batch(21)], 25_000)
    const names = readdirSync(folder).toSorted()
    const numbered = names.filter((name) => name.endsWith('.warc.gz'))
    assert.ok(numbered.length >= 3, String(names))
    for (const name of numbered) {
      const [info] = await readWithWarcio(join(folder, name))
      assert.deepEqual([info?.type, info?.header('WARC-Filename')], ['warcinfo', name])
      const lines = readFileSync(join(folder, name.replace('.warc.gz', '.cdxj')), 'latin1')
        .split('\n')
        .slice(0, -1)
      assert.deepEqual(lines, lines.toSorted())
    }
    assert.ok(!names.some((name) => /\.(open|new)$/.test(name)), String(names))
    const archive = openArchive(folder)
    for (let seq = 1; seq <= 30; seq++) {
      const found = await archive.lookup(`https://a.example/${seq}`)
      assert.ok(Buffer.from(found?.body ?? []).equals(bytesOf(3000, seq)), `page ${seq}`)
    }
    assert.deepEqual(
      (await all(archive.pages())).map(({ url }) => url),
      Array.from({ length: 30 }, (_, i) => `https://a.example/${i + 1}`),
    )
    assert.equal(await archive.lookup('https://a.example/31'), undefined)
  }))

test('files begun after the last commit are removed at open, files of others stop the job', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const dying = warcSink({ path, rotateBytes: 1 })
    await dying.open(JOB, undefined)
    const position = await dying.write([page(1, { body: bytesOf(2000, 1) })])
    await dying.write([page(2), page(3)])
    assert.ok(existsSync(join(folder, 'a-00002.warc.gz')))
    const sink = warcSink({ path, rotateBytes: 1 })
    await sink.open(JOB, position)
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('0000')),
      [],
    )
    await sink.write([page(2)])
    await sink.close()
    await dying.close()
    assert.deepEqual(
      (await all(openArchive(folder).pages())).map(({ url }) => url),
      ['https://a.example/1', 'https://a.example/2'],
    )
    writeFileSync(join(folder, 'a-00001.warc.gz'), gzipSync('WARC/1.0\r\nWARC-Type: warcinfo\r\n'))
    await assert.rejects(warcSink({ path }).open(JOB, position), { code: 'SINK_CHANGED' })
    assert.ok(existsSync(join(folder, 'a-00001.warc.gz')))
  }))

test('an index that is lost or torn is made again from the archive', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.warc.gz')
    const index = join(folder, 'a.cdxj')
    await stored(path, [[page(1), page(2), page(3)]])
    const whole = readFileSync(index, 'latin1')
    const damages = [
      () => rmSync(index),
      () => writeFileSync(index, whole.slice(0, -20)),
      () => writeFileSync(index, '\0'.repeat(whole.length)),
      () => writeFileSync(`${index}.open`, 'torn'),
    ]
    for (const [run, damage] of damages.entries()) {
      damage()
      const sink = warcSink({ path })
      await sink.open({ ...JOB, id: `again-${run}` }, undefined)
      await sink.write([page(4 + run)])
      await sink.close()
      const lines = readFileSync(index, 'latin1').split('\n').slice(0, -1)
      assert.equal(lines.length, 4 + run)
      assert.ok(whole.split('\n').every((line) => line === '' || lines.includes(line)))
    }
  }))

test('an archive does not continue a file that is no archive', () =>
  inFolder(async (folder) => {
    for (const [name, content] of [
      ['a.warc', 'some notes'],
      ['b.warc.gz', gzipSync('some notes')],
    ] as const) {
      writeFileSync(join(folder, name), content)
      await assert.rejects(warcSink({ path: join(folder, name) }).open(JOB, undefined), { code: 'OPTION_INVALID' })
    }
    assert.throws(() => warcSink({ path: 'a.txt' }), { code: 'OPTION_INVALID' })
  }))
