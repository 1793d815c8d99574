/** Live claims: who holds which row until when. Tokens rise over restarts: epoch in the high part, a counter below. */
import type { Priority } from '../../model/request.ts'
import { VERDICT } from './rows.ts'
import type { RowKind, RowState } from './rows.ts'

/** Claims an epoch (one opening of the store) may hand out; leaves 2^21 openings below 2^53. */
const PER_EPOCH = 2 ** 32

export interface LiveClaim {
  readonly id: string
  readonly row: number
  readonly kind: RowKind
  readonly lane: number
  readonly priority: Priority
  /** Attempts that had ended before this one. */
  readonly attempt: number
  readonly crashes: number
  readonly waitedMs: number
  /** It runs alone. */
  readonly alone: boolean
  /** It took slots when it was claimed: verdicts take none. */
  readonly holds: boolean
  /** It holds slots now. */
  holding: boolean
  until: number
}

export class Claims {
  readonly #live = new Map<string, LiveClaim>()
  readonly #rows = new Map<number, LiveClaim>()
  readonly #epoch: number
  #counter = 0
  /** Live claims of rows that count as known. */
  counted = 0
  /** No claim expires before this time. */
  #nextExpiry = Number.POSITIVE_INFINITY

  constructor(epoch: number) {
    this.#epoch = epoch
  }

  get size(): number {
    return this.#live.size
  }

  get nextExpiry(): number {
    return this.#nextExpiry
  }

  add(
    row: number,
    kind: RowKind,
    lane: number,
    priority: Priority,
    state: RowState | undefined,
    now: number,
    leaseMs: number,
    waitedMs: number,
    holds: boolean,
    alone: boolean,
  ): LiveClaim {
    const id = String(this.#epoch * PER_EPOCH + ++this.#counter)
    const until = now + leaseMs
    const claim: LiveClaim = {
      id,
      row,
      kind,
      lane,
      priority,
      attempt: state?.attempt ?? 0,
      crashes: state?.crashes ?? 0,
      waitedMs,
      alone,
      holds,
      holding: holds,
      until,
    }
    this.#live.set(id, claim)
    this.#rows.set(row, claim)
    if (kind <= VERDICT) this.counted++
    if (until < this.#nextExpiry) this.#nextExpiry = until
    return claim
  }

  get(id: string): LiveClaim | undefined {
    return this.#live.get(id)
  }

  ofRow(row: number): LiveClaim | undefined {
    return this.#rows.get(row)
  }

  remove(claim: LiveClaim): void {
    this.#live.delete(claim.id)
    this.#rows.delete(claim.row)
    if (claim.kind <= VERDICT) this.counted--
    if (this.#live.size === 0) this.#nextExpiry = Number.POSITIVE_INFINITY
  }

  /** Claims whose lease has run out, oldest first. */
  expired(now: number): LiveClaim[] {
    if (now < this.#nextExpiry) return []
    const over: LiveClaim[] = []
    let next = Number.POSITIVE_INFINITY
    for (const claim of this.#live.values()) {
      if (claim.until <= now) over.push(claim)
      else if (claim.until < next) next = claim.until
    }
    this.#nextExpiry = next
    return over
  }

  values(): IterableIterator<LiveClaim> {
    return this.#live.values()
  }
}
