/** Twisted's semantics where they are about jobs and the web (R30), and the gibibyte of R1. */
import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, settleAll } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { downloadBytes } from '../../src/testing/origin/downloads.ts'
import type { Step } from '../../src/testing/origin/reply.ts'
import { inFolder } from '../cli/run-cli.ts'

test('R30: a job whose source throws fails with that error, keeps what it had, and goes on with a better one', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': 'a page' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const fiveSettled = Promise.withResolvers<void>()
    async function* urls(isBroken: boolean): AsyncGenerator<string> {
      for (let n = 0; n < 10; n++) {
        if (isBroken && n === 5) {
          await fiveSettled.promise
          throw new Error('the source is broken')
        }
        yield `http://a.test/p/${n}`
      }
    }
    const options = { kind: 'fetch' as const, job: join(cwd, 'list'), resolve: origin.resolveFlag, delay: 0, out: [] }
    const first = createJob({ ...options, seeds: urls(true) })
    let settled = 0
    first.on('request.settled', () => {
      if (++settled === 5) fiveSettled.resolve()
    })
    await assert.rejects(first.run(), { message: 'the source is broken' })
    await first.close()
    const second = createJob({ ...options, seeds: urls(false) })
    const summary = await second.run()
    await second.close()
    assert.equal(summary.known, 10)
    assert.equal(summary.done.ok, 10)
    const doubled = [...origin.ledger('a.test').paths()].filter(([path, count]) => count > 1 && path !== '/robots.txt')
    assert.deepEqual(doubled, [])
  })
})

test('R30: paused is a state: nothing starts, pausing twice is pausing once, and to resume a running job does nothing', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': 'a page' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const seeds = Array.from({ length: 20 }, (_, n) => `http://a.test/p/${n}`)
    const job = createJob({
      kind: 'fetch',
      job: join(cwd, 'list'),
      seeds,
      resolve: origin.resolveFlag,
      delay: 0,
      out: [],
      paused: true,
    })
    const types: string[] = []
    job.onAny(({ type }) => types.push(type))
    const isPaused = new Promise<void>((resolve) => job.on('job.paused', () => resolve()))
    const running = job.run()
    await isPaused
    await job.pause('again')
    const before = await job.snapshot()
    assert.equal(before.status, 'paused')
    assert.equal(origin.ledger().count, 0)
    await job.resume('once')
    await job.resume('twice')
    assert.equal((await running).done.ok, 20)
    await job.close()
    assert.deepEqual(
      types.filter((type) => type === 'job.paused' || type === 'job.resumed'),
      ['job.paused', 'job.resumed'],
    )
  })
})

test('R30: a body shorter than its length is TRUNCATED, silence is a time limit, and neither is stored as a success', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const paths = ['/partial/100', '/hang', '/hang-in-body', '/chunked-broken']
  const outcomes = await settleAll(
    paths.map((path) => `http://a.test${path}`),
    { resolve: origin.resolveFlag, delay: 0, perHost: 4, retries: 0, timeout: '300ms' },
  )
  const codes = outcomes.map((one) => (one.outcome === 'failed' ? one.error.code : one.outcome))
  assert.equal(codes[0], 'TRUNCATED')
  assert.match(String(codes[1]), /^TIMEOUT_/)
  assert.match(String(codes[2]), /^TIMEOUT_/)
  assert.equal(codes[3], 'TRUNCATED')
})

test('R30: a download that was cut goes on with a range, and begins anew where the server knows none or has another file', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const whole = Buffer.alloc(2_000_000, 'another version')
  const path = '/download/2000000/file.bin?cut=1500000'
  // The second answer of two of the hosts: the whole whatever is asked for, and a file that has changed.
  for (const [host, etag] of [
    ['plain.test', undefined],
    ['changed.test', '"2"'],
  ] as const) {
    let asked = 0
    origin.handle(host, '/download/*', () =>
      ++asked === 1 ? undefined : { ...(etag === undefined ? {} : { headers: { ETag: etag } }), body: whole },
    )
  }
  await inFolder(async (cwd) => {
    const hosts = ['ranged.test', 'plain.test', 'changed.test']
    const job = createJob({
      kind: 'fetch',
      job: join(cwd, 'files'),
      seeds: hosts.map((host) => `http://${host}${path}`),
      resolve: origin.resolveFlag,
      delay: 0,
      out: join(cwd, '{host}.bin'),
    })
    assert.equal((await job.run()).done.ok, 3)
    await job.close()
    const [ranged, plain, changed] = hosts.map((host) => readFileSync(join(cwd, `${host}.bin`)))
    assert.ok(ranged?.equals(downloadBytes(`ranged.test${path}`, 0, 2_000_000)))
    assert.ok(plain?.equals(whole))
    assert.ok(changed?.equals(whole))
    for (const host of hosts) {
      const ranges = [...origin.ledger(host).arrivals()].map(({ headers }) => headers['range']).filter(Boolean)
      assert.deepEqual(ranges, ['bytes=1500000-'], host)
    }
  })
})

