/**
 * Where the lines of a log went when it was rotated: the file under its new name (`access.log.1`,
 * `access.log-20251121`), the copy that was made before it was cut (logrotate's `copytruncate`), and the files that came
 * and went in between. Looks into the folder of the log only.
 */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LogFile } from './log-file.ts'
import type { Place } from './log-file.ts'

/** Packed: its bytes are not those that were counted. */
const PACKED = /\.(?:gz|bz2|xz|zst|lz4|Z)$/

/** Nothing proves the start of a file: any file has it. */
const START = { offset: 0, proof: 0 }

interface Sibling {
  readonly path: string
  readonly dev: number
  readonly ino: number
  readonly mtimeMs: number
}

/** Files beside the log whose name begins with its own, the one written to last first. */
function siblings(path: string): Sibling[] {
  const folder = dirname(path)
  const name = basename(path)
  const found: Sibling[] = []
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(name) || !/^[.-]/.test(entry.slice(name.length)) || PACKED.test(entry)) continue
    const stat = statSync(join(folder, entry), { throwIfNoEntry: false })
    if (stat?.isFile() === true) {
      found.push({ path: join(folder, entry), dev: stat.dev, ino: stat.ino, mtimeMs: stat.mtimeMs })
    }
  }
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs || rankOf(a.path) - rankOf(b.path))
}

/** Of files written to at one time: logrotate's numbers grow with age. */
function rankOf(path: string): number {
  return Number(/\.(\d{1,3})$/.exec(path)?.[1] ?? 0)
}

/** Identities of the files beside the log: what is there later and not among them came since. */
export function filesBeside(path: string): ReadonlySet<string> {
  return new Set(siblings(path).map(identityOf))
}

function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`
}

/** Opens a file at a place; undefined where it cannot be opened or does not prove the place. */
export function openAt(path: string, place: Pick<Place, 'offset' | 'proof'>): LogFile | undefined {
  let file: LogFile
  try {
    file = new LogFile(path, place.offset)
  } catch {
    // Gone, or not for us to read: as good as not there.
    return undefined
  }
  if (file.proves(place)) return file
  file.close()
  return undefined
}

/** The file of a place under the name it has now: first the very file, then a copy of it. Opened behind the place. */
export function findPlace(path: string, place: Place, except: readonly LogFile[]): LogFile | undefined {
  const isSame = ({ dev, ino }: { dev: number; ino: number }): boolean => dev === place.dev && ino === place.ino
  const others = siblings(path).filter((file) => !except.some(({ dev, ino }) => dev === file.dev && ino === file.ino))
  for (const file of [...others.filter(isSame), ...others.filter((other) => !isSame(other))]) {
    if (place.offset === START.offset && !isSame(file)) continue
    const opened = openAt(file.path, place)
    if (opened !== undefined) return opened
  }
  return undefined
}

/**
 * Files that were at the path before `current`, opened where the last `count` lines of them all begin, the oldest first.
 * A copy of one of them, or of `current`, is none.
 */
export function filesBefore(path: string, current: LogFile, count: number): LogFile[] {
  const found: LogFile[] = []
  let missing = count
  for (const file of siblings(path)) {
    if (missing === 0) break
    if (file.dev === current.dev && file.ino === current.ino) continue
    const opened = openAt(file.path, START)
    if (opened === undefined) continue
    if ([current, ...found].some((other) => beginAlike(opened, other))) {
      opened.close()
      continue
    }
    missing -= opened.seekLast(missing)
    found.unshift(opened)
  }
  return found
}

function beginAlike(a: LogFile, b: LogFile): boolean {
  const length = Math.min(a.stat().size, b.stat().size)
  return length > 0 && a.beginning(length) === b.beginning(length)
}

/**
 * Files that took the place of `last` and were rotated away themselves before anybody looked, the oldest first. A copy of
 * `last` is none of them.
 *
 * @param known files that were there before; undefined (another process looked last): told by when they were written
 */
export function filesSince(
  path: string,
  last: LogFile,
  except: readonly LogFile[],
  known: ReadonlySet<string> | undefined,
): LogFile[] {
  const { mtimeMs } = last.stat()
  const current = statSync(path, { throwIfNoEntry: false })
  const found: LogFile[] = []
  for (const file of siblings(path).reverse()) {
    if (
      file.mtimeMs < mtimeMs ||
      known?.has(identityOf(file)) === true ||
      (file.dev === current?.dev && file.ino === current.ino)
    )
      continue
    if (except.some(({ dev, ino }) => dev === file.dev && ino === file.ino)) continue
    const opened = openAt(file.path, START)
    if (opened === undefined) continue
    if (beginAlike(opened, last)) opened.close()
    else found.push(opened)
  }
  return found
}
