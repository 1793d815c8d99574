/** An export as a file: its format by its ending, and under its name only once it is whole. */
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { SluiceError } from '../model/errors.ts'
import type { ExportFormat } from './export.ts'

/** What the ending stands for; `.gz` behind it packs the file. */
const ENDINGS: Readonly<Record<string, ExportFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  csv: 'csv',
  txt: 'list',
  xml: 'sitemap',
}

/** @throws SluiceError `OPTION_INVALID` for an ending that names no format */
export function formatOfFile(path: string): ExportFormat {
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  const format = ENDINGS[ending]
  if (format !== undefined) return format
  throw new SluiceError('OPTION_INVALID', `--out ${path} has no ending that names a format`, {
    hint: `${Object.keys(ENDINGS)
      .map((one) => `.${one}`)
      .join(', ')} do (also .gz), or say --format`,
  })
}

/**
 * Writes the texts beside the path and renames: a reader sees the old file or the whole new one, and a death leaves a
 * `.tmp` at most.
 *
 * @throws SluiceError what `texts` throws; `SINK_UNREACHABLE` where the file cannot be written
 */
export async function writeExport(path: string, texts: AsyncIterable<string | Uint8Array>): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    const file = createWriteStream(temporary)
    if (path.toLowerCase().endsWith('.gz')) await pipeline(texts, createGzip(), file)
    else await pipeline(texts, file)
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    if (cause instanceof SluiceError) throw cause
    throw new SluiceError('SINK_UNREACHABLE', `cannot write ${path}`, {
      hint: 'check the folder and its rights',
      cause,
    })
  }
}
