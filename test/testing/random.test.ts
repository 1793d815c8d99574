import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mix32, random } from '../../src/testing/random.ts'

test('the same seed gives the same random numbers, another seed others', () => {
  const draw = (seed: number): number[] => {
    const dice = random(seed)
    return Array.from({ length: 20 }, () => dice.next())
  }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('seeded random numbers stay in their range and reach both ends', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: -20, max: 20 }), fc.nat(10), (seed, min, span) => {
      const dice = random(seed)
      const seen = new Set<number>()
      for (let i = 0; i < 500; i++) {
        const fraction = dice.next()
        assert.ok(fraction >= 0 && fraction < 1)
        seen.add(dice.int(min, min + span))
      }
      assert.equal(Math.min(...seen), min)
      assert.equal(Math.max(...seen), min + span)
      assert.equal(seen.size, span + 1)
    }),
  )
})

test('a seeded shuffle keeps every element and does not touch the list', () => {
  const list = Array.from({ length: 100 }, (_, index) => index)
  const shuffled = random(3).shuffle(list)
  assert.notDeepEqual(shuffled, list)
  assert.deepEqual(
    shuffled.toSorted((a, b) => a - b),
    list,
  )
  assert.deepEqual(
    list,
    Array.from({ length: 100 }, (_, index) => index),
  )
})

test('picking from nothing is an error', () => {
  assert.throws(() => random(1).pick([]), RangeError)
  assert.equal(random(1).pick(['only']), 'only')
})

test('the stateless mix spreads neighbours over the whole range', () => {
  const buckets = new Uint32Array(16)
  for (let a = 0; a < 16_000; a++) {
    const bucket = mix32(1, a) >>> 28
    buckets[bucket] = (buckets[bucket] as number) + 1
  }
  for (const count of buckets) assert.ok(count > 800 && count < 1200, String(buckets))
})
