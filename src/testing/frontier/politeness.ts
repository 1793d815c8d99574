/** When a key may be started from: ends, paces, blocks, groups, gates. */
import assert from 'node:assert/strict'
import type { Claim, RobotsState } from '../../frontier/frontier.ts'
import type { Check } from './check.ts'
import { gate, pages, request } from './lab.ts'
import type { Lab } from './lab.ts'

export function politeness(check: Check): void {
  check('no start before the last end plus the delay, whatever many claimers ask and a settle takes', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(10))
    let lastEnd = Number.NEGATIVE_INFINITY
    const held: Claim[] = []
    for (let step = 0; step < 400 && held.length < 10; step++) {
      const calls = await Promise.all(Array.from({ length: 50 }, () => lab.claims()))
      for (const claim of calls.flat()) {
        assert.ok(lab.clock.now() >= lastEnd + 1_000, `${lab.clock.now()} is before ${lastEnd + 1_000}`)
        lab.clock.advance(130)
        lastEnd = lab.clock.now()
        await lab.finish(claim)
        held.push(claim)
      }
      lab.clock.advance(37)
    }
    assert.equal(held.length, 10)
    assert.equal(new Set(held.map((claim) => claim.url)).size, 10)
    for (const claim of held) await lab.done(claim)
    await lab.audit()
  })

  check('claim says how long nothing will be ready, to the millisecond', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(3))
    await lab.fetchOk(await lab.one())
    const { claims, nextReadyInMs, state } = await lab.claim()
    assert.deepEqual([claims.length, nextReadyInMs, state], [0, 1_000, 'active'])
    lab.clock.advance(999.5)
    assert.deepEqual(await lab.claims(), [])
    lab.clock.advance(0.5)
    const claim = await lab.one()
    assert.equal(claim.waitedMs, 0)
    assert.equal(claim.intervalMs, 0)
    await lab.frontier.end([{ id: claim.id, paceMs: 0, endedAgoMs: 400 }])
    assert.equal((await lab.claim()).nextReadyInMs, 600, 'the clock runs from the last byte, not from the call')
    lab.clock.advance(600 + 250)
    assert.equal((await lab.one()).waitedMs, 250)
  })

  check('deadlines round up to the next millisecond', async (lab) => {
    await lab.open({ delayMs: 100 })
    await lab.addUrls(...pages(2))
    lab.clock.advance(0.25)
    await lab.fetchOk(await lab.one())
    lab.clock.advance(100)
    assert.deepEqual(await lab.claims(), [])
    lab.clock.advance(0.75)
    await lab.one()
  })

  check('an end that started nothing frees the slot and leaves the clock alone', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(2))
    const claim = await lab.one()
    await lab.finish(claim, 0, false)
    const other = await lab.one()
    assert.notEqual(other.url, claim.url)
    await lab.release(claim)
    await lab.fetchOk(other)
    lab.clock.advance(1_000)
    assert.equal((await lab.one()).url, claim.url)
  })

  check('a pace longer than the delay wins, a block wins over both', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(5))
    await lab.fetchOk(await lab.one(), 5_000)
    assert.equal((await lab.claim()).nextReadyInMs, 5_000)
    lab.clock.advance(5_000)
    const claim = await lab.one()
    assert.equal(claim.intervalMs, 5_000)
    await lab.frontier.key('a.test', { blockedForMs: 60_000 })
    await lab.fetchOk(claim, 2_000)
    assert.equal((await lab.claim()).nextReadyInMs, 60_000)
    lab.clock.advance(10_000)
    const state = await lab.frontier.key('a.test')
    assert.equal(state.blockedForMs, 50_000)
    assert.equal(state.readyInMs, 50_000)
    assert.equal(state.intervalMs, 2_000)
    await lab.frontier.key('a.test', { blockedForMs: 0 })
    await lab.one()
  })

  check(
    'clocks, blocks and patches of a key survive a restart and an empty queue',
    async (lab) => {
      await lab.open({ delayMs: 1_000 })
      await lab.addUrls('http://a.test/0', 'http://b.test/0')
      await lab.frontier.key('c.test', { delayMs: 7_000, conns: 4, cap: 9, errors: 2 })
      const ended = lab.clock.now()
      for (const claim of await lab.claims()) await lab.fetchOk(claim, claim.key === 'a.test' ? 30_000 : 0)
      await lab.frontier.key('b.test', { blockedForMs: 40_000 })
      await lab.reopen()
      await lab.addUrls('http://a.test/1', 'http://b.test/1')
      assert.equal((await lab.claim()).nextReadyInMs, ended + 30_000 - lab.clock.now())
      lab.clock.advanceTo(ended + 30_000)
      assert.deepEqual(await lab.urls(), ['http://a.test/1'])
      lab.clock.advance(10_000)
      assert.deepEqual(await lab.urls(), ['http://b.test/1'])
      const { delayMs, conns, cap, errors } = await lab.frontier.key('c.test')
      assert.deepEqual({ delayMs, conns, cap, errors }, { delayMs: 7_000, conns: 4, cap: 9, errors: 2 })
    },
    'a store',
  )

  check('a retry is not due early and does not block its key', async (lab) => {
    await lab.open({ delayMs: 100 })
    await lab.addUrls(...pages(3))
    const failed = await lab.one()
    await lab.finish(failed)
    await lab.retry(failed, 10_000)
    assert.equal((await lab.frontier.stats()).delayed, 1)
    for (let i = 0; i < 2; i++) {
      lab.clock.advance(100)
      const other = await lab.one()
      assert.notEqual(other.url, failed.url)
      await lab.fetchOk(other)
    }
    assert.equal((await lab.claim()).nextReadyInMs, 9_800)
    lab.clock.advance(9_799)
    assert.deepEqual(await lab.claims(), [])
    await lab.audit()
    lab.clock.advance(1)
    const again = await lab.one()
    assert.equal(again.url, failed.url)
    assert.equal(again.attempt, 2)
    await lab.fetchOk(again)
    await lab.audit()
  })

  check('a release counts no attempt and goes to the head; with a time its key waits', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(3))
    const claim = await lab.one()
    await lab.finish(claim, 0, false)
    await lab.release(claim)
    const again = await lab.one()
    assert.equal(again.url, claim.url)
    assert.equal(again.attempt, 1)
    assert.equal(again.crashes, 0)
    await lab.release(again, 5_000, 'a.test')
    assert.equal((await lab.claim()).nextReadyInMs, 5_000)
    lab.clock.advance(5_000)
    assert.equal((await lab.one()).url, claim.url)
  })

  check('a claim passes its key and all its groups', async (lab) => {
    await lab.open({ conns: 5, byKey: { 'domain:test': { conns: 2, delayMs: 1_000 } } })
    const grouped = (url: string) => request(url, { groups: ['domain:test'] })
    await lab.add(['http://a.test/1', 'http://a.test/2', 'http://b.test/1', 'http://c.test/1'].map(grouped))
    await lab.addUrls('http://free.test/1', 'http://a.test/free')
    const claims = await lab.claims()
    const inGroup = claims.filter((claim) => claim.groups !== undefined)
    assert.equal(inGroup.length, 2)
    assert.deepEqual(
      claims
        .filter((claim) => claim.groups === undefined)
        .map((claim) => claim.url)
        .sort(),
      ['http://a.test/free', 'http://free.test/1'],
    )
    await lab.fetchOk(inGroup[0] as Claim)
    assert.equal((await lab.claim()).nextReadyInMs, 1_000, 'a slot is free, its clock runs')
    lab.clock.advance(1_000)
    assert.equal((await lab.claims()).length, 1)
    await lab.fetchOk(inGroup[1] as Claim)
    lab.clock.advance(1_000)
    assert.equal((await lab.claims()).length, 1)
    await lab.audit()
  })

  check('a release with a group holds that group only', async (lab) => {
    await lab.open({ conns: 5 })
    await lab.add([
      request('http://a.test/1', { groups: ['ip:1'] }),
      request('http://a.test/2'),
      request('http://b.test/1', { groups: ['ip:1'] }),
      request('http://c.test/1', { groups: ['ip:2'] }),
    ])
    const first = (await lab.claims()).find((claim) => claim.url === 'http://a.test/1') as Claim
    await lab.finish(first, 0, false)
    await lab.release(first, 3_000, 'ip:1')
    const released = lab.clock.now()
    await lab.addUrls('http://a.test/3')
    await lab.add([request('http://d.test/1', { groups: ['ip:1'] })])
    assert.deepEqual(await lab.urls(), ['http://a.test/3'])
    lab.clock.advanceTo(released + 2_999)
    assert.deepEqual(await lab.urls(), [])
    lab.clock.advance(1)
    assert.deepEqual((await lab.urls()).sort(), ['http://a.test/1', 'http://d.test/1'])
  })

  check('requests wait for the gate of their origin; other origins of the key go on', async (lab) => {
    await lab.open({ conns: 1 })
    await lab.addUrls('http://a.test/1', 'http://a.test/2', 'http://a.test:81/1', 'http://b.test/1')
    const result = await lab.add([gate('http://a.test'), gate('http://a.test')])
    assert.deepEqual([...result.status], [0, 1])
    assert.equal((await lab.frontier.stats()).gates, 1)
    assert.equal((await lab.frontier.stats()).known, 4)
    const claims = await lab.claims()
    assert.deepEqual(claims.map((claim) => claim.url).sort(), ['http://a.test/robots.txt', 'http://b.test/1'])
    const robots = claims.find((claim) => claim.gate === true) as Claim
    await lab.finish(robots)
    assert.equal((await lab.one()).url, 'http://a.test:81/1')
    await settleGate(lab, robots)
    await lab.audit()
    const state = (await lab.frontier.key('a.test')).robots.get('http://a.test')
    assert.equal(state?.body, 'User-agent: *')
    assert.equal(state?.validForMs, 3_600_000)
    assert.equal((await lab.frontier.stats()).gates, 0)
  })

  check('a gate goes before everything of its key, and settles with its rules', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.add([request('http://a.test/urgent', { priority: 0 }), request('http://a.test/1')])
    await lab.add([gate('http://a.test')])
    const robots = await lab.one()
    assert.equal(robots.gate, true)
    await lab.finish(robots)
    lab.clock.advance(5_000)
    assert.deepEqual(await lab.claims(), [], 'its rules are not known yet')
    await settleGate(lab, robots)
    assert.equal((await lab.one()).url, 'http://a.test/urgent')
    assert.equal((await lab.frontier.stats()).gates, 0)
  })

  check(
    'a gate that is retried stays; its origin waits, and its rules are kept',
    async (lab) => {
      await lab.open()
      await lab.addUrls('http://a.test/1')
      await lab.add([gate('http://a.test')])
      const first = await lab.one()
      await lab.finish(first)
      await lab.retry(first, 2_000)
      assert.deepEqual(await lab.claim(), { claims: [], nextReadyInMs: 2_000, state: 'active' })
      await lab.add([gate('http://a.test')])
      await lab.crash()
      assert.equal((await lab.frontier.stats()).gates, 1)
      lab.clock.advance(2_000)
      const second = await lab.one()
      assert.equal(second.gate, true)
      assert.equal(second.attempt, 2)
      await lab.finish(second)
      await settleGate(lab, second)
      await lab.reopen()
      lab.clock.advance(600_000)
      const state = (await lab.frontier.key('a.test')).robots.get('http://a.test')
      assert.equal(state?.verdict, 'rules')
      assert.equal(state?.validForMs, 3_000_000)
      assert.equal((await lab.one()).url, 'http://a.test/1')
    },
    'a store',
  )
}

export async function settleGate(lab: Lab, claim: Claim, origin = 'http://a.test'): Promise<void> {
  const robots: RobotsState = {
    origin,
    verdict: 'rules',
    status: 200,
    body: 'User-agent: *',
    fetchedAt: '2025-01-01T00:00:00.000Z',
    validForMs: 3_600_000,
  }
  const { stale } = await lab.frontier.settle({ outcomes: [{ id: claim.id, do: 'gate', robots }] })
  assert.deepEqual(stale, [])
}
