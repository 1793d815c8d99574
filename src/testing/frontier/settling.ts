/** Settling: once, with counters that a scan confirms. */
import assert from 'node:assert/strict'
import type { Claim } from '../../frontier/frontier.ts'
import type { Check } from './check.ts'
import { pages, request } from './lab.ts'

export function settling(check: Check): void {
  check('a settlement counts once, however often it comes', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(1))
    const claim = await lab.one()
    await lab.finish(claim)
    const outcome = {
      id: claim.id,
      do: 'done' as const,
      outcome: 'ok' as const,
      record: lab.record(claim, 'ok', { status: 200 }),
    }
    assert.deepEqual((await lab.frontier.settle({ outcomes: [outcome, outcome] })).stale, [claim.id])
    assert.deepEqual((await lab.frontier.settle({ outcomes: [outcome] })).stale, [claim.id])
    const stats = await lab.audit()
    assert.equal(stats.done.ok, 1)
    assert.equal(stats.seq, outcome.record.seq)
    assert.deepEqual(stats.statuses, new Map([[200, 1]]))
  })

  check(
    'a batch without settlements commits its positions and its number',
    async (lab) => {
      await lab.open()
      await lab.frontier.settle({ outcomes: [], positions: new Map([['cursor', Buffer.from('7')]]), seq: 7 })
      assert.equal((await lab.frontier.stats()).seq, 7)
      await lab.frontier.settle({ outcomes: [], seq: 3 })
      assert.equal((await lab.audit()).seq, 7, 'a smaller number changes nothing')
      await lab.crash()
      assert.equal(Buffer.from(lab.opened.positions.get('cursor') ?? []).toString(), '7')
      assert.equal((await lab.frontier.stats()).seq, 7)
    },
    'a store',
  )

  check('a claim that is settled without an end gives its slot back', async (lab) => {
    await lab.open({ delayMs: 1_000 })
    await lab.addUrls(...pages(2))
    await lab.done(await lab.one(), 'skipped', { code: 'ROBOTS_DENIED' })
    assert.equal((await lab.claims()).length, 1, 'nothing was started, so no clock runs')
  })

  check('counters say what a scan finds, through all states', async (lab) => {
    await lab.open({ conns: 100 })
    await lab.addUrls(...pages(12))
    await lab.add([request('http://b.test/later', { delayMs: 5_000 })])
    const claims = await lab.claims({ max: 9 })
    for (const claim of claims) await lab.finish(claim)
    const [a, b, c, d, e, f] = claims as [Claim, Claim, Claim, Claim, Claim, Claim]
    await lab.done(a, 'ok', { status: 200 })
    await lab.done(b, 'gone', { status: 404, code: 'HTTP_STATUS' })
    await lab.done(c, 'failed', { code: 'TIMEOUT_TOTAL' })
    await lab.retry(d, 1_000, 'CONNECTION_RESET')
    await lab.release(e)
    await lab.follow(f, { url: 'http://c.test/target' })
    const stats = await lab.audit()
    assert.deepEqual(
      {
        known: stats.known,
        queued: stats.queued,
        delayed: stats.delayed,
        inFlight: stats.inFlight,
        following: stats.following,
      },
      { known: 13, queued: 4, delayed: 2, inFlight: 3, following: 1 },
    )
    assert.deepEqual(
      stats.codes,
      new Map([
        ['ok/', 1],
        ['gone/HTTP_STATUS', 1],
        ['failed/TIMEOUT_TOTAL', 1],
      ]),
    )
    const delayed = (await lab.scanAll('left')).find((row) => row.url === d.url)
    assert.equal(delayed?.code, 'CONNECTION_RESET')
    assert.equal(delayed?.dueInMs, 1_000)
    assert.equal(delayed?.attempts, 1)
    const { known, queued, inFlight } = await lab.frontier.key('a.test')
    assert.deepEqual({ known, queued, inFlight }, { known: 12, queued: 4, inFlight: 0 })
  })

  check('a scan finds by outcome, code, status, key, URL and time', async (lab) => {
    await lab.open({ conns: 100 })
    await lab.addUrls(...pages(4), ...pages(2, 'b.test'))
    const claims = await lab.claims()
    const facts = [
      ['ok', { status: 200 }],
      ['gone', { status: 404, code: 'HTTP_STATUS' }],
      ['failed', { status: 503, code: 'HTTP_STATUS' }],
      ['failed', { code: 'DNS_FAILED' }],
      ['ok', { status: 201 }],
      ['ok', { status: 200 }],
    ] as const
    const byUrl = new Map(claims.map((claim) => [claim.url, claim]))
    const order = [...pages(4), ...pages(2, 'b.test')].map((url) => byUrl.get(url) as Claim)
    for (const [i, claim] of order.entries()) {
      await lab.finish(claim)
      const [outcome, more] = facts[i] as (typeof facts)[number]
      if (i === 4) lab.clock.advance(60_000)
      await lab.done(claim, outcome, more)
    }
    const urls = async (query: Parameters<typeof lab.scanAll>[1]): Promise<string[]> =>
      (await lab.scanAll('ledger', query)).map((row) => row.url)
    assert.deepEqual(await urls({ outcome: 'failed' }), ['http://a.test/2', 'http://a.test/3'])
    assert.deepEqual(await urls({ code: 'HTTP_STATUS' }), ['http://a.test/1', 'http://a.test/2'])
    assert.deepEqual(await urls({ status: '503' }), ['http://a.test/2'])
    assert.deepEqual(await urls({ status: '2xx' }), ['http://a.test/0', 'http://b.test/0', 'http://b.test/1'])
    assert.deepEqual(await urls({ key: 'b.test' }), ['http://b.test/0', 'http://b.test/1'])
    assert.deepEqual(await urls({ url: 'http://a.test/3' }), ['http://a.test/3'])
    assert.deepEqual(await urls({ since: lab.clock.wall() - 1_000 }), ['http://b.test/0', 'http://b.test/1'])
    assert.deepEqual(await urls({ outcome: 'ok', key: 'a.test', status: '2xx' }), ['http://a.test/0'])
  })

  check('a scan of keys names those with most left first', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(3), ...pages(5, 'b.test'), ...pages(1, 'c.test'))
    assert.deepEqual(
      (await lab.frontier.scan({ what: 'keys', limit: 2 })).rows.map((row) => row.key),
      ['b.test', 'a.test'],
    )
    assert.deepEqual(
      (await lab.scanAll('keys')).map((row) => row.key),
      ['b.test', 'a.test', 'c.test'],
    )
    assert.equal((await lab.frontier.stats()).keys, 3)
  })

  check('an event is numbered among the settlements', async (lab) => {
    await lab.open()
    const id = lab.nextSeq()
    const event = {
      type: 'job.started' as const,
      data: { job: 'x', run: 1, pid: 1 },
      id,
      t: '2025-01-01T00:00:00.000Z',
    }
    await lab.frontier.settle({ outcomes: [], events: [event] })
    assert.equal((await lab.frontier.stats()).seq, id)
  })
}
