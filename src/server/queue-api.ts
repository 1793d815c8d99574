/**
 * Queues over HTTP, for nothing but curl: a body is a message, what belongs to it is in headers. Mounted below `/queues` by
 * whoever owns the store; who may come in is decided before. No GET changes anything.
 */
import { Hono } from 'hono'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ClaimedMessage, Message, Queues, QueueSettings, Verdict } from '../job/index.ts'
import { SluiceError } from '../model/errors.ts'
import { bodyFields, durationOf, invalid, linesOf, messageJson, messageOf } from './queue-body.ts'
import { numberOf, queryFields, wordOf } from './queue-body.ts'
import type { Fields } from './queue-body.ts'
import { consumerStream, readerStream } from './queue-stream.ts'

export interface QueueApiInit {
  readonly queues: Queues
  /** Bytes of one message. Default 1 MiB. */
  readonly mostBytes?: number
  /** Bytes of a body with many messages. Default 16 MiB. */
  readonly mostBatchBytes?: number
}

/** Messages that one answer may hold. */
const MOST = 1_000
const LEASE_MS = 30_000
const LONGEST_LEASE_MS = 12 * 3_600_000
const LONGEST_WAIT_MS = 60_000
/** Claims that one stream may hold. */
const STREAM_CLAIMS = 10
const STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
const SETTINGS = ['attempts', 'crashes', 'keep'] as const

