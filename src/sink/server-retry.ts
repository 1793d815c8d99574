/**
 * What sinks do while their server is away: the same operation is tried again, with growing pauses, until the server
 * answers or the time is up. Nothing is queued meanwhile: the batch waits in its `write`, and the engine claims no more.
 * Knows no driver: the sink says which errors mean "away".
 */
import { setTimeout as pause } from 'node:timers/promises'
import { reasonOf, SluiceError } from '../model/errors.ts'
import { errorCode } from './store-error.ts'

export interface ServerRetryOptions {
  /** For messages: `redis://host:6379/0`. Never with a password. */
  readonly server: string
  /** Whether the error says that the server is away or not ready yet. Every other error ends `run` at once. */
  readonly isAway: (error: unknown) => boolean
  /** Told once when the server is found to be away, and once when it is back. */
  readonly warn?: ((message: string) => void) | undefined
  /** Milliseconds for which a server may be away. Default 120,000. */
  readonly giveUpMs?: number
  /** Once it has fired, a server that is away is waited for no longer; one that answers is written to as before. */
  readonly signal?: AbortSignal | undefined
  /** Default: the machine's. */
  readonly time?: RetryTime
}

export interface RetryTime {
  /** Monotonic milliseconds. */
  now(): number
  /** Ends early where the signal fires. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<unknown>
  /** A fraction in [0, 1). */
  random(): number
}

/** A restart of a database takes seconds, a fail-over up to a minute. */
const GIVE_UP_MS = 120_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

const MACHINE: RetryTime = {
  now: () => performance.now(),
  pause: (ms, signal) => pause(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
  random: () => Math.random(),
}

export class ServerRetry {
  readonly #options: ServerRetryOptions
  readonly #time: RetryTime

  constructor(options: ServerRetryOptions) {
    this.#options = options
    this.#time = options.time ?? MACHINE
  }

  /**
   * Runs `operation` until it resolves. It has to bear being repeated: a connection that broke does not say whether the
   * server did what it was told. Each try has to end by a time limit of its own.
   * @param giveUpMs default: that of the options
   * @throws SluiceError `SINK_UNREACHABLE`, or `CANCELLED` by the signal, with the last error as its cause; any error that does not mean "away"
   */
  async run<T>(operation: () => Promise<T>, giveUpMs: number = this.#options.giveUpMs ?? GIVE_UP_MS): Promise<T> {
    const { server, isAway, warn, signal } = this.#options
    const isStopped = (): boolean => signal?.aborted === true
    let awaySince: number | undefined
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const result = await operation()
        if (awaySince !== undefined) warn?.(`${server} answers again; nothing was lost`)
        return result
      } catch (error) {
        if (!isAway(error)) throw error
        if (isStopped()) throw cancelled(server, error)
        const now = this.#time.now()
        if (awaySince === undefined) {
          warn?.(`${server} does not answer (${reasonOf(error)}); trying again for ${inSeconds(giveUpMs)}`)
        }
        awaySince ??= now
        const left = awaySince + giveUpMs - now
        if (left <= 0) throw unreachable(server, error, giveUpMs)
        // Half of the pause is left to chance, so that many workers do not come back in one moment.
        await this.#time.pause(Math.min(left, pauseMs * (0.5 + this.#time.random() / 2)), signal)
        if (isStopped()) throw cancelled(server, error)
      }
    }
  }
}

function unreachable(server: string, error: unknown, waitedMs: number): SluiceError {
  return new SluiceError(
    'SINK_UNREACHABLE',
    `${server} did not answer for ${inSeconds(waitedMs)}: ${reasonOf(error)}`,
    {
      hint: 'start it and run the same command again: the job continues where it stopped',
      cause: error,
    },
  )
}

function cancelled(server: string, error: unknown): SluiceError {
  return new SluiceError('CANCELLED', `stopped while ${server} did not answer: ${reasonOf(error)}`, {
    hint: 'start it and run the same command again: the job continues where it stopped',
    cause: error,
  })
}

/** Codes of Node and of the system for a server that cannot be reached now, or whose connection broke. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  // A local socket that is not there (yet).
  'ENOENT',
])

/** Whether an error of any driver is one of the network: for `isAway`. */
export function isNetworkError(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isNetworkError)
  return NETWORK.has(errorCode(error))
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
