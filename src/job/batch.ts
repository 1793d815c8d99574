/**
 * Any asynchronous function over many inputs: bounded, lazy, one outcome for each input that was taken. Nothing is pulled
 * before there is a place for it, an outcome that waits for its reader included. It does not know what the function does.
 */
import { systemClock } from '../engine/clock.ts'
import type { Clock, TimerHandle } from '../model/clock.ts'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { nearest, parseDuration } from '../model/options.ts'
import { cancelled, checkConcurrency } from './limiter.ts'

interface OutcomeBase<Input> {
  readonly input: Input
  /** 0-based place of the input. */
  readonly index: number
}

/** `value` is there when it is `ok`; else `error` says why by its code. */
export type BatchOutcome<Input, Value> =
  | (OutcomeBase<Input> & { readonly outcome: 'ok'; readonly value: Value })
  | (OutcomeBase<Input> & { readonly outcome: 'failed' | 'skipped'; readonly error: SluiceError })

export interface BatchOptions {
  /** At most so many calls and unread outcomes at once. Default 10. */
  readonly concurrency?: number
  /** For each call; what takes longer is `failed` `TIMEOUT_TOTAL`. Default: none. */
  readonly timeout?: string | number
  /** For the whole batch. Default: none. */
  readonly totalTimeout?: string | number
  /** Abort: what runs is `skipped` `CANCELLED` at once, nothing more is taken. */
  readonly signal?: AbortSignal
  /** The first failure or the first success ends the rest as `skipped` `CANCELLED`. Default `all`. */
  readonly until?: 'all' | 'first-failure' | 'first-success'
  readonly clock?: Clock
}

export type Inputs<Input> = Iterable<Input> | AsyncIterable<Input>
export type BatchFunction<Input, Value> = (
  input: Input,
  call: { readonly signal: AbortSignal; readonly index: number },
) => Value | PromiseLike<Value>

const OPTION_NAMES = [
  'concurrency',
  'timeout',
  'totalTimeout',
  'signal',
  'until',
  'clock',
] as const satisfies readonly (keyof BatchOptions)[]
const ENDS: readonly unknown[] = ['all', 'first-failure', 'first-success']

interface Call<Input> extends OutcomeBase<Input> {
  readonly abort: AbortController
  timer: TimerHandle | undefined
}

/**
 * Outcomes as they come. Leaving the loop aborts what runs and calls the input's `return()`. An input iterator that
 * throws: what was taken gets its outcome, then its error is thrown. `until: 'first-success'` without any success throws
 * `HANDLER_THREW` with an AggregateError as its cause. An option that does not exist is `OPTION_UNKNOWN`, a bad value
 * `OPTION_INVALID`, both before any input is taken.
 */
