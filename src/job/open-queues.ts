/** A store of queues on the clock of this machine. */
import { systemClock } from '../engine/clock.ts'
import type { Clock } from '../model/clock.ts'
import type { Queues } from '../queue/queues.ts'
import { openQueueStore } from '../queue/store.ts'

export { systemClock }

export interface OpenQueuesInit {
  /** Holds `queues.db`; made where it is not there. One process at a time. */
  readonly folder: string
  /** What a commit survives: `kill -9`, or the loss of power as well. Default `kill`. */
  readonly durability?: 'kill' | 'power'
  readonly clock?: Clock
}

/** @throws SluiceError FRONTIER_LOCKED, FRONTIER_CORRUPT, FORMAT_UNSUPPORTED, FRONTIER_UNREACHABLE */
export function openQueues({ folder, durability = 'kill', clock = systemClock() }: OpenQueuesInit): Queues {
  return openQueueStore({ folder, clock, durability })
}
