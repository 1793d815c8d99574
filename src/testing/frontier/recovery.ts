/** Deaths, restarts, steps of the clock. */
import assert from 'node:assert/strict'
import type { Claim } from '../../frontier/frontier.ts'
import type { Check } from './check.ts'
import { gate, pages, request } from './lab.ts'

const HOUR_MS = 3_600_000

export function recovery(check: Check): void {
  check(
    'what was added and settled is there after a death; what was in flight is queued, with one death more',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls(...pages(6))
      const claims = await lab.claims({ max: 3 })
      await lab.fetchOk(claims[0] as Claim)
      await lab.finish(claims[1] as Claim)
      await lab.clock.advanceAsync(20)
      lab.clock.advance(500)
      await lab.crash()
      assert.equal(lab.opened.existed, true)
      const stats = await lab.audit()
      assert.deepEqual(stats.recovered?.requeued, 2)
      assert.ok((stats.recovered?.lastCommitAgoMs ?? 0) >= 500)
      assert.deepEqual([stats.known, stats.done.ok, stats.queued, stats.inFlight], [6, 1, 5, 0])
      const again = await lab.claims()
      assert.deepEqual(
        again.map(({ url, crashes, attempt }) => [url, crashes, attempt]),
        [
          ['http://a.test/1', 1, 1],
          ['http://a.test/2', 1, 1],
          ['http://a.test/3', 0, 1],
          ['http://a.test/4', 0, 1],
          ['http://a.test/5', 0, 1],
        ],
      )
    },
    'a store',
  )

  check(
    'a clean close leaves nothing to recover',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls(...pages(4))
      const claims = await lab.claims({ max: 2 })
      await lab.fetchOk(claims[0] as Claim)
      await lab.reopen()
      const stats = await lab.audit()
      assert.equal(stats.recovered, null)
      assert.deepEqual([stats.known, stats.done.ok, stats.queued], [4, 1, 3])
      assert.deepEqual(
        (await lab.claims()).map((claim) => claim.crashes),
        [0, 0, 0],
      )
      await lab.reopen()
      assert.equal((await lab.frontier.stats()).recovered, null)
    },
    'a store',
  )

  check(
    'the fourth death of a URL, alone this time, is final',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls('http://a.test/bad')
      for (let deaths = 0; deaths < 3; deaths++) {
        const bad = (await lab.claims()).find((claim) => claim.url === 'http://a.test/bad')
        assert.equal(bad?.crashes, deaths)
        await lab.clock.advanceAsync(20)
        await lab.crash()
      }
      await lab.addUrls('http://b.test/good')
      const good = await lab.one()
      assert.equal(good.url, 'http://b.test/good')
      await lab.fetchOk(good)
      const alone = await lab.one()
      assert.equal(alone.url, 'http://a.test/bad')
      await lab.crash()
      const verdict = await lab.one({ max: 0 })
      assert.equal(verdict.verdict?.code, 'PROCESS_CRASHED')
      assert.equal(verdict.url, 'http://a.test/bad')
      await lab.crash()
      const still = await lab.one()
      assert.equal(still.verdict?.code, 'PROCESS_CRASHED')
      await lab.done(still, 'failed', { code: 'PROCESS_CRASHED' })
      const stats = await lab.audit()
      assert.deepEqual([stats.done.failed, stats.done.ok, stats.known], [1, 1, 2])
      await lab.reopen()
      assert.equal((await lab.claim()).state, 'empty')
      const [row] = await lab.scanAll('ledger', { outcome: 'failed' })
      await lab.add([request('http://a.test/bad', { dedupe: 'force', ref: row?.ref as number })])
      assert.equal((await lab.one()).verdict, undefined, 'it can be queued again')
    },
    'a store',
  )

  check(
    'an unsafe request that was in flight at a death is not handed out again',
    async (lab) => {
      await lab.open({ conns: 10 })
      const post = { meta: { method: 'POST' } }
      await lab.add([
        request('http://a.test/sent', post),
        request('http://a.test/given-back', post),
        request('http://a.test/tried', post),
        request('http://a.test/page'),
      ])
      const claims = await lab.claims()
      const of = (name: string): Claim => claims.find(({ url }) => url.endsWith(name)) as Claim
      await lab.finish(of('given-back'), 0, false)
      await lab.release(of('given-back'))
      await lab.finish(of('tried'))
      await lab.retry(of('tried'), 0, 'CONNECT_FAILED')
      await lab.crash()
      const again = await lab.claims()
      assert.deepEqual(again.map(({ url, verdict }) => `${url.slice(14)} ${verdict?.code ?? 'to fetch'}`).toSorted(), [
        'given-back to fetch',
        'page to fetch',
        'sent DELIVERY_UNKNOWN',
        'tried to fetch',
      ])
      await lab.done(again.find(({ verdict }) => verdict !== undefined) as Claim, 'failed', {
        code: 'DELIVERY_UNKNOWN',
      })
      const stats = await lab.audit()
      assert.deepEqual([stats.done.failed, stats.known], [1, 4])
      const [row] = await lab.scanAll('ledger', { outcome: 'failed' })
      await lab.add([request('http://a.test/sent', { dedupe: 'force', ref: row?.ref as number })])
      await lab.crash()
      const forced = (await lab.claims()).find(({ url }) => url.endsWith('/sent'))
      assert.equal(forced?.verdict, undefined, 'whoever asks for it gets it again')
    },
    'a store',
  )

  check('an unsafe request whose lease ends is not handed out again', async (lab) => {
    await lab.open()
    await lab.add([request('http://a.test/sent', { meta: { method: 'DELETE' } })])
    await lab.one({ leaseMs: 1_000 })
    lab.clock.advance(1_000)
    assert.equal((await lab.one()).verdict?.code, 'DELIVERY_UNKNOWN')
    await lab.audit()
  })

  check(
    'a redirect hop of an unsafe request is unsafe as well, unless it became a GET',
    async (lab) => {
      await lab.open({ conns: 10 })
      const post = { meta: { method: 'POST' } }
      await lab.add([request('http://a.test/kept', post), request('http://a.test/turned', post)])
      for (const claim of await lab.claims()) {
        const plain = claim.url.endsWith('turned') ? ({ plain: true } as const) : {}
        await lab.finish(claim)
        await lab.follow(claim, { url: `${claim.url}/there`, ...plain })
      }
      const hops = await lab.claims()
      assert.deepEqual(hops.map(({ plain }) => plain).toSorted(), [true, undefined])
      await lab.crash()
      assert.deepEqual((await lab.claims()).map(({ url, verdict }) => [url.slice(14), verdict?.code]).toSorted(), [
        ['kept/there', 'DELIVERY_UNKNOWN'],
        ['turned/there', undefined],
      ])
    },
    'a store',
  )

  check(
    'a robots.txt that was in flight at every death is given up, and its origin denied for a while',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls('http://a.test/1')
      await lab.add([gate('http://a.test')])
      for (let deaths = 0; deaths < 4; deaths++) {
        const claim = await lab.one()
        assert.equal(claim.gate, true)
        assert.equal(claim.crashes, deaths)
        await lab.clock.advanceAsync(20)
        await lab.crash()
      }
      assert.deepEqual(await lab.urls(), ['http://a.test/1'])
      const state = (await lab.frontier.key('a.test')).robots.get('http://a.test')
      assert.equal(state?.verdict, 'deny')
      const stats = await lab.audit()
      assert.deepEqual([stats.gates, stats.known], [0, 1])
    },
    'a store',
  )

  check(
    'after a death no key starts sooner than its interval from now, or its stored time',
    async (lab) => {
      await lab.open({ delayMs: 1_000, byKey: { 'free.test': { delayMs: 0 } } })
      await lab.addUrls(...pages(5), ...pages(5, 'slow.test'), ...pages(5, 'free.test'))
      for (const claim of await lab.claims()) await lab.fetchOk(claim, claim.key === 'slow.test' ? 30_000 : 0)
      lab.clock.advance(5_000)
      await lab.crash()
      const opened = lab.clock.now()
      const starts = new Map<string, number>()
      for (let step = 0; step < 100; step++) {
        for (const { key } of await lab.claims()) starts.set(key, starts.get(key) ?? lab.clock.now() - opened)
        lab.clock.advance(500)
      }
      assert.deepEqual(Object.fromEntries(starts), { 'free.test': 0, 'a.test': 1_000, 'slow.test': 30_000 })
    },
    'a store',
  )

  check(
    'after a clean close clocks run on as if nothing had happened',
    async (lab) => {
      await lab.open({ delayMs: 10_000 })
      await lab.addUrls(...pages(2))
      await lab.fetchOk(await lab.one())
      await lab.close()
      lab.clock.advance(4_000)
      await lab.open()
      assert.equal((await lab.claim()).nextReadyInMs, 6_000)
    },
    'a store',
  )

  check('steps of the wall clock do nothing to a running job', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(6))
    for (const step of [HOUR_MS, -2 * HOUR_MS, -lab.clock.wall(), 30 * 24 * HOUR_MS]) {
      await lab.fetchOk(await lab.one())
      lab.clock.jumpWall(step)
      assert.equal((await lab.claim()).nextReadyInMs, 1_000)
      lab.clock.advance(1_000)
    }
    await lab.one()
  })

  check(
    'a wrong wall clock within a boot does nothing to a reopened job',
    async (lab) => {
      await lab.open({ delayMs: 10_000 })
      await lab.addUrls(...pages(2))
      await lab.fetchOk(await lab.one())
      await lab.close()
      lab.clock.jumpWall(-24 * HOUR_MS)
      lab.clock.advance(3_000)
      await lab.open()
      assert.equal((await lab.claim()).nextReadyInMs, 7_000)
    },
    'a store',
  )

  check(
    'over a boot with a wall clock set back a key waits what it still had to, no more',
    async (lab) => {
      await lab.open({ delayMs: 10_000 })
      await lab.addUrls(...pages(2))
      await lab.fetchOk(await lab.one())
      await lab.close()
      lab.clock.reboot()
      lab.clock.jumpWall(-5 * HOUR_MS)
      await lab.open()
      assert.equal((await lab.claim()).nextReadyInMs, 10_000)
      assert.ok(Math.abs(lab.opened.clockJumpMs ?? 0) >= 4 * HOUR_MS)
    },
    'a store',
  )

  check(
    'over a boot the wall clock says how long the machine was off',
    async (lab) => {
      await lab.open({ delayMs: 10_000 })
      await lab.addUrls(...pages(2))
      await lab.fetchOk(await lab.one())
      await lab.frontier.key('b.test', { blockedForMs: 60_000 })
      await lab.close()
      lab.clock.reboot()
      lab.clock.advance(4_000)
      await lab.open()
      assert.equal((await lab.claim()).nextReadyInMs, 6_000)
      assert.equal((await lab.frontier.key('b.test')).blockedForMs, 56_000)
      assert.equal(lab.opened.clockJumpMs, undefined)
    },
    'a store',
  )

  check(
    'a close in the middle of everything loses nothing that was promised',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls(...pages(20))
      const claims = await lab.claims()
      const pending = [
        lab.frontier.add(pages(50, 'b.test').map((url) => request(url))),
        ...claims.map((claim) => lab.done(claim)),
      ]
      await lab.close()
      await Promise.all(pending)
      await lab.open()
      const stats = await lab.audit()
      assert.equal(stats.known, 70)
      assert.equal(stats.done.ok, claims.length)
    },
    'a store',
  )

  check(
    'a settled URL that was queued again is queued after a death, and settled after another',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls(...pages(3))
      for (const claim of await lab.claims()) await lab.fetchOk(claim)
      const rows = await lab.scanAll('ledger')
      const ref = rows.find((row) => row.url === 'http://a.test/1')?.ref as number
      await lab.add([request('http://a.test/1', { dedupe: 'force', ref, meta: { digest: 'x' } })])
      await lab.crash()
      assert.equal((await lab.audit()).queued, 1)
      const again = await lab.one()
      assert.deepEqual(again.meta, { digest: 'x' })
      await lab.finish(again)
      await lab.done(again, 'unchanged', { status: 304 })
      await lab.crash()
      const stats = await lab.audit()
      assert.deepEqual([stats.done.ok, stats.done.unchanged, stats.queued], [2, 1, 0])
      const [row] = await lab.scanAll('ledger', { url: 'http://a.test/1' })
      assert.deepEqual([row?.record?.outcome, row?.meta], ['unchanged', { digest: 'x' }])
      assert.equal((await lab.claim()).state, 'empty')
    },
    'a store',
  )
}
