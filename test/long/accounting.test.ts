/** The long form of the accounting test: 10,000 lines of which 30 % fail in every way that the fake web knows. */
import { test } from 'node:test'
import { checkAccounting } from '../integration/accounting-lines.ts'

test('ten thousand lines of which three thousand fail end in ten thousand records, each with the outcome of its kind', () =>
  checkAccounting({ good: 5_800, gone: 300, bad: 2_940, silent: 60, invalid: 400, again: 500 }))
