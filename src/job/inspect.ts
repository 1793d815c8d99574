/**
 * One URL looked at closely: fetched by a job of its own that leaves nothing behind, with robots.txt and limits as always,
 * and through an extractor if one is given. Nothing is stored.
 */
import type { Consumer } from '../engine/context.ts'
import { systemClock } from '../engine/clock.ts'
import type { Extraction, ExtractorPool } from '../extract/extraction.ts'
import { parseContentType } from '../http/content-type.ts'
import type { PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'
import { jobOf } from './create-job.ts'
import { openPool } from './open-pool.ts'
import type { ResolvedOptions } from './options.ts'

export interface Inspection {
  readonly record: PageRecord
  /** Absent where no answer came. */
  readonly answer?: {
    readonly status: number
    readonly statusText: string
    /** Names and values in the order of the wire, flat. */
    readonly rawHeaders: readonly string[]
    readonly timing: Response['timing']
    readonly size: number
  }
  /** What the extractor made of it; absent without one, or without a page for it. */
  readonly extraction?: Extraction
}

/** @param options `seeds` holds the URL. Throws `SluiceError` for bad options and modules that cannot be loaded. */
export async function inspectUrl(options: ResolvedOptions, cwd: string): Promise<Inspection> {
  const clock = systemClock()
  const pool = await openPool(options, cwd, clock)
  let inspection: Inspection | undefined
  const consumer: Consumer = {
    async offer(pages) {
      for (const { record, response } of pages) {
        const extraction = response === undefined ? undefined : await extractionOf(pool, record, response)
        inspection = {
          record,
          ...(response === undefined ? {} : { answer: answerOf(response) }),
          ...(extraction === undefined ? {} : { extraction }),
        }
      }
      return pages.length
    },
  }
  const job = jobOf('fetch', without(options, 'extract'), cwd, { durable: false, consumer })
  try {
    await job.run()
  } finally {
    await job.close()
    await pool?.close()
  }
  return inspection as Inspection
}

function without(options: ResolvedOptions, name: string): ResolvedOptions {
  return {
    ...options,
    get: (wanted) => (wanted === name ? undefined : options.get(wanted)),
    given: (wanted) => wanted !== name && options.given(wanted),
  }
}

function answerOf({ status, statusText, rawHeaders, timing, size }: Response): NonNullable<Inspection['answer']> {
  return { status, statusText, rawHeaders, timing, size }
}

function extractionOf(
  pool: ExtractorPool | undefined,
  record: PageRecord,
  response: Response,
): Promise<Extraction> | undefined {
  const { url, final = url, outcome } = record
  if (pool === undefined || outcome !== 'ok' || !pool.wants(final, response.contentType, undefined)) return undefined
  return new Promise((resolve) => {
    pool.run(
      {
        id: url,
        url: final,
        final,
        status: response.status,
        rawHeaders: response.rawHeaders,
        contentType: response.contentType,
        charset: parseContentType(response.header('content-type')).charset,
        body: response.body,
        file: response.file,
        depth: 0,
        label: undefined,
        input: record.input,
      },
      resolve,
    )
  })
}
