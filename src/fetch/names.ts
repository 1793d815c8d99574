/**
 * Host names to addresses: a resolver behind a bounded cache, equal questions asked once. It knows nothing of which
 * addresses may be used.
 *
 * `dns.lookup` runs on libuv's thread pool (4 threads unless UV_THREADPOOL_SIZE says more, half of them at most for
 * lookups): names that take long hold the others up there. Jobs over very many hosts should raise it before start.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'

/** @param ttlMs how long the answer may be used, where its source says so. */
export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  addresses: readonly LookupAddress[],
  ttlMs?: number,
) => void

/** Where names are looked up. */
export interface Lookup {
  /** All addresses of a host, best first. */
  (hostname: string, callback: LookupCallback): void
  /** Questions it takes at a time; more wait here. Default 64. */
  readonly atOnce?: number
  /** Gives up what is still asked. */
  close?(): void
}

/** How long an answer is used that brings no time of its own (the system tells none), and a failure. */
const POSITIVE_MS = 60_000
const NEGATIVE_MS = 5_000
/** Bounds of the time that an answer brings: a load balancer's zero would have us ask for every connection. */
const SHORTEST_MS = 1_000
const LONGEST_MS = 3_600_000
const CACHED_NAMES = 10_000
/** At the system's resolver more would only queue in the thread pool, in front of file work. */
const ASKED_AT_ONCE = 64

interface Known {
  readonly error: NodeJS.ErrnoException | null
  readonly addresses: readonly LookupAddress[]
  readonly until: number
}

export class Names {
  readonly #now: () => number
  readonly #lookup: Lookup
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, LookupCallback[]>()
  readonly #queue: string[] = []
  #asked = 0

  constructor(now: () => number, lookup: Lookup = allAddresses) {
    this.#now = now
    this.#lookup = lookup
  }

  /** Calls back at once where the answer is known, else later. */
  resolve(hostname: string, callback: LookupCallback): void {
    const known = this.#known.get(hostname)
    if (known !== undefined && known.until > this.#now()) {
      callback(known.error, known.addresses)
      return
    }
    const waiting = this.#asking.get(hostname)
    if (waiting !== undefined) {
      waiting.push(callback)
      return
    }
    this.#asking.set(hostname, [callback])
    this.#queue.push(hostname)
    this.#ask()
  }

  #ask(): void {
    while (this.#asked < (this.#lookup.atOnce ?? ASKED_AT_ONCE)) {
      const hostname = this.#queue.shift()
      if (hostname === undefined) return
      this.#asked++
      this.#lookup(hostname, (error, addresses, ttlMs) => {
        this.#asked--
        this.#keep(hostname, error, addresses, ttlMs)
        const waiting = this.#asking.get(hostname) ?? []
        this.#asking.delete(hostname)
        for (const callback of waiting) callback(error, addresses)
        this.#ask()
      })
    }
  }

  close(): void {
    this.#queue.length = 0
    this.#lookup.close?.()
  }

  #keep(
    hostname: string,
    error: NodeJS.ErrnoException | null,
    addresses: readonly LookupAddress[],
    ttlMs = POSITIVE_MS,
  ): void {
    this.#known.delete(hostname)
    if (this.#known.size >= CACHED_NAMES) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest)
        break
      }
    }
    const keptMs = error === null ? Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ttlMs)) : NEGATIVE_MS
    this.#known.set(hostname, { error, addresses, until: this.#now() + keptMs })
  }
}

function allAddresses(hostname: string, callback: LookupCallback): void {
  systemLookup(hostname, { all: true, order: 'verbatim' }, (error, addresses) => callback(error, addresses ?? []))
}
