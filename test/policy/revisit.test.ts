import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextInterval } from '../../src/policy/revisit.ts'
import type { RevisitLimits } from '../../src/policy/revisit.ts'
import { random } from '../../src/testing/random.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const LIMITS: RevisitLimits = { firstMs: DAY, minMs: HOUR, maxMs: 90 * DAY }

test('the first interval is the one given, within the bounds', () => {
  assert.equal(nextInterval(undefined, 'changed', LIMITS), DAY)
  assert.equal(nextInterval(undefined, 'same', { ...LIMITS, firstMs: 1 }), HOUR)
  assert.equal(nextInterval(undefined, 'none', { ...LIMITS, firstMs: 1e12 }), 90 * DAY)
})

test('an unchanged page is asked for later, a changed one sooner, one that did not answer as before', () => {
  assert.equal(nextInterval(DAY, 'same', LIMITS), Math.round(1.4 * DAY))
  assert.equal(nextInterval(DAY, 'changed', LIMITS), Math.round(0.8 * DAY))
  assert.equal(nextInterval(DAY, 'none', LIMITS), DAY)
  let interval = DAY
  for (let visit = 0; visit < 30; visit++) interval = nextInterval(interval, 'same', LIMITS)
  assert.equal(interval, 90 * DAY)
  for (let visit = 0; visit < 60; visit++) interval = nextInterval(interval, 'changed', LIMITS)
  assert.equal(interval, HOUR)
})

test('pages that change at random are visited about as often as they change, and still ones hardly at all', () => {
  const dice = random(7)
  for (const meanDays of [0.5, 2, 10, 40]) {
    let interval = DAY
    let [visits, changes, time] = [0, 0, 0]
    for (let visit = 0; visit < 4000; visit++) {
      // Changes of a Poisson process: at least one within the interval.
      const isChanged = dice.int(0, 999_999) / 1e6 < 1 - Math.exp(-interval / (meanDays * DAY))
      time += interval
      interval = nextInterval(interval, isChanged ? 'changed' : 'same', LIMITS)
      if (visit < 500) continue
      visits++
      if (isChanged) changes++
    }
    const share = changes / visits
    assert.ok(share > 0.55 && share < 0.65, `${meanDays} days: ${share}`)
    const perDay = time / 4000 / DAY
    assert.ok(perDay > meanDays * 0.6 && perDay < meanDays * 1.4, `${meanDays} days: every ${perDay}`)
  }
})
