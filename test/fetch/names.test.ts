/** Names: what a failed lookup is called, what is remembered, where else one may connect. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Names, type LookupCallback } from '../../src/fetch/names.ts'
import { resolveMap } from '../../src/fetch/resolve-map.ts'
import { rawServer, reply } from './raw-server.ts'
import { setUp } from './setup.ts'

const V4 = [{ address: '127.0.0.1', family: 4 }]

function failing(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ${code}`), { code })
}

test('failed lookups are told apart', async (t) => {
  const cases = {
    ENOTFOUND: 'DNS_NOT_FOUND',
    EAI_AGAIN: 'DNS_FAILED',
    EAI_FAIL: 'DNS_FAILED',
    ESERVFAIL: 'DNS_FAILED',
    ETIMEOUT: 'TIMEOUT_DNS',
  }
  for (const [code, expected] of Object.entries(cases)) {
    const { get } = await setUp(t, { lookup: (_hostname, callback) => setImmediate(callback, failing(code), []) })
    const ended = await get('http://name.test/')
    assert.equal(ended.code, expected)
    assert.match(ended.failure?.message ?? '', /name\.test/)
  }
  const { get } = await setUp(t, { lookup: (_hostname, callback) => callback(null, []) })
  assert.equal((await get('http://empty.test/')).code, 'DNS_NOT_FOUND', 'an answer without an address')
})

test('a machine out of descriptors is no failure of the name', async (t) => {
  const { get } = await setUp(t, { lookup: (_hostname, callback) => callback(failing('EMFILE'), []) })
  const { failure } = await get('http://name.test/')
  assert.equal(failure?.local, true)
})

test('a name is looked up once for its connections, and its time told', async (t) => {
  const server = await rawServer(t, ({ path, socket }) => void socket.end(reply(path, { Connection: 'close' })))
  let asked = 0
  const { start } = await setUp(t, {
    lookup: (_hostname, callback) => {
      asked++
      setImmediate(callback, null, V4)
    },
  })
  const all = Array.from({ length: 6 }, (_, i) => start(`http://name.test:${server.port}/${i}`).ended)
  const ends = await Promise.all(all)
  assert.ok(ends.every(({ code }) => code === 200))
  assert.equal(asked, 1)
})

test('where one address refuses the next one is used', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t, {
    lookup: (_hostname, callback) =>
      callback(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]),
  })
  const ended = await get(`http://both.test:${server.port}/a`)
  assert.equal(ended.text, '/a', ended.failure?.message)
  assert.equal(ended.response?.address, '127.0.0.1')
})

test('answers are used for a minute, failures for five seconds', () => {
  let now = 0
  let asked = 0
  let answer: Parameters<LookupCallback> = [null, V4]
  const names = new Names(
    () => now,
    (_hostname, callback) => {
      asked++
      callback(...answer)
    },
  )
  const ask = (): void => names.resolve('a.test', () => {})
  ask()
  now = 59_000
  ask()
  assert.equal(asked, 1)
  now = 61_000
  answer = [failing('ENOTFOUND'), []]
  ask()
  assert.equal(asked, 2)
  now = 65_000
  ask()
  assert.equal(asked, 2)
  now = 66_500
  ask()
  assert.equal(asked, 3)
})

test('names remembered are bounded and questions at a time limited', () => {
  let inFlight = 0
  let most = 0
  const open: LookupCallback[] = []
  const names = new Names(
    () => 0,
    (_hostname, callback) => {
      most = Math.max(most, ++inFlight)
      open.push((error, addresses) => {
        inFlight--
        callback(error, addresses)
      })
    },
  )
  let answered = 0
  for (let i = 0; i < 1000; i++) names.resolve(`h${i}.test`, () => answered++)
  for (let callback = open.shift(); callback !== undefined; callback = open.shift()) callback(null, V4)
  assert.equal(answered, 1000)
  assert.equal(most, 64)
})

test('connections go where the rules say, under the name they were asked by', async (t) => {
  const server = await rawServer(t, ({ path }) => reply(path))
  const { get } = await setUp(t, { resolve: [{ pattern: '*.test', address: '127.0.0.1', port: server.port }] })
  const ended = await get('http://www.site.test/a')
  assert.equal(ended.text, '/a')
  assert.match(server.asked[0]?.text ?? '', /\r\nhost: www\.site\.test\r\n/i)
  assert.equal(ended.response?.address, '127.0.0.1')
})

test('rules match names, suffixes, ports and everything, first one first', () => {
  const map = resolveMap([
    { pattern: 'a.test:8080', address: '10.0.0.1', port: 1 },
    { pattern: 'A.test', address: '10.0.0.2' },
    { pattern: '*.b.test', address: '10.0.0.3', port: 3 },
    { pattern: '[::1]', address: '10.0.0.4' },
    { pattern: '*', address: '10.0.0.5' },
  ])
  assert.deepEqual(map('a.test', 8080), { host: '10.0.0.1', port: 1 })
  assert.deepEqual(map('a.test', 80), { host: '10.0.0.2', port: 80 })
  assert.deepEqual(map('x.b.test', 80), { host: '10.0.0.3', port: 3 })
  assert.deepEqual(map('b.test', 80), { host: '10.0.0.5', port: 80 })
  assert.deepEqual(map('::1', 80), { host: '10.0.0.4', port: 80 })
  assert.deepEqual(resolveMap([])('a.test', 80), { host: 'a.test', port: 80 })
  for (const bad of [
    { pattern: '', address: 'x' },
    { pattern: 'a b', address: 'x' },
    { pattern: 'a', address: '' },
    { pattern: 'a', address: 'x', port: 0 },
  ]) {
    assert.throws(() => resolveMap([bad]), { code: 'OPTION_INVALID' })
  }
})
