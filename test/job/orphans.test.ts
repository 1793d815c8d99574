/** Parts that a death left behind: which of them somebody waits for. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PartFolder } from '../../src/fetch/part-folder.ts'
import type { FrontierStats, LedgerRow, ScanQuery, Slice } from '../../src/frontier/frontier.ts'
import { removeOrphans } from '../../src/job/parts.ts'
import { hexOf } from '../../src/url/fingerprint.ts'
import { inFolder } from '../cli/run-cli.ts'

function partsOf(folder: string, names: readonly bigint[]): PartFolder {
  mkdirSync(folder, { recursive: true })
  for (const name of names) {
    const validator = { name: 'etag', value: '"a"' }
    const state = { format: 1, url: `http://a.test/${name}`, statusText: 'OK', rawHeaders: [], validator, count: 3 }
    writeFileSync(join(folder, `${hexOf(name)}.json`), JSON.stringify(state))
    writeFileSync(join(folder, `${hexOf(name)}.part`), 'abc')
  }
  return new PartFolder({ folder })
}

/** A queue of `length` rows with these fingerprints at their places, and how often it is read. */
function queueOf(length: number, fps: Readonly<Record<number, bigint>>) {
  const queue = {
    scans: 0,
    stats: { queued: length, delayed: 0, following: 0, inFlight: 0 } as FrontierStats,
    scan({ limit = 100, after = 0 }: ScanQuery): Promise<Slice<LedgerRow>> {
      queue.scans++
      const end = Math.min(length, after + limit)
      const rows = Array.from({ length: end - after }, (_, i) => ({ fp: fps[after + i] ?? 0n }) as LedgerRow)
      return Promise.resolve({ rows, next: end < length ? end : null })
    },
  }
  return queue
}

test('a part whose request waits stays, any other goes', async () => {
  await inFolder(async (folder) => {
    const parts = partsOf(folder, [1n, 2n, 3n])
    const queue = queueOf(25_000, { 0: 3n, 24_999: 1n })
    await removeOrphans(parts, queue, queue.stats)
    assert.deepEqual(parts.names().toSorted(), [1n, 3n])
    assert.deepEqual(new PartFolder({ folder }).names().toSorted(), [1n, 3n])
  })
})

test('the queue is read no further than to the last part that is found', async () => {
  await inFolder(async (folder) => {
    const queue = queueOf(90_000, { 5: 1n })
    await removeOrphans(partsOf(folder, [1n]), queue, queue.stats)
    assert.equal(queue.scans, 1)
    await removeOrphans(partsOf(join(folder, 'none'), []), queue, queue.stats)
    assert.equal(queue.scans, 1, 'nobody asks without parts')
  })
})

test('a very long queue is not read to its end for an orphan, which goes with the job', async () => {
  await inFolder(async (folder) => {
    const queue = queueOf(5_000_000, {})
    const parts = partsOf(folder, [1n])
    await removeOrphans(parts, queue, queue.stats)
    assert.equal(queue.scans, 10)
    assert.deepEqual(parts.names(), [1n])
    parts.clear()
    assert.deepEqual(parts.names(), [])
  })
})

test('where nothing waits, every part is an orphan', async () => {
  await inFolder(async (folder) => {
    const queue = queueOf(0, {})
    const parts = partsOf(folder, [1n, 2n])
    await removeOrphans(parts, queue, queue.stats)
    assert.deepEqual(parts.names(), [])
    assert.equal(queue.scans, 0)
  })
})
