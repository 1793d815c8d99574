/** What came of the URLs in one run, beside what has come of them over the life of the job. */
import type { Reader } from '../frontier/sqlite/read.ts'
import { emptyCounts, sumCounts } from '../model/outcome.ts'
import type { OutcomeCounts } from '../model/outcome.ts'
import type { PageRecord } from '../model/record.ts'

export interface RunFigures {
  readonly done: OutcomeCounts
  readonly doneTotal: number
  /** Items that extractors gave, and those that their schema did not take. */
  readonly items: number
  readonly rejected: number
}

const SLICE = 1_000

export class RunTally {
  readonly #done = emptyCounts()
  #items = 0
  #rejected = 0

  get figures(): RunFigures {
    return { done: { ...this.#done }, doneTotal: sumCounts(this.#done), items: this.#items, rejected: this.#rejected }
  }

  /** What earlier processes of the run have settled. @param fromSeq where the run began */
  learn(reader: Pick<Reader, 'ledger'>, fromSeq: number): void {
    for (let afterSeq = fromSeq; ; ) {
      const rows = reader.ledger({ afterSeq, limit: SLICE })
      for (const { record } of rows) this.note(record)
      const last = rows.at(-1)
      if (last === undefined || rows.length < SLICE) return
      afterSeq = last.record.seq
    }
  }

  note({ outcome, items = 0, rejected = 0 }: PageRecord): void {
    this.#done[outcome]++
    this.#items += items
    this.#rejected += rejected
  }
}
