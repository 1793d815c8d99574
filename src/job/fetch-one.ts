/**
 * One URL through a job of its own that leaves nothing behind: robots.txt, pace, limits and the contact rule as always.
 * What is done with the answer is the caller's.
 */
import type { Consumer } from '../engine/context.ts'
import type { PageRecord } from '../model/record.ts'
import type { Response } from '../model/response.ts'
import { jobOf } from './create-job.ts'
import { replaceOptions } from './options.ts'
import type { ResolvedOptions } from './options.ts'

/**
 * Resolves with what `take` makes of it.
 *
 * @param options `seeds` holds the URL; `extract` is left to the caller.
 * @param take Is awaited before the answer goes: a large body lies in a file until then. Without an answer there is no
 *   response.
 * @throws {SluiceError} for bad options. Trouble with the URL is in the record.
 */
export async function fetchOne<Taken>(
  options: ResolvedOptions,
  cwd: string,
  take: (record: PageRecord, response: Response | undefined) => Promise<Taken>,
): Promise<Taken> {
  const taken: Taken[] = []
  const consumer: Consumer = {
    async offer(pages) {
      for (const { record, response } of pages) taken.push(await take(record, response))
      return pages.length
    },
  }
  const job = jobOf('fetch', replaceOptions(options, { extract: undefined }), cwd, { durable: false, consumer })
  try {
    await job.run()
  } finally {
    await job.close()
  }
  return taken[0] as Taken
}