test('R30: while an extractor computes without end the pages of the other thread are fetched and settled', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': '<title>a page</title>' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const gate = join(cwd, 'others-are-done')
    const busy = join(cwd, 'busy.ts')
    writeFileSync(
      busy,
      `import { existsSync } from 'node:fs'
export default {
  extract(page) {
    if (page.url.endsWith('/0')) while (!existsSync(${JSON.stringify(gate)}));
    return [{ url: page.url }]
  },
}
`,
    )
    const job = createJob({
      kind: 'fetch',
      job: join(cwd, 'busy'),
      seeds: Array.from({ length: 20 }, (_, n) => `http://a.test/p/${n}`),
      resolve: origin.resolveFlag,
      delay: 0,
      extract: busy,
      workers: 2,
      out: [],
    })
    let settled = 0
    // It would never be opened by a process that waits for its extractors; some pages wait behind the busy one.
    job.on('request.settled', () => {
      if (++settled === 10) writeFileSync(gate, '')
    })
    const { done, extraction } = await job.run()
    await job.close()
    assert.deepEqual([done.ok, extraction?.items], [20, 20])
  })
})

test('R30: while every thread computes, requests start and are answered: the loop turns, as the arrivals tell', async (t) => {
  const pages = { '/heavy/*': `<title>heavy</title>${'<p>text</p>'.repeat(5_000)}`, '/light/*': '<title>light</title>' }
  const origin = await startOrigin({ sites: { 'a.test': { pages }, 'b.test': { pages } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const gate = join(cwd, 'light-pages-have-arrived')
    const busy = join(cwd, 'busy.ts')
    writeFileSync(
      busy,
      `import { existsSync, writeFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
export default {
  match: '/heavy/*',
  extract(page) {
    writeFileSync(${JSON.stringify(join(cwd, 'busy-'))} + threadId, '')
    while (!existsSync(${JSON.stringify(gate)})) page.$$('p').length
    return [{ url: page.url }]
  },
}
`,
    )
    const light = Array.from({ length: 60 }, (_, n) => `http://b.test/light/${n}`)
    const areBusy = (): boolean => readdirSync(cwd).filter((name) => name.startsWith('busy-')).length === 2
    const job = createJob({
      kind: 'fetch',
      job: join(cwd, 'busy'),
      // The light ones are asked for once both threads compute, so none of them can have come before.
      seeds: (async function* () {
        yield* ['http://a.test/heavy/1', 'http://a.test/heavy/2']
        while (!areBusy()) await new Promise((resolve) => setImmediate(resolve))
        yield* light
      })(),
      resolve: origin.resolveFlag,
      delay: 0,
      perHost: 2,
      extract: busy,
      workers: 2,
      out: [],
    })
    let isComputing = true
    let turns = 0
    // The origin lives in this process too: it answers only if its loop turns.
    const turn = (): void => {
      turns++
      const arrived = [...origin.ledger('b.test').arrivals()].filter(({ path }) => path.startsWith('/light/'))
      if (arrived.length < light.length) setImmediate(turn)
      else {
        isComputing = false
        writeFileSync(gate, '')
      }
    }
    setImmediate(turn)
    let settledMeanwhile = 0
    job.on('request.settled', () => {
      if (isComputing) settledMeanwhile++
    })
    const { done, extraction } = await job.run()
    await job.close()
    assert.deepEqual([done.ok, extraction?.items], [62, 2])
    assert.ok(settledMeanwhile > 30, `${settledMeanwhile} light pages were settled while both threads computed`)
    assert.ok(turns > light.length, `${turns} turns of the loop`)
    const order = [...origin.ledger().arrivals()].filter(({ path }) => path !== '/robots.txt').map(({ path }) => path)
    assert.deepEqual(order.slice(0, 2).toSorted(), ['/heavy/1', '/heavy/2'])
    assert.equal(order.length, 62)
  })
})

test('R30: a job that has ended refuses new work with a clear error, and what is asked twice is done once', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': 'a page' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const options = { kind: 'fetch' as const, job: join(cwd, 'list'), resolve: origin.resolveFlag, delay: 0, out: [] }
    const stopped = createJob({ ...options, seeds: ['http://a.test/p/1', 'http://a.test/p/2'] })
    await stopped.stop('before it began')
    const summary = await stopped.run()
    assert.deepEqual([summary.end, summary.doneTotal], ['interrupted', 0])
    assert.equal(await stopped.run(), summary)
    const refusal = { code: 'CANCELLED', message: /^the job list has ended/, hint: /createJob/ }
    await assert.rejects(stopped.retry({}), refusal)
    await assert.rejects(stopped.pause('late'), refusal)
    await assert.rejects(stopped.resume('late'), refusal)
    await assert.rejects(stopped.set('delay', 5, 'late'), refusal)
    await stopped.stop('twice')
    await stopped.close()
    await stopped.close()
    assert.equal(origin.ledger().count, 0)

    // Opened and closed without a run it gives the folder back.
    const opened = createJob({ ...options, seeds: ['http://a.test/p/1', 'http://a.test/p/2'] })
    await opened.open()
    await opened.close()
    const next = createJob({ ...options, seeds: ['http://a.test/p/1', 'http://a.test/p/2'] })
    assert.equal((await next.run()).done.ok, 2)
    await next.close()
  })
})

