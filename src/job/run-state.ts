/**
 * What the job remembers of its runs, committed with the frontier as the position `run`: which run it is, how it stands
 * and how far a conditional re-run has got with queueing known URLs again.
 */
import type { FrontierStats } from '../frontier/frontier.ts'
import type { RevisitLimits } from '../policy/revisit.ts'
import type { RunEnd } from './job.ts'

export interface RunState {
  readonly run: number
  /** `requeued`: a finished run whose URLs were queued again. */
  readonly status: 'running' | 'requeued' | RunEnd
  /** Wall-clock ms of the last change. */
  readonly at: number
  /** Highest number that was settled before this run; absent in the first. */
  readonly fromSeq?: number
  /** Of a conditional re-run under way: continue queueing after this row; null: all are queued. */
  readonly requeueAfter?: number | null
  /** Of a re-run of the pages that are due: when they had to be, wall-clock ms, and the limits of their intervals. */
  readonly due?: DuePages
}

export interface DuePages extends RevisitLimits {
  readonly at: number
}

export const RUN_POSITION = 'run'

export function readRunState(positions: ReadonlyMap<string, Uint8Array>): RunState | undefined {
  const bytes = positions.get(RUN_POSITION)
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as RunState)
}

export function writeRunState(state: RunState): Uint8Array {
  return Buffer.from(JSON.stringify(state))
}

/** A run that was not finished goes on; a finished one is followed by the next. `at`: wall-clock ms. */
export function nextRun(
  last: RunState | undefined,
  before: FrontierStats,
  {
    at,
    ifChanged,
    due,
  }: { readonly at: number; readonly ifChanged: boolean; readonly due?: RevisitLimits | undefined },
): RunState {
  if (last === undefined) return { run: 1, status: 'running', at }
  const left = before.queued + before.delayed + before.following + before.inFlight
  if (last.status === 'finished' && left === 0)
    return {
      run: last.run + 1,
      status: 'running',
      at,
      fromSeq: before.seq,
      ...(ifChanged || due !== undefined ? { requeueAfter: 0 } : {}),
      ...(due === undefined ? {} : { due: { ...due, at } }),
    }
  const { requeueAfter, due: begun, fromSeq } = last
  return {
    run: last.run,
    status: 'running',
    at,
    ...(fromSeq === undefined ? {} : { fromSeq }),
    ...(typeof requeueAfter === 'number' ? { requeueAfter, ...(begun === undefined ? {} : { due: begun }) } : {}),
  }
}
