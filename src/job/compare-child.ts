/** The process of `compare-view.ts`: compares two sides, sends the figures and the first differences, and is ended. */
import { diffJobs } from './diff.ts'
import type { UrlChange } from './diff.ts'
import type { ItemChange } from './diff-items.ts'
import type { Comparison, ComparisonInit } from './compare-view.ts'
import { answerOnce } from './short-process.ts'

answerOnce(async ({ before, now, most }: ComparisonInit): Promise<Comparison> => {
  const rows: (UrlChange | ItemChange)[] = []
  const changes = diffJobs({ before, now, by: undefined })
  for (;;) {
    const next = await changes.next()
    if (next.done === true) return { ...next.value, rows }
    if (rows.length < most) rows.push(next.value)
  }
})
