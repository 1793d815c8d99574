/** Redirect hops. */
import assert from 'node:assert/strict'
import type { Check } from './check.ts'
import { fpOf, gate, request } from './lab.ts'
import { settleGate } from './politeness.ts'

export function following(check: Check): void {
  check('a hop goes to the head of its own key and settles the row of its root', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.add([
      request('http://a.test/old', { depth: 2, meta: { via: 'list' }, input: { source: 'l', ordinal: 3 } }),
    ])
    await lab.addUrls('http://b.test/1', 'http://b.test/2')
    const claims = await lab.claims()
    const root = claims.find((claim) => claim.key === 'a.test') as (typeof claims)[number]
    await lab.finish(root)
    await lab.follow(root, { url: 'http://b.test/new' })
    const waiting = await lab.audit()
    assert.equal(waiting.following, 1)
    assert.equal(waiting.known, 3)
    const other = claims.find((claim) => claim.key === 'b.test') as (typeof claims)[number]
    await lab.fetchOk(other)
    lab.clock.advance(1_000)
    const hop = await lab.one()
    assert.deepEqual(
      {
        url: hop.url,
        key: hop.key,
        root: hop.root,
        rootUrl: hop.rootUrl,
        hop: hop.hop,
        chain: hop.chain,
        depth: hop.depth,
        meta: hop.meta,
        input: hop.input,
      },
      {
        url: 'http://b.test/new',
        key: 'b.test',
        root: fpOf('http://a.test/old'),
        rootUrl: 'http://a.test/old',
        hop: 1,
        chain: ['http://a.test/old'],
        depth: 2,
        meta: { via: 'list' },
        input: { source: 'l', ordinal: 3 },
      },
    )
    assert.equal(hop.fp, fpOf(`hop ${root.fp} 1`))
    await lab.finish(hop)
    await lab.done(hop, 'ok', { status: 200, final: hop.url })
    const stats = await lab.audit()
    assert.equal(stats.following, 0)
    const [row] = await lab.scanAll('ledger', { url: 'http://a.test/old' })
    assert.equal(row?.record?.final, 'http://b.test/new')
    assert.equal(stats.known, 3)
  })

  check('a chain of hops settles once, through retries and releases', async (lab) => {
    await lab.open()
    await lab.addUrls('http://a.test/0')
    const root = await lab.one()
    await lab.finish(root)
    await lab.follow(root, { url: 'http://b.test/1' })
    const first = await lab.one()
    await lab.finish(first)
    await lab.follow(first, { url: 'http://a.test/2' })
    const second = await lab.one()
    assert.equal(second.hop, 2)
    assert.deepEqual(second.chain, ['http://a.test/0', 'http://b.test/1'])
    assert.equal(second.root, root.fp)
    await lab.finish(second, 0, false)
    await lab.release(second)
    const again = await lab.one()
    await lab.finish(again)
    await lab.retry(again, 500)
    assert.equal((await lab.audit()).following, 1)
    lab.clock.advance(500)
    const last = await lab.one()
    assert.equal(last.url, 'http://a.test/2')
    assert.equal(last.attempt, 2)
    await lab.finish(last)
    const record = lab.record(last, 'ok')
    const outcome = { id: last.id, do: 'done' as const, outcome: 'ok' as const, record }
    await lab.frontier.settle({ outcomes: [outcome] })
    assert.deepEqual((await lab.frontier.settle({ outcomes: [outcome] })).stale, [last.id])
    const stats = await lab.audit()
    assert.deepEqual([stats.known, stats.done.ok, stats.following], [1, 1, 0])
    assert.equal((await lab.claim()).state, 'empty')
  })

  check('without a target a hop to a known URL is fetched all the same', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls('http://a.test/0', 'http://a.test/1')
    const [root, other] = await lab.claims()
    await lab.finish(root as NonNullable<typeof root>)
    await lab.follow(root as NonNullable<typeof root>, { url: (other as NonNullable<typeof other>).url })
    const hop = await lab.one()
    assert.equal(hop.verdict, undefined)
    assert.equal(hop.url, 'http://a.test/1')
  })

  check('a target that is known settles the root as a duplicate', async (lab) => {
    await lab.open({ conns: 2 })
    await lab.addUrls('http://a.test/0', 'http://a.test/1')
    const [root, other] = (await lab.claims()) as [
      Awaited<ReturnType<typeof lab.one>>,
      Awaited<ReturnType<typeof lab.one>>,
    ]
    await lab.fetchOk(other)
    await lab.finish(root)
    await lab.follow(root, { url: other.url, target: other.fp })
    const verdict = await lab.one({ max: 0 })
    assert.deepEqual(verdict.verdict, { code: 'DUPLICATE', final: 'http://a.test/1' })
    assert.equal(verdict.rootUrl, 'http://a.test/0')
    await lab.done(verdict, 'skipped', { code: 'DUPLICATE', final: other.url })
    const stats = await lab.audit()
    assert.deepEqual([stats.done.ok, stats.done.skipped, stats.known], [1, 1, 2])
  })

  check('a target that is new is known from then on; one in its own chain is fetched', async (lab) => {
    await lab.open()
    await lab.addUrls('http://a.test/0')
    const root = await lab.one()
    await lab.finish(root)
    await lab.follow(root, { url: 'http://a.test/new', target: fpOf('http://a.test/new') })
    assert.equal((await lab.addUrls('http://a.test/new')).duplicates, 1)
    const hop = await lab.one()
    await lab.finish(hop)
    await lab.follow(hop, { url: 'http://a.test/0', target: fpOf('http://a.test/0') })
    const back = await lab.one()
    assert.equal(back.verdict, undefined)
    await lab.finish(back)
    await lab.done(back)
    assert.deepEqual([(await lab.audit()).known], [1])
  })

  check('a redirected gate keeps its origin waiting until the hop settles', async (lab) => {
    await lab.open()
    await lab.addUrls('http://a.test/1', 'http://b.test/1')
    await lab.add([gate('http://a.test'), gate('http://b.test')])
    const [a, b] = (await lab.claims()) as [Awaited<ReturnType<typeof lab.one>>, Awaited<ReturnType<typeof lab.one>>]
    await lab.finish(a)
    await lab.finish(b)
    await lab.follow(a, { url: 'http://b.test/robots-of-a' })
    const hop = await lab.one()
    assert.equal(hop.gate, true)
    assert.equal(hop.url, 'http://b.test/robots-of-a')
    await settleGate(lab, b, 'http://b.test')
    await lab.finish(hop)
    assert.deepEqual(await lab.urls(), ['http://b.test/1'])
    assert.equal((await lab.frontier.stats()).gates, 1)
    await settleGate(lab, hop)
    assert.deepEqual(await lab.urls(), ['http://a.test/1'])
    const state = (await lab.frontier.key('a.test')).robots.get('http://a.test')
    assert.equal(state?.verdict, 'rules')
    assert.equal((await lab.audit()).gates, 0)
  })

  check(
    'hops, retries and gates are where they were after a death',
    async (lab) => {
      await lab.open({ conns: 10 })
      await lab.addUrls('http://a.test/0', 'http://b.test/0', 'http://c.test/0', 'http://d.test/0', 'http://d.test/1')
      const byKey = new Map((await lab.claims()).map((claim) => [claim.url, claim]))
      const of = (url: string) => byKey.get(url) as Awaited<ReturnType<typeof lab.one>>
      for (const claim of byKey.values()) await lab.finish(claim)
      await lab.follow(of('http://a.test/0'), { url: 'http://x.test/hop', target: fpOf('http://x.test/hop') })
      await lab.retry(of('http://b.test/0'), 5_000, 'DNS_FAILED')
      await lab.done(of('http://c.test/0'), 'ok', { status: 200 })
      await lab.add([gate('http://e.test')])
      await lab.crash()
      const stats = await lab.audit()
      assert.deepEqual(
        {
          known: stats.known,
          following: stats.following,
          delayed: stats.delayed,
          queued: stats.queued,
          gates: stats.gates,
          ok: stats.done.ok,
        },
        { known: 5, following: 1, delayed: 1, queued: 2, gates: 1, ok: 1 },
      )
      assert.equal((await lab.addUrls('http://x.test/hop')).duplicates, 1)
      const claims = await lab.claims()
      assert.deepEqual(claims.map((claim) => claim.url).sort(), [
        'http://d.test/0',
        'http://d.test/1',
        'http://e.test/robots.txt',
        'http://x.test/hop',
      ])
      const hop = claims.find((claim) => claim.root !== undefined)
      assert.equal(hop?.rootUrl, 'http://a.test/0')
      assert.deepEqual(hop?.chain, ['http://a.test/0'])
      lab.clock.advance(5_000)
      const retried = await lab.one()
      assert.deepEqual([retried.url, retried.attempt], ['http://b.test/0', 2])
      for (const claim of [...claims.filter((each) => each.gate !== true), retried]) await lab.fetchOk(claim)
      const last = await lab.audit()
      assert.equal(last.done.ok, 5)
    },
    'a store',
  )
}
