/**
 * Time is logical: it goes on from where it was stored by the time that has passed since, and never back, so that steps
 * of the wall clock cannot break or stall a key's delay. Within one boot of the machine the time since boot says how
 * much has passed; over a boot the wall clock must.
 */
import type { Clock } from '../../model/clock.ts'

/** As stored with each commit. */
export interface StoredTime {
  /** Logical ms. */
  readonly now: number
  readonly bootId: string
  readonly bootMs: number
  readonly wall: number
}

export interface LogicalTime {
  readonly now: () => number
  stored(): StoredTime
  /** How far the wall clock was off when it had to be believed, where that is over an hour; for a warning. */
  readonly jumpMs: number
}

const HOUR_MS = 3_600_000

export function logicalTime(clock: Clock, last: StoredTime | undefined): LogicalTime {
  const wall = clock.wall()
  const opened = clock.now()
  let base = wall
  let jumpMs = 0
  if (last !== undefined) {
    if (last.bootId === clock.bootId) base = last.now + Math.max(0, clock.bootMs() - last.bootMs)
    else {
      base = Math.max(wall, last.now)
      if (Math.abs(wall - last.now) > HOUR_MS) jumpMs = wall - last.now
    }
  }
  const now = (): number => base + (clock.now() - opened)
  return {
    now,
    stored: () => ({ now: now(), bootId: clock.bootId, bootMs: clock.bootMs(), wall: clock.wall() }),
    jumpMs,
  }
}
