/** The library as a program uses it: `fetchAll` and `createJob` from the façade, against the fake web. */
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, fetchAll, SluiceError } from '../../src/index.ts'
import type { JobEvent, Page, PageRecord, Sink, SinkRecord } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'
import { countOutcomes, fetchedAgain, readRecords } from './web.ts'

async function web(answerMs = 0): Promise<Origin> {
  return startOrigin({ sites: { '*': { answerMs, pages: { '/p/*': { body: '<title>a page</title>grüße' } } } } })
}

function quick(origin: Origin, concurrency = 4) {
  return {
    resolve: origin.resolveFlag,
    contact: 'https://lab.example/bot',
    delay: 0,
    perHost: concurrency,
    concurrency,
  }
}

function pages(count: number, host = 'a.test'): string[] {
  return Array.from({ length: count }, (_, n) => `http://${host}/p/${n}`)
}

test('fetchAll gives every URL once with its outcome, a response where one came and an error where none did', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  origin.site('b.test', { robots: 'User-agent: *\nDisallow: /\n' })
  const urls = [
    'http://a.test/p/1',
    'http://a.test/status/404',
    'http://a.test/status/403',
    'http://a.test/status/500',
    'http://a.test/drop',
    'http://b.test/x',
    'http://a.test/echo',
    'this is no URL',
    'http://a.test/p/1#again',
  ]
  const seen = new Map<string, Page>()
  for await (const page of fetchAll(urls, { ...quick(origin), retries: 0 })) {
    seen.set(`${page.url}${page.record.code === 'DUPLICATE' ? ' again' : ''}`, page)
    if (page.url.endsWith('/p/1') && page.outcome === 'ok') {
      assert.equal(page.response.status, 200)
      assert.equal(await page.response.text(), '<title>a page</title>grüße')
      assert.equal(page.record.title, 'a page')
    }
    if (page.url.endsWith('/echo') && page.outcome === 'ok') {
      const told = (await page.response.json()) as { headers: Record<string, string> }
      assert.match(told.headers['user-agent'] ?? '', /^sluice\/.*https:\/\/lab\.example\/bot/)
    }
    if (page.outcome === 'failed' || page.outcome === 'skipped') assert.ok(page.error.code.length > 0)
    else assert.ok((page.response?.status ?? 0) > 0)
  }
  assert.deepEqual(
    Object.fromEntries([...seen].map(([url, { outcome, record }]) => [url, `${outcome} ${record.code ?? ''}`.trim()])),
    {
      'http://a.test/p/1': 'ok',
      'http://a.test/status/404': 'gone',
      'http://a.test/status/403': 'denied',
      'http://a.test/status/500': 'failed HTTP_STATUS',
      'http://a.test/drop': 'failed EMPTY_REPLY',
      'http://b.test/x': 'skipped ROBOTS_DENIED',
      'http://a.test/echo': 'ok',
      'this is no URL': 'skipped URL_INVALID',
      'http://a.test/p/1 again': 'skipped DUPLICATE',
    },
  )
  const failed = seen.get('http://a.test/status/500')
  assert.equal(failed?.response?.status, 500, 'the answer of a failed page is there too')
})

test('fetchAll without a job leaves nothing on the disk', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  const before = readdirSync(process.cwd())
  let count = 0
  for await (const page of fetchAll('http://a.test/p/[1-5]', quick(origin))) if (page.outcome === 'ok') count++
  for await (const page of fetchAll(['http://a.test/p/{6,7}'], quick(origin))) if (page.outcome === 'ok') count++
  assert.equal(count, 6, 'a range alone gives its members, a URL of many stays as it is')
  assert.deepEqual(readdirSync(process.cwd()), before)
})

test('leaving the loop early leaves the last page unsettled, and with a job it comes again', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...quick(origin, 1), job: join(cwd, 'list') }
    const first: string[] = []
    for await (const page of fetchAll(pages(10), options)) {
      first.push(page.url)
      if (first.length === 4) break
    }
    const second: string[] = []
    for await (const page of fetchAll(pages(10), options)) second.push(page.url)
    assert.equal(second.includes(first[3] as string), true, 'the page at which the loop was left')
    for (const url of first.slice(0, 3)) assert.equal(second.includes(url), false, `${url} had been settled`)
    assert.deepEqual([...new Set([...first, ...second])].sort(), pages(10).sort())
    assert.equal(second.length, 7)
    for await (const page of fetchAll(pages(10), options)) assert.fail(`${page.url} once more`)
  })
})

