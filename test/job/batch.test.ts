/** The lessons of MISSION.md rows R17 to R24 and R30: settled lists, bounds, lazy inputs, cancellation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { batch, settleAll } from '../../src/job/batch.ts'
import { createLimiter } from '../../src/job/limiter.ts'
import { mapUrls } from '../../src/job/map-urls.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { startOrigin } from '../../src/testing/origin.ts'

const never = (): Promise<never> => new Promise(() => {})
const codes = (outcomes: readonly { outcome: string; error?: unknown }[]): string[] =>
  outcomes.map((one) =>
    one.error === undefined ? one.outcome : `${one.outcome} ${(one.error as { code: string }).code}`,
  )

test('R17 a settled list keeps input order, carries its inputs and does not reject', async () => {
  const outcomes = await settleAll([1, 2, 3], async (n) => {
    if (n === 2) throw new Error('two')
    return n * 10
  })
  assert.deepEqual(codes(outcomes), ['ok', 'failed HANDLER_THREW', 'ok'])
  assert.deepEqual(
    outcomes.map(({ input }) => input),
    [1, 2, 3],
  )
  assert.deepEqual(await settleAll([], never), [])
})

test('R19 to R21 mapUrls gives a value for each ok page and its input for every URL', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/': 'hello' } } } })
  try {
    const urls = ['http://a.test/status/404', 'http://a.test/', 'nonsense']
    const outcomes = await mapUrls(urls, async (page) => (await page.response.text()).length, {
      resolve: origin.resolveFlag,
      delay: 0,
    })
    assert.deepEqual(codes(outcomes), ['gone', 'ok', 'skipped URL_INVALID'])
    assert.deepEqual(
      outcomes.map(({ input }) => input),
      urls,
    )
    assert.ok(outcomes[1]?.outcome === 'ok' && outcomes[1].value === 5)
  } finally {
    await origin.close()
  }
})

test('R19 an aborted mapUrls still gives an outcome for every URL', async () => {
  const urls = ['http://a.test/', 'http://b.test/']
  const outcomes = await mapUrls(urls, (page) => page.url, { signal: AbortSignal.abort() })
  assert.deepEqual(codes(outcomes), ['skipped CANCELLED', 'skipped CANCELLED'])
})

test('R22 a call that takes too long is failed by time and its signal is aborted', async () => {
  const clock = fakeClock()
  let reason: unknown
  const settled = settleAll(
    [1],
    (_, { signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason))
      return never()
    },
    { timeout: '5s', clock },
  )
  await clock.advanceAsync(5000)
  assert.deepEqual(codes(await settled), ['failed TIMEOUT_TOTAL'])
  assert.match(String(reason), /5000 ms/)
  assert.equal(clock.pendingTimers, 0)
})

test('R24 a lazy input is pulled only into free places and returned when the reader leaves', async () => {
  let pulled = 0
  let returned = 0
  function* endless(): Generator<number> {
    try {
      for (;;) yield pulled++
    } finally {
      returned++
    }
  }
  for await (const { index } of batch(endless(), (n) => n, { concurrency: 2 })) if (index === 10) break
  assert.ok(pulled <= 14, String(pulled))
  assert.equal(returned, 1)
})

test('R30 the first failure ends the rest and names its index', async () => {
  const outcomes = await settleAll([0, 1, 2, 3], (n) => (n === 1 ? Promise.reject(new Error('x')) : never()), {
    concurrency: 3,
    until: 'first-failure',
  })
  assert.deepEqual(codes(outcomes), [
    'skipped CANCELLED',
    'failed HANDLER_THREW',
    'skipped CANCELLED',
    'skipped CANCELLED',
  ])
})

test('R30 the first success of none or of failures only rejects with all of them', async () => {
  await assert.rejects(settleAll([], never, { until: 'first-success' }), { code: 'HANDLER_THREW' })
  const all = settleAll([1, 2], (n) => Promise.reject(new Error(String(n))), { until: 'first-success' })
  await assert.rejects(all, (error: Error) => (error.cause as AggregateError).errors.length === 2)
})

test('R30 an abort settles what runs and what waits as cancelled, later results are ignored', async () => {
  const abort = new AbortController()
  const late = Promise.withResolvers<number>()
  const settled = settleAll([1, 2, 3], () => late.promise, { concurrency: 2, signal: abort.signal })
  await new Promise((resolve) => setImmediate(resolve))
  abort.abort()
  late.resolve(1)
  assert.deepEqual(codes(await settled), ['skipped CANCELLED', 'skipped CANCELLED', 'skipped CANCELLED'])
})

test('R30 an input iterator that throws keeps accepted outcomes and then fails the batch', async () => {
  function* broken(): Generator<number> {
    yield 1
    throw new Error('source')
  }
  const seen: number[] = []
  await assert.rejects(
    async () => {
      for await (const { input } of batch(broken(), (n) => n)) seen.push(input)
    },
    { message: 'source' },
  )
  assert.deepEqual(seen, [1])
})

test('R30 a limiter of thirteen lets the fourteenth wait, and a cancelled waiter leaves the queue', async () => {
  for (const concurrency of [0, -1, 1.5])
    assert.throws(() => createLimiter({ concurrency }), { code: 'OPTION_INVALID' })
  const limiter = createLimiter({ concurrency: 13 })
  const held = await Promise.all(Array.from({ length: 13 }, () => limiter.acquire()))
  const abort = new AbortController()
  const waiting = limiter.acquire(abort.signal)
  assert.equal(limiter.tokens, 0)
  abort.abort()
  await assert.rejects(waiting, { code: 'CANCELLED' })
  for (const release of held) release()
  await assert.rejects(
    limiter.run(() => Promise.reject(new Error('x'))),
    { message: 'x' },
  )
  assert.equal(limiter.tokens, 13)
  limiter.close()
  await assert.rejects(limiter.acquire(), { code: 'CANCELLED' })
})

test('R23 under any interleaving the bound holds and each input gets one outcome in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ ms: fc.nat(20), fails: fc.boolean() }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      async (inputs, concurrency) => {
        const clock = fakeClock()
        let running = 0
        let most = 0
        const settled = settleAll(
          inputs,
          async ({ ms, fails }) => {
            most = Math.max(most, ++running)
            await new Promise<void>((resolve) => clock.setTimer(resolve, ms))
            running--
            if (fails) throw new Error('fails')
          },
          { concurrency, clock },
        )
        // Twenty calls one after the other, of 20 ms at most each.
        for (let i = 0; i < 20; i++) await clock.advanceAsync(20)
        const outcomes = await settled
        assert.ok(most <= concurrency)
        assert.equal(outcomes.length, inputs.length)
        for (const [i, one] of outcomes.entries()) {
          assert.equal(one.input, inputs[i])
          assert.equal(one.outcome, inputs[i]?.fails === true ? 'failed' : 'ok')
        }
      },
    ),
    { seed: 1, numRuns: 50 },
  )
})
