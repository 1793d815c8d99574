/** A queue over HTTP, as curl would use it: the nine checks of the queue that these carry on, and what must be refused. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Hono } from 'hono'
import { openQueues } from '../../src/job/index.ts'
import type { Queues } from '../../src/job/index.ts'
import { queueApi } from '../../src/server/queue-api.ts'
import { fakeClock } from '../../src/testing/clock.ts'

let folder: string
let queues: Queues
let app: Hono
let clock: ReturnType<typeof fakeClock>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-queues-'))
  clock = fakeClock()
  queues = openQueues({ folder, clock })
  app = queueApi({ queues })
})

afterEach(async () => {
  await queues.close()
  rmSync(folder, { recursive: true })
})

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

async function post(
  path: string,
  body: string | Uint8Array = '',
  headers: Record<string, string> = FORM,
): Promise<Response> {
  return app.request(path, { method: 'POST', body, headers })
}

async function json(path: string): Promise<Record<string, unknown>> {
  return (await (await app.request(path)).json()) as Record<string, unknown>
}

/** Until somebody waits on the clock. */
async function asleep(): Promise<void> {
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
}

/** The claim of the next message. */
async function claim(path = '/test/claim'): Promise<string> {
  const response = await post(path)
  assert.equal(response.status, 200)
  return response.headers.get('sluice-claim') ?? ''
}

test('a message added with curl is there, claimed with its facts, settled once, and 410 the second time', async () => {
  const added = await post('/test', 'value=foo+bar')
  assert.equal(added.status, 201)
  assert.deepEqual(await added.json(), { id: 1 })
  assert.equal((await json('/test'))['ready'], 1)
  const claimed = await post('/test/claim', 'lease=5')
  assert.equal(await claimed.text(), 'foo bar')
  assert.equal(claimed.headers.get('sluice-lease'), '5')
  assert.equal(claimed.headers.get('sluice-attempt'), '1')
  assert.equal((await post('/test/claim')).status, 204)
  const settle = `claim=${claimed.headers.get('sluice-claim')}`
  assert.equal((await post('/test/settle', settle)).status, 200)
  const again = await post('/test/settle', settle)
  assert.equal(again.status, 410)
  assert.equal(((await again.json()) as { error: { code: string } }).error.code, 'CLAIM_STALE')
  assert.equal((await json('/test'))['done'], 1)
})

test('any body of any type comes out as it went in', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n)
  await post('/test', bytes, { 'content-type': 'image/x-odd' })
  const claimed = await post('/test/claim')
  assert.equal(claimed.headers.get('content-type'), 'image/x-odd')
  assert.deepEqual(new Uint8Array(await claimed.arrayBuffer()), bytes)
  // Plain text that curl calls a form.
  await post('/test', 'https://example.org/?a=1&b=2')
  assert.equal(await (await post('/test/claim')).text(), 'https://example.org/?a=1&b=2')
})

test('a long poll returns when a message arrives, and empty when its time is over', async () => {
  const waiting = post('/test/claim', 'wait=20')
  await post('/test', 'late')
  assert.equal(await (await waiting).text(), 'late')
  const empty = post('/test/claim', 'wait=20')
  await asleep()
  clock.advance(20_000)
  assert.equal((await empty).status, 204)
})

test('a lease that ends gives the message to the next, its attempt unchanged, and its first claim is stale', async () => {
  await post('/test', 'one')
  const first = await claim()
  clock.advance(30_001)
  const second = await post('/test/claim')
  assert.equal(second.headers.get('sluice-attempt'), '1')
  assert.equal(second.headers.get('sluice-crashes'), '1')
  assert.equal((await post('/test/settle', `claim=${first}`)).status, 410)
  assert.equal((await post('/test/settle', `claim=${second.headers.get('sluice-claim')}`)).status, 200)
})

test('an extended lease lasts, and a released message is there for the next at once', async () => {
  await post('/test', 'one')
  const first = await claim()
  clock.advance(25_000)
  assert.equal((await post('/test/extend', `claim=${first}&lease=1m`)).status, 200)
  clock.advance(50_000)
  assert.equal((await post('/test/claim')).status, 204)
  assert.equal((await post('/test/release', `claim=${first}`)).status, 200)
  const second = await post('/test/claim')
  assert.equal(second.headers.get('sluice-crashes'), '0')
  assert.equal(second.headers.get('sluice-attempt'), '1')
})