export async function* batch<Input, Value>(
  inputs: Inputs<Input>,
  fn: BatchFunction<Input, Value>,
  options: BatchOptions = {},
): AsyncGenerator<BatchOutcome<Input, Value>, void, undefined> {
  checkOptions(options)
  const { concurrency = 10, until = 'all', signal } = options
  const clock = options.clock ?? systemClock()
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, 'timeout')
  const totalTimeoutMs =
    options.totalTimeout === undefined ? undefined : parseDuration(options.totalTimeout, 'totalTimeout')
  const iterator = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]()
  const calls = new Set<Call<Input>>()
  const ready: BatchOutcome<Input, Value>[] = []
  const failures: SluiceError[] = []
  let taken = 0
  let isPulling = false
  let isExhausted = false
  let isStopped = false
  let hasSuccess = false
  let thrown: { readonly error: unknown } | undefined
  let wake = (): void => {}

  function settle(call: Call<Input>, result: { readonly value: Value } | { readonly error: SluiceError }): void {
    // A result that comes after the outcome was given is nobody's.
    if (!calls.delete(call)) return
    call.timer?.cancel()
    const { input, index } = call
    if ('value' in result) {
      hasSuccess = true
      ready.push({ outcome: 'ok', input, index, value: result.value })
    } else {
      const outcome = result.error.code === 'CANCELLED' ? 'skipped' : 'failed'
      if (outcome === 'failed') failures.push(result.error)
      ready.push({ outcome, input, index, error: result.error })
    }
    const isLast = ready.at(-1)?.outcome === (until === 'first-success' ? 'ok' : 'failed')
    if (until !== 'all' && isLast && !isStopped) stop(cancelled(`ended by the ${until.replace('-', ' ')}`))
    wake()
  }

  function stop(error: SluiceError): void {
    if (isStopped) return
    isStopped = true
    for (const call of [...calls]) {
      settle(call, { error })
      call.abort.abort(error)
    }
    wake()
  }

  function start(input: Input): void {
    const call: Call<Input> = { input, index: taken++, abort: new AbortController(), timer: undefined }
    calls.add(call)
    if (timeoutMs !== undefined) {
      call.timer = clock.setTimer(() => {
        const error = new SluiceError('TIMEOUT_TOTAL', `no result within ${timeoutMs} ms`)
        settle(call, { error })
        call.abort.abort(error)
      }, timeoutMs)
    }
    void (async () => fn(input, { signal: call.abort.signal, index: call.index }))().then(
      (value) => settle(call, { value }),
      (cause: unknown) => settle(call, { error: handlerThrew(cause) }),
    )
  }

  function pull(): void {
    isPulling = true
    void (async () => iterator.next())().then(
      (next) => {
        isPulling = false
        if (next.done === true) isExhausted = true
        else if (!isStopped) start(next.value)
        wake()
      },
      (error: unknown) => {
        isPulling = false
        isExhausted = true
        thrown = { error }
        wake()
      },
    )
  }

  const onAbort = (): void => stop(cancelled('aborted'))
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  const totalTimer =
    totalTimeoutMs === undefined
      ? undefined
      : clock.setTimer(
          () => stop(new SluiceError('TIMEOUT_TOTAL', 'the time of the whole batch is over')),
          totalTimeoutMs,
        )
  try {
    for (;;) {
      if (!isStopped && !isExhausted && !isPulling && calls.size + ready.length < concurrency) pull()
      const outcome = ready.shift()
      if (outcome !== undefined) yield outcome
      else if (calls.size === 0 && (isStopped || isExhausted)) break
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    if (thrown !== undefined) throw thrown.error
    if (until === 'first-success' && !hasSuccess && !isStopped) throw noSuccess(failures)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    totalTimer?.cancel()
    stop(cancelled('the reader has left'))
    if (!isExhausted) {
      const returned = (async () => iterator.return?.())()
      // A pull that never comes back would hold up `return()` of a generator for ever.
      if (isPulling) returned.catch(() => {})
      else await returned
    }
  }
}

/**
 * One outcome for each input, in input order; an empty list gives `[]` at once. Of an array that was ended early the rest
 * is `skipped` `CANCELLED` (or `failed` `TIMEOUT_TOTAL`); of a lazy input only what was taken is there.
 */
export async function settleCalls<Input, Value>(
  inputs: Inputs<Input>,
  fn: BatchFunction<Input, Value>,
  options: BatchOptions = {},
): Promise<BatchOutcome<Input, Value>[]> {
  const outcomes: BatchOutcome<Input, Value>[] = []
  for await (const outcome of batch(inputs, fn, options)) outcomes.push(outcome)
  outcomes.sort((a, b) => a.index - b.index)
  if (!Array.isArray(inputs) || outcomes.length === inputs.length) return outcomes
  const isOver = options.signal?.aborted !== true && (options.until ?? 'all') === 'all'
  const error = isOver
    ? new SluiceError('TIMEOUT_TOTAL', 'the time was over before its turn')
    : cancelled('not started')
  for (let index = outcomes.length; index < inputs.length; index++) {
    outcomes.push({ outcome: isOver ? 'failed' : 'skipped', input: inputs[index] as Input, index, error })
  }
  return outcomes
}

/** Before anything is taken: a misspelt limit would otherwise be no limit. */
function checkOptions(options: BatchOptions): void {
  for (const name of Object.keys(options)) {
    if ((OPTION_NAMES as readonly string[]).includes(name)) continue
    const near = nearest(name, OPTION_NAMES)
    throw new SluiceError('OPTION_UNKNOWN', `there is no option ${name} of a batch`, {
      hint: near === undefined ? `its options are ${OPTION_NAMES.join(', ')}` : `did you mean ${near}?`,
    })
  }
  if (options.concurrency !== undefined) checkConcurrency(options.concurrency)
  if (options.until !== undefined && !ENDS.includes(options.until)) {
    throw new SluiceError(
      'OPTION_INVALID',
      `until: ${JSON.stringify(options.until)} is not one of ${ENDS.join(', ')}`,
      {
        hint: `give one of ${ENDS.join(', ')}`,
      },
    )
  }
}

/** What the user's function threw, as an error with a code. */
export function handlerThrew(cause: unknown): SluiceError {
  return new SluiceError('HANDLER_THREW', reasonOf(cause), { cause })
}

function noSuccess(failures: readonly SluiceError[]): SluiceError {
  return new SluiceError('HANDLER_THREW', `none of ${failures.length} inputs succeeded`, {
    cause: new AggregateError(failures, 'no success'),
  })
}
