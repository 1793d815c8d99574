/** Streams of queues: shared between consumers of which one dies, and broadcast to readers whose connections break. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { Queues } from '../../src/job/index.ts'
import { openQueues } from '../../src/job/open-queues.ts'
import { queueApi } from '../../src/server/queue-api.ts'

const MESSAGES = 1_000

let folder: string
let queues: Queues
let server: ReturnType<typeof serve>
let url: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-queues-'))
  queues = openQueues({ folder })
  const app = new Hono().route('/queues', queueApi({ queues }))
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/queues`
})

after(async () => {
  if ('closeAllConnections' in server) server.closeAllConnections()
  server.close()
  await queues.close()
  rmSync(folder, { recursive: true })
})

interface Delivered {
  readonly id: number
  readonly claim: string
  readonly value: string
  readonly crashes: number
}

async function post(path: string, body = ''): Promise<Response> {
  return fetch(`${url}${path}`, { method: 'POST', body })
}

function numbers(count: number): string {
  return Array.from({ length: count }, (_, n) => `m${n}`).join('\n')
}

/** A consumer as a user has it: a process of curl, each message on a line of its output. */
function curl(path: string, onMessage: (message: Delivered) => void): { kill(): Promise<void> } {
  const child = spawn('curl', ['-sN', '-X', 'POST', `${url}${path}`], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('data: ')) onMessage(JSON.parse(line.slice('data: '.length)) as Delivered)
  })
  return {
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}

test('of three consumers one is killed: every message is handled, and only those that it held come again', async () => {
  await post('/work/lines', numbers(MESSAGES))
  const handled = new Map<string, number>()
  const perConsumer = [0, 0, 0]
  /** What the dead one got and had not settled. */
  const orphans = new Set<string>()
  const again = new Set<string>()
  const settling: Promise<void>[] = []
  const all = Promise.withResolvers<void>()
  const stuck = Promise.withResolvers<void>()
  const handle = async ({ claim, value }: Delivered): Promise<void> => {
    const response = await post('/work/settle', `claim=${claim}`)
    assert.equal(response.status, 200)
    await response.arrayBuffer()
    handled.set(value, (handled.get(value) ?? 0) + 1)
    if (handled.size === MESSAGES) all.resolve()
  }
  const consumers = [0, 1, 2].map((consumer) =>
    curl('/work/stream?lease=10m', (message) => {
      if (message.crashes > 0) again.add(message.value)
      perConsumer[consumer] = (perConsumer[consumer] ?? 0) + 1
      // The first one handles fifty and then holds what it gets.
      if (consumer > 0 || (perConsumer[0] ?? 0) <= 50) settling.push(handle(message))
      else {
        orphans.add(message.value)
        stuck.resolve()
      }
    }),
  )
  await stuck.promise
  // What it has handled is settled before it dies: only what it holds is open.
  await Promise.all(settling)
  await consumers[0]?.kill()
  await all.promise
  await Promise.all(settling)
  for (const consumer of consumers.slice(1)) await consumer.kill()
  assert.equal(handled.size, MESSAGES)
  assert.ok([...handled.values()].every((times) => times === 1))
  assert.ok(orphans.size > 0)
  for (const value of orphans) assert.ok(again.has(value), `${value} did not come again`)
  // A claim that was on its way when the consumer died came again too: never more than it may hold.
  assert.ok(again.size <= 10, `${again.size} came again`)
  assert.ok(
    perConsumer.every((count) => count > 0),
    'a consumer got nothing',
  )
  const stats = queues.stats('work')
  assert.equal(stats?.done, MESSAGES)
  assert.equal(stats?.redelivered, again.size)
})

interface Event {
  readonly id: number
  readonly type: string
  readonly value: string
}

/** Reads events until `isEnough`, then breaks the connection. */
async function read(path: string, after: number | undefined, isEnough: (event: Event) => boolean): Promise<Event[]> {
  const abort = new AbortController()
  const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': String(after) }
  const response = await fetch(`${url}${path}`, { headers, signal: abort.signal })
  assert.equal(response.status, 200)
  const events: Event[] = []
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, id, type, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
        text = text.slice(end + 2)
        if (id === undefined) continue
        const event = { id: Number(id), type: type ?? '', value: (JSON.parse(data ?? '') as { value: string }).value }
        events.push(event)
        if (isEnough(event)) {
          abort.abort()
          return events
        }
      }
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error
  }
  return events
}

test('four readers of a broadcast get the same thousand messages, while they are added', async () => {
  await post('/news/policy', 'delivery=broadcast')
  const readers = Array.from({ length: 4 }, () => read('/news/stream', 0, ({ value }) => value === `m${MESSAGES - 1}`))
  for (let n = 0; n < MESSAGES; n += 50)
    await post('/news/lines', Array.from({ length: 50 }, (_, i) => `m${n + i}`).join('\n'))
  const wanted = numbers(MESSAGES).split('\n')
  for (const events of await Promise.all(readers))
    assert.deepEqual(
      events.map(({ value }) => value),
      wanted,
    )
  assert.equal((await post('/news/claim')).status, 400)
})

test('a reader whose connection breaks twenty times misses nothing and gets nothing twice', async () => {
  await post('/drops/policy', 'delivery=broadcast')
  const adding = (async () => {
    for (let n = 0; n < MESSAGES; n++) await queues.add('drops', [{ body: Buffer.from(`m${n}`), type: 'text/plain' }])
  })()
  const got: string[] = []
  let last = 0
  let drops = 0
  while (got.at(-1) !== `m${MESSAGES - 1}`) {
    let count = 0
    const events = await read(
      '/drops/stream',
      last,
      ({ value }) => value === `m${MESSAGES - 1}` || (drops < 20 && ++count === 30),
    )
    drops++
    got.push(...events.map(({ value }) => value))
    last = events.at(-1)?.id ?? last
  }
  await adding
  assert.equal(drops, 21)
  assert.deepEqual(got, numbers(MESSAGES).split('\n'))
})

test('a reader who comes too late is told of the gap once, then gets what is kept', async () => {
  await post('/short/policy', 'delivery=broadcast&keep=10')
  await post('/short/lines', numbers(100))
  const events = await read('/short/stream?after=0', undefined, ({ value }) => value === 'm99')
  assert.deepEqual(
    events.map(({ type }) => type),
    ['gap', ...Array.from({ length: 10 }, () => 'message')],
  )
  assert.deepEqual(
    events.slice(1).map(({ value }) => value),
    numbers(100).split('\n').slice(90),
  )
  const stats = queues.stats('short')
  assert.equal(stats?.expired, 90)
  assert.equal(stats?.ready, 10)
})