/** The routes, without the place where they are mounted. */
export function queueApi({ queues, mostBytes = 1024 * 1024, mostBatchBytes = 16 * 1024 * 1024 }: QueueApiInit): Hono {
  const app = new Hono()
  const limit = (maxSize: number): ReturnType<typeof bodyLimit> =>
    bodyLimit({ maxSize, onError: (context) => refuse(context, 413, 'TOO_LARGE', `more than ${maxSize} bytes`) })
  const one = limit(mostBytes)
  const many = limit(mostBatchBytes)
  app.onError((error, context) => {
    if (!(error instanceof SluiceError)) throw error
    // A wish that cannot be; anything else is about the store.
    return refuse(context, error.code === 'OPTION_INVALID' ? 400 : 503, error.code, error.message, error.hint)
  })

  app.get('/', (context) => context.json({ queues: queues.all() }))
  app.get('/:name', (context) => {
    const stats = queues.stats(nameOf(context))
    return stats === undefined ? unknown(context) : context.json(stats)
  })
  app.post('/:name', one, async (context) => {
    const [id] = await queues.add(nameOf(context), [await messageOf(context)])
    return context.json({ id }, 201)
  })
  app.delete('/:name', async (context) =>
    (await queues.remove(nameOf(context))) ? context.body(null, 204) : unknown(context),
  )
  app.post('/:name/lines', many, async (context) => {
    const ids = await queues.add(nameOf(context), await linesOf(context))
    return context.json({ count: ids.length, first: ids[0] ?? null, last: ids.at(-1) ?? null }, 201)
  })
  app.post('/:name/claim', one, async (context) => {
    const fields = await bodyFields(context, ['max', 'wait', 'lease'])
    const want = { ...wantOf(context, fields), leaseMs: durationOf(fields, 'lease', LONGEST_LEASE_MS) ?? LEASE_MS }
    return given(context, await queues.claim(nameOf(context), want), fields)
  })
  app.post('/:name/take', one, async (context) => {
    const fields = await bodyFields(context, ['max', 'wait'])
    return given(context, await queues.take(nameOf(context), wantOf(context, fields)), fields)
  })
  app.post('/:name/settle', many, async (context) => {
    const fields = await bodyFields(context, ['claim', 'as', 'after'])
    const as = wordOf(fields, 'as', ['done', 'failed']) ?? 'done'
    const afterMs = durationOf(fields, 'after')
    if (as === 'done' && afterMs !== undefined) throw invalid('after is for as=failed')
    const verdict: Verdict = as === 'done' ? { as } : { as, ...(afterMs === undefined ? {} : { afterMs }) }
    return settled(context, claimsOf(fields), (claims) => queues.settle(nameOf(context), claims, verdict))
  })
  app.post('/:name/release', many, async (context) => {
    const fields = await bodyFields(context, ['claim', 'after'])
    const verdict: Verdict = { as: 'released', afterMs: durationOf(fields, 'after') ?? 0 }
    return settled(context, claimsOf(fields), (claims) => queues.settle(nameOf(context), claims, verdict))
  })
  app.post('/:name/extend', many, async (context) => {
    const fields = await bodyFields(context, ['claim', 'lease'])
    const leaseMs = durationOf(fields, 'lease', LONGEST_LEASE_MS) ?? LEASE_MS
    return settled(context, claimsOf(fields), (claims) => queues.extend(nameOf(context), claims, leaseMs))
  })
  app.get('/:name/messages', (context) => {
    const fields = queryFields(context, ['state', 'after', 'max'])
    const stats = queues.stats(nameOf(context))
    if (stats === undefined) return unknown(context)
    const state = wordOf(fields, 'state', ['ready', 'claimed', 'delayed', 'dead'])
    const after = numberOf(fields, 'after', 0, Number.MAX_SAFE_INTEGER) ?? 0
    const max = numberOf(fields, 'max', 1, MOST) ?? 10
    const messages = queues.list(nameOf(context), { ...(state === undefined ? {} : { state }), after, max })
    const { ready, claimed, delayed, dead } = stats
    return context.json({ ready, claimed, delayed, dead, messages: messages.map(messageJson) })
  })
  app.post('/:name/requeue', many, async (context) => {
    const ids = idsOf((await bodyFields(context, ['id'])).get('id'))
    return context.json({ requeued: await queues.requeue(nameOf(context), ids) })
  })
  app.post('/:name/purge', one, async (context) => {
    const what = wordOf(await bodyFields(context, ['what']), 'what', ['all', 'dead']) ?? 'all'
    return context.json({ purged: await queues.purge(nameOf(context), what) })
  })
  for (const [action, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    app.post(`/:name/${action}`, one, async (context) => {
      await bodyFields(context, [])
      await queues.pause(nameOf(context), paused)
      return context.json(queues.stats(nameOf(context)))
    })
  }
  app.post('/:name/policy', one, async (context) => {
    const fields = await bodyFields(context, ['delivery', ...SETTINGS])
    const delivery = wordOf(fields, 'delivery', ['shared', 'broadcast'])
    const settings: Partial<Record<keyof QueueSettings, unknown>> = { ...(delivery === undefined ? {} : { delivery }) }
    for (const name of SETTINGS) {
      const value = numberOf(fields, name, 1, 1_000_000)
      if (value !== undefined) settings[name] = value
    }
    await queues.set(nameOf(context), settings as Partial<QueueSettings>)
    return context.json(queues.stats(nameOf(context)))
  })
  // Messages for this one consumer: each is claimed by being sent.
  app.post('/:name/stream', one, async (context) => {
    const fields = await bodyFields(context, ['max', 'lease'])
    const max = numberOf(fields, 'max', 1, MOST) ?? STREAM_CLAIMS
    const leaseMs = durationOf(fields, 'lease', LONGEST_LEASE_MS) ?? LEASE_MS
    return context.body(consumerStream(queues, nameOf(context), { max, leaseMs }, context.req.raw.signal), 200, STREAM)
  })
  // Messages for everybody: reading them changes nothing.
  app.get('/:name/stream', (context) => {
    const fields = queryFields(context, ['after'])
    const name = nameOf(context)
    const stats = queues.stats(name)
    if (stats === undefined) return unknown(context)
    if (stats.delivery !== 'broadcast')
      throw invalid(
        `the queue ${name} is shared: its stream claims what it sends`,
        `POST to it: curl -N -X POST …/stream`,
      )
    const last = new Map([['last-event-id', context.req.header('last-event-id') ?? fields.get('after') ?? '']])
    const after =
      last.get('last-event-id') === ''
        ? queues.newest(name)
        : numberOf(last, 'last-event-id', 0, Number.MAX_SAFE_INTEGER)
    return context.body(readerStream(queues, name, after ?? 0, context.req.raw.signal), 200, STREAM)
  })
  return app
}

function nameOf(context: Context): string {
  return context.req.param('name') as string
}

function wantOf(context: Context, fields: Fields): { max: number; waitMs: number; signal: AbortSignal } {
  const max = numberOf(fields, 'max', 1, MOST) ?? 1
  return { max, waitMs: durationOf(fields, 'wait', LONGEST_WAIT_MS) ?? 0, signal: context.req.raw.signal }
}

/** One message as it is, with its facts in headers; several, or for who accepts JSON, as a list. 204: there is none. */
function given(context: Context, messages: readonly (Message | ClaimedMessage)[], fields: Fields): Response {
  context.header('cache-control', 'no-store')
  const [first] = messages
  if (first === undefined) return context.body(null, 204)
  if (fields.has('max') || context.req.header('accept')?.includes('application/json') === true)
    return context.json({ messages: messages.map(messageJson) })
  context.header('sluice-message', String(first.id))
  context.header('sluice-attempt', String(first.attempt))
  context.header('sluice-crashes', String(first.crashes))
  if ('claim' in first) {
    context.header('sluice-claim', first.claim)
    context.header('sluice-lease', String(first.leaseMs / 1000))
  }
  // Somebody else's bytes: never shown as a page of ours.
  context.header('content-disposition', 'attachment')
  context.header('x-content-type-options', 'nosniff')
  return context.body(Buffer.from(first.body), 200, { 'content-type': first.type })
}

/** 410 where none of the claims stands any more; the others count where some do. */
async function settled(
  context: Context,
  claims: readonly string[],
  settle: (claims: readonly string[]) => Promise<{ readonly stale: readonly string[] }>,
): Promise<Response> {
  const { stale } = await settle(claims)
  if (stale.length < claims.length) return context.json({ settled: claims.length - stale.length, stale })
  return refuse(context, 410, 'CLAIM_STALE', 'the claim is over: settled, or its lease ran out')
}

function claimsOf(fields: Fields): string[] {
  const claims = [...new Set((fields.get('claim') ?? '').split(',').filter((claim) => claim !== ''))]
  if (claims.length > 0) return claims
  throw invalid('claim is missing', 'claim=… as the header sluice-claim said; several with commas between')
}

function idsOf(text: string | undefined): number[] | undefined {
  return text?.split(',').map((id) => numberOf(new Map([['id', id]]), 'id', 1, Number.MAX_SAFE_INTEGER) ?? 0)
}

function unknown(context: Context): Response {
  return refuse(context, 404, 'NOT_FOUND', 'there is no queue of that name', 'adding a message makes it')
}

function refuse(
  context: Context,
  status: 400 | 404 | 410 | 413 | 503,
  code: string,
  message: string,
  hint?: string,
): Response {
  return context.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status)
}
