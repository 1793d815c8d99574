/** The lessons of MISSION.md rows R17 to R24 and R30: settled lists, bounds, lazy inputs, cancellation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { SluiceError } from '../../src/index.ts'
import { batch } from '../../src/job/batch.ts'
import { createLimiter } from '../../src/job/limiter.ts'
import { mapUrls } from '../../src/job/map-urls.ts'
import { settleAll } from '../../src/job/settle-all.ts'
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

test('R17: settleAll of URLs gives their texts in input order, of none an empty list, and never rejects', async () => {
  const origin = await startOrigin({
    sites: { 'a.test': { pages: { '/': 'hello', '/late': { body: 'late', delayMs: 30 } } } },
  })
  try {
    const urls = ['http://a.test/late', 'nonsense', 'http://a.test/', 'http://a.test/status/404']
    const options = { resolve: origin.resolveFlag, delay: 0, perHost: 4 }
    const outcomes = await settleAll(urls, options)
    assert.deepEqual(codes(outcomes), ['ok', 'skipped URL_INVALID', 'ok', 'gone'])
    assert.deepEqual(
      outcomes.map((one) => (one.outcome === 'ok' ? one.value : one.input)),
      ['late', 'nonsense', 'hello', 'http://a.test/status/404'],
    )
    assert.deepEqual(await settleAll([], options), [])
  } finally {
    await origin.close()
  }
})

test('R18: the value of an outcome that is not ok does not compile', async () => {
  const [one] = await settleAll([1], () => 'text')
  // @ts-expect-error: it may have failed
  assert.equal(one?.value.length, 4)
  assert.equal(one?.outcome === 'ok' ? one.value.length : undefined, 4)
  const [page] = await settleAll(['nonsense'])
  // @ts-expect-error: it may have failed
  assert.equal(page?.value?.length, undefined)
  assert.equal(page?.outcome, 'skipped')
})

test('R20: pages that failed are in the list besides the structures of those that did not', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/': 'hello world' } } } })
  try {
    const outcomes = await mapUrls(
      ['http://a.test/', 'http://a.test/status/410', 'http://a.test/reset'],
      async (page) => ({ length: (await page.response.text()).length, head: (await page.response.text()).slice(0, 5) }),
      { resolve: origin.resolveFlag, delay: 0, retries: 0 },
    )
    assert.deepEqual(codes(outcomes), ['ok', 'gone', 'failed CONNECTION_RESET'])
    assert.deepEqual(outcomes[0]?.outcome === 'ok' && outcomes[0].value, { length: 11, head: 'hello' })
  } finally {
    await origin.close()
  }
})

test('R22: two pages, a missing one and an unknown host are two ok, gone and DNS_NOT_FOUND', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/1': '1', '/2': '2' } } } })
  try {
    const nowhere = `http://${'no'.repeat(40)}.test/`
    const outcomes = await settleAll(['http://a.test/1', 'http://a.test/2', 'http://a.test/status/404', nowhere], {
      resolve: origin.resolveFlag.replace('*', 'a.test'),
      timeout: '5s',
      retries: 0,
      delay: 0,
    })
    assert.deepEqual(codes(outcomes), ['ok', 'ok', 'gone', 'failed DNS_NOT_FOUND'])
  } finally {
    await origin.close()
  }
})

test('R23: concurrency 1 keeps one in flight, in order, and concurrency 4 keeps four', async () => {
  for (const [concurrency, endsAt] of [
    [1, [300, 600, 900, 1200]],
    [4, [300, 300, 300, 300]],
  ] as const) {
    const clock = fakeClock()
    const log: string[] = []
    let running = 0
    let most = 0
    const settled = settleAll(
      [1, 2, 3, 4],
      async (n) => {
        log.push(`start ${n}`)
        most = Math.max(most, ++running)
        const from = clock.now()
        await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
        running--
        log.push(`end ${n}`)
        return from + 300
      },
      { concurrency, clock },
    )
    const began = clock.now()
    for (let i = 0; i < 4; i++) await clock.advanceAsync(300)
    const outcomes = await settled
    assert.equal(most, concurrency)
    assert.deepEqual(
      outcomes.map((one) => one.outcome === 'ok' && one.value - began),
      endsAt,
    )
    const isStart = (line: string): boolean => line.startsWith('start')
    const oneByOne = [1, 2, 3, 4].flatMap((n) => [`start ${n}`, `end ${n}`])
    assert.deepEqual(
      log,
      concurrency === 1 ? oneByOne : [...oneByOne.filter(isStart), ...oneByOne.filter((line) => !isStart(line))],
    )
  }
})

test('R24: of a million inputs no more are pulled than there are places, and the heap stays flat', async () => {
  let pulled = 0
  let returned = 0
  async function* million(): AsyncGenerator<string> {
    try {
      while (pulled < 1_000_000) yield `http://a.test/${pulled++}`
    } finally {
      returned++
    }
  }
  let read = 0
  let ahead = 0
  let first = 0
  for await (const { outcome } of batch(million(), () => null, { concurrency: 8 })) {
    assert.equal(outcome, 'ok')
    ahead = Math.max(ahead, pulled - ++read)
    if (read === 20_000) first = heapInUse()
    if (read === 100_000) break
  }
  assert.ok(ahead <= 9, `${ahead} ahead`)
  assert.equal(returned, 1)
  // 80,000 inputs more would be 12 MB if their URLs and outcomes were kept; the test runner takes some of its own.
  const grown = heapInUse() - first
  assert.ok(grown < 5 * 1024 * 1024, `${grown} bytes more`)
})

/** Bytes of the heap after a collection. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}

test('an option of a batch that does not exist or makes no sense is refused before any input is taken', async () => {
  const untouched = {
    [Symbol.iterator]: (): Iterator<number> => {
      throw new Error('an input was taken')
    },
  }
  const refused = async (options: object, code: string, hint: RegExp): Promise<void> => {
    const error: unknown = await settleAll(untouched, never, options).then(
      () => assert.fail('it was taken'),
      (cause: unknown) => cause,
    )
    assert.ok(error instanceof SluiceError && error.code === code && hint.test(error.hint ?? ''), String(error))
  }
  await refused({ concurency: 2 }, 'OPTION_UNKNOWN', /concurrency/)
  await refused({ xyzzy: 2 }, 'OPTION_UNKNOWN', /totalTimeout/)
  await refused({ until: 'first' }, 'OPTION_INVALID', /first-success/)
  await refused({ concurrency: 0 }, 'OPTION_INVALID', /1 or more/)
  await refused({ timeout: 'soon' }, 'OPTION_INVALID', /500ms/)
  await refused({ totalTimeout: 'soon' }, 'OPTION_INVALID', /500ms/)
})

test('mapUrls and settleAll refuse a job, whose earlier values no process can give again', async () => {
  for (const call of [
    () => mapUrls([], (page) => page, { job: 'list' } as object),
    () => settleAll([], { job: 'list' } as object),
  ])
    await assert.rejects(call, { code: 'OPTION_INVALID' })
})

test('R30: a failure is an outcome once, and never an unhandled rejection as well', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const outcomes = await settleAll([1, 2, 3, 4], (n) => {
      if (n === 1) throw new Error('thrown')
      if (n === 2) return Promise.reject(new Error('rejected'))
      return n
    })
    assert.deepEqual(codes(outcomes), ['failed HANDLER_THREW', 'failed HANDLER_THREW', 'ok', 'ok'])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(unhandled, [])
  } finally {
    process.off('unhandledRejection', note)
  }
})

test('R30: the first success wins, and the others are aborted', async () => {
  const aborted: number[] = []
  const outcomes = await settleAll(
    [1, 2, 3],
    (n, { signal }) => {
      signal.addEventListener('abort', () => aborted.push(n))
      return n === 2 ? Promise.resolve('two') : never()
    },
    { until: 'first-success' },
  )
  assert.deepEqual(codes(outcomes), ['skipped CANCELLED', 'ok', 'skipped CANCELLED'])
  assert.deepEqual(aborted, [1, 3])
})

test('R30: an abort after the end does nothing, and a call that fails when it is aborted stops no other', async () => {
  const abort = new AbortController()
  const done = await settleAll([1], (n) => n, { signal: abort.signal })
  abort.abort()
  assert.deepEqual(codes(done), ['ok'])
  const second = new AbortController()
  const seen: number[] = []
  const settled = settleAll(
    [1, 2, 3],
    (n, { signal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          seen.push(n)
          reject(new Error('not like that'))
        })
      }),
    { signal: second.signal },
  )
  await new Promise((resolve) => setImmediate(resolve))
  second.abort()
  assert.deepEqual(codes(await settled), ['skipped CANCELLED', 'skipped CANCELLED', 'skipped CANCELLED'])
  assert.deepEqual(seen, [1, 2, 3])
})

test('R30: an abort of the user stays CANCELLED under a time limit, whose timers are gone at the end', async () => {
  const clock = fakeClock()
  const abort = new AbortController()
  const settled = settleAll([1, 2], never, { timeout: '5s', totalTimeout: '9s', signal: abort.signal, clock })
  await clock.advanceAsync(4999)
  abort.abort()
  assert.deepEqual(codes(await settled), ['skipped CANCELLED', 'skipped CANCELLED'])
  assert.equal(clock.pendingTimers, 0)
})

test('R30: what nobody reads holds up the pulling, and a reader that comes late loses nothing', async () => {
  let pulled = 0
  function* numbers(): Generator<number> {
    while (pulled < 20) yield pulled++
  }
  const outcomes = batch(numbers(), (n) => n, { concurrency: 3 })
  const first = await outcomes.next()
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(pulled <= 4, `${pulled} pulled for one that was read`)
  const rest: number[] = []
  for await (const { index } of outcomes) rest.push(index)
  assert.deepEqual(
    [first.value?.index, ...rest],
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('R30: four tasks that share one limiter take turns', async () => {
  const limiter = createLimiter({ concurrency: 1 })
  const turns: string[] = []
  const task = (name: string): Promise<unknown> =>
    settleAll([1, 2, 3], (n) => limiter.run(() => turns.push(`${name}${n}`)), { concurrency: 1 })
  await Promise.all(['a', 'b', 'c', 'd'].map(task))
  assert.deepEqual(turns.join(' '), 'a1 b1 c1 d1 a2 b2 c2 d2 a3 b3 c3 d3')
})

test('R30: a wait that is given up after it was granted keeps its token until that is released', async () => {
  const limiter = createLimiter({ concurrency: 1 })
  const abort = new AbortController()
  const release = await limiter.acquire(abort.signal)
  abort.abort()
  assert.equal(limiter.tokens, 0)
  release()
  release()
  assert.equal(limiter.tokens, 1)
})
