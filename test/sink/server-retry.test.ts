import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerRetry, type ServerRetryOptions } from '../../src/sink/server-retry.ts'

/** Time that passes only in pauses. */
function lab(options: Partial<ServerRetryOptions> = {}) {
  const pauses: number[] = []
  const warnings: string[] = []
  let now = 1000
  const retry = new ServerRetry({
    server: 'redis://a.test:6379/0',
    isAway: (error) => error instanceof Error && error.message.startsWith('away'),
    warn: (message) => warnings.push(message),
    time: {
      now: () => now,
      pause: async (ms) => {
        pauses.push(ms)
        now += ms
      },
      random: () => 1 - 2 ** -30,
    },
    ...options,
  })
  return { retry, pauses, warnings }
}

test('a server that comes back is tried with growing pauses and warned of once each way', async () => {
  const { retry, pauses, warnings } = lab()
  let tries = 0
  const result = await retry.run(async () => {
    if (++tries < 9) throw new Error(`away ${tries}`)
    return 'stored'
  })
  assert.equal(result, 'stored')
  assert.deepEqual(pauses.map(Math.round), [100, 200, 400, 800, 1600, 3200, 5000, 5000])
  assert.deepEqual(warnings, [
    'redis://a.test:6379/0 does not answer (away 1); trying again for 120 s',
    'redis://a.test:6379/0 answers again; nothing was lost',
  ])
})

test('after the stated time the job is told SINK_UNREACHABLE with the last error', async () => {
  // As Node gives it where a name has several addresses: no message of its own.
  const cause = new AggregateError([new Error('away: refused')], '')
  const { retry, pauses } = lab({ giveUpMs: 10_000, isAway: () => true })
  await assert.rejects(
    retry.run(async () => {
      throw cause
    }),
    { code: 'SINK_UNREACHABLE', message: 'redis://a.test:6379/0 did not answer for 10 s: away: refused', cause },
  )
  assert.equal(
    Math.round(pauses.reduce((sum, ms) => sum + ms, 0)),
    10_000,
    'the last pause ends with the time that was stated',
  )
})

test('an error that does not mean away is thrown as it is, at once', async () => {
  const { retry, pauses, warnings } = lab()
  const wrong = new Error('WRONGPASS')
  await assert.rejects(
    retry.run(async () => {
      throw wrong
    }),
    wrong,
  )
  assert.deepEqual([pauses, warnings], [[], []])
})

test('the time of one absence does not count for the next', async () => {
  const { retry, warnings } = lab({ giveUpMs: 300 })
  for (const round of [1, 2, 3]) {
    let tries = 0
    await retry.run(async () => {
      if (++tries < 3) throw new Error(`away in round ${round}`)
    })
  }
  assert.equal(warnings.length, 6)
})

test('once the signal has fired, a server that is away is waited for no longer, and one that answers still counts', async () => {
  const stop = new AbortController()
  const { retry, pauses, warnings } = lab({ signal: stop.signal, isAway: () => true })
  const away = async (): Promise<string> => {
    if (pauses.length === 2) stop.abort()
    throw new Error('refused')
  }
  await assert.rejects(retry.run(away), {
    code: 'CANCELLED',
    message: 'stopped while redis://a.test:6379/0 did not answer: refused',
  })
  await assert.rejects(retry.run(away), { code: 'CANCELLED' })
  assert.equal(pauses.length, 2)
  assert.equal(warnings.length, 1)
  assert.equal(await retry.run(async () => 'stored'), 'stored')
})

test('a pause of the machine ends when the signal fires', async () => {
  const stop = new AbortController()
  const warned = Promise.withResolvers<void>()
  const retry = new ServerRetry({ server: 'a', isAway: () => true, signal: stop.signal, warn: () => warned.resolve() })
  const waiting = retry.run(() => Promise.reject(new Error('refused')))
  await warned.promise
  stop.abort()
  await assert.rejects(waiting, { code: 'CANCELLED' })
})
