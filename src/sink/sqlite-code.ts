/** Result codes of SQLite (sqlite.org/rescode.html). */
export const SQLITE_BUSY = 5
export const SQLITE_CORRUPT = 11
export const SQLITE_FULL = 13
export const SQLITE_NOTADB = 26

/** Of the file, whatever was asked: PERM, BUSY, LOCKED, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB. */
const OF_THE_FILE = new Set([3, SQLITE_BUSY, 6, 10, SQLITE_CORRUPT, SQLITE_FULL, 14, 15, SQLITE_NOTADB])

/** Without its extension; 0 where the error is not SQLite's. */
export function primaryCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0
  return Number(error.errcode) & 0xff
}

/** Whether the file is the trouble, not the statement. */
export function isFileTrouble(error: unknown): boolean {
  return OF_THE_FILE.has(primaryCode(error))
}