test('an error thrown in the loop ends the job as leaving it does', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...quick(origin, 1), job: join(cwd, 'list') }
    await assert.rejects(async () => {
      for await (const page of fetchAll(pages(3), options)) throw new Error(`no more than ${page.url}`)
    }, /no more than/)
    const rest: string[] = []
    for await (const page of fetchAll(pages(3), options)) rest.push(page.url)
    assert.deepEqual(rest.sort(), pages(3))
  })
})

for (const kind of ['synchronous', 'asynchronous']) {
  test(`a slow loop over a lazy ${kind} generator pulls only as far ahead as what is in flight, and ends it`, async (t) => {
    const origin = await web()
    t.after(() => origin.close())
    let pulled = 0
    let ended = 0
    function* lazy(): Generator<string, void, undefined> {
      try {
        for (;;) yield `http://a.test/p/${pulled++}`
      } finally {
        ended++
      }
    }
    async function* lazily(): AsyncGenerator<string, void, undefined> {
      yield* lazy()
    }
    // A synchronous one is read by the hundred; what is answered and not yet taken waits in a group of commits.
    const ahead = kind === 'synchronous' ? 400 : 200
    let taken = 0
    for await (const page of fetchAll(kind === 'synchronous' ? lazy() : lazily(), quick(origin))) {
      assert.equal(page.outcome, 'ok')
      taken++
      assert.ok(pulled <= taken + ahead, `${pulled} pulled, ${taken} taken`)
      if (taken === 600) break
    }
    assert.equal(ended, 1)
  })
}

test('an unknown option, a bad value and a missing list are thrown before anything is opened', async () => {
  await inFolder(async (cwd) => {
    const job = join(cwd, 'never')
    const throws = (options: object, code: string, pattern: RegExp): void => {
      assert.throws(
        () => createJob({ seeds: 'http://a.test/', job, ...options }),
        (error: unknown) => error instanceof SluiceError && error.code === code && pattern.test(error.hint ?? ''),
      )
    }
    throws({ perhost: 3 }, 'OPTION_UNKNOWN', /perHost/)
    throws({ delay: 'soon' }, 'OPTION_INVALID', /500ms/)
    throws({ hosts: { 'a.test': { dealy: 1 } } }, 'OPTION_UNKNOWN', /delay/)
    throws({ kind: 'fetch', lists: join(cwd, 'missing.txt') }, 'INPUT_UNREADABLE', /path/)
    throws({ seeds: [] }, 'OPTION_INVALID', /sluice crawl/)
    await assert.rejects(async () => {
      for await (const page of fetchAll(['http://a.test/'], { perhost: 3 } as object)) assert.fail(page.url)
    }, /perhost/)
    assert.deepEqual(readdirSync(cwd), [])
  })
})

test('a job reports what it does by its events, and run resolves with a summary that adds up', async (t) => {
  const origin = await startOrigin({
    sites: { 'a.test': { content: { kind: 'graph', seed: 5, pages: 40, links: 4 } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const job = createJob({ ...quick(origin), seeds: 'http://a.test/', job: join(cwd, 'graph') })
    const settled: string[] = []
    const types: string[] = []
    job.on('request.settled', (event: JobEvent<'request.settled'>) => settled.push(event.url))
    const unsubscribe = job.on('request.settled', () => assert.fail('was unsubscribed'))
    unsubscribe()
    job.onAny(({ type }) => types.push(type))
    const opening = await job.open()
    assert.equal(opening.how, 'new')
    const summary = await job.run()
    assert.equal(job.run() instanceof Promise, true)
    assert.deepEqual(await job.run(), summary, 'it runs once')
    assert.equal(summary.status, 'finished')
    assert.equal(summary.exitCode, 0)
    assert.equal(summary.known, 41)
    assert.equal(summary.done.ok, 41)
    assert.equal(new Set(settled).size, 41)
    for (const type of ['job.started', 'request.claimed', 'response.received', 'job.finished']) {
      assert.ok(types.includes(type), type)
    }
    await job.close()
    await job.close()
  })
})

test('pages() gives every settlement, and leaving it stops the run with its state saved', async (t) => {
  const origin = await web(5)
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...quick(origin, 2), kind: 'fetch' as const, seeds: pages(300), job: join(cwd, 'list') }
    const first = createJob(options)
    const seen: string[] = []
    for await (const record of first.pages()) {
      seen.push(record.url)
      if (seen.length === 10) break
    }
    await first.close()
    const second = createJob(options)
    assert.equal((await second.open()).how, 'continued')
    const records: PageRecord[] = []
    for await (const record of second.pages()) records.push(record)
    await second.close()
    assert.ok(records.length < 300)
    assert.equal(new Set([...seen, ...records.map(({ url }) => url)]).size <= 300, true)
    assert.equal(fetchedAgain(origin, 'a.test') <= 2, true)
    const third = createJob(options)
    const { done } = await third.run()
    assert.equal(done.ok, 300)
    await third.close()
  })
})

