/** What store and writer are built from. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../model/clock.ts'
import type { Counters } from '../schedule/counters.ts'
import type { InputRanges } from '../schedule/input-ranges.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import type { Bits } from '../schedule/typed-arrays.ts'
import type { Checkpointer } from './checkpointer.ts'
import type { LogicalTime } from './logical-time.ts'
import type { Sources } from './sources.ts'

/** What the store shares with schedule and frontier: it writes down what they hold. */
export interface StoreParts {
  readonly db: DatabaseSync
  readonly path: string
  readonly clock: Clock
  readonly time: LogicalTime
  readonly schedule: Scheduler
  readonly counters: Counters
  readonly done: Bits
  /** Rows that were queued again after a settlement. */
  readonly again: Bits
  readonly inputs: Map<string, InputRanges>
  readonly sources: Sources
  readonly epoch: number
  /** As in `JobState`. */
  readonly heldFrom: number
  readonly lastRow: number
  readonly checkpointer: Checkpointer
  /** After the last commit: give the lock back. */
  readonly onClosed: () => void
}
