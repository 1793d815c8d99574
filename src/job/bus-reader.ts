/**
 * Events of a running job as an async iterator with real back-pressure: a reader that falls behind holds the claims of
 * the job until it has caught up, one that leaves stops the job.
 */
import type { Bus } from '../engine/bus.ts'
import { GROUP } from '../engine/settings.ts'
import type { BusEvents, EventType } from '../model/event.ts'

export interface Readable {
  readonly bus: Bus
  /** Starts the job or joins it; settles with it. */
  run(): Promise<unknown>
  /** Nothing new is claimed until `release`. */
  hold(): Promise<void>
  release(): Promise<void>
  /** The reader has left. */
  leave(): Promise<void>
}

export async function* readBus<Type extends EventType, Value>(
  job: Readable,
  type: Type,
  valueOf: (data: BusEvents[Type]) => Value,
): AsyncGenerator<Value, void, undefined> {
  const queue: Value[] = []
  let wake: (() => void) | undefined
  let over = false
  const end = job.bus.subscribe([type], (_type, data) => {
    queue.push(valueOf(data as BusEvents[Type]))
    wake?.()
  })
  const running = job.run().finally(() => {
    over = true
    wake?.()
  })
  running.catch(() => undefined)
  let held = false
  try {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) {
        if (!held && queue.length > 4 * GROUP) {
          held = true
          await job.hold()
        } else if (held && queue.length < GROUP) {
          held = false
          await job.release()
        }
        yield next
      } else if (over) {
        await running
        return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    end()
    if (!over) {
      await job.leave()
      await running.catch(() => undefined)
    }
  }
}
