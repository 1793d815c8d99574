/** A URL range (`https://a.example/[1-500].pdf`) as a source: its members are made as they are taken. */
import { expandRange } from '../url/range.ts'
import type { Source } from './source.ts'
import { indexedBatches } from './urls.ts'

/** @throws {SluiceError} OPTION_INVALID for a malformed range. */
export function rangeSource(text: string): Source {
  const { total, at } = expandRange(text)
  return { name: `range:${text}`, total, batches: (cursor, signal) => indexedBatches(total, at, cursor, signal) }
}
