/**
 * A large body written so that a later attempt, in this process or the next, can go on with it: bytes behind each other,
 * and beside them how many of them count. Never more than `LOSS_BYTES` have come and do not count, so no death costs
 * more. It knows nothing of HTTP; which part belongs to which request is `part-folder.ts`'s.
 */
import { close, fdatasync, ftruncate, open, read, rename, writeFile, writev } from 'node:fs'
import type { Digester, DigestStream } from '../url/fingerprint.ts'
import { rest, type SpoolOwner } from './spool.ts'

/** Most bytes of a part that have come and do not count. */
export const LOSS_BYTES = 1024 * 1024
/** The source is held before the bound: what it has read already still comes. */
const HOLD_BYTES = LOSS_BYTES - 128 * 1024
/** Bytes between two writes of the count. */
const COUNT_BYTES = LOSS_BYTES / 2
/** Read at a time where a finished part is read again. */
const SLICE = 1024 * 1024

export interface PartFileOptions {
  readonly path: string
  readonly statePath: string
  /** Bytes that count already; 0: a new file. */
  readonly from: number
  /** They are all there are. */
  readonly isWhole: boolean
  /** Bytes are on the disk before they count (durability `power`). */
  readonly isSynced: boolean
  /** The state with this count, as it is written. `isWhole`: nothing more will come. */
  stateOf(count: number, isWhole: boolean): string
  /** So many bytes count: their state has been written. */
  onCount(count: number, isWhole: boolean): void
  /** The file is closed. */
  onClosed(): void
  readonly digester: Digester
  /** Finished bodies up to this are read back into memory. */
  readonly memoryBytes: number
}

export class PartFile {
  readonly path: string
  /** Bytes that were there when it was opened. */
  readonly from: number
  /** Set by `end(true)` before its owner hears: the body where it is small enough for memory. */
  body: Uint8Array | undefined
  /** Set likewise: `xxh64:` + 16 hex digits over what came; '' where it broke off and its first bytes came earlier. */
  digest = ''
  readonly #options: PartFileOptions
  readonly #owner: SpoolOwner
  #digest: DigestStream | undefined
  #fd = -1
  #queue: Uint8Array[] = []
  #received: number
  #written: number
  #counted: number
  #busy = true
  #held = false
  #end: 'whole' | 'cut' | 'left' | undefined
  #left: (() => void) | undefined
  #isClosing = false

