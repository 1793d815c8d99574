/** Downloads that break off and go on: over real sockets, with real files. The table of answers is part-answer.test.ts. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { LOSS_BYTES, PartFile } from '../../src/fetch/part-file.ts'
import { PartFolder } from '../../src/fetch/part-folder.ts'
import { startOrigin, type Origin } from '../../src/testing/origin.ts'
import { downloadBytes } from '../../src/testing/origin/downloads.ts'
import { createDigest, hexOf } from '../../src/url/fingerprint.ts'
import { rawServer, reply } from './raw-server.ts'
import { type Ended, type Setup, setUp, until } from './setup.ts'

const MiB = 1024 * 1024
const NAME = 0x18n
const BYTES = 4_000_000

interface Downloads extends Setup {
  readonly origin: Origin
  readonly folder: string
  readonly parts: PartFolder
  download(
    path: string,
    options?: { readonly parts?: PartFolder; readonly headers?: Record<string, string> },
  ): Promise<Ended>
  /** Ranges asked for so far; '' where the whole was. */
  ranges(): string[]
  expected(path: string, length?: number): Buffer
}

async function downloadsOf(t: TestContext, options: Parameters<typeof setUp>[1] = {}): Promise<Downloads> {
  const origin = await startOrigin({ recordHeaders: ['if-range', 'accept-encoding'] })
  t.after(() => origin.close())
  const made: { parts?: PartFolder } = {}
  const lazy = new Proxy({} as PartFolder, {
    get: (_, name) => {
      const value = Reflect.get(made.parts as PartFolder, name) as unknown
      return typeof value === 'function' ? (value as () => unknown).bind(made.parts) : value
    },
  })
  const setup = await setUp(t, { parts: lazy, ...options })
  const folder = join(setup.folder, 'parts')
  const parts = (made.parts = new PartFolder({ folder }))
  return {
    ...setup,
    origin,
    folder,
    parts,
    download(path, { parts: other, headers } = {}) {
      if (other !== undefined) made.parts = other
      return setup.get(origin.directUrl(path), { part: NAME, ...(headers === undefined ? {} : { headers }) })
    },
    ranges: () => [...origin.ledger().arrivals()].map(({ headers }) => headers['range'] ?? ''),
    expected: (path, length = BYTES) => downloadBytes(`127.0.0.1${path}`, 0, length),
  }
}

function bodyOf({ response, failure }: Ended): Buffer {
  assert.ok(response !== undefined, failure?.message)
  return response.file === undefined ? Buffer.from(response.body) : readFileSync(response.file)
}

