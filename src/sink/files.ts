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
 *
 * With a template the bodies are named by it (`file-name.ts`), next to `pages.ndjson`. A name that other content has
 * gets the digest in front of its ending; what was stored is never overwritten.
 */
import { join, resolve } from 'node:path'
import { AppendFile, type Durability } from './append-file.ts'
import { BodyStore } from './body-store.ts'
import { columnsOfTemplate, type FileTemplate, fileNameOf, parseFileTemplate } from './file-name.ts'
import { areOurLines, glueOf } from './json-lines.ts'
import { extensionOf } from './mime-extension.ts'
import type { JobInfo, Sink, SinkRecord } from './sink.ts'

export interface FilesSinkOptions {
  /** The folder; made where it is missing. */
  readonly folder: string
  /** Default `kill`. */
  readonly durability?: Durability
  /** Names of the bodies below `folder`, such as `{host}/{path}{ext}`. Default: by content, below `files/`. */
  readonly template?: string
}

const PAGES = 'pages.ndjson'

/**
 * A sink that stores bodies by content hash or template below `folder` and their records in `folder/pages.ndjson`.
 * @throws SluiceError `OPTION_INVALID` where the template cannot be read
 */
export function filesSink(options: FilesSinkOptions): Sink {
  const folder = resolve(options.folder)
  const durability = options.durability ?? 'kill'
  const pages = new AppendFile({ path: join(folder, PAGES), durability, followLink: false })
  const template = options.template === undefined ? undefined : parseFileTemplate(options.template)
  const bodies = new BodyStore(folder, durability, template === undefined ? undefined : '')
  let glue = ''

  return {
    name: `dir:${folder}`,
    wantsBodies: true,

    async open(job: JobInfo, position: Uint8Array | undefined): Promise<void> {
      if (template !== undefined) warnOfColumns(template, job)
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
      for (const stored of batch) text += `${await lineOf(stored, bodies, template)}\n`
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
async function lineOf(stored: SinkRecord, bodies: BodyStore, template: FileTemplate | undefined): Promise<string> {
  const { record, json, body, bodyFile } = stored
  // An archive beside this sink gets every answer.
  if (record.outcome !== 'ok' || (bodyFile === undefined && body.length === 0)) return json
  let path: string
  if (template !== undefined) {
    path = await bodies.putNamed(bodyFile ?? body, (digest) => nameOf(template, stored, digest), [PAGES])
  } else {
    path = bodyFile === undefined ? bodies.put(body, record.mime) : await bodies.putFile(bodyFile, record.mime)
  }
  return `${json.slice(0, -1)},"file":${JSON.stringify(path)}}`
}

function nameOf(template: FileTemplate, { record }: SinkRecord, digest: string): string {
  const { url, mime, seq, input = {} } = record
  return fileNameOf(template, { url, digest, extension: extensionOf(mime), n: seq, input })
}

/** A column may still turn up (NDJSON inputs): no reason to stop. */
function warnOfColumns(template: FileTemplate, job: JobInfo): void {
  const missing = columnsOfTemplate(template).filter((name) => name !== 'line' && !job.columns.includes(name))
  if (missing.length > 0) job.warn?.(`--out ${template.text}: the input has no column ${missing.join(', ')} so far`)
}
