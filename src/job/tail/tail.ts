/**
 * `tail` for programs: the records of a stream or of a file that grows, as an async iterable. With `job` everything is
 * kept in a folder and the same call goes on behind the last record; without it nothing is.
 */
import { SluiceError } from '../../model/errors.ts'
import type { PageRecord } from '../../model/record.ts'
import type { Job } from '../job.ts'
import type { JobOptions } from '../options.ts'
import { resolveOptions } from '../options.ts'
import { TailJob } from './tail-job.ts'
import { planTail } from './tail-plan.ts'

export type TailOptions = Omit<JobOptions, 'seeds' | 'lists'>

/**
 * Each record once it is stored, in order. A slow reader slows the source; one that leaves stops it. A record that was
 * stored and not read before a death is in the outputs and does not come again: at most once for the reader, exactly
 * once for `out`.
 *
 * @param subject path of a file, or URL of http, https, ws or wss
 * @throws SluiceError for bad options at once; while it runs where we failed (disk full), or where the source ended
 * other than `ok` (`denied`, `failed`, `skipped`): with its code, `HTTP_STATUS` for a status
 */
export function tail<Item = unknown>(
  subject: string | URL,
  options: TailOptions = {},
): AsyncGenerator<Item, void, undefined> {
  const seeds = [String(subject)]
  const resolved = resolveOptions([{ origin: 'options', values: { ...options, seeds } }])
  return recordsOf<Item>(new TailJob(planTail(resolved, process.cwd(), false)))
}

async function* recordsOf<Item>(job: Job): AsyncGenerator<Item, void, undefined> {
  let end: PageRecord | undefined
  job.on('request.settled', (record) => {
    end = record
  })
  try {
    yield* job.items<Item>()
  } finally {
    await job.close()
  }
  if (end === undefined || end.outcome === 'ok' || end.outcome === 'gone') return
  const { outcome, code = 'HTTP_STATUS', message, status } = end
  throw new SluiceError(code, `the stream ended ${outcome}: ${message ?? `status ${status}`}`, { url: end.url })
}
