import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CODES, SluiceError } from '../../src/model/errors.ts'
import { OUTCOMES, emptyCounts } from '../../src/model/outcome.ts'
import { defaultFailures, emptyFacts, evaluateFailIf, parseFailIf } from '../../src/policy/fail-if.ts'
import type { FailFacts } from '../../src/policy/fail-if.ts'

const facts: FailFacts = {
  outcomes: { ok: 951, unchanged: 14, gone: 10, denied: 4, failed: 3, skipped: 18 },
  codes: { TIMEOUT_HEADERS: 2, HTTP_STATUS: 1, ROBOTS_DENIED: 18 },
  statuses: { '200': 951, '503': 1, '500': 2, '404': 10 },
  seeds: { outcomes: { ...emptyCounts(), ok: 9, failed: 1 }, codes: { DNS_NOT_FOUND: 1 } },
  ms: { p50: 208, p90: 890, p95: 5200, p99: 6200, max: 30_000 },
}

const table: [string, boolean, string][] = [
  ['failed > 0.1%', true, 'failed 0.3% > 0.1%'],
  ['failed > 1%', false, 'failed 0.3% > 1%'],
  ['failed', true, 'failed 3 > 0'],
  ['failed>2', true, 'failed 3 > 2'],
  ['failed >= 3', true, 'failed 3 >= 3'],
  ['failed == 3', true, 'failed 3 == 3'],
  ['failed <= 2', false, 'failed 3 <= 2'],
  ['ok < 1000', true, 'ok 951 < 1000'],
  ['ok < 951', false, 'ok 951 < 951'],
  ['done < 1000', false, 'done 1000 < 1000'],
  ['p95 > 5s', true, 'p95 5.2s > 5s'],
  ['p95 > 5 s', true, 'p95 5.2s > 5s'],
  ['p50 > 250ms', false, 'p50 208ms > 250ms'],
  ['max >= 30s', true, 'max 30s >= 30s'],
  ['seed failed', true, 'seed failed 1 > 0'],
  ['seed failed > 10%', false, 'seed failed 10% > 10%'],
  ['seed DNS_NOT_FOUND', true, 'seed DNS_NOT_FOUND 1 > 0'],
  ['TIMEOUT_HEADERS >= 2', true, 'TIMEOUT_HEADERS 2 >= 2'],
  ['TOO_LARGE', false, 'TOO_LARGE 0 > 0'],
  ['5xx > 2', true, '5xx 3 > 2'],
  ['503 > 1', false, '503 1 > 1'],
]

for (const [expression, failed, text] of table) {
  test(`--fail-if "${expression}" is ${failed} for the sample run`, () => {
    assert.deepEqual(evaluateFailIf(expression, facts), { failed, text })
  })
}

const wrong: [string, RegExp][] = [
  ['', /WORD OPERATOR VALUE/],
  ['failed > ', /WORD OPERATOR VALUE/],
  ['failed => 1', /WORD OPERATOR VALUE/],
  ['faild > 1', /did you mean failed/],
  ['TIMEOUT_HEADER', /did you mean TIMEOUT_HEADERS/],
  ['items < 1000', /does not know "items"/],
  ['failed > many', /cannot read "many"/],
  ['failed > 5s', /cannot read "5s"/],
  ['p95', /compares a time with nothing/],
  ['p95 > fast', /not a duration/],
  ['seed p95 > 5s', /only about outcomes/],
  ['seed 5xx', /only about outcomes/],
]

for (const [expression, message] of wrong) {
  test(`--fail-if refuses "${expression}" and says what to write`, () => {
    assert.throws(
      () => parseFailIf(expression),
      (error) =>
        error instanceof SluiceError &&
        error.code === 'OPTION_INVALID' &&
        message.test(`${error.message} ${error.hint}`),
    )
  })
}

test('a share of nothing is never too large or too small', () => {
  for (const operator of ['>', '>=', '<', '<=', '==']) {
    assert.equal(evaluateFailIf(`ok ${operator} 0%`, emptyFacts()).failed, false)
  }
})

test('a list fails by default when a listed URL failed for a reason outside our own code', () => {
  const seeds = { outcomes: { ...emptyCounts(), failed: 2 }, codes: { HANDLER_THREW: 2 } }
  assert.deepEqual(defaultFailures('fetch', { ...emptyFacts(), seeds }), [])
  const more = { outcomes: { ...emptyCounts(), failed: 3 }, codes: { HANDLER_THREW: 2, HTTP_STATUS: 1 } }
  assert.deepEqual(defaultFailures('fetch', { ...emptyFacts(), seeds: more }), ['failed 1 > 0'])
})

test('gone, denied and skipped URLs fail no list by default', () => {
  const outcomes = { ...emptyCounts(), gone: 5, denied: 5, skipped: 5 }
  assert.deepEqual(defaultFailures('fetch', { ...emptyFacts(), outcomes, seeds: { outcomes, codes: {} } }), [])
})

test('a crawl fails by default when a seed failed or no page was ok, but not for dead links', () => {
  const good = { ...emptyFacts(), outcomes: { ...emptyCounts(), ok: 1, failed: 99 } }
  assert.deepEqual(defaultFailures('crawl', good), [])
  assert.deepEqual(defaultFailures('crawl', { ...good, outcomes: { ...emptyCounts(), unchanged: 1 } }), [])
  assert.deepEqual(defaultFailures('crawl', emptyFacts()), ['ok 0 < 1'])
  const seeds = { outcomes: { ...emptyCounts(), failed: 1 }, codes: {} }
  assert.deepEqual(defaultFailures('crawl', { ...good, seeds }), ['seed failed 1 > 0'])
})

test('for every count exactly one of <, == and > holds', () => {
  const metric = fc.constantFrom(...OUTCOMES, ...Object.keys(CODES))
  fc.assert(
    fc.property(metric, fc.nat(1000), (name, value) => {
      const holds = ['<', '==', '>'].filter((operator) => evaluateFailIf(`${name} ${operator} ${value}`, facts).failed)
      assert.equal(holds.length, 1)
    }),
  )
})
