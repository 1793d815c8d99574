import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker } from '../../src/engine/breaker.ts'

const KEY = 'a.test'
const claim = (id: string, errors?: number) => ({ id, key: KEY, ...(errors === undefined ? {} : { errors }) })

function failing(breaker: Breaker, times: number, now = 0): ReturnType<Breaker['ended']>[] {
  return Array.from({ length: times }, (_, n) => {
    const one = claim(`f${n}`)
    assert.equal(breaker.waitMs(one, now), 0)
    return breaker.ended(one, 0, 'CONNECT_FAILED', now)
  })
}

test('the fifth failure in a row has the host rest, an answer in between starts the count anew', () => {
  const breaker = new Breaker()
  assert.deepEqual(failing(breaker, 4), [undefined, undefined, undefined, undefined])
  assert.equal(breaker.ended(claim('good'), 404, undefined, 0), undefined)
  assert.deepEqual(failing(breaker, 5).at(-1), { failures: 5, restMs: 5_000 })
})

test('one request looks whether the host is back, the others wait; an answer opens the way for all', () => {
  const breaker = new Breaker()
  failing(breaker, 5)
  assert.equal(breaker.waitMs(claim('probe'), 5_000), 0)
  assert.equal(breaker.waitMs(claim('other'), 5_000), 1_000)
  assert.deepEqual(breaker.ended(claim('probe'), 0, 'TIMEOUT_CONNECT', 6_000), { failures: 6, restMs: 10_000 })
  assert.equal(breaker.waitMs(claim('second'), 16_000), 0)
  assert.deepEqual(breaker.ended(claim('second'), 503, undefined, 16_000), { failures: 0, restMs: 0 })
  assert.equal(breaker.waitMs(claim('other'), 16_000), 0)
  assert.equal(breaker.waitMs(claim('more'), 16_000), 0)
})

test('requests that were under way when the host went to rest make it rest no longer', () => {
  const breaker = new Breaker()
  for (let n = 0; n < 9; n++) assert.equal(breaker.waitMs(claim(`w${n}`), 0), 0)
  const rests = Array.from({ length: 9 }, (_, n) => breaker.ended(claim(`w${n}`), 0, 'CONNECTION_RESET', 0)?.restMs)
  assert.deepEqual(
    rests.filter((ms) => ms !== undefined),
    [5_000],
  )
})

test('a probe that was never sent, or says nothing, leaves its place to another', () => {
  const breaker = new Breaker()
  failing(breaker, 5)
  assert.equal(breaker.waitMs(claim('skipped'), 5_000), 0)
  breaker.left(claim('skipped'))
  assert.equal(breaker.waitMs(claim('ours'), 5_000), 0)
  assert.equal(breaker.ended(claim('ours'), 0, 'ADDRESS_DENIED', 5_000), undefined)
  assert.equal(breaker.waitMs(claim('next'), 5_000), 0)
})

test('what the frontier remembers of a host holds after a restart', () => {
  const breaker = new Breaker()
  assert.equal(breaker.waitMs(claim('probe', 7), 0), 0)
  assert.equal(breaker.waitMs(claim('other', 7), 0), 1_000)
  assert.deepEqual(breaker.ended(claim('probe', 7), 0, 'CONNECT_FAILED', 1), { failures: 8, restMs: 40_000 })
})

test('a host that is given up rests no more, and an answer still brings it back', () => {
  const breaker = new Breaker()
  failing(breaker, 5)
  assert.equal(breaker.waitMs(claim('late'), 900_000), 0)
  assert.equal(breaker.ended(claim('late'), 0, 'CONNECT_FAILED', 900_000), undefined)
  assert.ok(breaker.isGivenUp(KEY))
  assert.equal(breaker.waitMs(claim('x'), 900_000) + breaker.waitMs(claim('y'), 900_000), 0)
  assert.deepEqual(breaker.down(), [{ key: KEY, failures: 6, isGivenUp: true }])
  assert.deepEqual(breaker.ended(claim('x'), 200, undefined, 900_001), { failures: 0, restMs: 0 })
  assert.deepEqual(breaker.down(), [])
})
