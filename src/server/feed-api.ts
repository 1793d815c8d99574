/**
 * A feed over HTTP: server-sent events that go on behind `Last-Event-ID` (WHATWG HTML 9.2), a long poll, and plain lines.
 * Who may ask is decided before.
 */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Clock } from '../model/clock.ts'
import { SluiceError } from '../model/errors.ts'
import type { Batch, Feed } from './feed.ts'
import { durationOf, numberOf, queryFields } from './queue-body.ts'
import type { Fields } from './queue-body.ts'

/** Records that one answer of a long poll holds. */
const MOST = 1_000
const LONGEST_WAIT_MS = 60_000

/** @param last records that a client gets first who names none. */
export function feedApi(feed: Feed, clock: Clock, last = 0): Hono {
  const app = new Hono()
  app.onError((error, context) => {
    if (!(error instanceof SluiceError)) throw error
    const { code, message, hint } = error
    return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, 400)
  })
  app.get('/events', async (context) => {
    const fields = queryFields(context, ['after', 'last', 'wait'])
    const after = startOf(feed, fields, context.req.header('last-event-id'), last)
    if (fields.has('wait')) return poll(context, feed, after, durationOf(fields, 'wait', LONGEST_WAIT_MS) ?? 0, clock)
    return context.body(streamOf(feed, after, context.req.raw.signal, eventsOf), 200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
  })
  app.get('/lines', (context) => {
    const fields = queryFields(context, ['after', 'last'])
    const after = startOf(feed, fields, undefined, last)
    return context.body(streamOf(feed, after, context.req.raw.signal, linesOf), 200, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
  })
  return app
}

export function linesOf({ records }: Batch): string {
  return records.map(({ text }) => `${text}\n`).join('')
}

function eventsOf({ records, goneTo }: Batch): string {
  const gap = goneTo === undefined ? '' : `id: ${goneTo}\nevent: gap\ndata: ${JSON.stringify({ goneTo })}\n\n`
  const data = (text: string): string => text.replaceAll(/^/gm, 'data: ')
  return gap + records.map(({ id, text }) => `id: ${id}\n${data(text)}\n\n`).join('')
}

/** Behind what the client names; else so many before the newest; else at the newest. */
function startOf(feed: Feed, fields: Fields, lastEventId: string | undefined, last: number): number {
  const most = Number.MAX_SAFE_INTEGER
  const named = lastEventId === undefined ? fields : new Map([...fields, ['after', lastEventId]])
  const after = numberOf(named, 'after', 0, most)
  if (after !== undefined) return Math.min(after, feed.newest)
  return Math.max(0, feed.newest - (numberOf(fields, 'last', 0, most) ?? last))
}

async function poll(context: Context, feed: Feed, after: number, waitMs: number, clock: Clock): Promise<Response> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, context.req.raw.signal])
  const arrival = feed.arrival(signal)
  if (feed.newest > after) over.abort()
  const timer = clock.setTimer(() => over.abort(), waitMs)
  await arrival
  timer.cancel()
  over.abort()
  const { records, goneTo } = feed.since(after, MOST)
  if (records.length === 0) return context.body(null, 204)
  return context.json({ records, ...(goneTo === undefined ? {} : { goneTo }) })
}

function streamOf(
  feed: Feed,
  after: number,
  signal: AbortSignal,
  textOf: (batch: Batch) => string,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const client = feed.join(after, () => controller?.error(new Error('the client is too far behind')))
  signal.addEventListener('abort', () => client.leave(), { once: true })
  return new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
      },
      pull: async (given) => {
        const batch = await client.next()
        if (batch !== undefined) return given.enqueue(encoder.encode(textOf(batch)))
        // Whoever was dropped has its error already.
        try {
          given.close()
        } catch {
          return undefined
        }
        return undefined
      },
      cancel: () => client.leave(),
    },
    { highWaterMark: 0 },
  )
}
