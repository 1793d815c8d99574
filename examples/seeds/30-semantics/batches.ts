/** Deferred, DeferredList, DeferredSemaphore and Cooperator, as what they became. */
import { batch, createLimiter, settleAll, SluiceError } from 'sluice'

const never = (): Promise<never> => new Promise(() => {})
const fail = (): Promise<never> => Promise.reject(new Error('no'))
const say = (what: string, value: unknown): void => console.log(`${what}: ${JSON.stringify(value)}`)
const words = (list: readonly { outcome: string; index: number; error?: unknown }[]): string[] =>
  list.map(({ index, outcome, error }) => `${index} ${outcome}${error instanceof SluiceError ? ` ${error.code}` : ''}`)

say('mixed results, in input order', words(await settleAll([1, 2, 3], (n) => (n === 2 ? fail() : n))))
say('an empty list', await settleAll([], never))
say(
  'the first success of none',
  await settleAll([], never, { until: 'first-success' }).catch((error: SluiceError) => error.code),
)
say(
  'the first failure ends the rest',
  words(await settleAll([1, 2, 3], (n) => (n === 2 ? fail() : never()), { until: 'first-failure' })),
)
say(
  'the first success ends the rest',
  words(await settleAll([1, 2, 3], (n) => (n === 2 ? n : never()), { until: 'first-success' })),
)
say('a time limit', words(await settleAll([1, 2], (n) => (n === 1 ? never() : n), { timeout: '50ms' })))

const abort = new AbortController()
const aborted = settleAll([1, 2, 3], never, { concurrency: 2, signal: abort.signal })
abort.abort()
say('an abort, of what runs and what waits', words(await aborted))

const limiter = createLimiter({ concurrency: 13 })
const held = await Promise.all(Array.from({ length: 13 }, () => limiter.acquire()))
let hasFourteenth = false
const fourteenth = limiter.acquire().then((release) => {
  hasFourteenth = true
  release()
})
await Promise.resolve()
say('tokens left of 13, and whether a fourteenth has one', [limiter.tokens, hasFourteenth])
for (const release of held) release()
await fourteenth
say('tokens once all are back', limiter.tokens)

const turns: string[] = []
const shared = createLimiter({ concurrency: 1 })
const task = (name: string): Promise<unknown> =>
  settleAll([1, 2, 3], (n) => shared.run(() => turns.push(`${name}${n}`)), { concurrency: 1 })
await Promise.all(['a', 'b', 'c', 'd'].map(task))
say('four tasks take turns', turns.join(' '))

function* broken(): Generator<number> {
  yield 1
  throw new Error('the source is broken')
}
const seen: number[] = []
try {
  for await (const { input } of batch(broken(), (n) => n)) seen.push(input)
} catch (error) {
  say('a source that throws', [seen, (error as Error).message])
}
