/** When a connection that is being made has taken too long: each of its phases has the same time. */
import type { Dial } from './dial.ts'
import type { Limits } from './limits.ts'
import type { WireFailure } from './wire.ts'

/** Undefined while there is time, and once the connection is open. */
export function slowDial(dial: Dial | undefined, { connectMs }: Limits, now: number): WireFailure | undefined {
  if (dial === undefined || dial.phase === 'open' || now - dial.phaseAt < connectMs) return undefined
  return dial.slow(connectMs)
}
