/**
 * A bounded number of things at once, first come first served, with waits that can be given up. It knows nothing of
 * URLs; politeness towards a site is the frontier's and the policy's, never this.
 */
import { systemClock } from '../engine/clock.ts'
import type { Clock } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'

export interface LimiterOptions {
  /** At most so many at once; a whole number from 1. */
  readonly concurrency: number
  /** At most so many starts a second, evenly spaced. Default: no limit. */
  readonly rate?: number
  readonly clock?: Clock
}

export interface Limiter {
  /** Waits for a token, runs, gives the token back whatever happens. Rejects with `CANCELLED` where the wait is given up. */
  run<Value>(fn: () => Value | PromiseLike<Value>, options?: { readonly signal?: AbortSignal }): Promise<Value>
  /** Resolves with the function that gives the token back (a second call does nothing). */
  acquire(signal?: AbortSignal): Promise<() => void>
  /** Tokens free now. */
  readonly tokens: number
  /** Refuses new work and everything that waits with `CANCELLED`; what runs goes on. */
  close(): void
}

interface Waiter {
  grant(): void
  refuse(reason: string): void
}

/** Throws `OPTION_INVALID` for a concurrency or rate that would never let anything start. */
export function createLimiter(options: LimiterOptions): Limiter {
  const { concurrency, rate } = options
  checkConcurrency(concurrency)
  if (rate !== undefined && !(rate > 0 && Number.isFinite(rate))) {
    throw new SluiceError('OPTION_INVALID', `rate: ${rate} is not above 0`, { hint: 'give starts per second' })
  }
  const clock = options.clock ?? systemClock()
  const waiters = new Set<Waiter>()
  let tokens = concurrency
  let nextStart = -Infinity
  let isTimerSet = false
  let isClosed = false

  function grant(): void {
    for (const waiter of waiters) {
      if (tokens === 0) return
      const waitMs = nextStart - clock.now()
      if (waitMs > 0) {
        if (isTimerSet) return
        isTimerSet = true
        clock.setTimer(() => {
          isTimerSet = false
          grant()
        }, waitMs)
        return
      }
      if (rate !== undefined) nextStart = clock.now() + 1000 / rate
      tokens--
      waiter.grant()
    }
  }

  function acquire(signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(cancelled('the limiter is closed'))
      if (signal?.aborted === true) return reject(cancelled('aborted before its turn'))
      const leave = (): void => {
        waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => waiter.refuse('aborted before its turn')
      const waiter: Waiter = {
        grant() {
          leave()
          let isHeld = true
          resolve(() => {
            if (!isHeld) return
            isHeld = false
            tokens++
            grant()
          })
        },
        refuse(reason) {
          leave()
          reject(cancelled(reason))
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      waiters.add(waiter)
      grant()
    })
  }

  return {
    acquire,
    async run(fn, { signal } = {}) {
      const release = await acquire(signal)
      try {
        return await fn()
      } finally {
        release()
      }
    },
    get tokens() {
      return tokens
    },
    close() {
      isClosed = true
      for (const waiter of waiters) waiter.refuse('the limiter was closed')
    },
  }
}

/** Throws `OPTION_INVALID` unless it is a whole number from 1. */
export function checkConcurrency(concurrency: number): void {
  if (Number.isSafeInteger(concurrency) && concurrency >= 1) return
  throw new SluiceError('OPTION_INVALID', `concurrency: ${concurrency} is not a whole number from 1`, {
    hint: 'give 1 or more',
  })
}

export function cancelled(message: string): SluiceError {
  return new SluiceError('CANCELLED', message)
}
