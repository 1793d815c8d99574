/**
 * Fetches URLs politely and calls a function for each page that answered `ok`. One outcome for each URL, in input order.
 * It adds nothing to how pages are fetched: that is `fetchAll`, with its options and defaults.
 */
import { SluiceError } from '../model/errors.ts'
import { handlerThrew } from './batch.ts'
import { fetchAll } from './fetch-all.ts'
import type { AnsweredPage, Page } from './fetch-all.ts'
import { cancelled, createLimiter } from './limiter.ts'

/**
 * Options of `fetchAll` but for `job`: what the function made of a page lives in this process alone, so a job that
 * continues could give no value for what it had fetched before.
 */
export type FetchOptions = Omit<NonNullable<Parameters<typeof fetchAll>[1]>, 'job'>

/** The page's outcome with its input and, when `ok`, what the function made of it. */
export type UrlOutcome<Value> =
  | { readonly outcome: 'ok'; readonly input: string; readonly value: Value; readonly page: AnsweredPage }
  | { readonly outcome: 'unchanged' | 'gone' | 'denied'; readonly input: string; readonly page: AnsweredPage }
  | {
      readonly outcome: 'failed' | 'skipped'
      readonly input: string
      readonly error: SluiceError | { readonly code: SluiceError['code']; readonly message: string }
      /** Absent where the run was ended before its turn. */
      readonly page?: Page
    }

/**
 * At most `concurrency` calls of the function at once (default 10) besides what is fetched. Options are those of
 * `fetchAll`, with its errors; `job` is `OPTION_INVALID`.
 */
export async function mapUrls<Value>(
  urls: Iterable<string> | AsyncIterable<string>,
  fn: (page: AnsweredPage, input: string) => Value | PromiseLike<Value>,
  options: FetchOptions = {},
): Promise<UrlOutcome<Value>[]> {
  if ((options as { readonly job?: unknown }).job !== undefined) {
    throw new SluiceError('OPTION_INVALID', 'job: values of an earlier process cannot be given again', {
      hint: 'use fetchAll, or createJob and its items, to continue a job',
    })
  }
  const inputs: string[] = []
  const outcomes: UrlOutcome<Value>[] = []
  const limiter = createLimiter({ concurrency: options.concurrency ?? 10 })
  const calls = new Set<Promise<void>>()
  for await (const page of fetchAll(noted(urls, inputs), options)) {
    const index = Number(page.input?.['line']) - 1
    const input = inputs[index] as string
    if (page.outcome === 'failed' || page.outcome === 'skipped') {
      outcomes[index] = { outcome: page.outcome, input, error: page.error, page }
      continue
    }
    if (page.outcome !== 'ok') {
      outcomes[index] = { outcome: page.outcome, input, page: page as AnsweredPage }
      continue
    }
    const release = await limiter.acquire()
    const call = (async () => fn(page, input))()
      .then(
        (value) => {
          outcomes[index] = { outcome: 'ok', input, value, page }
        },
        (cause: unknown) => {
          outcomes[index] = { outcome: 'failed', input, error: handlerThrew(cause), page }
        },
      )
      .finally(() => {
        release()
        calls.delete(call)
      })
    calls.add(call)
    // The file of a large body goes when the page is settled, which pulling the next one does.
    if (page.response.file !== undefined) await call
  }
  await Promise.all(calls)
  const all = Array.isArray(urls) ? (urls as string[]) : inputs
  for (const [index, input] of all.entries()) {
    outcomes[index] ??= { outcome: 'skipped', input, error: cancelled('ended before its turn') }
  }
  return outcomes
}

async function* noted(urls: Iterable<string> | AsyncIterable<string>, inputs: string[]): AsyncGenerator<string> {
  for await (const url of urls) {
    inputs.push(url)
    yield url
  }
}
