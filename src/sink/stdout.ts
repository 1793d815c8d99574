/**
 * Writes lines to a stream once they are committed. Not a sink: what went down a pipe cannot be taken back, so it may
 * only get what is already stored, and a reader that goes away is no reason to stop the job.
 */

export interface AfterCommitWriter {
  /**
   * Passes on whole lines, each with its newline. Returns a promise when the stream is full: write again once it has
   * resolved. It always resolves; after the reader has gone lines are dropped.
   */
  write(lines: string): Promise<void> | void
  /** The reader has gone: nothing more can be written. */
  readonly closed: boolean
  /** Why, where it was anything but a closed pipe (a full disk behind `> file`). */
  readonly error: Error | undefined
}

export interface AfterCommitOptions {
  readonly format: 'ndjson'
}

/** Codes by which a stream says that its reader went away, as `head` does. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'])

/** A writer over `process.stdout` or any other stream; it never throws and never rejects. */
export function afterCommitWriter(stream: NodeJS.WritableStream, _options: AfterCommitOptions): AfterCommitWriter {
  let closed = false
  let failure: Error | undefined
  let wake: (() => void) | undefined
  let full: Promise<void> | undefined

  const release = (): void => {
    wake?.()
    wake = undefined
    full = undefined
  }
  const end = (): void => {
    closed = true
    release()
  }
  stream.on('drain', release)
  stream.on('close', end)
  stream.on('finish', end)
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!GONE.has(error.code ?? '')) failure = error
    end()
  })

  return {
    write(lines: string): Promise<void> | void {
      if (closed || lines === '') return
      if (!stream.writable) {
        end()
        return
      }
      // The error of a closed pipe may arrive within this very call.
      if (stream.write(lines) || closed) return full
      full ??= new Promise((resolve) => {
        wake = resolve
      })
      return full
    },
    get closed(): boolean {
      return closed
    },
    get error(): Error | undefined {
      return failure
    },
  }
}
