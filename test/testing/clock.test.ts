import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeClock, fastClock, jumpingClock, parseClockJumps } from '../../src/testing/clock.ts'

test('a fake clock fires timers in order of time, equal times in order of setting', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 40 }), fc.array(fc.nat(20), { maxLength: 10 }), (delays, steps) => {
      const clock = fakeClock()
      const fired: [number, number][] = []
      delays.forEach((delay, index) => clock.setTimer(() => fired.push([clock.now(), index]), delay))
      for (const step of steps) clock.advance(step)
      const now = steps.reduce((sum, step) => sum + step, 0)
      const expected = delays
        .map((delay, index): [number, number] => [delay, index])
        .filter(([delay]) => delay <= now && steps.length > 0)
        .sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepEqual(fired, expected)
      assert.equal(clock.now(), now)
    }),
  )
})

test('a timer of a fake clock may set timers that fall due in the same advance', () => {
  const clock = fakeClock({ startMs: 500 })
  const seen: number[] = []
  const tick = (): void => {
    seen.push(clock.now())
    if (seen.length < 5) clock.setTimer(tick, 10)
  }
  clock.setTimer(tick, 10)
  clock.advance(35)
  assert.deepEqual(seen, [510, 520, 530])
  assert.equal(clock.nextTimerInMs(), 5)
  clock.advanceTo(600)
  assert.deepEqual(seen, [510, 520, 530, 540, 550])
  assert.equal(clock.nextTimerInMs(), null)
})

test('a cancelled timer of a fake clock never fires, and cancelling twice is harmless', () => {
  const clock = fakeClock()
  let fired = 0
  const handle = clock.setTimer(() => fired++, 10)
  clock.setTimer(() => handle.cancel(), 10)
  const other = clock.setTimer(() => fired++, 5)
  other.cancel()
  other.cancel()
  assert.equal(clock.pendingTimers, 2)
  clock.advance(9)
  handle.cancel()
  clock.advance(100)
  assert.equal(fired, 0)
  assert.equal(clock.pendingTimers, 0)
})

test('a fake clock refuses to go back', () => {
  const clock = fakeClock({ startMs: 10 })
  assert.throws(() => clock.advance(-1), RangeError)
  assert.throws(() => clock.advanceTo(9), RangeError)
  assert.equal(clock.now(), 10)
})

test('a wall clock jump of a fake clock moves neither its monotonic time nor its timers', () => {
  const clock = fakeClock({ wall: 1_000_000 })
  let firedAt = -1
  clock.setTimer(() => (firedAt = clock.wall()), 100)
  clock.jumpWall(-500_000)
  assert.equal(clock.wall(), 500_000)
  assert.equal(clock.now(), 0)
  assert.equal(clock.nextTimerInMs(), 100)
  clock.advance(100)
  assert.equal(firedAt, 500_100)
})

test('a reboot of a fake clock changes the boot id, restarts bootMs and drops timers, wall time goes on', () => {
  const clock = fakeClock({ bootId: 'first', bootMs: 7000 })
  clock.setTimer(() => assert.fail('its process is gone'), 10)
  clock.advance(5)
  const wall = clock.wall()
  assert.equal(clock.bootMs(), 7005)
  clock.reboot()
  assert.notEqual(clock.bootId, 'first')
  assert.equal(clock.bootMs(), 0)
  assert.equal(clock.wall(), wall)
  clock.advance(20)
  assert.equal(clock.bootMs(), 20)
})

test('advanceAsync lets promises go on between the times that fire', async () => {
  const clock = fakeClock()
  const seen: number[] = []
  const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, ms))
  const work = (async () => {
    for (let i = 0; i < 3; i++) {
      await wait(10)
      seen.push(clock.now())
    }
  })()
  await clock.advanceAsync(25)
  assert.deepEqual(seen, [10, 20])
  assert.equal(clock.now(), 25)
  await clock.advanceAsync(5)
  await work
  assert.deepEqual(seen, [10, 20, 30])
})

test('a jumping clock steps its wall time at the given moments and leaves all else to its base', () => {
  const base = fakeClock({ startMs: 40, wall: 10_000_000 })
  const clock = jumpingClock(base, parseClockJumps('100:3600000, 200:-7200000'))
  assert.equal(clock.wall(), 10_000_000)
  base.advance(99)
  assert.equal(clock.wall(), 10_000_099)
  base.advance(1)
  assert.equal(clock.wall(), 10_000_100 + 3_600_000)
  base.advance(100)
  assert.equal(clock.wall(), 10_000_200 - 3_600_000)
  assert.equal(clock.now(), 240)
  assert.equal(clock.bootId, base.bootId)
  assert.equal(clock.bootMs(), base.bootMs())
})

test('clock jumps that cannot be read are refused', () => {
  assert.deepEqual(parseClockJumps(''), [])
  assert.throws(() => parseClockJumps('1000'), RangeError)
  assert.throws(() => parseClockJumps('1:2,x'), RangeError)
})

test('a fast clock runs by its factor, and skips time in which nothing is due soon', () => {
  const base = fakeClock({ startMs: 1_000 })
  const clock = fastClock(base, 10, 60_000)
  const fired: number[] = []
  clock.setTimer(() => fired.push(clock.now()), 500)
  const gone = clock.setTimer(() => fired.push(-1), 400)
  gone.cancel()
  base.advance(49)
  assert.equal(fired.length, 0, 'what is due soon is waited for')
  base.advance(1)
  assert.deepEqual([...fired], [1_500])
  assert.equal(clock.wall() - base.wall(), clock.now() - base.now())
  clock.setTimer(() => fired.push(clock.now()), 86_400_000)
  base.advance(1)
  assert.equal(fired.length, 2, 'a day has passed at once')
  assert.ok((fired[1] ?? 0) >= 86_401_500)
})
