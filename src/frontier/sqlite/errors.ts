/** What SQLite says, in our codes. */
import { reasonOf, SluiceError } from '../../model/errors.ts'
import type { ErrorCode } from '../../model/errors.ts'

// Primary result codes (sqlite.org/rescode.html).
const BUSY = 5
const LOCKED = 6
const CORRUPT = 11
const FULL = 13
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
  const [code, hint] = translate(primaryCode(error), message)
  return new SluiceError(code, `${path}: ${message}`, { cause: error, hint })
}

export function corrupt(path: string, what: string): SluiceError {
  return new SluiceError('FRONTIER_CORRUPT', `${path}: ${what}`, {
    hint: 'restore the job folder from a copy, or start over with --fresh (the old folder is kept)',
  })
}

function translate(primary: number, message: string): readonly [ErrorCode, string] {
  switch (primary) {
    case FULL:
      return ['SINK_FULL', 'free space on the disk, then run the same command again: it continues']
    case CORRUPT:
    case NOTADB:
      return [
        'FRONTIER_CORRUPT',
        'restore the job folder from a copy, or start over with --fresh (the old folder is kept)',
      ]
    default:
      if (/ENOSPC|no space/i.test(message))
        return ['SINK_FULL', 'free space on the disk, then run the same command again: it continues']
      return [
        'FRONTIER_UNREACHABLE',
        'check that the job folder can be written, then run the same command again: it continues',
      ]
  }
}
