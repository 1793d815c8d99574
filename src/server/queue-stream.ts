/**
 * Queues as server-sent events. A stream asks the store for more only when its reader has room: nothing is kept for a slow
 * one. A consumer holds a bounded number of claims, and what it has not settled when its connection ends goes to the
 * others at once; a reader of a broadcast goes on behind the number that it names.
 */
import type { ClaimedMessage, Message, Queues } from '../job/index.ts'
import { messageJson } from './queue-body.ts'

/** A comment after so much silence: a connection that is gone is noticed. */
const SILENCE_MS = 15_000
/** Messages a step of a stream. */
const STEP = 100
const KEEP_ALIVE = new TextEncoder().encode(':\n\n')

/** @param max claims that the consumer may hold */
export function consumerStream(
  queues: Queues,
  name: string,
  { max, leaseMs }: { readonly max: number; readonly leaseMs: number },
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let held: string[] = []
  return streamOf(queues, name, signal, {
    step: async () => {
      held = queues.held(name, held)
      if (held.length >= max) return undefined
      const claimed = await queues.claim(name, { max: Math.min(STEP, max - held.length), leaseMs, signal })
      held.push(...claimed.map(({ claim }) => claim))
      return claimed.map(eventOf).join('')
    },
    left: async () => {
      if (held.length > 0) await queues.settle(name, held, { as: 'lost' })
    },
  })
}

/** @param after number of the last message that the reader has */
export function readerStream(
  queues: Queues,
  name: string,
  after: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let last = after
  return streamOf(queues, name, signal, {
    step: async () => {
      const { messages, goneTo } = await queues.read(name, last, STEP)
      const gap =
        goneTo === undefined ? '' : `id: ${goneTo}\nevent: gap\ndata: ${JSON.stringify({ after: last, goneTo })}\n\n`
      last = messages.at(-1)?.id ?? Math.max(last, goneTo ?? 0)
      return gap + messages.map(eventOf).join('')
    },
  })
}

function eventOf(message: Message | ClaimedMessage): string {
  return `id: ${message.id}\nevent: message\ndata: ${JSON.stringify(messageJson(message))}\n\n`
}

interface Steps {
  /** Text to send; undefined or '': nothing now. */
  step(): Promise<string | undefined>
  /** Once, when the reader has gone or the store is closed. */
  left?(): Promise<void>
}

function streamOf(
  queues: Queues,
  name: string,
  signal: AbortSignal,
  { step, left }: Steps,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const gone = new AbortController()
  let busy: Promise<unknown> = Promise.resolve()
  const leave = (): void => {
    if (gone.signal.aborted) return
    gone.abort()
    // Behind the step that runs: its claims are given back as well.
    void busy.then(() => left?.()).catch(() => undefined)
  }
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  let isFirst = true
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // The head of the answer leaves at once.
        if (isFirst) {
          isFirst = false
          return controller.enqueue(KEEP_ALIVE)
        }
        for (;;) {
          if (gone.signal.aborted) return controller.close()
          const since = queues.version(name)
          const next = step()
          busy = next.catch(() => undefined)
          const text = await next
          if (text !== undefined && text !== '') return controller.enqueue(encoder.encode(text))
          const silent = await isSilent(queues, name, since, gone.signal)
          if (silent && !gone.signal.aborted) return controller.enqueue(KEEP_ALIVE)
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
}

/** Waits for a change; true where there was none for long. */
async function isSilent(queues: Queues, name: string, since: number, signal: AbortSignal): Promise<boolean> {
  await queues.change(name, since, SILENCE_MS, signal)
  return queues.version(name) === since
}
