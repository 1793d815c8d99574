/**
 * A list that is settled: one outcome for each input, in input order, never a rejection for what one input does. With a
 * function it is a batch; of URLs alone it is their pages, fetched politely.
 */
import { settleCalls } from './batch.ts'
import type { BatchFunction, BatchOptions, BatchOutcome, Inputs } from './batch.ts'
import { mapUrls } from './map-urls.ts'
import type { FetchOptions, UrlOutcome } from './map-urls.ts'

/** Fetches the URLs; `value` of an `ok` page is its text, decoded. Options and errors are those of `mapUrls`. */
export function settleAll(
  urls: Iterable<string> | AsyncIterable<string>,
  options?: FetchOptions,
): Promise<UrlOutcome<string>[]>
/** Calls the function for each input. Options and errors are those of `batch`. */
export function settleAll<Input, Value>(
  inputs: Inputs<Input>,
  fn: BatchFunction<Input, Value>,
  options?: BatchOptions,
): Promise<BatchOutcome<Input, Value>[]>
export function settleAll<Input, Value>(
  inputs: Inputs<Input>,
  given: BatchFunction<Input, Value> | FetchOptions = {},
  options: BatchOptions = {},
): Promise<BatchOutcome<Input, Value>[] | UrlOutcome<string>[]> {
  if (typeof given === 'function') return settleCalls(inputs, given, options)
  return mapUrls(inputs as Iterable<string> | AsyncIterable<string>, (page) => page.response.text(), given)
}