  constructor(options: PartFileOptions, owner: SpoolOwner) {
    this.path = options.path
    this.from = options.from
    this.#options = options
    this.#owner = owner
    this.#received = this.#written = this.#counted = options.from
    if (options.from === 0) this.#digest = options.digester.start()
    // An output may hold a link to a finished part: it is only read, and a new one never takes over its file.
    const flags = options.from === 0 ? 'wx+' : options.isWhole ? 'r' : 'r+'
    open(this.path, flags, 0o600, (error, fd) => {
      if (error !== null) {
        this.#fail(error)
        return
      }
      this.#fd = fd
      if (flags !== 'r+') this.#next()
      else ftruncate(fd, options.from, (failure) => (failure === null ? this.#next() : this.#fail(failure)))
    })
  }

  /** The chunk must not change any more. */
  write(chunk: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#digest?.update(chunk)
    this.#queue.push(chunk)
    this.#received += chunk.length
    if (this.#received - this.#counted > HOLD_BYTES && !this.#held) {
      this.#held = true
      this.#owner.spoolFull()
    }
    if (!this.#busy) this.#next()
  }

  /**
   * Everything has come, or (not `isWhole`) it broke off: `spoolDone` follows once all that came counts. A whole body is
   * digested, and read back where it is small.
   */
  end(isWhole: boolean): void {
    if (this.#end !== undefined) return
    this.#end = isWhole ? 'whole' : 'cut'
    if (!this.#busy) this.#next()
  }

  /** Stops; the owner hears nothing more. `onLeft`: all that came counts, as far as the disk took it. */
  leave(onLeft: () => void): void {
    if (this.#isClosing) {
      onLeft()
      return
    }
    this.#end = 'left'
    this.#left = onLeft
    if (!this.#busy) this.#next()
  }

  #next(): void {
    this.#busy = true
    const uncounted = this.#written - this.#counted
    const isOver = this.#end !== undefined && this.#queue.length === 0
    // Before what waits: a source that is faster than the disk would have to be held for the count.
    if (uncounted >= COUNT_BYTES || (isOver && uncounted > 0)) {
      this.#count()
      return
    }
    if (isOver) {
      this.#close()
      return
    }
    if (this.#queue.length > 0) {
      const chunks = this.#queue
      this.#queue = []
      this.#write(chunks)
      return
    }
    this.#busy = false
    if (this.#held && this.#received - this.#counted <= COUNT_BYTES) {
      this.#held = false
      this.#owner.spoolDrained()
    }
  }

  #write(chunks: Uint8Array[]): void {
    writev(this.#fd, chunks, this.#written, (error, written) => {
      if (error !== null) {
        this.#fail(error)
        return
      }
      this.#written += written
      const left = rest(chunks, written)
      if (left.length > 0) this.#write(left)
      else this.#next()
    })
  }

  /** Bytes first, then the count of them: what the state says is always there. */
  #count(): void {
    const { statePath, isSynced } = this.#options
    const count = this.#written
    const isWhole = this.#end === 'whole' && this.#queue.length === 0
    const temporary = `${statePath}.tmp`
    const write = (): void =>
      writeFile(temporary, this.#options.stateOf(count, isWhole), { mode: 0o600 }, (error) => {
        if (error !== null) this.#fail(error)
        else rename(temporary, statePath, counted)
      })
    const counted = (error: NodeJS.ErrnoException | null): void => {
      if (error !== null) {
        this.#fail(error)
        return
      }
      this.#counted = count
      this.#options.onCount(count, isWhole)
      this.#next()
    }
    if (isSynced) fdatasync(this.#fd, (error) => (error === null ? write() : this.#fail(error)))
    else write()
  }

  #close(): void {
    if (this.#end === 'whole' && (this.#digest === undefined || this.#written <= this.#options.memoryBytes)) {
      this.#readBack()
      return
    }
    if (this.#end !== 'left') this.digest = this.#digest?.end() ?? ''
    this.#closeFile((error) => {
      if (this.#end === 'left') this.#tellLeft()
      else if (error !== null) this.#owner.spoolFailed(error)
      else this.#owner.spoolDone(this.path)
    })
  }

  /** The first bytes may have come to an earlier process: the digest is of what lies in the file. */
  #readBack(): void {
    const { memoryBytes, digester } = this.#options
    const length = this.#written
    const whole = length <= memoryBytes ? new Uint8Array(length) : undefined
    const stream = whole === undefined ? digester.start() : undefined
    const slice = whole ?? new Uint8Array(SLICE)
    let at = 0
    const more = (): void => {
      if (at === length) {
        this.body = whole
        this.digest = whole === undefined ? (stream?.end() ?? '') : digester.digest(whole)
        this.#digest = undefined
        this.#closeFile((error) => (error === null ? this.#owner.spoolDone(this.path) : this.#owner.spoolFailed(error)))
        return
      }
      if (this.#end === 'left') {
        this.#closeFile(() => this.#tellLeft())
        return
      }
      const offset = whole === undefined ? 0 : at
      read(this.#fd, slice, offset, Math.min(slice.length - offset, length - at), at, (error, count) => {
        if (error !== null || count === 0) {
          this.#fail(error ?? new Error(`${this.path} is shorter than it was`))
          return
        }
        stream?.update(slice.subarray(0, count))
        at += count
        more()
      })
    }
    more()
  }

  #fail(error: NodeJS.ErrnoException): void {
    const isLeft = this.#end === 'left'
    this.#end ??= 'cut'
    this.#queue = []
    this.#busy = true
    this.#closeFile(() => {
      if (isLeft) this.#tellLeft()
      else this.#owner.spoolFailed(error)
    })
  }

  #tellLeft(): void {
    const left = this.#left
    this.#left = undefined
    left?.()
  }

  #closeFile(then: (error: NodeJS.ErrnoException | null) => void): void {
    const fd = this.#fd
    this.#fd = -1
    this.#isClosing = true
    const closed = (error: NodeJS.ErrnoException | null): void => {
      this.#options.onClosed()
      then(error)
    }
    if (fd === -1) closed(null)
    else close(fd, closed)
  }
}
