import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Chains } from '../../src/frontier/schedule/chains.ts'
import { DueHeap } from '../../src/frontier/schedule/due-heap.ts'
import { IndexHeap } from '../../src/frontier/schedule/index-heap.ts'
import { InputRanges } from '../../src/frontier/schedule/input-ranges.ts'
import { joinFp, split, splitHi, splitLo } from '../../src/frontier/schedule/rows.ts'
import { PendingSpill } from '../../src/frontier/seen/pending-spill.ts'

const QUEUES = 5

/** What a queue is: what was put before it, then the rest. */
class PlainQueue {
  front: number[] = []
  rest: number[] = []

  shift(): number {
    return this.front.shift() ?? this.rest.shift() ?? 0
  }

  get first(): number {
    return this.front[0] ?? this.rest[0] ?? 0
  }
}

function chainsHold(make: () => Chains): void {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: QUEUES - 1 })), { maxLength: 600, size: 'max' }),
      (steps) => {
        const chains = make()
        chains.reserve(QUEUES)
        const queues = Array.from({ length: QUEUES }, () => new PlainQueue())
        const taken: number[] = []
        let row = 0
        for (const [op, q] of steps) {
          const queue = queues[q] as PlainQueue
          if (op < 6) {
            chains.pushTail(q, ++row)
            queue.rest.push(row)
          } else if (op < 8) {
            assert.equal(chains.peek(q), queue.first)
            const shifted = chains.shift(q)
            assert.equal(shifted, queue.shift())
            if (shifted !== 0) taken.push(shifted)
          } else {
            const back = taken.pop()
            if (back === undefined) continue
            if (op === 8) {
              chains.pushHead(q, back)
              queue.front.unshift(back)
            } else {
              chains.pushFront(q, back)
              queue.front.push(back)
            }
          }
          for (let i = 0; i < QUEUES; i++) assert.equal(chains.isEmpty(i), (queues[i] as PlainQueue).first === 0)
        }
      },
    ),
    { numRuns: 60 },
  )
}

test('queues of rows keep their order, with rows put at their heads', () => {
  chainsHold(() => new Chains())
})

test('queues of rows keep their order while they move to disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chains-'))
  const spills: PendingSpill[] = []
  try {
    for (const limit of [2, 16, 100]) {
      chainsHold(() => {
        const spill = new PendingSpill(join(folder, String(spills.length)))
        spills.push(spill)
        return new Chains({ spill, limit })
      })
    }
  } finally {
    for (const spill of spills) spill.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a hundred thousand rows of one queue and of many come back from disk in order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chains-'))
  const spill = new PendingSpill(join(folder, 'queues'))
  try {
    const chains = new Chains({ spill, limit: 1_000 })
    chains.reserve(301)
    const expected = Array.from({ length: 301 }, () => [] as number[])
    for (let row = 1; row <= 100_000; row++) {
      const queue = row % 2 === 0 ? 0 : 1 + (row % 300)
      chains.pushTail(queue, row)
      expected[queue]?.push(row)
    }
    for (let queue = 0; queue <= 300; queue++) {
      for (const row of expected[queue] as number[]) assert.equal(chains.shift(queue), row)
      assert.equal(chains.shift(queue), 0)
    }
  } finally {
    spill.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the ready heap gives keys in order, whatever was moved and taken out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 30 }), fc.nat({ max: 1_000 })), { maxLength: 200 }),
      (steps) => {
        const times = new Map<number, number>()
        const heap = new IndexHeap((a, b) => (times.get(a) as number) < (times.get(b) as number))
        const inside = new Set<number>()
        for (const [op, item, time] of steps) {
          if (op < 2) {
            times.set(item, time)
            heap.put(item)
            inside.add(item)
          } else {
            heap.remove(item)
            inside.delete(item)
          }
          assert.equal(heap.size, inside.size)
          const first = heap.peek()
          if (first < 0) assert.equal(inside.size, 0)
          else for (const other of inside) assert.ok((times.get(first) as number) <= (times.get(other) as number))
        }
      },
    ),
  )
})

test('delayed rows come out by time', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1_000 })), (times) => {
      const heap = new DueHeap()
      times.forEach((due, i) => heap.push(due, i + 1))
      const out: number[] = []
      while (heap.size > 0) {
        const { first } = heap
        const row = heap.pop()
        assert.equal(times[row - 1], first)
        out.push(first)
      }
      assert.deepEqual(
        out,
        [...times].sort((a, b) => a - b),
      )
      assert.equal(heap.pop(), 0)
    }),
  )
})

test('ranges of ordinals are what a set of them is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 })), (ordinals) => {
      const ranges = new InputRanges()
      const set = new Set<number>()
      for (const ordinal of ordinals) {
        ranges.add(ordinal)
        set.add(ordinal)
      }
      const again = new InputRanges(ranges.bounds)
      for (let i = 0; i <= 62; i++) assert.equal(again.has(i), set.has(i), String(i))
      for (let i = 1; i < ranges.bounds.length; i++)
        assert.ok((ranges.bounds[i] as number) > (ranges.bounds[i - 1] as number))
    }),
  )
})

test('a fingerprint is the same after it was split and joined', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (fp) => {
      split(fp)
      assert.equal(BigInt(splitHi()) * 2n ** 32n + BigInt(splitLo()), fp)
      assert.equal(joinFp(splitHi(), splitLo()), fp)
    }),
  )
})