test('a download cut off at 90 % goes on from there in the next attempt', async (t) => {
  const { download, ranges, expected, origin, folder, parts } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3600000`
  const first = await download(path)
  assert.equal(first.code, 'TRUNCATED')
  assert.equal(first.failure?.response?.size, 3_600_000)
  assert.equal(first.failure?.response?.resumedAt, undefined)
  const second = await download(path)
  assert.equal(second.code, 200)
  assert.ok(bodyOf(second).equals(expected(path)))
  assert.equal(second.response?.digest, (await createDigest()).digest(expected(path)))
  assert.equal(second.response?.size, BYTES)
  assert.equal(second.response?.resumedAt, 3_600_000)
  assert.deepEqual(second.response?.flags, ['resumed'])
  assert.equal(second.response?.header('content-length'), String(BYTES), 'the head is that of the whole')
  assert.equal(second.response?.contentType, 'application/octet-stream')
  assert.deepEqual(ranges(), ['', 'bytes=3600000-'])
  const [, asked] = [...origin.ledger().arrivals()]
  assert.equal(asked?.headers['if-range'], '"1"')
  assert.equal(asked?.headers['accept-encoding'], 'identity')
  assert.deepEqual(readdirSync(folder).toSorted(), [`${hexOf(NAME)}.json`, `${hexOf(NAME)}.part`])
  parts.remove(NAME)
  assert.deepEqual(readdirSync(folder), [])
})

test('a download that is reset goes on from what had been read', async (t) => {
  const { download, ranges, expected } = await downloadsOf(t)
  const path = `/download/${BYTES}?rate=40000000&cut=3600000&end=reset`
  const first = await download(path)
  assert.equal(first.code, 'CONNECTION_RESET')
  const came = first.failure?.response?.size ?? 0
  assert.ok(came > 0 && came <= 3_600_000)
  assert.ok(bodyOf(await download(path)).equals(expected(path)))
  assert.deepEqual(ranges(), ['', `bytes=${came}-`])
})

test('a body over the spool size is handed over in its part, digested whole', async (t) => {
  const { download, expected, folder } = await downloadsOf(t, { spoolBytes: MiB })
  const path = `/download/${BYTES}?cut=2500000`
  await download(path)
  const { response } = await download(path)
  assert.equal(response?.file, join(folder, `${hexOf(NAME)}.part`))
  assert.ok(readFileSync(response.file).equals(expected(path)))
  assert.equal(response.digest, (await createDigest()).digest(expected(path)))
  assert.equal(response.body.length, 0)
})

test('a download that comes whole is the same with a part as without one', async (t) => {
  const { download, expected, get, origin } = await downloadsOf(t)
  const path = `/download/${BYTES}?a=1`
  const kept = await download(path)
  const plain = await get(origin.directUrl(path))
  assert.ok(bodyOf(kept).equals(expected(path)))
  assert.equal(kept.response?.digest, plain.response?.digest)
  assert.equal(kept.response?.file, undefined)
  assert.equal(kept.response?.flags, undefined)
})

test('the next process goes on with what counted', async (t) => {
  const { download, ranges, expected, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  const state = JSON.parse(readFileSync(join(folder, `${hexOf(NAME)}.json`), 'utf8')) as { count: number }
  assert.equal(state.count, 3_000_000)
  // As a death leaves it: bytes behind the count, and a state half written.
  writeFileSync(join(folder, `${hexOf(NAME)}.part`), Buffer.alloc(1000, 'x'), { flag: 'a' })
  writeFileSync(join(folder, `${hexOf(NAME)}.json.tmp`), '{"format":1,')
  const again = await download(path, { parts: new PartFolder({ folder }) })
  assert.ok(bodyOf(again).equals(expected(path)))
  assert.deepEqual(ranges(), ['', 'bytes=3000000-'])
})

test('a folder of parts tells which of them the last process made longer, once', async (t) => {
  const { download, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=2000000&cuts=2`
  await download(path)
  const second = new PartFolder({ folder })
  assert.deepEqual([...second.grown], [NAME])
  // It ended as well, and nothing came of it.
  const third = new PartFolder({ folder })
  assert.deepEqual([...third.grown], [])
  await download(path, { parts: third })
  assert.deepEqual([...new PartFolder({ folder }).grown], [NAME])
})

