/** Claiming: slots, fairness, leases, pausing. */
import assert from 'node:assert/strict'
import type { Claim } from '../../frontier/frontier.ts'
import type { Check } from './check.ts'
import { pages, request } from './lab.ts'

export function claiming(check: Check): void {
  check('a URL has one live claim at most, and is not handed out again before its settle', async (lab) => {
    await lab.open({ conns: 5 })
    await lab.addUrls(...pages(20))
    const live = new Map<string, Claim>()
    for (let round = 0; round < 10; round++) {
      for (const claim of await lab.claims()) {
        assert.ok(!live.has(claim.url), claim.url)
        live.set(claim.url, claim)
        await lab.finish(claim)
      }
    }
    assert.equal(live.size, 20)
    assert.equal((await lab.audit()).inFlight, 20)
    for (const claim of live.values()) await lab.done(claim)
    assert.equal((await lab.claim()).state, 'empty')
  })

  check('a key has no more in flight than its slots, a call no more than asked for', async (lab) => {
    await lab.open({ conns: 3 })
    await lab.addUrls(...pages(10), ...pages(10, 'b.test'))
    assert.equal((await lab.claims({ max: 2 })).length, 2)
    assert.equal((await lab.claims({ max: 100, perKey: 1 })).length, 2)
    assert.equal((await lab.claims()).length, 2)
    const result = await lab.claim()
    assert.equal(result.claims.length, 0)
    const { inFlight } = await lab.frontier.key('a.test')
    assert.equal(inFlight, 3)
  })

  check('a huge key does not starve small ones', async (lab) => {
    await lab.open({ conns: 1000 })
    await lab.addUrls(...pages(3_000, 'huge.test'))
    await lab.add(Array.from({ length: 1_000 }, (_, i) => request(`http://s${i}.test/`)))
    const seen = new Set<string>()
    for (let round = 0; round < 80; round++) {
      for (const claim of await lab.claims({ max: 32 })) {
        seen.add(claim.key)
        await lab.fetchOk(claim)
      }
    }
    assert.equal(seen.size, 1_001)
  })

  check('keys that are ready take turns', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls(...pages(4), ...pages(4, 'b.test'), ...pages(4, 'c.test'))
    const order: string[] = []
    while (order.length < 12) {
      const claim = await lab.one({ max: 1 })
      order.push(claim.key)
      await lab.fetchOk(claim)
    }
    assert.deepEqual(order.slice(0, 6), ['a.test', 'b.test', 'c.test', 'a.test', 'b.test', 'c.test'])
  })

  check('a lease that runs out gives the URL back to the head, with one death more and no attempt', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(3))
    const first = await lab.one({ leaseMs: 1_000 })
    assert.equal((await lab.claim()).nextReadyInMs, 1_000)
    lab.clock.advance(999)
    assert.deepEqual(await lab.claims(), [])
    lab.clock.advance(1)
    const again = await lab.one()
    assert.equal(again.url, first.url)
    assert.equal(again.attempt, 1)
    assert.equal(again.crashes, 1)
    assert.notEqual(again.id, first.id)
    const record = lab.record(first, 'ok')
    const late = await lab.frontier.settle({ outcomes: [{ id: first.id, do: 'done', outcome: 'ok', record }] })
    assert.deepEqual(late.stale, [first.id])
    await lab.finish(first)
    assert.deepEqual(await lab.claims(), [])
    assert.equal((await lab.audit()).done.ok, 0)
    await lab.fetchOk(again)
    assert.equal((await lab.audit()).done.ok, 1)
  })

  check('extend keeps a claim, and reports those that are lost', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls(...pages(2))
    const [kept, lost] = (await lab.claims({ leaseMs: 1_000 })) as [Claim, Claim]
    lab.clock.advance(900)
    assert.deepEqual(await lab.frontier.extend([kept.id], 1_000), { lost: [] })
    lab.clock.advance(900)
    assert.deepEqual(await lab.frontier.extend([kept.id, lost.id, 'nonsense'], 1_000), { lost: [lost.id, 'nonsense'] })
    await lab.fetchOk(kept)
  })

  check(
    'claim ids rise, also over a restart',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls(...pages(3))
      const first = await lab.claims()
      const ids = first.map((claim) => BigInt(claim.id))
      await lab.crash()
      ids.push(...(await lab.claims()).map((claim) => BigInt(claim.id)))
      for (let i = 1; i < ids.length; i++) assert.ok((ids[i] as bigint) > (ids[i - 1] as bigint))
      const record = lab.record(first[0] as Claim, 'ok')
      const outcomes = [{ id: (first[0] as Claim).id, do: 'done' as const, outcome: 'ok' as const, record }]
      assert.equal((await lab.frontier.settle({ outcomes })).stale.length, 1)
    },
    'a store',
  )

  check('a paused frontier claims nothing, and takes adds, ends and settlements', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls(...pages(2))
    const claim = await lab.one({ max: 1 })
    await lab.frontier.control('pause')
    assert.deepEqual(await lab.claim(), { claims: [], nextReadyInMs: null, state: 'paused' })
    await lab.addUrls('http://a.test/new')
    await lab.fetchOk(claim)
    await lab.frontier.control('drain')
    assert.equal((await lab.claim()).state, 'draining')
    await lab.frontier.control('resume')
    assert.deepEqual(await lab.urls(), ['http://a.test/1', 'http://a.test/new'])
    await lab.audit()
  })

  check('a URL that was in flight at three deaths runs alone, after everything else', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls('http://a.test/bad')
    for (let deaths = 0; deaths < 3; deaths++) {
      assert.equal((await lab.one({ leaseMs: 10 })).crashes, deaths)
      lab.clock.advance(10)
      await lab.claims({ max: 0 })
    }
    await lab.addUrls(...pages(2), ...pages(1, 'b.test'))
    const others = await lab.claims()
    assert.deepEqual(others.map((claim) => claim.url).sort(), ['http://a.test/0', 'http://a.test/1', 'http://b.test/0'])
    for (const claim of others) {
      assert.deepEqual(await lab.claims(), [])
      await lab.fetchOk(claim)
    }
    const alone = await lab.one()
    assert.equal(alone.url, 'http://a.test/bad')
    assert.equal(alone.crashes, 3)
    await lab.addUrls('http://b.test/new')
    assert.deepEqual(await lab.claims(), [], 'nothing runs beside it')
    await lab.fetchOk(alone)
    assert.deepEqual(await lab.urls(), ['http://b.test/new'])
    await lab.audit()
  })

  check('nothing is claimed from a closed frontier', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(1))
    await lab.close()
    await assert.rejects(lab.claims(), { code: 'FRONTIER_UNREACHABLE' })
  })
}
