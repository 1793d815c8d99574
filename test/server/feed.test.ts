/** A feed for many clients: all of it in order, from where they were, and nobody waits for a stuck one. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { serve } from '@hono/node-server'
import { systemClock } from '../../src/engine/clock.ts'
import { feedApi } from '../../src/server/feed-api.ts'
import { serveFeedOverTcp } from '../../src/server/feed-tcp.ts'
import { createFeed } from '../../src/server/feed.ts'
import { fakeClock } from '../../src/testing/clock.ts'

const RECORDS = 1_000

const feed = createFeed({ mostLag: 64 * 1024 })
let server: ReturnType<typeof serve>
let url: string

before(async () => {
  server = serve({ fetch: feedApi(feed, systemClock()).fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(() => {
  feed.close()
  if ('closeAllConnections' in server) server.closeAllConnections()
  server.close()
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

/** Numbers of the events of one connection, until one of them is enough; then it is broken. */
async function read(path: string, isEnough: (id: number) => boolean, lastId?: number): Promise<number[]> {
  const abort = new AbortController()
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': String(lastId) }
  const response = await fetch(`${url}${path}`, { headers, signal: abort.signal })
  const ids: number[] = []
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const id = Number(/^id: (\d+)/.exec(text.slice(0, end))?.[1])
        text = text.slice(end + 2)
        ids.push(id)
        if (!isEnough(id)) continue
        abort.abort()
        return ids
      }
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error
  }
  return ids
}

test('fifty clients get a thousand records each, in order, and one comes late for exactly the last hundred', async () => {
  const first = feed.newest
  const last = first + RECORDS
  const wanted = Array.from({ length: RECORDS }, (_, n) => first + n + 1)
  const clients = Array.from({ length: 50 }, () => read(`/events?after=${first}`, (id) => id === last))
  await until(() => feed.clients === 50)
  for (let n = 0; n < RECORDS; n++) {
    feed.push(`line ${n}`)
    if (n % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const ids of await Promise.all(clients)) assert.deepEqual(ids, wanted)
  assert.deepEqual(await read('/events?last=100', (id) => id === last), wanted.slice(-100))
  await until(() => feed.clients === 0)
})

test('a client of a feed whose connection breaks twenty times misses nothing and sees nothing twice', async () => {
  const first = feed.newest
  const last = first + RECORDS
  const writing = (async () => {
    for (let n = 0; n < RECORDS; n++) {
      feed.push(`line ${n}`)
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const got: number[] = []
  for (let drops = 0; got.at(-1) !== last; drops++) {
    let count = 0
    const isEnough = (id: number): boolean => id === last || (drops < 20 && ++count === 40)
    got.push(...(await read('/events', isEnough, got.at(-1) ?? first)))
  }
  await writing
  assert.deepEqual(
    got,
    Array.from({ length: RECORDS }, (_, n) => first + n + 1),
  )
  await until(() => feed.clients === 0)
})

test('a stuck client is dropped at its byte cap, a live one gets everything, over TCP as well', async () => {
  const tcp = await serveFeedOverTcp(feed, 0, 0)
  const stuck = connect(tcp.port, '127.0.0.1').pause()
  stuck.on('error', () => undefined)
  const live = connect(tcp.port, '127.0.0.1')
  let lines = 0
  createInterface({ input: live }).on('line', () => lines++)
  await until(() => feed.clients === 2)
  let pushed = 0
  // As much as the kernel's buffers take, and the cap.
  while (feed.clients === 2) {
    feed.push('x'.repeat(16 * 1024))
    pushed++
    await until(() => lines === pushed)
  }
  assert.equal(feed.clients, 1)
  feed.push('after')
  await until(() => lines === pushed + 1)
  live.destroy()
  stuck.destroy()
  await tcp.close()
  await until(() => feed.clients === 0)
})

test('without new records a poll is answered 204 after its wait, with one all pollers get it', async () => {
  const clock = fakeClock()
  const small = createFeed({ keep: 3 })
  const app = feedApi(small, clock)
  const ask = async (path: string): Promise<Response> => app.request(path)
  const empty = ask('/events?after=0&wait=20')
  await until(() => clock.pendingTimers === 1)
  clock.advance(20_000)
  assert.equal((await empty).status, 204)
  const two = [ask('/events?after=0&wait=20'), ask('/events?after=0&wait=20')]
  await until(() => clock.pendingTimers === 2)
  small.push('new')
  for (const poll of two) assert.deepEqual(await (await poll).json(), { records: [{ id: 1, text: 'new' }] })
  assert.equal(clock.pendingTimers, 0)
  for (let n = 0; n < 5; n++) small.push(`more ${n}`)
  const late = (await (await ask('/events?after=1&wait=0')).json()) as { records: { id: number }[]; goneTo: number }
  assert.equal(late.goneTo, 3)
  assert.deepEqual(
    late.records.map(({ id }) => id),
    [4, 5, 6],
  )
  assert.equal((await ask('/events?efter=1')).status, 400)
})

test('numbers with holes, where an output took no record, lose no record of a feed', () => {
  const small = createFeed()
  for (const id of [1, 2, 4, 5, 7, 10]) small.push(`record ${id}`, id)
  const got: number[] = []
  for (let after = 0, more = small.since(after, 2); more.records.length > 0; more = small.since(after, 2)) {
    got.push(...more.records.map(({ id }) => id))
    after = got.at(-1) as number
  }
  assert.deepEqual(got, [1, 2, 4, 5, 7, 10])
  assert.deepEqual(
    small.since(3, 9).records.map(({ id }) => id),
    [4, 5, 7, 10],
  )
})
