import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultFailures, emptyFacts } from '../../src/policy/fail-if.ts'
import { reconnectDelay } from '../../src/policy/reconnect.ts'

test('pauses between connections double up to two minutes, their upper half by chance', () => {
  const pauses = [1, 2, 3, 8, 30, 1000].map((failures) => [
    reconnectDelay({ failures, fraction: 0, floorMs: 0 }),
    reconnectDelay({ failures, fraction: 0.999, floorMs: 0 }),
  ])
  assert.deepEqual(pauses, [
    [500, 1_000],
    [1_000, 1_999],
    [2_000, 3_998],
    [60_000, 119_940],
    [60_000, 119_940],
    [60_000, 119_940],
  ])
})

test('the server may ask for another pause, and no pause is below the pace of the host', () => {
  assert.equal(reconnectDelay({ failures: 1, fraction: 0, baseMs: 10, floorMs: 0 }), 5)
  assert.equal(reconnectDelay({ failures: 1, fraction: 0, baseMs: 10, floorMs: 6_000 }), 6_000)
  assert.equal(reconnectDelay({ failures: 1, fraction: 0, floorMs: 0, retryAfterMs: 30_000 }), 30_000)
  assert.equal(reconnectDelay({ failures: 1, fraction: 0, floorMs: 0, retryAfterMs: 1e12 }), 3_600_000)
})

test('a tail fails by default where its source ended failed, denied or skipped', () => {
  const facts = emptyFacts()
  assert.deepEqual(defaultFailures('tail', facts), [])
  assert.deepEqual(defaultFailures('tail', { ...facts, outcomes: { ...facts.outcomes, ok: 1, gone: 1 } }), [])
  for (const word of ['failed', 'denied', 'skipped'] as const) {
    const outcomes = { ...facts.outcomes, [word]: 1 }
    assert.deepEqual(defaultFailures('tail', { ...facts, outcomes }), [`${word} 1 > 0`])
  }
})