test('stop ends a run early with its state, from outside and from inside an event', async (t) => {
  const origin = await web(5)
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...quick(origin, 1), kind: 'fetch' as const, seeds: pages(300), job: join(cwd, 'list') }
    const first = createJob(options)
    let settled = 0
    first.on('request.settled', () => {
      if (++settled === 5) void first.stop('enough')
    })
    const summary = await first.run()
    await first.close()
    assert.equal(summary.end, 'interrupted')
    assert.equal(summary.exitCode, 130)
    assert.ok(summary.left.total > 0 && summary.doneTotal >= 5)
    const second = createJob(options)
    const rest = await second.run()
    await second.close()
    assert.equal(rest.done.ok, 300)
    assert.equal(fetchedAgain(origin, 'a.test'), 0)
  })
})

test('an AbortSignal stops a run, before it and in the middle, and the state stays', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { ...quick(origin, 1), kind: 'fetch' as const, seeds: pages(40), job: join(cwd, 'list') }
    const before = createJob({ ...options, signal: AbortSignal.abort() })
    const none = await before.run()
    await before.close()
    assert.equal(none.end, 'interrupted')
    assert.equal(origin.ledger().count, 0)

    const controller = new AbortController()
    const middle = createJob({ ...options, signal: controller.signal })
    const running = middle.run()
    await origin.until(6)
    controller.abort()
    const some = await running
    await middle.close()
    assert.equal(some.end, 'interrupted')
    assert.equal(some.known, some.doneTotal + some.left.total)

    const last = createJob(options)
    assert.equal((await last.run()).done.ok, 40)
    await last.close()
  })
})

test('a sink of one is given every record once, the bodies it asks for, and is closed at the end', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const rows: SinkRecord[] = []
    const calls: string[] = []
    const sink: Sink = {
      name: 'own:memory',
      wantsBodies: true,
      open: async ({ name, run }) => void calls.push(`open ${name} ${run}`),
      write: async (batch) => {
        rows.push(...batch)
        return undefined
      },
      close: async () => void calls.push('close'),
    }
    const job = createJob({
      ...quick(origin),
      kind: 'fetch',
      seeds: [...pages(20), 'http://a.test/status/404'],
      job: join(cwd, 'own'),
      out: [sink, join(cwd, 'pages.ndjson')],
    })
    await job.run()
    await job.close()
    assert.deepEqual(calls, ['open own 1', 'close'])
    assert.deepEqual(countOutcomes(rows.map(({ record }) => record)), { ok: 20, gone: 1 })
    assert.equal(new Set(rows.map(({ dedupeKey }) => dedupeKey)).size, 21)
    for (const { record, json, body } of rows) {
      assert.deepEqual(JSON.parse(json), record)
      assert.equal(Buffer.from(body).toString(), record.outcome === 'ok' ? '<title>a page</title>grüße' : '')
    }
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).length, 21)
  })
})

test('a sink of one that fails rejects run, and nothing it refused counts as done', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    let broken = true
    const rows: SinkRecord[] = []
    const sink: Sink = {
      name: 'own:broken',
      wantsBodies: false,
      open: async () => undefined,
      write: async (batch) => {
        if (broken) throw new SluiceError('SINK_UNREACHABLE', 'the other end is away')
        rows.push(...batch)
        return undefined
      },
      close: async () => undefined,
    }
    const options = { ...quick(origin), kind: 'fetch' as const, seeds: pages(10), job: join(cwd, 'own'), out: sink }
    const first = createJob(options)
    await assert.rejects(first.run(), (error: unknown) => {
      return error instanceof SluiceError && error.code === 'SINK_UNREACHABLE' && error.exitCode === 6
    })
    await first.close()
    broken = false
    const second = createJob(options)
    const summary = await second.run()
    await second.close()
    assert.equal(summary.done.ok, 10)
    assert.equal(new Set(rows.map(({ record }) => record.url)).size, 10)
  })
})

test('defaults are polite in the library too: robots.txt, one request at a time, a second between two', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\nhttp://a.test/p/2\n')
    const job = createJob({
      kind: 'fetch',
      lists: join(cwd, 'urls.txt'),
      job: join(cwd, 'list'),
      resolve: origin.resolveFlag,
    })
    assert.equal((await job.run()).done.ok, 2)
    await job.close()
    assert.equal([...origin.ledger().arrivals()][0]?.path, '/robots.txt')
    assert.deepEqual(origin.ledger().violations(1_000), [])
    assert.equal(origin.ledger().count, 3)
  })
})
