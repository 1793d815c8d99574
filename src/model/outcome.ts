/**
 * The six words in which every URL ends. They are the same in the CLI, in JSON, in the dashboard and in the docs, and
 * together they always add up to `done`.
 */
export const OUTCOMES = ['ok', 'unchanged', 'gone', 'denied', 'failed', 'skipped'] as const
export type OutcomeWord = (typeof OUTCOMES)[number]

export type OutcomeCounts = Record<OutcomeWord, number>

export function emptyCounts(): OutcomeCounts {
  return { ok: 0, unchanged: 0, gone: 0, denied: 0, failed: 0, skipped: 0 }
}

export function sumCounts(counts: OutcomeCounts): number {
  return counts.ok + counts.unchanged + counts.gone + counts.denied + counts.failed + counts.skipped
}

/** Outcomes that carry a response; the other two carry an error. */
export function isAnswered(word: OutcomeWord): boolean {
  return word === 'ok' || word === 'unchanged' || word === 'gone' || word === 'denied'
}
