import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Bloom } from '../../src/frontier/seen/bloom.ts'
import { RunFile } from '../../src/frontier/seen/run-file.ts'
import { SeenTable } from '../../src/frontier/seen/seen-table.ts'
import type { Seen } from '../../src/frontier/seen/seen-table.ts'
import { TieredSeen } from '../../src/frontier/seen/tiered-seen.ts'
import { mix32 } from '../../src/testing/random.ts'

function hi(i: number): number {
  return mix32(1, i)
}

function lo(i: number): number {
  return mix32(2, i)
}

/** Adds `count` fingerprints, each again now and then, and asks for as many that were never added. */
function holds(seen: Seen, count: number): void {
  assert.ok(seen.add(0, 0))
  assert.ok(!seen.add(0, 0))
  assert.ok(seen.add(0, 1))
  assert.ok(seen.add(1, 0))
  for (let i = 0; i < count; i++) {
    assert.ok(seen.add(hi(i), lo(i)), `${i} is new`)
    const earlier = Math.floor(i * 0.618)
    assert.ok(!seen.add(hi(earlier), lo(earlier)), `${earlier} was added before ${i}`)
  }
  assert.equal(seen.count, count + 3)
  for (let i = 0; i < count; i++) {
    assert.ok(seen.has(hi(i), lo(i)))
    assert.ok(!seen.has(hi(i + count), lo(i + count)))
  }
  assert.ok(seen.has(0, 0) && seen.has(0, 1) && seen.has(1, 0))
}

test('the table of fingerprints knows what was added and nothing else', () => {
  const table = new SeenTable()
  holds(table, 200_000)
  assert.ok(table.bytes < 200_000 * 16, `${table.bytes} bytes`)
})

test('above its budget the memory of fingerprints stays in it and forgets nothing', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-seen-'))
  const folder = join(root, 'seen')
  try {
    for (const budgetBytes of [1, 50_000, 400_000]) {
      const seen = new TieredSeen({ folder, budgetBytes })
      holds(seen, budgetBytes === 1 ? 5_000 : 150_000)
      assert.ok(seen.bytes < budgetBytes * 1.7 + 300_000, `${seen.bytes} bytes of ${budgetBytes}`)
      seen.close()
      assert.ok(!existsSync(folder))
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('sorted runs find what they hold at their edges and after many merges', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-runs-'))
  const low = 0x40000000
  const width = 0x04000000
  const runs = new RunFile(join(root, 'run'), low, width)
  try {
    const all: bigint[] = []
    for (let n = 1; n <= 40; n++) {
      const batch = Array.from(
        { length: n * 37 },
        (_, i) => (BigInt(low + (hi(n * 10_000 + i) % width)) << 32n) | BigInt(lo(n * 10_000 + i)),
      )
      if (n === 1) batch.push(BigInt(low) << 32n, (BigInt(low + width) << 32n) - 1n)
      runs.add(BigUint64Array.from(batch).sort())
      all.push(...batch)
    }
    for (const fp of all) assert.ok(runs.has(Number(fp >> 32n), Number(fp & 0xffffffffn)))
    for (let i = 0; i < 2_000; i++) assert.ok(!runs.has(low + (hi(i + 9_000_000) % width), lo(i + 9_000_000)))
  } finally {
    runs.close()
    rmSync(root, { recursive: true, force: true })
  }
})

test('the filter never denies what was added and is rarely wrong about the rest', () => {
  const bloom = new Bloom(125_000)
  for (let i = 0; i < 100_000; i++) bloom.add(hi(i), lo(i))
  let wrong = 0
  for (let i = 0; i < 100_000; i++) {
    assert.ok(bloom.mayHave(hi(i), lo(i)))
    if (bloom.mayHave(hi(i + 100_000), lo(i + 100_000))) wrong++
  }
  assert.ok(wrong < 2_500, `${wrong} of 100,000 at ten bits each`)
})