test('R30: redirects without end cost their limit of requests and no more, loops are seen at once', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const options = { resolve: origin.resolveFlag, delay: 0, retries: 0 }
  const [long, loop, fine] = await settleAll(
    ['http://a.test/redirect/50', 'http://b.test/loop/a', 'http://c.test/redirect/13'],
    options,
  )
  assert.equal(long?.outcome === 'failed' && long.error.code, 'TOO_MANY_REDIRECTS')
  assert.equal(loop?.outcome === 'failed' && loop.error.code, 'REDIRECT_LOOP')
  assert.equal(fine?.outcome, 'ok')
  const asked = (host: string): number =>
    [...origin.ledger(host).arrivals()].filter(({ path }) => path !== '/robots.txt').length
  // The URL itself and the twenty hops that a chain may have.
  assert.equal(asked('a.test'), 21)
  assert.equal(asked('b.test'), 2)
  assert.equal(asked('c.test'), 14)
})

test('R30: the Host field leaves out the usual port and keeps any other', async (t) => {
  const origin = await startOrigin({ recordHeaders: ['host'], sites: { '*': { pages: { '/page': 'a page' } } } })
  t.after(() => origin.close())
  const urls = ['http://a.test/page', 'http://a.test:80/page?80', 'http://a.test:8080/page', 'http://[::1]:8081/page']
  await settleAll([...urls, 'http://[::1]/page?80'], { resolve: origin.resolveFlag, delay: 0 })
  const hosts = [...origin.ledger().arrivals()].flatMap(({ path, headers }) =>
    path === '/robots.txt' ? [] : [headers['host']],
  )
  assert.deepEqual(hosts.toSorted(), ['[::1]', '[::1]:8081', 'a.test', 'a.test', 'a.test:8080'])
})

test('R1: a redirect to another host waits for the robots.txt and the pause of that host', async (t) => {
  const to = (path: string) => ({ status: 302, headers: { Location: `http://b.test${path}` } })
  const origin = await startOrigin({
    sites: {
      'a.test': { pages: { '/1': to('/1'), '/2': to('/2'), '/3': to('/secret') } },
      'b.test': { robots: 'User-agent: *\nDisallow: /secret\n', pages: { '/*': 'a page' } },
    },
  })
  t.after(() => origin.close())
  const urls = [1, 2, 3].map((n) => `http://a.test/${n}`)
  const outcomes = await settleAll(urls, { resolve: origin.resolveFlag, delay: 50, concurrency: 3 })
  assert.deepEqual(
    outcomes.map((one) => (one.outcome === 'skipped' ? one.error.code : one.outcome)),
    ['ok', 'ok', 'ROBOTS_DENIED'],
  )
  assert.deepEqual(origin.ledger().violations(50), [])
  const asked = [...origin.ledger('b.test').arrivals()].map(({ path }) => path)
  assert.equal(asked[0], '/robots.txt')
  assert.deepEqual(asked.slice(1).toSorted(), ['/1', '/2'])
})

test('R1: of a gibibyte that a hook refuses less than 256 KiB are read from the socket', async (t) => {
  function* steps(): Generator<Step> {
    yield { write: `HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 30}\r\n\r\n` }
    for (;;) yield { write: 'h'.repeat(65_536) }
  }
  const origin = await startOrigin({
    sites: { 'a.test': { pages: { '/huge': () => ({ status: 200, steps: steps() }) } } },
  })
  t.after(() => origin.close())
  const sockets: Socket[] = []
  const onSocket = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
  diagnostics.subscribe('net.client.socket', onSocket)
  try {
    await inFolder(async (cwd) => {
      const job = createJob({
        kind: 'fetch',
        job: join(cwd, 'huge'),
        seeds: 'http://a.test/huge',
        resolve: origin.resolveFlag,
        delay: 0,
        out: [],
        handlers: {
          '*': {
            onHeaders: (_, head) => (Number(head.header('content-length')) > 1e6 ? { cancel: 'large' } : undefined),
          },
        },
      })
      assert.equal((await job.run()).done.skipped, 1)
      await job.close()
    })
  } finally {
    diagnostics.unsubscribe('net.client.socket', onSocket)
  }
  const read = sockets.reduce((sum, socket) => sum + socket.bytesRead, 0)
  assert.ok(sockets.length > 0 && read > 0 && read < 256 * 1024, `${read} bytes of ${sockets.length} sockets`)
})
