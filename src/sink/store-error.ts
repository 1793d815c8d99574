/** Turns an error of the file system into the two words the job halts with. Knows no sink and no format. */
import { reasonOf, SluiceError } from '../model/errors.ts'

/** No room: the disk, the quota or the process's own file-size limit (`ulimit -f`). */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'check the permissions of the file and its folder',
  EPERM: 'check the permissions of the file and its folder',
  EROFS: 'the file system is read-only',
  EISDIR: 'that is a folder: end the name in / to store pages in it',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EMFILE: 'raise the limit of open files (ulimit -n) or lower --concurrency',
  ENFILE: 'raise the limit of open files (ulimit -n) or lower --concurrency',
  EIO: 'the disk reports an error; look at the system log',
}

/** `SINK_FULL` or `SINK_UNREACHABLE` with the cause; a `SluiceError` passes as it is. */
export function storeError(path: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const code = errorCode(error)
  const reason = reasonOf(error)
  if (FULL.has(code)) {
    const hint = 'make room and run the same command again: the job continues where it stopped'
    return new SluiceError('SINK_FULL', `no room to write ${path} (${code})`, { hint, cause: error })
  }
  const hint = HINTS[code] ?? 'run the same command again once it can be written: the job continues where it stopped'
  return new SluiceError('SINK_UNREACHABLE', `cannot write ${path}: ${reason}`, { hint, cause: error })
}

/** `ENOENT` and the like; empty where the error carries none. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

const AGAIN = 'the same command continues the job once it is back; with --fresh it starts over and keeps the old job'
const FILE_HINT = `put the file back as it was: ${AGAIN}`
/** Of tables, collections and keys. */
export const DATA_HINT = `restore what was stored: ${AGAIN}`
export const RIVAL_HINT = 'end the other process, then run the same command again: the job continues'

/** The stored output is not what this job left: nothing is cut, the job halts (exit 6). */
export function changed(path: string, what: string, hint: string = FILE_HINT): SluiceError {
  return new SluiceError('SINK_CHANGED', `${path} ${what}; nothing in it was touched`, { hint })
}
