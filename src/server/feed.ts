/**
 * Numbered records for many clients at once. There is one ring of the newest records, bounded in number and in bytes; a
 * client is a place in it and nothing more, so a slow one costs no memory. One that falls so far behind that its records
 * are gone is told of the gap; one that has not read for as many bytes as it may lag is dropped.
 */
export interface FeedRecord {
  /** Consecutive. */
  readonly id: number
  readonly text: string
}

export interface FeedInit {
  /** Records that a client who comes back may still get. Default 10,000. */
  readonly keep?: number
  /** Bytes of the same. Default 16 MiB. */
  readonly keepBytes?: number
  /** Bytes that a client may be behind before it is dropped. Default 4 MiB. */
  readonly mostLag?: number
}

export interface Client {
  /** The next records, at most some; resolves when there are any. Undefined: dropped, or the feed is closed. */
  next(): Promise<Batch | undefined>
  leave(): void
}

export interface Batch {
  readonly records: readonly FeedRecord[]
  /** Records between what the client had and these are gone, up to this number. */
  readonly goneTo?: number
}

export interface Feed {
  /** @param id default: behind the newest; records of an earlier run are gone. */
  push(text: string, id?: number): FeedRecord
  /** Number of the newest record, 0 before the first. */
  readonly newest: number
  readonly clients: number
  /** Records behind a number that are still there. */
  since(after: number, max: number): Batch
  /** @param dropped called when the client is too far behind. */
  join(after: number, dropped: () => void): Client
  /** Resolves with the next record, or when `signal` is aborted. */
  arrival(signal: AbortSignal): Promise<void>
  close(): void
}

/** Records that a client is given at once. */
const STEP = 256

interface Place {
  after: number
  /** Bytes pushed since the client last asked. */
  lag: number
  isOver: boolean
  wake: (() => void) | undefined
  readonly dropped: () => void
}

export function createFeed({
  keep = 10_000,
  keepBytes = 16 * 1024 * 1024,
  mostLag = 4 * 1024 * 1024,
}: FeedInit = {}): Feed {
  let ring: FeedRecord[] = []
  /** Records of the ring before this index are gone. */
  let start = 0
  let bytes = 0
  let newest = 0
  let isClosed = false
  const places = new Set<Place>()
  const arrivals = new Set<() => void>()

  const sizeOf = (text: string): number => Buffer.byteLength(text)

  function trim(): void {
    while (ring.length - start > keep || (bytes > keepBytes && ring.length - start > 1))
      bytes -= sizeOf((ring[start++] as FeedRecord).text)
    if (start <= keep) return
    ring = ring.slice(start)
    start = 0
  }

  function since(after: number, max: number): Batch {
    const first = ring[start]?.id ?? newest + 1
    // Numbers rise, and some are missing: what no output took has no record here.
    let from = start
    for (let end = ring.length; from < end; ) {
      const middle = (from + end) >> 1
      if ((ring[middle] as FeedRecord).id > after) end = middle
      else from = middle + 1
    }
    const records = ring.slice(from, from + max)
    return { records, ...(after + 1 < first ? { goneTo: first - 1 } : {}) }
  }

  function end(place: Place): void {
    place.isOver = true
    places.delete(place)
    place.wake?.()
  }

  return {
    push(text, id = newest + 1) {
      newest = id
      const record = { id, text }
      const size = sizeOf(text)
      ring.push(record)
      bytes += size
      trim()
      for (const place of [...places]) {
        place.lag += size
        if (place.wake !== undefined) place.wake()
        else if (place.lag > mostLag) {
          end(place)
          place.dropped()
        }
      }
      for (const arrived of [...arrivals]) arrived()
      return record
    },
    get newest() {
      return newest
    },
    get clients() {
      return places.size
    },
    since,
    join(after, dropped) {
      const place: Place = { after, lag: 0, isOver: isClosed, wake: undefined, dropped }
      if (!isClosed) places.add(place)
      return {
        next: async () => {
          for (;;) {
            if (place.isOver) return undefined
            // Whoever asks has taken what it was given.
            place.lag = 0
            const batch = since(place.after, STEP)
            const last = batch.records.at(-1)
            if (last !== undefined) {
              place.after = last.id
              return batch
            }
            await new Promise<void>((resolve) => (place.wake = resolve))
            place.wake = undefined
          }
        },
        leave: () => end(place),
      }
    },
    arrival: (signal) =>
      new Promise((resolve) => {
        const over = (): void => {
          arrivals.delete(over)
          signal.removeEventListener('abort', over)
          resolve()
        }
        if (isClosed || signal.aborted) return resolve()
        arrivals.add(over)
        signal.addEventListener('abort', over, { once: true })
        return undefined
      }),
    close() {
      isClosed = true
      for (const place of [...places]) end(place)
      for (const arrived of [...arrivals]) arrived()
    },
  }
}