test('a part whose bytes or state are torn is removed when the folder is opened', async (t) => {
  const { download, ranges, expected, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  truncateSync(join(folder, `${hexOf(NAME)}.part`), 2_999_999)
  writeFileSync(join(folder, '00000000000000aa.json'), '{"format":1,"count":12')
  writeFileSync(join(folder, '00000000000000bb.part'), 'bytes of nobody')
  const parts = new PartFolder({ folder })
  assert.deepEqual(readdirSync(folder), [])
  assert.deepEqual(parts.names(), [])
  assert.ok(bodyOf(await download(path, { parts })).equals(expected(path)))
  assert.deepEqual(ranges(), ['', ''])
})

test('a changed file is fetched whole, and nothing of the old one stays', async (t) => {
  const { download, expected, origin } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  const other = Buffer.alloc(2_000_000, 'new')
  origin.handle('127.0.0.1', '/download/*', () => ({ headers: { ETag: '"2"' }, body: other }))
  const again = await download(path)
  assert.equal(again.code, 200)
  assert.ok(bodyOf(again).equals(other))
  assert.equal(again.response?.resumedAt, undefined)
  assert.notDeepEqual(bodyOf(again), expected(path))
})

test('a small answer in place of the rest leaves no part behind', async (t) => {
  const { download, origin, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  origin.handle('127.0.0.1', '/download/*', () => ({ body: 'moved away' }))
  assert.equal((await download(path)).text, 'moved away')
  assert.deepEqual(readdirSync(folder), [])
})

test('a range that does not fit gives the part up: the next attempt asks for the whole', async (t) => {
  const answers: Record<string, { status: number; headers: Record<string, string>; body: string }> = {
    'several parts': {
      status: 206,
      headers: { 'Content-Type': 'multipart/byteranges; boundary=x', ETag: '"1"' },
      body: '--x--',
    },
    'another validator': {
      status: 206,
      headers: { 'Content-Range': `bytes 3000000-3999999/${BYTES}`, ETag: '"2"' },
      body: 'x'.repeat(1_000_000),
    },
    'shorter now': { status: 416, headers: { 'Content-Range': 'bytes */1000' }, body: '' },
  }
  for (const [what, answer] of Object.entries(answers)) {
    const { download, ranges, expected, origin, folder } = await downloadsOf(t)
    const path = `/download/${BYTES}?cut=3000000`
    await download(path)
    origin.handle('127.0.0.1', '/download/*', (request) => (request.header('range') === undefined ? undefined : answer))
    const { failure, response } = await download(path)
    assert.equal(response, undefined, what)
    assert.equal(failure?.again, true, what)
    assert.deepEqual(readdirSync(folder), [], what)
    assert.ok(bodyOf(await download(path)).equals(expected(path)), what)
    assert.deepEqual(ranges(), ['', 'bytes=3000000-', ''], what)
  }
})

test('a range that brings more than it says gives the part up', async (t) => {
  const { download, origin, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  const head = `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3000000-3999999/${BYTES}\r\nETag: "1"\r\n`
  const rest = 'x'.repeat(1_000_001)
  origin.raw(
    '127.0.0.1',
    '/download/*',
    `${head}Transfer-Encoding: chunked\r\n\r\n${(1_000_001).toString(16)}\r\n${rest}\r\n0\r\n\r\n`,
  )
  assert.equal((await download(path)).failure?.again, true)
  assert.deepEqual(readdirSync(folder), [])
})

test('what had come whole before it was settled is not fetched again', async (t) => {
  const { download, ranges, expected, folder, origin } = await downloadsOf(t)
  const path = `/download/${BYTES}?b=1`
  await download(path)
  origin.clearLedger()
  const again = await download(path, { parts: new PartFolder({ folder }) })
  assert.equal(again.code, 200)
  assert.ok(bodyOf(again).equals(expected(path)))
  assert.equal(again.response?.resumedAt, BYTES)
  assert.deepEqual(ranges(), [`bytes=${BYTES}-`])
  const [asked] = [...origin.ledger().arrivals()]
  assert.equal(asked?.status, 416)
})

test('a rest that breaks off again is gone on with where it broke off last', async (t) => {
  const { download, ranges, expected } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=1500000&cuts=2`
  await download(path)
  assert.equal((await download(path)).failure?.response?.resumedAt, 1_500_000)
  assert.ok(bodyOf(await download(path)).equals(expected(path)))
  assert.deepEqual(ranges(), ['', 'bytes=1500000-', 'bytes=3000000-'])
})

test('a body of unknown length is gone on with once it has turned out to be large', async (t) => {
  const { download, ranges, expected, folder } = await downloadsOf(t)
  const path = `/download/${BYTES}?length=none&cut=3000000`
  assert.equal((await download(path)).failure?.response?.size, 3_000_000)
  assert.ok(bodyOf(await download(path)).equals(expected(path)))
  assert.deepEqual(ranges(), ['', 'bytes=3000000-'])
  const small = await download('/download/500000?length=none')
  assert.equal(small.response?.size, 500_000)
  assert.equal(readdirSync(folder).length, 2, 'the small one has no part')
})

test('an answer that says nothing about the part leaves it for the next attempt', async (t) => {
  const { download, ranges, expected, origin } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  origin.fault('127.0.0.1', { kind: 'status', status: 503, every: 1, times: 1 })
  assert.equal((await download(path)).code, 503)
  assert.ok(bodyOf(await download(path)).equals(expected(path)))
  assert.deepEqual(ranges(), ['', 'bytes=3000000-', 'bytes=3000000-'])
})

test('validators of an earlier answer may ask beside the range', async (t) => {
  const { download, expected, origin } = await downloadsOf(t)
  const path = `/download/${BYTES}?cut=3000000`
  await download(path)
  const again = await download(path, { headers: { 'if-none-match': '"0"' } })
  assert.ok(bodyOf(again).equals(expected(path)))
  const [, asked] = [...origin.ledger().arrivals()]
  assert.equal(asked?.headers['if-none-match'], '"0"')
  assert.equal(asked?.headers['range'], 'bytes=3000000-')
})

test('a download that we end keeps what has come', async (t) => {
  const { start, origin, folder, download, expected, ranges } = await downloadsOf(t)
  const path = `/download/${BYTES}?rate=20000000`
  const url = origin.directUrl(path)
  const { ended, handle } = start(url, { part: NAME })
  await until(() => existsSync(join(folder, `${hexOf(NAME)}.json`)))
  handle.cancel('enough')
  const { code, calls } = await ended
  assert.equal(code, 'CANCELLED')
  const { count } = JSON.parse(readFileSync(join(folder, `${hexOf(NAME)}.json`), 'utf8')) as { count: number }
  assert.equal(statSync(join(folder, `${hexOf(NAME)}.part`)).size, count)
  assert.ok(bodyOf(await download(path)).equals(expected(path)))
  assert.deepEqual(ranges(), ['', `bytes=${count}-`])
  assert.equal(calls, 1)
})

test('closing the fetcher waits until what has come of parts is written', async (t) => {
  const { start, fetcher, origin, folder } = await downloadsOf(t)
  const { ended } = start(origin.directUrl(`/download/${BYTES}?rate=20000000`), { part: NAME })
  await until(() => existsSync(join(folder, `${hexOf(NAME)}.json`)))
  await fetcher.close()
  const { count } = JSON.parse(readFileSync(join(folder, `${hexOf(NAME)}.json`), 'utf8')) as { count: number }
  assert.equal(statSync(join(folder, `${hexOf(NAME)}.part`)).size, count)
  assert.equal((await ended).code, 'CANCELLED')
})

test('no part is made for small bodies, weak validators, credentials or a range of the caller', async (t) => {
  const { download, get, folder, origin } = await downloadsOf(t)
  await download(`/download/${MiB}`)
  await download(`/download/${BYTES}?etag=weak`)
  await download(`/download/${BYTES}?c=1`, { headers: { authorization: 'Basic eDp5' } })
  await download(`/download/${BYTES}?c=1`, { headers: { cookie: 'a=b' } })
  await download(`/download/${BYTES}?c=1`, { headers: { range: 'bytes=0-' } })
  await get(origin.directUrl(`/download/${BYTES}?c=1`).replace('://', '://x:y@'), { part: NAME })
  await get(origin.directUrl(`/download/${BYTES}?c=1`), { part: NAME, method: 'POST' })
  await get(origin.directUrl(`/download/${BYTES}?c=1`))
  assert.equal(existsSync(folder), false)
})

test('a coded body takes no part', async (t) => {
  const server = await rawServer(t, () =>
    reply(Buffer.alloc(3_000_000, 'x'), { ETag: '"a"', 'Content-Encoding': 'gzip' }),
  )
  const parts = new PartFolder({ folder: join((await setUp(t)).folder, 'parts') })
  const { get } = await setUp(t, { parts })
  assert.deepEqual((await get(`${server.origin}/`, { part: NAME })).response?.flags, ['not-encoded', 'sniffed'])
  assert.deepEqual(parts.names(), [])
})

test('a part of another URL under the same name is not gone on with', async (t) => {
  const { download, ranges, expected } = await downloadsOf(t)
  await download(`/download/${BYTES}?cut=3000000`)
  const other = `/download/${BYTES}?other=1`
  assert.ok(bodyOf(await download(other)).equals(expected(other)))
  assert.deepEqual(ranges(), ['', ''])
})

test('a folder of parts that cannot be written to is trouble of the job', async (t) => {
  const { download, folder } = await downloadsOf(t)
  writeFileSync(folder, 'a file in its place')
  const { failure } = await download(`/download/${BYTES}?d=1`)
  assert.equal(failure?.disk, true)
})

test('the source is held before a death could cost more than the bound', async (t) => {
  const { folder } = await setUp(t)
  const digester = await createDigest()
  let fulls = 0
  let count = 0
  const { promise: done, resolve } = Promise.withResolvers<string>()
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
  const file = new PartFile(
    {
      path: join(folder, 'x.part'),
      statePath: join(folder, 'x.json'),
      from: 0,
      isWhole: false,
      isSynced: true,
      stateOf: (bytes) => String(bytes),
      onCount: (bytes) => (count = bytes),
      onClosed: () => {},
      digester,
      memoryBytes: 0,
    },
    { spoolFull: () => fulls++, spoolDrained: drain, spoolFailed: (error) => assert.fail(error), spoolDone: resolve },
  )
  let sent = 0
  const isHeld = (): boolean => fulls > 0
  for (; !isHeld(); sent += 65_536) file.write(new Uint8Array(65_536))
  // One more read may have been under way.
  assert.ok(sent + 65_536 <= LOSS_BYTES, `${sent} before it is held`)
  await drained
  assert.ok(sent - count <= LOSS_BYTES / 2)
  file.end(true)
  assert.equal(await done, join(folder, 'x.part'))
  assert.equal(readFileSync(join(folder, 'x.json'), 'utf8'), String(sent))
  assert.equal(file.digest, digester.digest(new Uint8Array(sent)))
})
