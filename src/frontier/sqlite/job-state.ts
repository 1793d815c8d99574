/** The small row of `meta` that every commit rewrites. */
import type { CounterState } from '../schedule/counters.ts'
import type { StoredTime } from './logical-time.ts'

export interface JobState {
  /** Number of this opening: the high part of fencing tokens. */
  readonly epoch: number
  /** Closed as it should be: nothing was in flight. */
  readonly clean: boolean
  readonly time: StoredTime
  /** Logical ms of the last opening after a death, 0 none: no key starts sooner than this plus its interval. */
  readonly heldFrom: number
  readonly counters: CounterState
  /** Where the unsettled requests were; for viewers. */
  readonly live: {
    readonly queued: number
    readonly delayed: number
    readonly inFlight: number
    readonly following: number
    readonly keys: number
    readonly gates: number
  }
}
