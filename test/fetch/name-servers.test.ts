/** Names asked at name servers of one's own: each failure apart, times to live, slow names beside fast ones. */
import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { test } from 'node:test'
import { nameServers } from '../../src/fetch/name-servers.ts'
import { Names, type Lookup } from '../../src/fetch/names.ts'
import type { SluiceError } from '../../src/model/errors.ts'
import { startNames } from '../../src/testing/names.ts'

interface Answer {
  readonly code: string | undefined
  readonly addresses: readonly LookupAddress[]
  readonly ttlMs: number | undefined
}

function ask(lookup: Lookup, name: string): Promise<Answer> {
  return new Promise((resolve) =>
    lookup(name, (error, addresses, ttlMs) => resolve({ code: error?.code, addresses, ttlMs })),
  )
}

test('a name has its addresses of both kinds in turn, and the shortest of their times', async () => {
  await using server = await startNames({
    'both.test': { addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'], ttl: 7 },
  })
  const lookup = nameServers([server.address])
  const { addresses, ttlMs } = await ask(lookup, 'both.test')
  assert.deepEqual(
    addresses.map(({ address, family }) => `${address} ${family}`),
    ['2001:db8::1 6', '192.0.2.1 4', '192.0.2.2 4'],
  )
  assert.equal(ttlMs, 7_000)
})

test('missing names, names without an address and broken servers are told apart', async () => {
  await using server = await startNames({ 'bare.test': {}, 'broken.test': { fails: 'broken' } })
  const lookup = nameServers([server.address])
  assert.equal((await ask(lookup, 'missing.test')).code, 'ENOTFOUND')
  assert.equal((await ask(lookup, 'bare.test')).code, 'ENODATA')
  assert.equal((await ask(lookup, 'broken.test')).code, 'ESERVFAIL')
})

test('a thousand names that are never answered delay none of a thousand others', async () => {
  await using server = await startNames({
    '*.slow.test': { fails: 'silent' },
    '*.fast.test': { addresses: ['192.0.2.1'] },
  })
  const lookup = nameServers([server.address])
  const names = new Names(() => 0, lookup)
  let answered = 0
  let silent = 0
  const fast: Promise<void>[] = []
  for (let n = 0; n < 1_000; n++) {
    // The server is of this process: it has to read before its socket is full.
    if (n % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    names.resolve(`n${n}.slow.test`, () => silent++)
    fast.push(
      new Promise((resolve) =>
        names.resolve(`n${n}.fast.test`, (error) => {
          if (error === null) answered++
          resolve()
        }),
      ),
    )
  }
  await Promise.all(fast)
  assert.equal(answered, 1_000)
  assert.equal(silent, 0, 'all fast names were there before a slow one was given up')
  names.close()
})

test('an answer is used for the time it brings, within bounds', () => {
  let now = 0
  let asked = 0
  let ttlMs = 10_000
  const names = new Names(
    () => now,
    (_name, callback) => {
      asked++
      callback(null, [{ address: '192.0.2.1', family: 4 }], ttlMs)
    },
  )
  const look = (): number => {
    names.resolve('a.test', () => {})
    return asked
  }
  assert.equal(look(), 1)
  now = 9_999
  assert.equal(look(), 1)
  now = 10_000
  ttlMs = 0
  assert.equal(look(), 2)
  now = 10_999
  assert.equal(look(), 2, 'nobody is asked again within a second')
  now = 11_000
  ttlMs = 86_400_000
  assert.equal(look(), 3)
  now = 11_000 + 3_600_000
  assert.equal(look(), 4, 'an hour is the longest')
})

test('what is no address of a server is refused with an example', () => {
  for (const text of ['dns.example', '1.2.3.4:0', '1.2.3.4:99999', '[::1', '']) {
    assert.throws(
      () => nameServers([text]),
      (error: SluiceError) => error.code === 'OPTION_INVALID' && error.hint !== undefined,
      text,
    )
  }
  for (const text of ['1.2.3.4', '1.2.3.4:5353', '::1', '[::1]:5353']) nameServers([text])
})
