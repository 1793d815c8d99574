/**
 * One URL looked at closely: fetched by a job of its own that leaves nothing behind, with robots.txt and limits as always,
 * and through an extractor if one is given. Nothing is stored.
 */
import { systemClock } from '../engine/clock.ts'
import type { Extraction, ExtractorPool } from '../extract/extraction.ts'
import { withoutCookies } from '../http/headers.ts'
import type { PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'
import { fetchOne } from './fetch-one.ts'
import { openPool } from './open-pool.ts'
import type { ResolvedOptions } from './options.ts'
import { pageInput, runPage } from './page-input.ts'

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
  const pool = await openPool(options, cwd, systemClock())
  const inSession = options.given('session') || options.given('cookies')
  try {
    return await fetchOne(options, cwd, async (record, response) => {
      const extraction = response === undefined ? undefined : await extractionOf(pool, record, response)
      return {
        record,
        ...(response === undefined ? {} : { answer: answerOf(response, inSession) }),
        ...(extraction === undefined ? {} : { extraction }),
      }
    })
  } finally {
    await pool?.close()
  }
}

function answerOf(response: Response, inSession: boolean): NonNullable<Inspection['answer']> {
  const { status, statusText, timing, size } = response
  const rawHeaders = inSession ? withoutCookies(response.rawHeaders) : response.rawHeaders
  return { status, statusText, rawHeaders, timing, size }
}

async function extractionOf(
  pool: ExtractorPool | undefined,
  record: PageRecord,
  response: Response,
): Promise<Extraction | undefined> {
  const { url, final = url, outcome } = record
  if (pool === undefined || outcome !== 'ok' || !pool.wants(final, response.contentType, undefined)) return undefined
  const { status, rawHeaders, body, file } = response
  return runPage(pool, pageInput({ url, final, status, rawHeaders, body, bodyFile: file, input: record.input }))
}
