/**
 * The ledger of arrivals: what the web saw, noted before it answers. Politeness, losses and duplicates are judged by
 * it, never by what a client says of itself.
 *
 * The end of a response is the moment *before* its last bytes are handed to the kernel, so a client cannot have seen
 * the end sooner, and a client that waits long enough by its own clock is never accused. Only where the client gave up
 * first is the end the moment we noticed, which can lag behind by the load of this process (`complete` false,
 * `afterAbort`).
 */
import type { Arrival, ArrivalLog } from './arrival-log.ts'

export interface Violation {
  readonly host: string
  readonly path: string
  readonly arrivedAt: number
  /** From the latest end of the host's earlier responses to this arrival; negative: one was still being sent. */
  readonly gapMs: number
  /** The response before it was cut off by the client. */
  readonly afterAbort: boolean
}

/** The ledger of one host or of all. Live: every call counts anew. */
export interface Ledger {
  /** Requests that arrived. */
  readonly count: number
  /** In order of arrival. */
  arrivals(): Generator<Arrival, void, undefined>
  /** Path and query (of all hosts: host + path) → how often it was asked for. */
  paths(): Map<string, number>
  /** Host → requests. */
  hosts(): Map<string, number>
  /** Status → responses that ended; 0: none was sent. */
  statuses(): Map<number, number>
  /** Smallest pause between the end of a response and the next arrival at the same host; Infinity without two. */
  minGapMs(): number
  /** Arrivals sooner than `delayMs` after the end of an earlier response of the same host. */
  violations(delayMs: number): Violation[]
  /** Most requests being answered at one time, over all hosts of the view. */
  maxConcurrent(): number
  /** Most requests being answered at one time at any single host. */
  maxConcurrentPerHost(): number
  /** Different connections that brought a request. */
  connections(): number
  /** No polite run is faster: the largest, over the hosts, of the sum over its requests of (delay + answer time). */
  boundMs(delayMs: number | ((host: string) => number)): number
}

/** A view of the log: of one host, or of all. */
export function ledgerOf(log: ArrivalLog, host?: string): Ledger {
  // Asked anew each time: the host may not have come yet. -1 fits nothing.
  const only = (): number | undefined => (host === undefined ? undefined : log.hostNumber(host))

  function* arrivals(): Generator<Arrival, void, undefined> {
    const rows: number[] = []
    log.times(only(), (row) => rows.push(row))
    for (const row of rows) yield log.arrival(row)
  }

  /** Each arrival after the first of its host, with the time since the latest end before it. */
  function gaps(visit: (gapMs: number, row: number, afterAbort: boolean) => void): void {
    const lastEnd = new Float64Array(log.hostCount).fill(Number.NaN)
    const aborted = new Uint8Array(log.hostCount)
    log.times(only(), (row, of, arrived, ended, complete) => {
      const last = lastEnd[of] as number
      if (!Number.isNaN(last)) visit(arrived - last, row, aborted[of] === 1)
      if (last >= ended) return
      lastEnd[of] = ended
      aborted[of] = complete || ended === Number.POSITIVE_INFINITY ? 0 : 1
    })
  }

  /** Times by host, or all under one key. */
  function spans(together: boolean): Map<number, Spans> {
    const found = new Map<number, Spans>()
    log.times(only(), (_, of, arrived, ended) => {
      const key = together ? 0 : of
      let times = found.get(key)
      if (times === undefined) {
        times = { arrived: [], ended: [] }
        found.set(key, times)
      }
      times.arrived.push(arrived)
      times.ended.push(ended)
    })
    return found
  }

  return {
    get count() {
      return log.count(only())
    },
    arrivals,
    paths() {
      const paths = new Map<string, number>()
      for (const arrival of arrivals()) {
        const key = host === undefined ? arrival.host + arrival.path : arrival.path
        paths.set(key, (paths.get(key) ?? 0) + 1)
      }
      return paths
    },
    hosts() {
      const hosts = new Map<string, number>()
      const wanted = only()
      for (let of = 0; of < log.hostCount; of++) {
        const count = log.count(of)
        if (count > 0 && (wanted === undefined || wanted === of)) hosts.set(log.hostName(of), count)
      }
      return hosts
    },
    statuses() {
      const statuses = new Map<number, number>()
      for (const { status, endedAt } of arrivals()) {
        if (endedAt !== null) statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
      return statuses
    },
    minGapMs() {
      let least = Number.POSITIVE_INFINITY
      gaps((gapMs) => {
        if (gapMs < least) least = gapMs
      })
      return least
    },
    violations(delayMs) {
      const found: Violation[] = []
      gaps((gapMs, row, afterAbort) => {
        if (gapMs >= delayMs) return
        const arrival = log.arrival(row)
        found.push({ host: arrival.host, path: arrival.path, arrivedAt: arrival.arrivedAt, gapMs, afterAbort })
      })
      return found
    },
    maxConcurrent() {
      const times = spans(true).get(0)
      return times === undefined ? 0 : overlap(times)
    },
    maxConcurrentPerHost() {
      let most = 0
      for (const times of spans(false).values()) most = Math.max(most, overlap(times))
      return most
    },
    connections() {
      const seen = new Set<number>()
      for (const { connection } of arrivals()) seen.add(connection)
      return seen.size
    },
    boundMs(delayMs) {
      const sums = new Float64Array(log.hostCount)
      const delays = Array.from(sums, (_, of) => (typeof delayMs === 'number' ? delayMs : delayMs(log.hostName(of))))
      log.times(only(), (_, of, arrived, ended) => {
        const answer = ended === Number.POSITIVE_INFINITY ? 0 : ended - arrived
        sums[of] = (sums[of] as number) + (delays[of] as number) + answer
      })
      return sums.reduce((most, sum) => Math.max(most, sum), 0)
    },
  }
}

interface Spans {
  readonly arrived: number[]
  readonly ended: number[]
}

/** Most spans open at one time; a response that ends just as another request arrives does not overlap it. */
function overlap(spans: Spans): number {
  const arrived = Float64Array.from(spans.arrived).sort()
  const ended = Float64Array.from(spans.ended).sort()
  let done = 0
  let most = 0
  for (let index = 0; index < arrived.length; index++) {
    while (done < ended.length && (ended[done] as number) <= (arrived[index] as number)) done++
    most = Math.max(most, index + 1 - done)
  }
  return most
}
