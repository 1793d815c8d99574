/**
 * Page records or items as one Parquet file. A Parquet file ends in a footer that lists all of it, so none can grow: rows
 * are kept as compressed lines of JSON beside it (`X.parquet.ndjson.gz`), each settlement exactly once through any death,
 * and the table is written from them at the end of every run and renamed into place whole. Knows no engine.
 */
import { closeSync, createReadStream, existsSync, fsyncSync, openSync, renameSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import { SluiceError } from '../model/errors.ts'
import type { Durability } from './append-file.ts'
import { ROWS_ENDING } from './kind.ts'
import { ndjsonSink } from './ndjson.ts'
import { RECORD_FIELDS } from './page-fields.ts'
import { loadParquetWriter, type ParquetColumn, writeParquet } from './parquet-table.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'
import { storeError } from './store-error.ts'

/** Text unpacked at a time. */
const READ_BYTES = 256 * 1024

export interface ParquetSinkOptions {
  /** Where to write; relative paths are below the working directory. */
  readonly path: string
  /** Default `kill`. */
  readonly durability?: Durability
}

/** A sink that keeps one row per settlement or item and makes a Parquet file of them when it is closed. */
export function parquetSink(options: ParquetSinkOptions): Sink {
  const path = resolve(options.path)
  const rowsPath = path + ROWS_ENDING
  const durability = options.durability ?? 'kill'
  const rows = ndjsonSink({ path: rowsPath, compression: 'gzip', durability })
  let columns: readonly ParquetColumn[] | undefined
  let isOpen = false

  return {
    name: `parquet:${path}`,
    wantsBodies: false,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      await loadParquetWriter()
      if (position === undefined && existsSync(path) && !existsSync(rowsPath)) {
        throw new SluiceError('OPTION_INVALID', `${path} exists without the rows it is made of (${rowsPath})`, {
          hint: 'choose another name for --out',
        })
      }
      columns = job.items === undefined ? RECORD_FIELDS : job.items.columns
      await rows.open(job, position)
      isOpen = true
    },

    position: () => rows.position?.(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      try {
        return await rows.write(batch)
      } catch (error) {
        // A full disk or a file that somebody changed: no table is made of it.
        isOpen = false
        throw error
      }
    },

    async close(): Promise<void> {
      await rows.close()
      if (!isOpen) return
      isOpen = false
      if (existsSync(path) && statSync(path).mtimeMs > statSync(rowsPath).mtimeMs) return
      try {
        const fresh = `${path}.new`
        await writeParquet(fresh, () => rowLines(rowsPath), columns)
        if (durability === 'power') syncFile(fresh)
        renameSync(fresh, path)
      } catch (error) {
        throw storeError(path, error)
      }
    },
  }
}

/** Lines of a file of gzip members, as many at a time as come; a last one without its newline is none. */
export async function* rowLines(path: string): AsyncGenerator<readonly string[], undefined> {
  if (statSync(path).size === 0) return
  let rest: Buffer = Buffer.alloc(0)
  const unpacked = createGunzip({ chunkSize: READ_BYTES })
  for await (const piece of createReadStream(path).pipe(unpacked) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    const end = bytes.lastIndexOf(10) + 1
    if (end > 0) yield bytes.toString('utf8', 0, end - 1).split('\n')
    rest = bytes.subarray(end)
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
