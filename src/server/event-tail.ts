/**
 * The durable events of one job for any number of followers: the file is read once for those who are up to date, and by
 * each one alone while it catches up. What is kept in memory is bounded by bytes.
 */
import { lastEventId, readEvents } from '../job/index.ts'
import type { PrintedEvent } from '../model/event.ts'

export interface Told {
  readonly id: number
  readonly event: PrintedEvent
}

export interface EventTail {
  /** Those after an id, as many as there are now but no more than a step; none: the follower is up to date. */
  after(id: number): Promise<readonly Told[]>
  /** Reads what was committed since. */
  advance(): Promise<void>
  /** Number of the last event there is. */
  last(): number
}

/** Events of one answer. */
const STEP = 200
/** More than that at a time is read by each follower at its own speed. */
const MOST_READ = 2000
const KEPT_BYTES = 1024 * 1024

export function createEventTail(folder: string): EventTail {
  let kept: (Told & { readonly bytes: number })[] = []
  let bytes = 0
  /** Everything after `floor` and up to `end` is kept. Undefined: nobody was ever up to date. */
  let floor: number | undefined
  let end = 0

  async function read(id: number, most: number): Promise<Told[]> {
    const told: Told[] = []
    for await (const event of readEvents(folder, id)) {
      told.push({ id: event.id ?? id, event })
      if (told.length >= most) break
    }
    return told
  }

  return {
    last: () => lastEventId(folder),
    async after(id) {
      if (floor !== undefined && id >= floor) {
        const first = kept.findIndex((one) => one.id > id)
        return first < 0 ? [] : kept.slice(first, first + STEP)
      }
      const told = await read(id, STEP)
      if (told.length === 0 && floor === undefined) {
        floor = id
        end = id
      }
      return told
    },
    async advance() {
      if (floor === undefined) return
      const fresh = await read(end, MOST_READ)
      if (fresh.length === MOST_READ) {
        floor = undefined
        kept = []
        bytes = 0
        return
      }
      for (const told of fresh) {
        const size = JSON.stringify(told.event).length
        kept.push({ ...told, bytes: size })
        bytes += size
        end = told.id
      }
      while (bytes > KEPT_BYTES && kept.length > 1) {
        const [oldest] = kept.splice(0, 1)
        bytes -= oldest?.bytes ?? 0
        floor = oldest?.id ?? floor
      }
    },
  }
}
