/** The store of queues: one owner, a format, leases over a restart, and commits that are shared. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openQueueStore } from '../../src/queue/store.ts'
import { fakeClock } from '../../src/testing/clock.ts'

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-queues-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const hello = { body: Buffer.from('hello'), type: 'text/plain' }

test('a second owner of the queues of a folder is refused', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    await using _first = openQueueStore({ folder, clock })
    assert.throws(() => openQueueStore({ folder, clock }), { code: 'FRONTIER_LOCKED' })
  })
})

test('queues of a newer format, and files that are none of ours, are refused as they are', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    await openQueueStore({ folder, clock }).close()
    const path = join(folder, 'queues.db')
    const change = (sql: string): void => {
      const db = new DatabaseSync(path)
      db.exec(sql)
      db.close()
    }
    change('PRAGMA user_version=99')
    assert.throws(() => openQueueStore({ folder, clock }), { code: 'FORMAT_UNSUPPORTED' })
    change('PRAGMA application_id=1')
    assert.throws(() => openQueueStore({ folder, clock }), { code: 'FRONTIER_CORRUPT' })
  })
})

test('a lease does not run out while there is no server, over a boot of the machine either', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    const first = openQueueStore({ folder, clock })
    await first.add('work', [hello])
    const [claimed] = await first.claim('work', { leaseMs: 10_000 })
    await first.close()
    clock.advance(3_600_000)
    clock.reboot()
    await using second = openQueueStore({ folder, clock })
    clock.advance(9_000)
    assert.deepEqual(await second.claim('work', { leaseMs: 10_000 }), [])
    assert.deepEqual(await second.settle('work', [claimed?.claim ?? ''], { as: 'done' }), { stale: [] })
  })
})

test('a message that takes its consumers with it is a dead letter in the end', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    await using queues = openQueueStore({ folder, clock })
    await queues.set('work', { crashes: 3 })
    await queues.add('work', [hello])
    for (let crashes = 0; crashes < 3; crashes++) {
      const [claimed] = await queues.claim('work', { leaseMs: 1_000 })
      assert.equal(claimed?.crashes, crashes)
      assert.equal(claimed?.attempt, 1)
      clock.advance(1_001)
    }
    assert.deepEqual(await queues.claim('work', { leaseMs: 1_000 }), [])
    assert.equal(queues.stats('work')?.dead, 1)
  })
})

test('one refused wish does not undo the others of its commit', async () => {
  await inFolder(async (folder) => {
    await using queues = openQueueStore({ folder, clock: fakeClock() })
    const [added, refused, next] = await Promise.allSettled([
      queues.add('work', [hello]),
      queues.add('no/name', [hello]),
      queues.add('work', [hello]),
    ])
    assert.deepEqual(added, { status: 'fulfilled', value: [1] })
    assert.equal(refused.status, 'rejected')
    assert.deepEqual(next, { status: 'fulfilled', value: [2] })
  })
})

test('nobody who has left is given a message, and no timer is left behind', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    await using queues = openQueueStore({ folder, clock })
    const abort = new AbortController()
    const gone = queues.claim('work', { leaseMs: 1_000, waitMs: 60_000, signal: abort.signal })
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    assert.deepEqual(await gone, [])
    assert.equal(clock.pendingTimers, 0)
    await queues.add('work', [hello])
    assert.equal(queues.stats('work')?.ready, 1)
  })
})

test('a reader of a broadcast is told of a gap only where it is, not before messages that are still there', async () => {
  await inFolder(async (folder) => {
    const clock = fakeClock()
    await using queues = openQueueStore({ folder, clock })
    await queues.set('news', { delivery: 'broadcast' })
    await queues.add('news', [hello, hello, { ...hello, ttlMs: 1000 }, hello])
    clock.advance(2000)
    const { messages, goneTo } = await queues.read('news', 0, 2)
    assert.deepEqual([messages.map(({ id }) => Number(id)), goneTo], [[1, 2], undefined])
    const rest = await queues.read('news', 2, 10)
    assert.deepEqual([rest.messages.map(({ id }) => Number(id)), rest.goneTo], [[4], 3])
  })
})
