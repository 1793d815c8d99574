/**
 * The lines of a log file for ever, as `tail -F` gives them: what is appended, over rotation (rename and create,
 * copytruncate) and truncation, half lines held until they are whole. Each batch comes with the position behind it, from
 * which another process goes on. A file that was rotated away is watched until the next rotation: writers may hold it.
 */
import { statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { SluiceError } from '../../model/errors.ts'
import { unreadable } from '../input.ts'
import { LogFile } from './log-file.ts'
import type { LogLine, Place } from './log-file.ts'
import { filesBefore, filesBeside, filesSince, findPlace, openAt } from './rotated.ts'

export interface FollowOptions {
  /** Absolute. */
  readonly path: string
  /** Begin so many lines before the end, in rotated files where need be; undefined: at the beginning. Only without a position. */
  readonly last: number | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Lines that may still be given. Default: any number. */
  room?(): number
  /** What may be lost, in a sentence. */
  warn(code: string, message: string): void
}

export interface LogBatch {
  readonly lines: readonly LogLine[]
  /** Lines given so far, this batch included, over the life of the position. */
  readonly ordinal: number
  readonly cursor: Uint8Array
}

interface Position {
  readonly v: 1
  readonly ordinal: number
  /** The last one is at the path, or was when it was looked at last. */
  readonly files: readonly Place[]
}

/** Lines of a batch at most. */
const BATCH = 256
/** Where the system does not tell of changes (network file systems), they are found after this. */
const POLL_MS = 1_000
/** The file at the path and the one before it. */
const WATCHED = 2

/** @throws SluiceError `INPUT_UNREADABLE` where the file is not there at first, or may not be read */
export async function* followFile(
  position: Uint8Array | undefined,
  options: FollowOptions,
): AsyncGenerator<LogBatch, void, undefined> {
  const follower = new Follower(options)
  try {
    follower.open(position === undefined ? undefined : (JSON.parse(Buffer.from(position).toString()) as Position))
    while (!options.signal.aborted) {
      for (const batch of follower.read()) {
        yield batch
        if (options.signal.aborted) return
      }
      await follower.changed()
    }
  } finally {
    follower.close()
  }
}

class Follower {
  readonly #options: FollowOptions
  readonly #path: string
  #ordinal = 0
  /** Oldest first. */
  #files: LogFile[] = []
  /** Files beside the log when it was looked at last; undefined until then. */
  #known: ReadonlySet<string> | undefined
  #wake: (() => void) | undefined
  /** Something may have changed since it was looked at last. */
  #isStale = true
  readonly #unwatch: () => void
  readonly #onAbort = (): void => this.#wake?.()

  constructor(options: FollowOptions) {
    this.#options = options
    this.#path = options.path
    this.#unwatch = this.#watch()
    options.signal.addEventListener('abort', this.#onAbort)
  }

  open(position: Position | undefined): void {
    if (position === undefined) {
      const file = this.#openCurrent()
      if (file === undefined) throw unreadable(this.#path, Object.assign(new Error('missing'), { code: 'ENOENT' }))
      this.#files = [file]
      const { last } = this.#options
      if (last !== undefined) this.#files.unshift(...filesBefore(this.#path, file, last - file.seekLast(last)))
      this.#known = filesBeside(this.#path)
      return
    }
    this.#ordinal = position.ordinal
    for (const place of position.files) {
      const current = statSync(this.#path, { throwIfNoEntry: false })
      const isCurrent = current?.dev === place.dev && current.ino === place.ino
      const file =
        (isCurrent ? openAt(this.#path, place) : undefined) ?? findPlace(this.#path, place, this.#files) ?? undefined
      if (file !== undefined) this.#files.push(file)
      else if (place.offset > 0) this.#warnOfLoss()
    }
  }

  *read(): Generator<LogBatch, void, undefined> {
    this.#isStale = false
    yield* this.#drain()
    // Each turn one file more is known: what came between two looks is read in its order.
    while (this.#advance()) yield* this.#drain()
    yield* this.#leaveOld()
  }

  /** Resolves when there may be something new, at the latest after `POLL_MS`. */
  async changed(): Promise<void> {
    const { clock, signal } = this.#options
    if (this.#isStale || signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(() => this.#wake?.(), POLL_MS)
      this.#wake = () => {
        this.#wake = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  close(): void {
    this.#unwatch()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    for (const file of this.#files) file.close()
    this.#files = []
  }

  /** Whole lines of all files, the oldest first. */
  *#drain(): Generator<LogBatch, void, undefined> {
    for (let i = 0; i < this.#files.length; ) {
      // Before every read: the file may have been cut, and have grown again, while the last batch was stored.
      if (this.#files[i]?.isIntact() === false) this.#recover(i)
      const lines = this.#files[i]?.lines(this.#most()) ?? []
      if (lines.length > 0) yield this.#batch(lines)
      else i++
    }
  }

  /** The file was cut: what of it was not read yet is in a copy, or lost; it begins anew. */
  #recover(at: number): void {
    const file = this.#files[at] as LogFile
    const place = file.place()
    const copy = findPlace(this.#path, place, this.#files)
    const isCurrent = at === this.#files.length - 1
    if (copy === undefined && place.offset > 0) this.#warnOfLoss()
    const fresh = isCurrent ? this.#openCurrent() : undefined
    this.#known = filesBeside(this.#path)
    file.close()
    this.#files.splice(at, 1, ...(copy === undefined ? [] : [copy]), ...(fresh === undefined ? [] : [fresh]))
  }

  /** Takes up the files behind the last one, where the path leads to another by now. True: there is one more to read. */
  #advance(): boolean {
    const last = this.#files.at(-1)
    const stat = statSync(this.#path, { throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) return false
    if (last !== undefined && last.dev === stat.dev && last.ino === stat.ino) return false
    // An empty one is not written to yet: its writer may still have lines for the last one.
    if (last !== undefined && stat.size === 0) return false
    const between = last === undefined ? [] : filesSince(this.#path, last, this.#files, this.#known)
    const current = this.#openCurrent()
    this.#files.push(...between, ...(current === undefined ? [] : [current]))
    this.#known = filesBeside(this.#path)
    return between.length > 0 || current !== undefined
  }

  /** Files that nobody writes to any more; a line without its end is whole then. */
  *#leaveOld(): Generator<LogBatch, void, undefined> {
    while (this.#files.length > WATCHED || (this.#files.length > 1 && this.#files[0]?.stat().nlink === 0)) {
      const file = this.#files.shift() as LogFile
      const line = file.lastLine()
      file.close()
      if (line !== undefined) yield this.#batch([line])
    }
  }

  #most(): number {
    return Math.min(BATCH, this.#options.room?.() ?? BATCH)
  }

  #batch(lines: readonly LogLine[]): LogBatch {
    this.#ordinal += lines.length
    const position: Position = { v: 1, ordinal: this.#ordinal, files: this.#files.map((file) => file.place()) }
    return { lines, ordinal: this.#ordinal, cursor: Buffer.from(JSON.stringify(position)) }
  }

  /** Undefined where it is not there. */
  #openCurrent(): LogFile | undefined {
    try {
      const file = new LogFile(this.#path, 0)
      if (file.stat().isFile()) return file
      file.close()
      throw new SluiceError('INPUT_UNREADABLE', `${this.#path} is not a regular file`, { hint: 'name a log file' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unreadable(this.#path, error)
    }
  }

  #warnOfLoss(): void {
    this.#options.warn(
      'LOG_LOST',
      `${this.#path} was cut or rotated away, and no copy of it is beside it: lines that were not read yet are lost`,
    )
  }

  #watch(): () => void {
    const name = basename(this.#path)
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, (_event, file) => {
        if (file !== null && !file.startsWith(name)) return
        this.#isStale = true
        this.#wake?.()
      })
      watcher.on('error', () => watcher.close())
      return () => watcher.close()
    } catch {
      // No watches left, or a folder that is not there: looking every second is enough.
      return () => undefined
    }
  }
}
