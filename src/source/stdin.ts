/** What comes through a pipe as a source. */
import type { Readable } from 'node:stream'
import { streamInput } from './input.ts'
import type { Input } from './input.ts'
import { columnsIn, inputBatches } from './list.ts'
import type { ListOptions } from './list.ts'
import type { Source } from './source.ts'

/**
 * URLs from a stream such as `process.stdin`, as they come: a list, or any other format of files. A pipe has no past: a
 * job that continues reads whatever the pipe gives now, as `reread`, so that known URLs are only counted. The stream is
 * destroyed when the iteration ends before it does. What was looked at for its columns is read again as part of the whole.
 */
export function streamSource(name: string, readable: NodeJS.ReadableStream, options: ListOptions = {}): Source {
  let begun: Input | undefined
  const open = async (): Promise<Input> => {
    const input = begun ?? streamInput(name, readable as Readable, false)
    begun = undefined
    return input
  }
  return {
    name,
    isPipe: true,
    async columns(signal) {
      const input = await open()
      begun = input
      // A read that is waited for would keep the process alive.
      const close = (): void => void input.close()
      signal?.addEventListener('abort', close, { once: true })
      try {
        if (signal?.aborted === true) close()
        return await columnsIn(name, input, options)
      } catch (error) {
        if (signal?.aborted === true) return undefined
        throw error
      } finally {
        signal?.removeEventListener('abort', close)
      }
    },
    batches: (cursor, signal) => inputBatches(name, open, options, cursor, signal),
  }
}
