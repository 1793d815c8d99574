/** Items of a job in its NDJSON file, read while it may still grow. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { withoutCredentials } from '../url/canonicalize.ts'
import { outputsOf, readStored } from './folder.ts'

/** The first output of items that is NDJSON; undefined where the job has none. */
export function findItemsFile(folder: string): string | undefined {
  const stored = readStored(folder)
  const ndjson = outputsOf(folder)
    ?.map((out) => sinkKindOf(out))
    .find(({ kind }) => kind === 'ndjson')
  const path = ndjson === undefined ? join(folder, 'items.ndjson') : resolve(stored?.cwd ?? '.', ndjson.path)
  return existsSync(path) ? path : undefined
}

/** The same. @throws SluiceError `OPTION_INVALID` where the job has none */
export function itemsFileOf(folder: string): string {
  const path = findItemsFile(folder)
  if (path !== undefined) return path
  const given = outputsOf(folder)
  throw new SluiceError('OPTION_INVALID', `${folder} keeps no items as NDJSON`, {
    hint:
      given === undefined
        ? 'a job finds items with --extract FILE'
        : `they are in ${given.map(withoutCredentials).join(', ')}`,
  })
}

/** Items that are no objects have one column. */
export function itemOf(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { value }
}
