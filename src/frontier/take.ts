/**
 * Hand-out at most once: what is taken was claimed and settled in one durable step before anybody is told, so it is
 * never given to a second taker, whatever dies in between. The other way round is `claim` and `settle`: at least once.
 * Works over any frontier; it numbers what it settles, so no engine may run on the same frontier.
 */
import type { Clock } from '../model/clock.ts'
import type { PageRecord } from '../model/record.ts'
import type { InputRef, RequestMeta } from '../model/request.ts'
import type { Claim, Frontier, Settlement } from './frontier.ts'

/** One request that now belongs to the taker alone. */
export interface Taken {
  readonly url: string
  readonly key: string
  readonly meta?: RequestMeta
  readonly input?: InputRef
  /** Number of its settlement: strictly increasing over the life of the frontier, without doubles. */
  readonly seq: number
}

export interface TakeOptions {
  readonly clock: Clock
  /** Number of this run in the records. Default 1. */
  readonly run?: number
  /** For the claims. Default `take`. */
  readonly worker?: string
}

/**
 * At most `max` (default 1) of what may start now, in the order of the frontier: key by key, first in first out. Fewer,
 * or none, where nothing is ready: `frontier.claim` says when. Calls may overlap.
 */
export type Take = (max?: number) => Promise<readonly Taken[]>

/** Nothing happens between claim and settle that could take longer. */
const LEASE_MS = 60_000

export async function openTake(frontier: Frontier, options: TakeOptions): Promise<Take> {
  const { clock, run = 1, worker = 'take' } = options
  let { seq } = await frontier.stats()
  // One at a time: numbers are given in the order of the commits.
  let last: Promise<unknown> = Promise.resolve()

  async function takeNow(max: number): Promise<readonly Taken[]> {
    const taken: Taken[] = []
    while (taken.length < max) {
      const want = { max: max - taken.length, verdicts: 0, leaseMs: LEASE_MS, worker }
      const { claims } = await frontier.claim(want)
      if (claims.length === 0) break
      // Nothing is fetched: no clock of a key runs.
      await frontier.end(claims.map(({ id }) => ({ id, paceMs: 0, endedAgoMs: 0, started: false })))
      const t = new Date(clock.wall()).toISOString()
      const outcomes = claims.map((claim) => settlementOf(claim, { t, run, seq: ++seq }))
      // Resolved = durable: only now may anybody be told.
      const { stale } = await frontier.settle({ outcomes })
      const lost = new Set(stale)
      for (const [i, claim] of claims.entries()) {
        if (!lost.has(claim.id)) taken.push(takenOf(claim, (outcomes[i] as Done).record.seq))
      }
    }
    return taken
  }

  return (max = 1) => {
    const next = last.then(() => takeNow(max))
    last = next.catch(() => undefined)
    return next
  }
}

type Done = Extract<Settlement, { do: 'done' }>

function settlementOf({ id, url, depth, attempt }: Claim, number: Pick<PageRecord, 't' | 'run' | 'seq'>): Done {
  return { id, do: 'done', outcome: 'ok', record: { url, outcome: 'ok', depth, attempt, ...number } }
}

function takenOf({ url, key, meta, input }: Claim, seq: number): Taken {
  return { url, key, ...(meta === undefined ? {} : { meta }), ...(input === undefined ? {} : { input }), seq }
}
