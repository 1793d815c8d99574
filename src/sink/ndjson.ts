/**
 * Page records or items as JSON lines, plain or compressed (`compressed-file.ts`). An item is its own line as the
 * extractor gave it: where it comes from is in the job, and on the line only where `provenance` asks for it. A file that
 * was there before belongs to the user and is continued at its end, never cut. Knows no engine.
 */
import { resolve } from 'node:path'
import type { Durability } from './append-file.ts'
import { textFile } from './compressed-file.ts'
import type { Compression } from './compression.ts'
import { withProvenance } from './item-fields.ts'
import { areOurItems, areOurLines, glueOf } from './json-lines.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface NdjsonSinkOptions {
  /** Where to write; relative paths are below the working directory. */
  readonly path: string
  /** Default: plain text. */
  readonly compression?: Compression
  /** Default `kill`. */
  readonly durability?: Durability
  /** Add `_url`, `_seq` and `_run` to each item. Default false. */
  readonly provenance?: boolean
}

/** A sink that appends one JSON object and a newline (0x0A) per settlement or item, UTF-8. */
export function ndjsonSink(options: NdjsonSinkOptions): Sink {
  const path = resolve(options.path)
  const file = textFile({ path, durability: options.durability ?? 'kill', followLink: true }, options.compression)
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
      file.open(position, areOurs)
      glue = glueOf(file)
    },

    position: () => file.position(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      const lines = hasItems ? itemLinesOf(batch, provenance) : recordLinesOf(batch)
      if (lines === '') return file.position()
      const position = await file.append(Buffer.from(glue + lines))
      glue = ''
      return position
    },

    async close(): Promise<void> {
      await file.close()
    },
  }
}

function recordLinesOf(batch: readonly SinkRecord[]): string {
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
