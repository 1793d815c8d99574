/** Adding: duplicates, listed inputs, verdicts, caps, what comes back byte for byte. */
import assert from 'node:assert/strict'
import { ADDED, DUPLICATE, JOB_CAP, KEY_CAP } from '../../frontier/frontier.ts'
import type { NewRequest, RequestMeta } from '../../model/request.ts'
import type { Check } from './check.ts'
import { fpOf, pages, request } from './lab.ts'

export function adding(check: Check): void {
  check('equal rows of an input are as many requests, and known ones when it is read again', async (lab) => {
    await lab.open({ conns: 10 })
    const row = (ordinal: number, fp: bigint, reread: boolean): NewRequest => ({
      ...request('http://a.test/to'),
      fp,
      input: { source: 'rows', ordinal },
      dedupe: 'input',
      ...(reread ? { reread: true } : {}),
    })
    await lab.add([row(0, 5n, false), row(1, 5n, false), row(2, 6n, false)])
    assert.equal((await lab.frontier.stats()).known, 3)
    // One was put before the others: only that one is new.
    const again = await lab.add([row(0, 7n, true), row(1, 5n, true), row(2, 5n, true), row(3, 6n, true)])
    assert.deepEqual([again.added, again.duplicates], [1, 3])
    assert.deepEqual((await lab.claims()).length, 4)
    await lab.audit()
  })

  check('what was added is claimed, by priority, then first in first out', async (lab) => {
    await lab.open({ conns: 100 })
    await lab.add([
      request('http://a.test/late', { priority: 3 }),
      request('http://a.test/1'),
      request('http://a.test/2'),
      request('http://a.test/first', { priority: 0 }),
      request('http://a.test/3', { priority: 1 }),
      request('http://a.test/low', { priority: 2 }),
    ])
    assert.deepEqual(await lab.urls(), [
      'http://a.test/first',
      'http://a.test/1',
      'http://a.test/2',
      'http://a.test/3',
      'http://a.test/low',
      'http://a.test/late',
    ])
  })

  check('the same fingerprint is a duplicate in its batch, in later batches and after it is done', async (lab) => {
    await lab.open()
    const url = 'http://a.test/x'
    const first = await lab.addUrls(url, url)
    assert.deepEqual([...first.status], [ADDED, DUPLICATE])
    assert.equal((await lab.addUrls(url)).duplicates, 1)
    await lab.fetchOk(await lab.one())
    assert.equal((await lab.addUrls(url)).duplicates, 1)
    assert.deepEqual(await lab.claims(), [])
    assert.equal((await lab.audit()).known, 1)
  })

  check('force queues a settled URL again, with new meta, and its count moves back', async (lab) => {
    await lab.open()
    const url = 'http://a.test/x'
    await lab.add([request(url, { meta: { via: 'list' } })])
    const first = await lab.one()
    await lab.finish(first)
    await lab.done(first, 'failed', { code: 'TIMEOUT_BODY' })
    const [row] = await lab.scanAll('ledger')
    assert.equal(row?.record?.code, 'TIMEOUT_BODY')
    const meta: RequestMeta = { etag: '"1"' }
    const again = request(url, { dedupe: 'force', ref: row?.ref as number, meta })
    assert.deepEqual([...(await lab.add([again, again])).status], [ADDED, DUPLICATE])
    const stats = await lab.audit()
    assert.equal(stats.known, 1)
    assert.equal(stats.done.failed, 0)
    const second = await lab.one()
    assert.deepEqual(second.meta, meta)
    assert.equal(second.attempt, 1)
    await lab.fetchOk(second)
    assert.equal((await lab.audit()).done.ok, 1)
    assert.equal((await lab.scanAll('ledger')).length, 1)
  })

  check('force without a row finds the settled URL by its fingerprint', async (lab) => {
    await lab.open()
    await lab.addUrls(...pages(3))
    for (let i = 0; i < 3; i++) await lab.fetchOk(await lab.one())
    const result = await lab.add([
      request('http://a.test/1', { dedupe: 'force' }),
      request('http://a.test/new', { dedupe: 'force' }),
    ])
    assert.deepEqual([...result.status], [ADDED, ADDED])
    assert.deepEqual(await lab.urls({ max: 1 }), ['http://a.test/1'])
    await lab.audit()
  })

  check('force does not touch what is still under way', async (lab) => {
    await lab.open()
    await lab.addUrls('http://a.test/x')
    const claim = await lab.one()
    assert.equal((await lab.add([request(claim.url, { dedupe: 'force' })])).duplicates, 1)
    await lab.fetchOk(claim)
    assert.deepEqual(await lab.claims(), [])
  })

  check('a second line with a known URL gets a record of its own, once', async (lab) => {
    await lab.open()
    const line = (ordinal: number): NewRequest => request('http://a.test/x', { input: { source: 'list', ordinal } })
    assert.equal((await lab.add([line(0), line(1)])).added, 2)
    assert.equal((await lab.add([line(0), line(1)])).duplicates, 2)
    assert.equal((await lab.frontier.stats()).known, 2)
    const claims = await lab.claims()
    assert.equal(claims.length, 2)
    const verdict = claims.find((claim) => claim.verdict !== undefined)
    assert.equal(verdict?.verdict?.code, 'DUPLICATE')
    assert.deepEqual(verdict?.input, { source: 'list', ordinal: 1 })
    assert.equal(verdict?.fp, fpOf('input list 1'))
    assert.equal(verdict?.url, 'http://a.test/x')
    await lab.done(verdict as NonNullable<typeof verdict>, 'skipped', { code: 'DUPLICATE' })
    assert.equal((await lab.audit()).done.skipped, 1)
    assert.equal((await lab.add([line(0), line(1)])).duplicates, 2)
  })

  check('lines of a file that is read again are only counted where they are known', async (lab) => {
    await lab.open()
    const line = (url: string, ordinal: number): NewRequest =>
      request(url, { input: { source: 'list', ordinal }, reread: true })
    await lab.add([request('http://a.test/x', { input: { source: 'list', ordinal: 0 } })])
    assert.deepEqual(
      [...(await lab.add([line('http://a.test/new', 0), line('http://a.test/x', 1)])).status],
      [ADDED, DUPLICATE],
    )
    assert.equal((await lab.frontier.stats()).known, 2)
  })

  check('discovered links that are known are only counted', async (lab) => {
    await lab.open()
    await lab.addUrls('http://a.test/x')
    const claim = await lab.one()
    await lab.finish(claim)
    const record = lab.record(claim, 'ok')
    const links = [request('http://a.test/x'), request('http://a.test/y'), request('http://a.test/y')]
    await lab.frontier.settle({ outcomes: [{ id: claim.id, do: 'done', outcome: 'ok', record }], links })
    assert.equal((await lab.audit()).known, 2)
    assert.deepEqual(await lab.urls(), ['http://a.test/y'])
  })

  check('verdicts are handed out at once, wait for no key, and are settled like all others', async (lab) => {
    await lab.open({ delayMs: 10_000 })
    await lab.add([
      {
        url: 'no url',
        key: '',
        fp: fpOf('bad'),
        verdict: { code: 'URL_INVALID', reason: 'no scheme' },
        input: { source: 'l', ordinal: 0 },
      },
      { url: 'http://a.test/', key: '', fp: fpOf('out'), verdict: { code: 'SCOPE_DENIED' }, depth: 2 },
    ])
    const stats = await lab.frontier.stats()
    assert.equal(stats.known, 2)
    assert.equal(stats.queued, 2)
    assert.equal((await lab.claims({ max: 0, verdicts: 0 })).length, 0)
    const claims = await lab.claims({ max: 0 })
    assert.deepEqual(
      claims.map(({ url, key, verdict, depth }) => ({ url, key, verdict, depth })),
      [
        { url: 'no url', key: '', verdict: { code: 'URL_INVALID', reason: 'no scheme' }, depth: 0 },
        { url: 'http://a.test/', key: '', verdict: { code: 'SCOPE_DENIED' }, depth: 2 },
      ],
    )
    for (const claim of claims)
      await lab.done(claim, 'skipped', { code: (claim.verdict as { code: 'SCOPE_DENIED' }).code })
    assert.equal((await lab.claim()).state, 'empty')
    assert.equal((await lab.audit()).done.skipped, 2)
  })

  check('caps of a key and of the job refuse links and give listed inputs their record', async (lab) => {
    await lab.open({ cap: 2, jobCap: 4 })
    const result = await lab.addUrls(...pages(3), ...pages(3, 'b.test'))
    assert.deepEqual([...result.status], [ADDED, ADDED, KEY_CAP, ADDED, ADDED, KEY_CAP])
    assert.deepEqual([...(await lab.addUrls('http://c.test/')).status], [JOB_CAP])
    const input = { source: 'list', ordinal: 7 }
    await lab.add([request('http://a.test/more', { input })])
    const verdict = (await lab.claims()).find((claim) => claim.verdict !== undefined)
    assert.equal(verdict?.verdict?.code, 'LIMIT')
    assert.deepEqual(verdict?.input, input)
    await lab.frontier.key('a.test', { cap: null })
    assert.equal((await lab.frontier.key('a.test')).cap, null)
  })

  check('URLs and their facts come back byte for byte', async (lab) => {
    await lab.open({ conns: 1000 })
    const urls = [
      'http://a.test/\u00fcnic\u00f6de/\u4f60\u597d/\u{1f600}',
      `http://a.test/${'x'.repeat(8192)}`,
      'http://a.test/\u0001\u0002\u0000\u007f',
      '\u0001leading',
      'http://a.test/\'"\\%00?a=b&c=[]{}|',
      'http://a.test/lone-\ud800-surrogate',
    ]
    const meta: RequestMeta = {
      from: 'http://a.test/\u00e9',
      columns: { name: 'a,"b"\n\u0000', n: '\ud83d' },
      seed: true,
    }
    await lab.add(urls.map((url, i) => ({ url, key: 'a.test', fp: fpOf(url), depth: i, meta, groups: ['g:\u00e9'] })))
    const expected = urls.map((url, i) => ({ url, fp: fpOf(url), depth: i, meta, groups: ['g:\u00e9'] }))
    const shape = (
      rows: readonly { url: string; fp: bigint; depth: number; meta?: RequestMeta; groups?: readonly string[] }[],
    ): unknown =>
      rows
        .map((row) => ({ url: row.url, fp: row.fp, depth: row.depth, meta: row.meta, groups: row.groups }))
        .sort((a, b) => a.depth - b.depth)
    assert.deepEqual(shape(await lab.scanAll('left')), expected)
    const claims = await lab.claims()
    assert.deepEqual(shape(claims), expected)
  })

  check('a hundred thousand requests in one call are taken', async (lab) => {
    await lab.open()
    const requests: NewRequest[] = []
    for (let i = 0; i < 100_000; i++)
      requests.push({ url: `http://h${i % 97}.test/${i}`, key: `h${i % 97}.test`, fp: BigInt(i) * 0x9e3779b97f4a7c15n })
    for (const { fp } of requests.slice(0, 2)) assert.ok(fp >= 0n)
    const result = await lab.add(requests.map((r) => ({ ...r, fp: BigInt.asUintN(64, r.fp) })))
    assert.equal(result.added, 100_000)
    const stats = await lab.frontier.stats()
    assert.equal(stats.known, 100_000)
    assert.equal(stats.keys, 97)
    assert.equal((await lab.claims()).length, 97)
  })

  check(
    'positions come back exactly as last committed, and a source that is run again adds nothing twice',
    async (lab) => {
      await lab.open()
      const line = (ordinal: number): NewRequest =>
        request(`http://a.test/${ordinal}`, { input: { source: 'l', ordinal } })
      const bytes = (n: number): Uint8Array => Uint8Array.of(n, 0, 255, 10)
      await lab.add([line(0), line(1)], new Map([['source:l', bytes(2)]]))
      const claim = await lab.one()
      await lab.finish(claim)
      const record = lab.record(claim, 'ok')
      const positions = new Map([
        ['sink:pages', bytes(9)],
        ['source:l', bytes(3)],
      ])
      await lab.frontier.settle({ outcomes: [{ id: claim.id, do: 'done', outcome: 'ok', record }], positions })
      await lab.crash()
      assert.deepEqual([...lab.opened.positions].map(([name, value]) => [name, [...value]]).sort(), [
        ['sink:pages', [9, 0, 255, 10]],
        ['source:l', [3, 0, 255, 10]],
      ])
      assert.equal((await lab.add([line(0), line(1)])).added, 0)
      assert.equal((await lab.audit()).known, 2)
    },
    'a store',
  )
}
