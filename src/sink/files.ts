/**
 * A folder of pages: each body once, named by what is in it, and `pages.ndjson` with the records, whose `file` is the
 * path of the body below the folder. No name comes from outside, so no URL can reach out of the folder or over a file
 * that is not a body. Knows no engine.
 *
 *     files/ab/ab54d286474bc8a1….html   sha-256 of the decoded body, first 32 of 64 hex digits (128 bits)
 *     files/.incoming/                  bodies being written; emptied at open
 *     pages.ndjson
 *
 * An empty body is no file: `bytes` says 0 and `file` is absent.
 */
import { join, resolve } from 'node:path'
import { AppendFile, type Durability } from './append-file.ts'
import { BodyStore } from './body-store.ts'
import { areOurLines, glueOf } from './json-lines.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface FilesSinkOptions {
  /** The folder; made where it is missing. */
  readonly folder: string
  /** Default `kill`. */
  readonly durability?: Durability
}

/** A sink that stores bodies by content hash below `folder` and their records in `folder/pages.ndjson`. */
export function filesSink(options: FilesSinkOptions): Sink {
  const folder = resolve(options.folder)
  const durability = options.durability ?? 'kill'
  const pages = new AppendFile({ path: join(folder, 'pages.ndjson'), durability, followLink: false })
  const bodies = new BodyStore(folder, durability)
  let glue = ''

  return {
    name: `dir:${folder}`,
    wantsBodies: true,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      pages.open(position, (surplus) => areOurLines(surplus, job.committedSeq))
      glue = glueOf(pages)
      try {
        bodies.open()
      } catch (error) {
        pages.close()
        throw error
      }
    },

    position: () => pages.position(),

    async write(batch: readonly SinkRecord[]): Promise<Uint8Array | undefined> {
      if (batch.length === 0) return pages.position()
      let text = glue
      for (const stored of batch) text += `${await lineOf(stored, bodies)}\n`
      await bodies.settle()
      const position = await pages.append(Buffer.from(text))
      glue = ''
      return position
    },

    async close(): Promise<void> {
      pages.close()
    },
  }
}

/** The record's JSON with `file` as its last field. */
async function lineOf({ record, json, body, bodyFile }: SinkRecord, bodies: BodyStore): Promise<string> {
  if (bodyFile === undefined && body.length === 0) return json
  const path = bodyFile === undefined ? bodies.put(body, record.mime) : await bodies.putFile(bodyFile, record.mime)
  return `${json.slice(0, -1)},"file":${JSON.stringify(path)}}`
}
