/**
 * A body too large for memory, written to a file as it comes: never more than a little in memory, the source told to
 * wait while the disk is behind. It knows nothing of HTTP.
 */
import { close, open, unlink, writev } from 'node:fs'

/** Bytes that may wait for the disk before the source is held. */
const HIGH_WATER = 1024 * 1024

export interface SpoolOwner {
  /** Hold the source until `spoolDrained`. */
  spoolFull(): void
  spoolDrained(): void
  /** The disk failed; the file is gone. Nothing follows. */
  spoolFailed(error: NodeJS.ErrnoException): void
  /** Everything is in the file. */
  spoolDone(path: string): void
}

export class Spool {
  readonly path: string
  readonly #owner: SpoolOwner
  #fd = -1
  #queue: Uint8Array[] = []
  #queued = 0
  #busy = true
  #held = false
  #ended = false
  #abandoned = false

  constructor(path: string, owner: SpoolOwner) {
    this.path = path
    this.#owner = owner
    // 'wx': the name is ours alone; anything already there is not.
    open(path, 'wx', 0o600, (error, fd) => {
      if (error !== null) {
        this.#busy = false
        if (!this.#abandoned) this.#fail(error)
        return
      }
      this.#fd = fd
      this.#next()
    })
  }

  /** The chunk must not change any more. */
  write(chunk: Uint8Array): void {
    if (this.#abandoned) return
    this.#queue.push(chunk)
    this.#queued += chunk.length
    if (this.#queued > HIGH_WATER && !this.#held) {
      this.#held = true
      this.#owner.spoolFull()
    }
    if (!this.#busy) this.#next()
  }

  end(): void {
    this.#ended = true
    if (!this.#busy) this.#next()
  }

  /** Stops and removes the file; the owner hears nothing more. */
  abandon(): void {
    if (this.#abandoned) return
    this.#abandoned = true
    this.#queue = []
    if (!this.#busy) this.#next()
  }

  #next(): void {
    this.#busy = true
    if (this.#abandoned) {
      this.#closeFile(() => unlink(this.path, () => {}))
      return
    }
    if (this.#queue.length === 0) {
      this.#busy = false
      if (this.#held) {
        this.#held = false
        this.#owner.spoolDrained()
      }
      if (this.#ended && !this.#busy) {
        this.#busy = true
        this.#closeFile((error) => {
          if (this.#abandoned) unlink(this.path, () => {})
          else if (error !== null) this.#fail(error)
          else this.#owner.spoolDone(this.path)
        })
      }
      return
    }
    const chunks = this.#queue
    const bytes = this.#queued
    this.#queue = []
    this.#write(chunks, bytes)
  }

  #write(chunks: Uint8Array[], bytes: number): void {
    writev(this.#fd, chunks, (error, written) => {
      if (error !== null) {
        if (this.#abandoned) this.#next()
        else this.#fail(error)
        return
      }
      this.#queued -= written
      if (written < bytes && !this.#abandoned) this.#write(rest(chunks, written), bytes - written)
      else this.#next()
    })
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#abandoned = true
    this.#queue = []
    this.#closeFile(() => unlink(this.path, () => {}))
    this.#owner.spoolFailed(error)
  }

  #closeFile(then: (error: NodeJS.ErrnoException | null) => void): void {
    const fd = this.#fd
    this.#fd = -1
    if (fd === -1) then(null)
    else close(fd, then)
  }
}

/** What is left of `chunks` behind their first bytes. */
export function rest(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  let at = 0
  while (at < chunks.length && skip >= (chunks[at] as Uint8Array).length) skip -= (chunks[at++] as Uint8Array).length
  const left = chunks.slice(at)
  if (skip > 0 && left[0] !== undefined) left[0] = left[0].subarray(skip)
  return left
}
