/** One SQL statement to a job within a limit of time and rows: it may never end. */
import { askShortly } from './short-process.ts'

export interface ShortQuery {
  readonly folder: string
  readonly sql: string
  /** Most rows of the answer. */
  readonly rows: number
  readonly limitMs: number
}

export interface ShortAnswer {
  /** All different: the second `id` is `id_2`. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  /** There are more rows than were asked for. */
  readonly more: boolean
}

/** @throws SluiceError OPTION_INVALID: the statement cannot run, writes, or takes too long. */
export function queryShortly(query: ShortQuery): Promise<ShortAnswer> {
  const hint = 'ask for less, or use `sluice query`, which has no limit'
  return askShortly({ file: 'query-child', limitMs: query.limitMs, hint }, query)
}
