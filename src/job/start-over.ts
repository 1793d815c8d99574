/** `--fresh`: the old job is set aside, and with it the files that it appended to and the new one would append to as well. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ROWS_ENDING, sinkKindOf } from '../sink/kind.ts'
import { readStored, setAside } from './folder.ts'
import type { StoredJob } from './folder.ts'
import type { ResolvedOptions } from './options.ts'

/** Nothing is erased: `pages.ndjson` becomes `pages.1.ndjson` as `<name>.sluice` becomes `<name>.1.sluice`. */
export function startOver(folder: string, options: ResolvedOptions, cwd: string): void {
  const stored = storedOf(folder)
  const old = new Set(stored === undefined ? [] : appendedFiles(stored.options['out'], stored.cwd))
  const shared = appendedFiles(options.get('out'), cwd).filter((path) => old.has(path) && existsSync(path))
  setAside(folder, shared)
}

/**
 * Tables of rows that are written behind each other. Databases know a row again, files of bodies have their names, and an
 * archive is a collection of captures: those go on.
 */
function appendedFiles(out: unknown, cwd: string): string[] {
  const outs = Array.isArray(out) ? out : [out]
  return outs.flatMap((one) => {
    if (typeof one !== 'string') return []
    const { kind, path } = sinkKindOf(one)
    if (kind === 'ndjson' || kind === 'csv') return [resolve(cwd, path)]
    if (kind === 'parquet') return [resolve(cwd, path), resolve(cwd, path) + ROWS_ENDING]
    return kind === 'dir' ? [join(resolve(cwd, path), 'pages.ndjson')] : []
  })
}

/** Undefined where there is none, or none of this version: it is set aside as it is. */
function storedOf(folder: string): StoredJob | undefined {
  try {
    return readStored(folder)
  } catch {
    return undefined
  }
}