test('a message that fails too often is a dead letter, and can be queued again', async () => {
  await post('/test/policy', 'attempts=2')
  await post('/test', 'poison')
  assert.equal((await post('/test/settle', `claim=${await claim()}&as=failed`)).status, 200)
  assert.equal((await post('/test/settle', `claim=${await claim()}&as=failed&after=9`)).status, 200)
  assert.equal((await post('/test/claim')).status, 204)
  const { dead, messages } = (await json('/test/messages?state=dead')) as {
    dead: number
    messages: { value: string }[]
  }
  assert.equal(dead, 1)
  assert.equal(messages[0]?.value, 'poison')
  assert.deepEqual(await (await post('/test/requeue', 'id=1')).json(), { requeued: 1 })
  assert.equal((await post('/test/claim')).headers.get('sluice-attempt'), '1')
})

test('a failed message may be given a pause before it is tried again', async () => {
  await post('/test', 'later')
  await post('/test/settle', `claim=${await claim()}&as=failed&after=10`)
  assert.equal((await json('/test'))['delayed'], 1)
  const waiting = post('/test/claim', 'wait=30')
  await asleep()
  clock.advance(10_001)
  assert.equal((await waiting).headers.get('sluice-attempt'), '2')
})

test('looking at messages changes nothing and counts them', async () => {
  await post('/test/lines', 'a\nb\n\nc\n')
  for (let i = 0; i < 2; i++) {
    const { ready, messages } = (await json('/test/messages?max=2')) as { ready: number; messages: { value: string }[] }
    assert.equal(ready, 3)
    assert.deepEqual(
      messages.map(({ value }) => value),
      ['a', 'b'],
    )
  }
})

test('a paused queue hands nothing out and takes in what is added', async () => {
  await post('/test/pause')
  assert.equal((await post('/test', 'one')).status, 201)
  assert.equal((await post('/test/claim')).status, 204)
  assert.equal((await post('/test/take')).status, 204)
  const waiting = post('/test/claim', 'wait=20')
  await post('/test/resume')
  assert.equal(await (await waiting).text(), 'one')
})

test('a message whose time is over goes alone, its neighbours are delivered', async () => {
  await post('/test', 'before')
  await post('/test?ttl=5', 'short')
  await post('/test', 'value=after&ttl=1h')
  clock.advance(6_000)
  const { messages } = (await (await post('/test/claim', 'max=10')).json()) as { messages: { value: string }[] }
  assert.deepEqual(
    messages.map(({ value }) => value),
    ['before', 'after'],
  )
  assert.equal((await json('/test'))['expired'], 1)
})

test('purging takes all away, counts add up, and no number comes again', async () => {
  await post('/test/lines', 'a\nb\nc')
  const held = await claim()
  assert.deepEqual(await (await post('/test/purge')).json(), { purged: 3 })
  assert.equal((await post('/test/settle', `claim=${held}`)).status, 410)
  assert.deepEqual(await (await post('/test', 'd')).json(), { id: 4 })
  const stats = await json('/test')
  assert.equal(stats['added'], 4)
  assert.equal(stats['ready'], 1)
  assert.equal(stats['claimed'], 0)
  assert.equal((await app.request('/test', { method: 'DELETE' })).status, 204)
  assert.equal((await app.request('/test')).status, 404)
  assert.deepEqual(await (await post('/test', 'e')).json(), { id: 5 })
})

test('what is no such wish is refused with what would be, and nothing is lost', async () => {
  await post('/test', 'one')
  const refused: readonly (readonly [string, string, number])[] = [
    ['/test/claim', 'leese=5', 400],
    ['/test/claim', 'max=0', 400],
    ['/test/claim', 'wait=2h', 400],
    ['/test/settle', '', 400],
    ['/test/settle', 'claim=nonsense', 410],
    ['/test/settle', 'claim=1.1', 410],
    ['/none/settle', 'claim=1.1', 410],
    ['/test/policy', 'delivery=broadcast', 400],
    ['/test/policy', 'delivery=roundabout', 400],
    ['/%2e%2e%2fetc', 'x', 400],
    ['/test', 'x'.repeat(1024 * 1024 + 1), 413],
  ]
  for (const [path, body, status] of refused) {
    const response = await post(path, body)
    assert.equal(response.status, status, `${path} ${body.slice(0, 40)}`)
    const { error } = (await response.json()) as { error: { code: string } }
    assert.match(error.code, /^[A-Z_]+$/)
  }
  assert.match(await (await post('/test/claim', 'leese=5')).text(), /did you mean lease/)
  assert.equal((await json('/test'))['ready'], 1)
  assert.equal((await app.request('/none')).status, 404)
})
