/** The files of the fake web: validators, ranges, and what its ledger says was sent. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { downloadBytes } from '../../../src/testing/origin/downloads.ts'
import { ask, openWeb } from '../raw-client.ts'

const PATH = '/download/100000/a.bin'

test('a file of the fake web has the bytes it is said to have, whole and from any byte on', async (t) => {
  const { port } = await openWeb(t)
  const whole = await ask(port, PATH)
  assert.equal(whole.status, 200)
  assert.match(whole.head, /\r\nETag: "1"\r\n/)
  const bytes = downloadBytes(`a.test${PATH}`, 0, 100_000)
  assert.ok(Buffer.from(whole.body, 'latin1').equals(bytes))
  for (const [from, condition] of [
    [1, '"1"'],
    [99_999, 'Wed, 01 Jan 2025 00:00:00 GMT'],
    [65_536, undefined],
  ] as const) {
    const headers = { Range: `bytes=${from}-`, ...(condition === undefined ? {} : { 'If-Range': condition }) }
    const rest = await ask(port, PATH, { headers })
    assert.equal(rest.status, 206)
    assert.match(rest.head, new RegExp(`Content-Range: bytes ${from}-99999/100000\r\n`))
    assert.ok(Buffer.from(rest.body, 'latin1').equals(bytes.subarray(from)))
  }
})

test('two files of the fake web differ, and no shifted piece of one looks right', () => {
  const bytes = downloadBytes('a', 0, 300_000)
  assert.notDeepEqual(bytes, downloadBytes('b', 0, 300_000))
  for (const shift of [1, 4096, 65_536]) {
    assert.equal(bytes.subarray(shift, shift + 64).equals(bytes.subarray(0, 64)), false)
  }
})

test('a range under a condition that fails is a whole file, one behind the end is 416', async (t) => {
  const { port } = await openWeb(t)
  const get = (path: string, headers: Record<string, string>) => ask(port, path, { headers })
  assert.equal((await get(PATH, { Range: 'bytes=5-', 'If-Range': '"2"' })).status, 200)
  const over = await get(PATH, { Range: 'bytes=100000-', 'If-Range': '"1"' })
  assert.equal(over.status, 416)
  assert.match(over.head, /\r\nContent-Range: bytes \*\/100000\r\n/)
  assert.equal((await get(PATH, { 'If-None-Match': '"1"', Range: 'bytes=5-' })).status, 304)
  assert.equal((await get(`${PATH}?ranges=none`, { Range: 'bytes=5-' })).status, 200)
  const parts = await get(`${PATH}?ranges=multipart`, { Range: 'bytes=99990-' })
  assert.match(parts.head, /^HTTP\/1.1 206 [^]*Content-Type: multipart\/byteranges/)
  assert.doesNotMatch((await get(`${PATH}?etag=none`, {})).head, /ETag/)
  assert.match((await get(`${PATH}?etag=weak&version=7`, {})).head, /\r\nETag: W\/"7"\r\n/)
})

test('a cut file ends where it is told to, as often as it is told to', async (t) => {
  const { port } = await openWeb(t)
  const path = `${PATH}?cut=30000&cuts=2`
  assert.equal((await ask(port, path)).body.length, 30_000)
  assert.equal((await ask(port, path, { headers: { Range: 'bytes=30000-' } })).body.length, 30_000)
  assert.equal((await ask(port, path, { headers: { Range: 'bytes=60000-' } })).body.length, 40_000)
  assert.equal((await ask(port, `${PATH}?cut=30000&end=reset`)).error, 'ECONNRESET')
})

test('the ledger tells how much was sent for each request, and waits for so many bytes', async (t) => {
  const origin = await openWeb(t)
  const waited = origin.untilSent(100_000)
  const whole = await ask(origin.port, PATH)
  await waited
  const small = await ask(origin.port, '/ok')
  const sent = [...origin.ledger().arrivals()].map((arrival) => arrival.sent)
  assert.deepEqual(sent, [whole.bytes.length, small.bytes.length])
  origin.clearLedger()
  const closed = assert.rejects(origin.untilSent(1), /closed before 1 bytes were sent/)
  await origin.close()
  await closed
})
