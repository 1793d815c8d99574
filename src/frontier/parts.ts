/** The parts an embedded frontier is made of, and what is common to them. */
import type { Clock } from '../model/clock.ts'
import type { Counters } from './schedule/counters.ts'
import type { InputRanges } from './schedule/input-ranges.ts'
import type { Scheduler } from './schedule/scheduler.ts'
import type { Bits } from './schedule/typed-arrays.ts'
import type { Seen } from './seen/seen-table.ts'
import type { Store } from './store.ts'

export interface Parts {
  /** Logical time, ms: never goes back, runs on over restarts. */
  readonly now: () => number
  readonly clock: Clock
  readonly schedule: Scheduler
  readonly seen: Seen
  readonly store: Store
  readonly counters: Counters
  /** Settled rows, and hops and gates that are over. */
  readonly done: Bits
  /** What was read of each source. */
  readonly inputs: Map<string, InputRanges>
  readonly inputFp: (source: string, ordinal: number) => bigint
  /** At most this many known URLs. */
  readonly jobCap: number
  /** Unsafe requests that were in flight at a death are queued again like all others. */
  readonly repeatUnsafe: boolean
}
