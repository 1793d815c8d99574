/** What comes through a pipe as a source. */
import type { Readable } from 'node:stream'
import { streamInput } from './input.ts'
import type { Input } from './input.ts'
import { inputBatches } from './list.ts'
import type { ListOptions } from './list.ts'
import type { Source } from './source.ts'

/**
 * URLs from a stream such as `process.stdin`, as they come: a list, or any other format of files. A pipe has no past: a
 * job that continues reads whatever the pipe gives now, as `reread`, so that known URLs are only counted. The stream is
 * destroyed when the iteration ends before it does.
 */
export function streamSource(name: string, readable: NodeJS.ReadableStream, options: ListOptions = {}): Source {
  const open = async (): Promise<Input> => streamInput(name, readable as Readable, false)
  return { name, batches: (cursor, signal) => inputBatches(name, open, options, cursor, signal) }
}
