/**
 * Host names to addresses: the system's resolver behind a bounded cache, equal questions asked once. It knows nothing of
 * which addresses may be used.
 *
 * `dns.lookup` runs on libuv's thread pool (4 threads unless UV_THREADPOOL_SIZE says more, half of them at most for
 * lookups): names that take long hold the others up there. Jobs over very many hosts should raise it before start.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'

export type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void
/** All addresses of a host, best first. */
export type Lookup = (hostname: string, callback: LookupCallback) => void

/** How long an answer is used, and a failure. The system tells no TTL. */
const POSITIVE_MS = 60_000
const NEGATIVE_MS = 5_000
const CACHED_NAMES = 10_000
/** Questions at the system's resolver at a time: more would only queue in the thread pool, in front of file work. */
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
    while (this.#asked < ASKED_AT_ONCE) {
      const hostname = this.#queue.shift()
      if (hostname === undefined) return
      this.#asked++
      this.#lookup(hostname, (error, addresses) => {
        this.#asked--
        this.#keep(hostname, error, addresses)
        const waiting = this.#asking.get(hostname) ?? []
        this.#asking.delete(hostname)
        for (const callback of waiting) callback(error, addresses)
        this.#ask()
      })
    }
  }

  #keep(hostname: string, error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void {
    this.#known.delete(hostname)
    if (this.#known.size >= CACHED_NAMES) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest)
        break
      }
    }
    this.#known.set(hostname, { error, addresses, until: this.#now() + (error === null ? POSITIVE_MS : NEGATIVE_MS) })
  }
}

function allAddresses(hostname: string, callback: LookupCallback): void {
  systemLookup(hostname, { all: true, order: 'verbatim' }, (error, addresses) => callback(error, addresses ?? []))
}
