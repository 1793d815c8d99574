/**
 * Exit codes of every command, in one table (UX.md 3.7); printed into the reference. Each one is decided either by how a
 * run ended or by the code of the error that ended it.
 */
import { codeRow } from '../model/errors.ts'
import type { SluiceError } from '../model/errors.ts'

interface ExitRow {
  readonly code: number
  /** For the reference, in English. */
  readonly meaning: string
  readonly resumable: 'yes' | 'no' | 'after repair'
}

export const EXITS = {
  done: { code: 0, meaning: 'finished; no --fail-if was true', resumable: 'no' },
  internal: {
    code: 1,
    meaning: 'unexpected internal error, a ledger that does not add up, or what verify found wrong',
    resumable: 'yes',
  },
  usage: { code: 2, meaning: 'bad usage, configuration, input or credentials; nothing was fetched', resumable: 'no' },
  failIf: {
    code: 3,
    meaning: 'finished, but a --fail-if was true; inspect, check: the page is not as it should be',
    resumable: 'yes',
  },
  limit: {
    code: 4,
    meaning: 'stopped by a limit (--limit, --max-time, --max-disk, contact missing)',
    resumable: 'yes',
  },
  guard: {
    code: 5,
    meaning:
      'stopped by a guard: everything left is on hosts that block or overload, or a login was refused after pages came',
    resumable: 'yes',
  },
  sink: { code: 6, meaning: 'a sink, the disk or a limit of this machine stopped it', resumable: 'yes' },
  locked: { code: 7, meaning: 'the job is in use by another live process', resumable: 'no' },
  store: { code: 8, meaning: 'the store is unreachable, damaged or of another format', resumable: 'after repair' },
  interrupted: { code: 130, meaning: 'SIGINT (Ctrl-C), state saved', resumable: 'yes' },
  readerGone: {
    code: 141,
    meaning: 'the reader of standard output went away (as `| head` does), state saved',
    resumable: 'yes',
  },
  terminated: { code: 143, meaning: 'SIGTERM, state saved', resumable: 'yes' },
} as const satisfies Record<string, ExitRow>

export type ExitName = keyof typeof EXITS

/**
 * Exit code for an error that ended a command. `running`: URLs were fetched before it; a missing contact is then a
 * limit, not a usage error.
 */
export function exitOfError(error: SluiceError, running: boolean): number {
  if (error.code === 'CONTACT_MISSING' && running) return EXITS.limit.code
  if (error.code === 'LOGIN_REFUSED') return error.exitCode
  return codeRow(error.code).exit ?? EXITS.internal.code
}
