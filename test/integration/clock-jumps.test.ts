/** Steps of the wall clock while a job runs and between its runs: what arrives at the web must not show them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import { createJob } from '../../src/index.ts'
import type { Clock } from '../../src/model/clock.ts'
import { jumpingClock } from '../../src/testing/clock.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'

const DELAY_MS = 40
const HOSTS = 5
const PAGES = 20
const HOUR_MS = 3_600_000

const URLS = Array.from({ length: HOSTS * PAGES }, (_, n) => `http://h${n % HOSTS}.test/p/${n}`)

async function web(): Promise<Origin> {
  const robots = 'User-agent: *\nDisallow: /private/\n'
  return startOrigin({ sites: { '*': { robots, pages: { '/p/*': { body: 'page' } } } } })
}

function jobOf(origin: Origin, cwd: string, clock: Clock) {
  return createJob({
    kind: 'fetch',
    job: `${cwd}/jumps`,
    seeds: [...URLS, 'http://h0.test/private/x'],
    resolve: origin.resolveFlag,
    contact: 'https://lab.example/bot',
    delay: DELAY_MS,
    clock,
  })
}

async function assertPolite(origin: Origin): Promise<void> {
  const ledger = origin.ledger()
  assert.deepEqual(ledger.violations(DELAY_MS), [])
  assert.equal(ledger.maxConcurrentPerHost(), 1)
  const asked = [...ledger.arrivals()].map(({ host, path }) => `http://${host}${path}`)
  assert.deepEqual(
    asked.filter((url) => url.includes('/private/')),
    [],
    'nothing past robots.txt',
  )
  const pages = asked.filter((url) => !url.endsWith('/robots.txt'))
  assert.deepEqual(pages.toSorted(), URLS.toSorted(), 'each page once')
}

test('hours forwards and backwards in the middle of a crawl make no request come sooner or later', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const jumps = [
      { atMs: 100, byMs: 2 * HOUR_MS },
      { atMs: 250, byMs: -5 * HOUR_MS },
      { atMs: 400, byMs: 24 * HOUR_MS },
    ]
    const job = jobOf(origin, cwd, jumpingClock(systemClock(), jumps))
    const summary = await job.run()
    assert.equal(summary.done.ok, URLS.length)
    assert.ok(summary.elapsedMs < 10 * PAGES * DELAY_MS, `${summary.elapsedMs} ms: nothing waited for a wall clock`)
  })
  await assertPolite(origin)
})

for (const [name, byMs] of [
  ['two hours ahead', 2 * HOUR_MS],
  ['a day back', -24 * HOUR_MS],
] as const) {
  for (const reboot of [false, true]) {
    test(`a clock ${name} ${reboot ? 'and a restart of the machine' : ''} between two runs keeps every delay`, async (t) => {
      const origin = await web()
      t.after(() => origin.close())
      await inFolder(async (cwd) => {
        const first = jobOf(origin, cwd, systemClock())
        let settled = 0
        first.on('request.settled', () => {
          if (++settled === URLS.length / 2) void first.stop('half of it')
        })
        await first.run()
        const base = systemClock()
        const moved = jumpingClock(reboot ? rebooted(base) : base, [{ atMs: 0, byMs }])
        const summary = await jobOf(origin, cwd, moved).run()
        assert.equal(summary.done.ok, URLS.length)
      })
      await assertPolite(origin)
    })
  }
}

/** The same machine after it was started again: another boot, its own count of time. */
function rebooted(base: Clock): Clock {
  const start = base.bootMs()
  return {
    now: () => base.now(),
    wall: () => base.wall(),
    bootId: 'another boot',
    bootMs: () => base.bootMs() - start,
    setTimer: (callback, delayMs) => base.setTimer(callback, delayMs),
  }
}

test('a wall clock that falls back to 1970 in the middle of a crawl changes nothing', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const clock = jumpingClock(systemClock(), [{ atMs: 150, byMs: -Date.now() }])
    assert.equal((await jobOf(origin, cwd, clock).run()).done.ok, URLS.length)
  })
  await assertPolite(origin)
})

test('a machine that was suspended for ten minutes begins no burst and loses no claim when it wakes', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const summary = await jobOf(origin, cwd, suspended(systemClock(), 200, 600_000)).run()
    assert.equal(summary.done.ok, URLS.length)
    assert.equal(summary.left.total, 0)
  })
  // The web of this test was not suspended: the gap that spans the ten minutes is short in its eyes, one a host.
  const hosts = origin
    .ledger()
    .violations(DELAY_MS)
    .map(({ host }) => host)
  assert.equal(new Set(hosts).size, hosts.length, hosts.join(' '))
  assert.equal(origin.ledger().maxConcurrentPerHost(), 1)
})

/** All its clocks go on by so much at once. */
function suspended(base: Clock, atMs: number, forMs: number): Clock {
  const start = base.now()
  const by = (): number => (base.now() - start >= atMs ? forMs : 0)
  return {
    now: () => base.now() + by(),
    wall: () => base.wall() + by(),
    bootId: base.bootId,
    bootMs: () => base.bootMs() + by(),
    setTimer: (callback, delayMs) => base.setTimer(callback, delayMs),
  }
}
