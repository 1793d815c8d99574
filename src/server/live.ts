/**
 * Server-sent events (WHATWG HTML 9.2). Frames are snapshots: a viewer that reads slowly gets the newest one when it comes
 * back for more, and nothing is kept for it. Events are the job's durable ones, read from its file from the id on that the
 * viewer names: none is lost or doubled over a dropped connection. A viewer that takes nothing is let go.
 */
import type { JobView } from '../job/index.ts'
import { createEventTail } from './event-tail.ts'
import type { Told } from './event-tail.ts'

/** How often the job is looked at while anybody watches, ms. */
const FRAME_MS = 1000
/** A stream without news says so every so many looks: proxies and browsers see that it lives. */
const HEARTBEAT_LOOKS = 15
/** Whoever has not taken for so long what was sent is gone or stuck, ms. */
const PATIENCE_MS = 60_000

export interface Live {
  /** How many watch. */
  readonly viewers: number
  /** Snapshots, one a second at most. */
  frames(signal: AbortSignal, drop?: () => void): ReadableStream<Uint8Array>
  /** Durable events after an id, and those to come. @param drop ends the connection of a viewer that takes nothing */
  events(afterId: number, signal: AbortSignal, drop?: () => void): ReadableStream<Uint8Array>
  /** Durable events after an id, at most a step of them; waits for one for so long, in ms. */
  eventsSoon(afterId: number, waitMs: number, signal: AbortSignal): Promise<readonly Told[]>
  /** Looks at the job now: something was just changed. */
  look(): Promise<void>
  close(): void
}

const encoder = new TextEncoder()
/** Time after which a browser asks again, ms. */
const RETRY = 'retry: 2000\n\n'

/** Lines of data that hold line breaks are as many fields. */
export function sseMessage(id: number | undefined, event: string, data: string): string {
  const fields = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\n${fields.join('')}\n`
}

/** @param readOnly told to the page, which then shows no controls. */
export function createLive(view: JobView, readOnly = false): Live {
  let frame: Uint8Array | undefined
  let version = 0
  let waiting: (() => void)[] = []
  let viewers = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const tail = createEventTail(view.folder)

  async function look(): Promise<void> {
    const advanced = view.advance()
    // The first time the tables take a moment; the counters need not wait for them.
    if (view.isComplete) await advanced
    else advanced.then(again, again)
    await tail.advance()
    const status = await view.status()
    const data = JSON.stringify({ ...status, seq: view.seq, complete: view.isComplete, readOnly })
    frame = encoder.encode(sseMessage(view.seq, 'frame', data))
    version++
    wake()
  }

  function wake(): void {
    const woken = waiting
    waiting = []
    for (const next of woken) next()
  }

  function tick(): void {
    timer = undefined
    if (isClosed || viewers === 0) return
    look().then(again, again)
  }

  function again(): void {
    if (!isClosed && viewers > 0) timer ??= setTimeout(tick, FRAME_MS)
  }

  /** Resolves at the next look, or when a viewer leaves. */
  function nextLook(): Promise<void> {
    return new Promise((resolve) => waiting.push(resolve))
  }

  /** Counts a viewer; `leave` may be called more than once. */
  function enter(signal: AbortSignal, gone: () => void): () => void {
    viewers++
    let left = false
    const leave = (): void => {
      if (!left) viewers--
      left = true
      gone()
    }
    const aborted = (): void => {
      leave()
      wake()
    }
    signal.addEventListener('abort', aborted, { once: true })
    if (timer === undefined) tick()
    return leave
  }

  function stream(
    signal: AbortSignal,
    step: () => Promise<Uint8Array | undefined>,
    drop: () => void = () => undefined,
  ): ReadableStream<Uint8Array> {
    let isFirst = true
    let quiet = 0
    let patience: NodeJS.Timeout | undefined
    const leave = enter(signal, () => clearTimeout(patience))
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          clearTimeout(patience)
          const give = (bytes: Uint8Array): void => {
            quiet = 0
            // Whoever takes this asks for more.
            patience = setTimeout(() => {
              leave()
              drop()
            }, PATIENCE_MS)
            patience.unref()
            controller.enqueue(bytes)
          }
          if (isFirst) {
            isFirst = false
            return give(encoder.encode(RETRY))
          }
          for (;;) {
            if (signal.aborted || isClosed) {
              leave()
              return controller.close()
            }
            const bytes = await step()
            if (bytes !== undefined) return give(bytes)
            if (quiet++ >= HEARTBEAT_LOOKS) return give(encoder.encode(': still here\n\n'))
            // Whoever left during the step has been woken before it waits.
            if (!signal.aborted && !isClosed) await nextLook()
          }
        },
        cancel: leave,
      },
      { highWaterMark: 0 },
    )
  }

  return {
    look,
    get viewers() {
      return viewers
    },
    frames: (signal, drop) => {
      let seen = 0
      return stream(
        signal,
        async () => {
          if (seen === version) return undefined
          seen = version
          return frame
        },
        drop,
      )
    },
    events: (afterId, signal, drop) => {
      let after = afterId
      let isChecked = false
      return stream(
        signal,
        async () => {
          // A number that was never given: of a job that was started over, or of another one.
          if (!isChecked) {
            isChecked = true
            const last = tail.last()
            if (after > last) {
              const gap = sseMessage(last, 'gap', JSON.stringify({ asked: after, from: last }))
              after = last
              const { seq } = view
              const snapshot = JSON.stringify({ ...(await view.status()), seq, complete: view.isComplete })
              return encoder.encode(gap + sseMessage(undefined, 'frame', snapshot))
            }
          }
          const told = await tail.after(after)
          after = told.at(-1)?.id ?? after
          const text = told.map(({ id, event }) => sseMessage(id, event.type, JSON.stringify(event))).join('')
          return text === '' ? undefined : encoder.encode(text)
        },
        drop,
      )
    },
    eventsSoon: async (afterId, waitMs, signal) => {
      const there = await tail.after(afterId)
      if (there.length > 0 || waitMs === 0) return there
      let isLate = false
      const late = setTimeout(() => {
        isLate = true
        wake()
      }, waitMs)
      const leave = enter(signal, () => clearTimeout(late))
      try {
        for (;;) {
          const told = await tail.after(afterId)
          if (told.length > 0 || isLate || isClosed || signal.aborted) return told
          await nextLook()
        }
      } finally {
        leave()
      }
    },
    close: () => {
      isClosed = true
      clearTimeout(timer)
      wake()
    },
  }
}
