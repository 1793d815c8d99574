/** The items that a job keeps as NDJSON, line by line. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { sinkKindOf } from '../sink/kind.ts'
import { openInput } from '../source/input.ts'
import { outputsOf, readStored } from './folder.ts'

/** The first output of items that is NDJSON; undefined where there is none. */
export function itemsFileOf(folder: string): string | undefined {
  const given = outputsOf(folder)?.map(sinkKindOf)
  const ndjson = given?.find(({ kind }) => kind === 'ndjson')
  const path =
    ndjson === undefined ? join(folder, 'items.ndjson') : resolve(readStored(folder)?.cwd ?? '.', ndjson.path)
  return existsSync(path) ? path : undefined
}

/** Whole lines, a piece of the file at a time; a line that is being written is left out. */
export async function* itemLines(path: string): AsyncGenerator<string[], undefined> {
  const input = await openInput(path)
  try {
    let carry: Buffer = Buffer.alloc(0)
    for (let piece = await input.next(); piece !== undefined; piece = await input.next()) {
      const bytes = carry.length === 0 ? piece : Buffer.concat([carry, piece])
      const end = bytes.lastIndexOf(10)
      if (end >= 0)
        yield bytes
          .toString('utf8', 0, end)
          .split('\n')
          .filter((line) => line !== '')
      carry = bytes.subarray(end + 1)
    }
  } finally {
    await input.close()
  }
}

/** Items that are no objects have one column. */
export function itemOf(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { value }
}
