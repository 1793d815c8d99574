/** The page itself: a handful of files that come with the package, read once. Nothing is loaded from elsewhere. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../model/errors.ts'

export interface PageFile {
  readonly type: string
  readonly body: Buffer<ArrayBuffer>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Beside the server in the package; below `dist` where the sources run. */
const PLACES = ['../dashboard/', '../../dist/dashboard/']

/** By name. @throws SluiceError OPTION_INVALID where they were not built. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const place = PLACES.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) =>
    existsSync(join(path, 'index.html')),
  )
  if (place === undefined)
    throw new SluiceError('OPTION_INVALID', 'the page of the dashboard is not built', {
      hint: 'npm run build:dashboard',
    })
  const files = new Map<string, PageFile>()
  for (const name of readdirSync(place)) {
    const type = TYPES[extname(name)]
    if (type !== undefined) files.set(name, { type, body: readFileSync(join(place, name)) })
  }
  return files
}
