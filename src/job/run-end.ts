/** How a run begins and ends, in words and exit codes, and the sum that must hold in between. */
import type { FrontierStats, OpenedFrontier } from '../frontier/frontier.ts'
import { SluiceError } from '../model/errors.ts'
import { sumCounts } from '../model/outcome.ts'
import type { Opening, RunEnd, Snapshot } from './job.ts'
import type { RunState } from './run-state.ts'

/** The bookkeeping promise: every URL has one state, and the states add up to what is known. */
export function checkSum(stats: FrontierStats): void {
  const left = stats.queued + stats.delayed + stats.inFlight + stats.following
  const done = sumCounts(stats.done)
  if (stats.known === done + left) return
  throw new SluiceError(
    'LEDGER_MISMATCH',
    `the ledger does not add up: ${stats.known} known, ${done} done, ${left} left`,
    {
      hint: 'this is a defect of Sluice: please report it with the summary.json of the job',
    },
  )
}

/** What is said once when a job is opened. */
export function openingOf(
  backend: OpenedFrontier,
  before: FrontierStats,
  last: RunState | undefined,
  wall: number,
  changes: Opening['changes'],
): Opening {
  const doneTotal = sumCounts(before.done)
  const left = before.queued + before.delayed + before.inFlight + before.following
  const { recovered } = before
  const finished = last?.status === 'finished' && left === 0
  return {
    how:
      !backend.existed || last === undefined
        ? 'new'
        : recovered !== null
          ? 'recovered'
          : finished
            ? 'finished'
            : 'continued',
    doneTotal,
    left,
    stopped:
      last === undefined || last.status === 'requeued'
        ? null
        : { agoMs: Math.max(0, wall - last.at), reason: last.status },
    requeued: recovered?.requeued ?? 0,
    lastCommitAgoMs: recovered?.lastCommitAgoMs ?? 0,
    changes,
  }
}

export function statusOf(end: RunEnd): Snapshot['status'] {
  if (end === 'finished' || end === 'limit') return end
  return end === 'halted' ? 'crashed' : end === 'paused' ? 'paused' : 'interrupted'
}

/** Exit code of a run that ended by itself (UX.md 3.7). */
export function exitCodeOf(end: RunEnd | null, failed: readonly string[]): number {
  switch (end) {
    case 'finished':
      return failed.length > 0 ? 3 : 0
    case 'limit':
      return 4
    case 'guard':
      return 5
    case 'interrupted':
      return 130
    case 'terminated':
      return 143
    default:
      return 0
  }
}

/** Exit code of an error that `run` rejected with. */
export function exitCodeOfError(error: unknown): number {
  return error instanceof SluiceError ? error.exitCode : 1
}
