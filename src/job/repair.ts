/** Mends the store of a job that does not run. */
import { systemClock } from '../engine/clock.ts'
import { LOST_URLS, repairStore } from '../frontier/sqlite/repair.ts'
import type { Repair } from '../frontier/sqlite/repair.ts'

export { LOST_URLS }
export type { Repair }

/**
 * Undefined: its store is as it was written. @throws SluiceError FRONTIER_LOCKED while it runs, FRONTIER_CORRUPT where
 * nothing of it can be read
 */
export function repairJob(folder: string): Repair | undefined {
  return repairStore(folder, systemClock())
}
