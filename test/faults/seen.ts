/** What a record says about a fault, and whether it is what the table says. */
import type { ErrorCode } from '../../src/model/errors.ts'
import type { OutcomeWord } from '../../src/model/outcome.ts'
import type { PageRecord } from '../../src/model/record.ts'

/** How a case has to end. */
export interface Expected {
  readonly outcome: OutcomeWord
  readonly code?: ErrorCode
  /** All of them; default none. */
  readonly flags?: readonly string[]
  /** Default 1; 0 where nothing is asked for. */
  readonly attempts?: number
  readonly title?: string
  readonly mime?: string
}

/** Why the record is not as expected; undefined where it is. */
export function difference(record: PageRecord, expected: Partial<Expected>): string | undefined {
  const wrong: string[] = []
  const compare = (what: string, is: unknown, should: unknown): void => {
    if (is !== should) wrong.push(`${what} ${String(is)} instead of ${String(should)}`)
  }
  compare('outcome', record.outcome, expected.outcome)
  compare('code', record.code, expected.code)
  compare('flags', (record.flags ?? []).join(' '), (expected.flags ?? []).join(' '))
  compare('attempts', record.attempt, expected.attempts ?? 1)
  if (expected.title !== undefined) compare('title', record.title, expected.title)
  if (expected.mime !== undefined) compare('mime', record.mime, expected.mime)
  return wrong.length === 0 ? undefined : `${record.url}: ${wrong.join(', ')} (${record.message ?? ''})`
}
