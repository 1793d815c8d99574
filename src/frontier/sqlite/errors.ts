/** What SQLite says, in our codes. */
import { dirname } from 'node:path'
import { reasonOf, SluiceError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { shellWord } from '../../model/shell-word.ts'

// Primary result codes (sqlite.org/rescode.html).
/** Of statements that are right: the file's schema or header is not. */
const ERROR = 1
const BUSY = 5
const LOCKED = 6
const CORRUPT = 11
const FULL = 13
const FORMAT = 24
const NOTADB = 26

export function primaryCode(error: unknown): number {
  const code = (error as { errcode?: number } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : 0
}

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === BUSY || code === LOCKED
}

/** A `SluiceError` about the store at `path`; ours pass as they are. */
export function storeError(error: unknown, path: string): SluiceError {
  if (error instanceof SluiceError) return error
  const message = reasonOf(error)
  // Numbers and texts that none of ours can be.
  const isUnreadable =
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    (error as { code?: unknown } | null)?.code === 'ERR_INVALID_ARG_TYPE'
  const [code, hint] = translate(isUnreadable ? CORRUPT : primaryCode(error), message, path)
  return new SluiceError(code, `${path}: ${message}`, { cause: error, hint })
}

export function corrupt(path: string, what: string): SluiceError {
  return new SluiceError('FRONTIER_CORRUPT', `${path}: ${what}`, {
    hint: repairHint(path),
  })
}

/** @param path of the database: the job is its folder */
function repairHint(path: string): string {
  const command = `sluice verify ${shellWord(dirname(path))} --repair`
  return `${command} saves what can be read; or restore a copy of the folder, or start over with --fresh (this one is kept)`
}

function translate(primary: number, message: string, path: string): readonly [ErrorCode, string] {
  switch (primary) {
    case FULL:
      return ['SINK_FULL', 'free space on the disk, then run the same command again: it continues']
    case CORRUPT:
    case NOTADB:
    case FORMAT:
    case ERROR:
      return ['FRONTIER_CORRUPT', repairHint(path)]
    default:
      if (/ENOSPC|no space/i.test(message))
        return ['SINK_FULL', 'free space on the disk, then run the same command again: it continues']
      return [
        'FRONTIER_UNREACHABLE',
        'check that the job folder can be written, then run the same command again: it continues',
      ]
  }
}
