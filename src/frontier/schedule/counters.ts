/** Counts of settlements, the latest one of each URL: kept as they happen, so that nobody ever has to scan for them. */
import { emptyCounts, OUTCOMES } from '../../model/outcome.ts'
import type { OutcomeCounts, OutcomeWord } from '../../model/outcome.ts'

/** One settlement, as far as it is counted. */
export interface Counted {
  readonly outcome: OutcomeWord
  /** '' without one. */
  readonly code: string
  /** 0 without one. */
  readonly status: number
}

/** As stored. */
export interface CounterState {
  readonly known: number
  readonly done: OutcomeCounts
  readonly codes: readonly (readonly [string, number])[]
  readonly statuses: readonly (readonly [number, number])[]
  readonly seq: number
}

export class Counters {
  known = 0
  following = 0
  /** Highest number of a settlement or event. */
  seq = 0
  readonly done = emptyCounts()
  readonly codes = new Map<string, number>()
  readonly statuses = new Map<number, number>()

  settle(counted: Counted): void {
    this.#count(counted, 1)
  }

  /** The settlement no longer stands: the URL is queued again. */
  unsettle(counted: Counted): void {
    this.#count(counted, -1)
  }

  state(): CounterState {
    return { known: this.known, done: this.done, codes: [...this.codes], statuses: [...this.statuses], seq: this.seq }
  }

  restore(state: CounterState): void {
    this.known = state.known
    this.seq = state.seq
    for (const word of OUTCOMES) this.done[word] = state.done[word]
    for (const [code, count] of state.codes) this.codes.set(code, count)
    for (const [status, count] of state.statuses) this.statuses.set(status, count)
  }

  #count({ outcome, code, status }: Counted, by: 1 | -1): void {
    this.done[outcome] += by
    bump(this.codes, `${outcome}/${code}`, by)
    if (status !== 0) bump(this.statuses, status, by)
  }
}

function bump<K>(map: Map<K, number>, key: K, by: number): void {
  const count = (map.get(key) ?? 0) + by
  if (count === 0) map.delete(key)
  else map.set(key, count)
}
