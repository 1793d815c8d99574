/** A fetcher for one test and its requests as promises. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import type { FetchFailure, FetchHandle, FetchObserver, FetchRequest, Fetcher } from '../../src/fetch/fetcher.ts'
import { httpFetcher, type FetcherOptions } from '../../src/fetch/http.ts'
import type { Clock, TimerHandle } from '../../src/model/clock.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { Response } from '../../src/model/response.ts'

export interface Ended {
  readonly response: Response | undefined
  readonly failure: FetchFailure | undefined
  /** The code, or the status where it went well. */
  readonly code: ErrorCode | number
  readonly text: string
  readonly endedAt: number
  /** Calls of `onDone` and `onFailed`; has to stay 1. */
  calls: number
}

export interface Started {
  readonly ended: Promise<Ended>
  readonly handle: FetchHandle
}

export interface Setup {
  readonly fetcher: Fetcher
  readonly folder: string
  get(url: string, request?: Partial<FetchRequest>, onHead?: FetchObserver['onHead']): Promise<Ended>
  start(url: string, request?: Partial<FetchRequest>, onHead?: FetchObserver['onHead']): Started
}

export async function setUp(t: TestContext, options: Partial<FetcherOptions> = {}): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fetch-'))
  const fetcher = await httpFetcher({
    clock: systemClock(),
    userAgent: 'sluice-test/1',
    spoolFolder: folder,
    env: {},
    ...options,
  })
  t.after(async () => {
    await fetcher.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const start: Setup['start'] = (url, request = {}, onHead) => {
    let handle: FetchHandle | undefined
    const ended = new Promise<Ended>((resolve) => {
      let result: Ended | undefined
      const end = (response: Response | undefined, failure: FetchFailure | undefined, endedAt: number): void => {
        if (result !== undefined) {
          result.calls++
          return
        }
        const body = (response ?? failure?.response)?.body
        result = {
          response,
          failure,
          code: failure?.code ?? (response as Response).status,
          text: body === undefined ? '' : Buffer.from(body).toString('latin1'),
          endedAt,
          calls: 1,
        }
        resolve(result)
      }
      handle = fetcher.start(
        { url, ...request },
        {
          ...(onHead === undefined ? {} : { onHead }),
          onDone: (response, endedAt) => end(response, undefined, endedAt),
          onFailed: (failure, endedAt) => end(undefined, failure, endedAt),
        },
      )
    })
    return { ended, handle: handle as FetchHandle }
  }
  return { fetcher, folder, start, get: (url, request, onHead) => start(url, request, onHead).ended }
}

/** A clock that stands still until it is moved. */
export interface HandClock extends Clock {
  /** Moves on in steps, so that timers set by timers fire too. */
  advance(ms: number): void
}

export function handClock(): HandClock {
  let now = 1000
  const timers = new Set<{ at: number; callback: () => void }>()
  return {
    now: () => now,
    wall: () => now,
    bootId: 'test',
    bootMs: () => now,
    setTimer(callback, delayMs): TimerHandle {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
    advance(ms) {
      const until = now + ms
      while (now < until) {
        now = Math.min(until, now + 100)
        for (const timer of timers) {
          if (timer.at > now) continue
          timers.delete(timer)
          timer.callback()
        }
      }
    },
  }
}

/** Waits for something that a test can only look at, not hear of. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
