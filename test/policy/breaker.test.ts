import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGivenUp, isUnreached, REST_AFTER, restMs } from '../../src/policy/breaker.ts'
import { polite } from '../../src/policy/polite.ts'

test('a host rests after five failures in a row, each time twice as long, up to five minutes', () => {
  assert.equal(REST_AFTER, 5)
  const rests = Array.from({ length: 16 }, (_, failures) => restMs(failures) / 1000)
  assert.deepEqual(rests, [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300])
})

test('only trouble before any answer that may pass counts', () => {
  assert.ok(isUnreached(0, 'CONNECT_FAILED') && isUnreached(0, 'TIMEOUT_HEADERS') && isUnreached(0, 'DNS_FAILED'))
  assert.ok(!isUnreached(200, 'CONNECTION_RESET'), 'it answered')
  assert.ok(!isUnreached(503, undefined))
  for (const code of ['DNS_NOT_FOUND', 'TLS_FAILED', 'PROXY_FAILED', 'ADDRESS_DENIED', 'CANCELLED'] as const)
    assert.ok(!isUnreached(0, code), code)
})

test('a host without a sign of life for a quarter of an hour is given up: what is left is tried once each', () => {
  assert.ok(!isGivenUp(4, 2_000_000) && !isGivenUp(12, 899_999) && isGivenUp(12, 900_000))
  const host = {
    ...{ key: 'a.test', delayMs: 0, perHost: 1, intervalMs: 0, ewmaMs: 0, failures: 12, failedAt: 0, answered: 12 },
  }
  const attempt = {
    ...{ url: 'http://a.test/', attempt: 1, status: 0, code: 'CONNECT_FAILED' as const, retryAfterMs: undefined },
    ...{ gate: false, safe: true },
  }
  assert.equal(polite().next(attempt, host, 0).do, 'retry')
  assert.deepEqual(polite().next(attempt, { ...host, isGivenUp: true }, 0), {
    do: 'drop',
    outcome: 'failed',
    code: 'CONNECT_FAILED',
  })
})
