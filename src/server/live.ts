/**
 * Server-sent events (WHATWG HTML 9.2). Frames are snapshots: a viewer that reads slowly gets the newest one when it comes
 * back for more, and nothing is kept for it. Events are the job's durable ones, read from its file from the id on that the
 * viewer names: none is lost or doubled over a dropped connection.
 */
import type { JobView } from '../job/index.ts'
import { readEvents } from '../job/index.ts'

/** How often the job is looked at while anybody watches, ms. */
const FRAME_MS = 1000
/** Events a step of a stream. */
const EVENTS_STEP = 200

export interface Live {
  /** Snapshots, one a second at most. */
  frames(signal: AbortSignal): ReadableStream<Uint8Array>
  /** Durable events after an id, and those to come. */
  events(afterId: number, signal: AbortSignal): ReadableStream<Uint8Array>
  /** Looks at the job now: something was just changed. */
  look(): Promise<void>
  close(): void
}

const encoder = new TextEncoder()

/** @param readOnly told to the page, which then shows no controls. */
export function createLive(view: JobView, readOnly = false): Live {
  let frame: Uint8Array | undefined
  let version = 0
  let waiting: (() => void)[] = []
  let viewers = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function look(): Promise<void> {
    const advanced = view.advance()
    // The first time the tables take a moment; the counters need not wait for them.
    if (view.isComplete) await advanced
    else advanced.then(again, again)
    const status = await view.status()
    const data = JSON.stringify({ ...status, seq: view.seq, complete: view.isComplete, readOnly })
    frame = encoder.encode(`id: ${view.seq}\nevent: frame\ndata: ${data}\n\n`)
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

  function stream(signal: AbortSignal, step: () => Promise<Uint8Array | undefined>): ReadableStream<Uint8Array> {
    viewers++
    let left = false
    const leave = (): void => {
      if (!left) viewers--
      left = true
    }
    const aborted = (): void => {
      leave()
      wake()
    }
    signal.addEventListener('abort', aborted, { once: true })
    if (timer === undefined) tick()
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          for (;;) {
            const bytes = signal.aborted || isClosed ? new Uint8Array() : await step()
            // Whoever left during the step has been woken before it waits.
            if (bytes === undefined && !signal.aborted && !isClosed) await nextLook()
            else if (bytes === undefined) return controller.close()
            else if (bytes.length === 0) return controller.close()
            else return controller.enqueue(bytes)
          }
        },
        cancel: leave,
      },
      { highWaterMark: 0 },
    )
  }

  return {
    look,
    frames: (signal) => {
      let seen = 0
      return stream(signal, async () => {
        if (seen === version) return undefined
        seen = version
        return frame
      })
    },
    events: (afterId, signal) => {
      let after = afterId
      return stream(signal, async () => {
        let text = ''
        let count = 0
        for await (const event of readEvents(view.folder, after)) {
          after = event.id ?? after
          text += `id: ${after}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
          if (++count >= EVENTS_STEP) break
        }
        return text === '' ? undefined : encoder.encode(text)
      })
    },
    close: () => {
      isClosed = true
      clearTimeout(timer)
      wake()
    },
  }
}
