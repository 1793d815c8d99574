/**
 * Batches of inputs that have no place to continue at (XML, one JSON document): they are read from
 * the start, what was given before is passed over, and the texts passed over are compared by their hash.
 */
import { crc32 } from 'node:zlib'
import { BATCH } from './lines.ts'
import { START, encodePosition } from './position.ts'
import type { Kind, Position } from './position.ts'
import type { SourceBatch, SourceItem } from './source.ts'

/**
 * @param read Reads the input from its start.
 * @param reopen Before it is read once more, because what was given before has changed.
 */
export async function* replayedBatches(
  kind: Kind,
  read: () => AsyncIterable<string>,
  reopen: () => Promise<unknown>,
  start: Position,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch, undefined> {
  let { isReread } = start
  let ordinal = 0
  let hash = 0
  let items: SourceItem[] = []
  const batch = (): SourceBatch => {
    const given = items
    items = []
    const next = encodePosition(kind, { ...START, ordinal, hash, isReread })
    return isReread ? { items: given, cursor: next, reread: true } : { items: given, cursor: next }
  }
  let known = start.ordinal
  for (let isSettled = known === 0; ; ) {
    for await (const url of read()) {
      if (signal.aborted) return
      hash = crc32(url, hash)
      const item = { url, ordinal: ordinal++ }
      if (isSettled) {
        items.push(item)
        if (items.length >= BATCH) yield batch()
      } else if (ordinal === known) {
        isSettled = hash === start.hash
        if (!isSettled) break
      }
    }
    if (isSettled) break
    // It changed, or it has become shorter.
    isSettled = isReread = true
    known = ordinal = hash = 0
    await reopen()
  }
  if (items.length > 0) yield batch()
}
