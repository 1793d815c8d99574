/** JSONPath (RFC 9535) over parsed JSON, by json-p3, which is loaded with the first query. */
import { SluiceError } from '../model/errors.ts'
import { optionalPackage } from './optional-package.ts'

type JsonP3 = typeof import('json-p3')
type Query = InstanceType<JsonP3['JSONPathQuery']>

/** Compiled queries kept; emptied when full, for a program may make them up. */
const QUERY_ENTRIES = 256
const queries = new Map<string, Query>()

/**
 * @returns the values in the order of the document.
 * @throws {SluiceError} OPTION_INVALID for what is no query, with the place.
 */
export function jsonPath(path: string, value: unknown): unknown[] {
  let query = queries.get(path)
  if (query === undefined) {
    const { compile } = optionalPackage<JsonP3>('json-p3', 'page.jsonPath()')
    try {
      query = compile(path)
    } catch (cause) {
      const message = `${JSON.stringify(path)} is not a JSONPath query: ${(cause as Error).message}`
      throw new SluiceError('OPTION_INVALID', message, {
        hint: 'for example $.items[?@.price < 10].name (RFC 9535)',
        cause,
      })
    }
    if (queries.size >= QUERY_ENTRIES) queries.clear()
    queries.set(path, query)
  }
  return query.query(value as Parameters<Query['query']>[0]).values()
}
