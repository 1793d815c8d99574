/**
 * Page records or items as JSON lines, plain or gzip. An item is its own line as the extractor gave it: where it comes
 * from is in the job, and on the line only where `provenance` asks for it. A file that was there before belongs to the user and is continued at its
 * end, never cut. Knows no engine.
 *
 * Gzip: every batch becomes one whole gzip member (RFC 1952, 2.2), so what is committed can be read by any tool while
 * the job runs. Each member starts with an empty window; measured on page records against one long stream: 512 a batch
 * 3 % larger, 64 18 %, 8 75 %, and records that come one by one five times. Level 6, zlib's default: 9 was 3 % smaller
 * for a third more time.
 */
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { SluiceError } from '../model/errors.ts'
import { AppendFile, type Durability } from './append-file.ts'
import { withProvenance } from './item-fields.ts'
import { areOurItems, areOurLines, glueOf } from './json-lines.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface NdjsonSinkOptions {
  /** Where to write; relative paths are below the working directory. */
  readonly path: string
  /** Write gzip members. Default false. */
  readonly gzip?: boolean
  /** Default `kill`. */
  readonly durability?: Durability
  /** Add `_url`, `_seq` and `_run` to each item. Default false. */
  readonly provenance?: boolean
}

const GZIP_LEVEL = 6
const gzipAsync = promisify(gzip)

/** A sink that appends one JSON object and a newline (0x0A) per settlement or item, UTF-8. */
export function ndjsonSink(options: NdjsonSinkOptions): Sink {
  const path = resolve(options.path)
  const zipped = options.gzip === true
  const file = new AppendFile({ path, durability: options.durability ?? 'kill', followLink: true })
  const provenance = options.provenance === true
  let glue = ''
  let hasItems = false

  return {
    name: `ndjson:${path}`,
    wantsBodies: false,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      hasItems = job.items !== undefined
      const areOurs = (surplus: Buffer): boolean =>
        hasItems ? areOurItems(surplus, job.committedSeq, provenance) : areOurLines(surplus, job.committedSeq)
      const ours = zipped ? startsGzip : areOurs
      const { known } = file.open(position, ours)
      if (zipped) {
        if (!known) refuseOtherThanGzip(file)
      } else {
        glue = glueOf(file)
      }
    },

    position: () => file.position(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      const lines = hasItems ? itemLinesOf(batch, provenance) : linesOf(batch)
      if (lines === '') return file.position()
      const bytes = Buffer.from(glue + lines)
      const position = await file.append(zipped ? await gzipAsync(bytes, { level: GZIP_LEVEL }) : bytes)
      glue = ''
      return position
    },

    async close(): Promise<void> {
      file.close()
    },
  }
}

function linesOf(batch: readonly SinkRecord[]): string {
  let text = ''
  for (const { json } of batch) text += `${json}\n`
  return text
}

function itemLinesOf(batch: readonly SinkRecord[], provenance: boolean): string {
  let text = ''
  for (const { record, items = [] } of batch) {
    for (const { json } of items) text += `${provenance ? withProvenance(json, record) : json}\n`
  }
  return text
}

function startsGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && (bytes.length < 2 || bytes[1] === 0x8b)
}

function refuseOtherThanGzip(file: AppendFile): void {
  const head = file.head(2)
  if (head.length === 0 || startsGzip(head)) return
  file.close()
  throw new SluiceError('OPTION_INVALID', `${file.path} exists and is not gzip`, {
    hint: 'choose another name for --out',
  })
}
