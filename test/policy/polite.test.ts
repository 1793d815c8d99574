import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODES } from '../../src/model/errors.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import { polite } from '../../src/policy/polite.ts'
import type { Attempt, HostState } from '../../src/policy/policy.ts'

function host(patch: Partial<HostState> = {}): HostState {
  return {
    key: 'a.test',
    delayMs: 1000,
    perHost: 1,
    intervalMs: 1000,
    ewmaMs: 50,
    failures: 0,
    failedAt: 0,
    answered: 1,
    ...patch,
  }
}

function attempt(patch: Partial<Attempt> = {}): Attempt {
  return {
    url: 'http://a.test/',
    attempt: 1,
    status: 200,
    code: undefined,
    retryAfterMs: undefined,
    gate: false,
    safe: true,
    ...patch,
  }
}

test('every status ends in the outcome word of the table', () => {
  const policy = polite({ retries: 0 })
  const cases: [number, string, string | undefined][] = [
    [200, 'ok', undefined],
    [204, 'ok', undefined],
    [206, 'failed', 'PARTIAL_CONTENT'],
    [304, 'unchanged', undefined],
    [401, 'denied', undefined],
    [403, 'denied', undefined],
    [451, 'denied', undefined],
    [404, 'gone', undefined],
    [410, 'gone', undefined],
    [400, 'failed', 'HTTP_STATUS'],
    [429, 'failed', 'HTTP_STATUS'],
    [500, 'failed', 'HTTP_STATUS'],
    [600, 'failed', 'HTTP_STATUS'],
    [999, 'failed', 'HTTP_STATUS'],
  ]
  for (const [status, outcome, code] of cases) {
    const decision = policy.next(attempt({ status }), host(), 0)
    assert.equal(decision.do, 'done', String(status))
    assert.equal(decision.do === 'done' && decision.outcome, outcome, String(status))
    assert.equal(decision.do === 'done' ? decision.code : '', code, String(status))
  }
})

test('overload and trouble of the server are tried again until the tries are used up', () => {
  const policy = polite({ retries: 2 })
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    assert.equal(policy.next(attempt({ status, attempt: 1 }), host(), 0).do, 'retry')
    assert.equal(policy.next(attempt({ status, attempt: 2 }), host(), 0).do, 'retry')
    assert.equal(policy.next(attempt({ status, attempt: 3 }), host(), 0).do, 'done')
  }
  assert.equal(policy.next(attempt({ status: 999 }), host(), 0).do, 'done')
})

test('each error code is retried or dropped as its disposition says', () => {
  const policy = polite({ retries: 5 })
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const row: { disposition: string; maxAttempts?: number } = CODES[code]
    const first = policy.next(attempt({ status: 0, code }), host(), 0)
    assert.equal(first.do, row.disposition === 'retry' ? 'retry' : 'drop', code)
    const last = policy.next(attempt({ status: 0, code, attempt: row.maxAttempts ?? 6 }), host(), 0)
    assert.equal(last.do, 'drop', code)
  }
})

test('an unsafe request is never repeated by the policy', () => {
  assert.equal(polite().next(attempt({ status: 503, safe: false }), host(), 0).do, 'done')
  assert.equal(polite().next(attempt({ status: 0, code: 'TIMEOUT_BODY', safe: false }), host(), 0).do, 'drop')
})

test('back-off doubles with jitter inside its bounds and Retry-After wins when longer', () => {
  fc.assert(
    fc.property(
      fc.webUrl(),
      fc.integer({ min: 1, max: 12 }),
      fc.option(fc.integer({ min: 0, max: 10_000_000 })),
      (url, n, after) => {
        const policy = polite({ retries: 100 })
        const decision = policy.next(
          attempt({ url, attempt: n, status: 503, retryAfterMs: after ?? undefined }),
          host(),
          0,
        )
        if (decision.do !== 'retry') return false
        const ceiling = Math.min(300_000, 1000 * 2 ** (n - 1))
        const floor = Math.max(ceiling / 2, Math.min(after ?? 0, 3_600_000))
        return decision.afterMs >= floor && decision.afterMs <= Math.max(Math.ceil(ceiling), floor)
      },
    ),
  )
})

test('pace is the delay of a healthy host and grows with complaints and slow answers', () => {
  const policy = polite()
  assert.equal(policy.pace(host(), 0).intervalMs, 1000)
  assert.equal(policy.pace(host({ failures: 3 }), 0).intervalMs, 8000)
  assert.equal(policy.pace(host({ failures: 60 }), 0).intervalMs, 60_000)
  assert.equal(policy.pace(host({ ewmaMs: 4000 }), 0).intervalMs, 8000)
  assert.equal(policy.pace(host({ delayMs: 120_000, failures: 4 }), 0).intervalMs, 120_000)
})

test('a host whose delay is zero is never slowed down', () => {
  assert.equal(polite().pace(host({ delayMs: 0, failures: 9, ewmaMs: 30_000 }), 0).intervalMs, 0)
})

test('adaptive pace can be switched off', () => {
  assert.equal(polite({ adaptive: false }).pace(host({ failures: 9, ewmaMs: 30_000 }), 0).intervalMs, 1000)
})
