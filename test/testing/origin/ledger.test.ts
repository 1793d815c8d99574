import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ArrivalLog } from '../../../src/testing/origin/arrival-log.ts'
import { ledgerOf } from '../../../src/testing/origin/ledger.ts'
import { ask, openLine, requestBytes, openWeb } from '../raw-client.ts'

interface Span {
  readonly host: string
  readonly arrived: number
  readonly took: number | null
}

function logOf(spans: readonly Span[]): ArrivalLog {
  const log = new ArrivalLog()
  const tickets = spans.map(({ host, arrived }, index) =>
    log.add({
      at: arrived,
      host,
      method: 'GET',
      path: `/${index % 3}`,
      connection: index,
      address: '127.0.0.1',
      userAgent: 'test',
      recorded: index % 2 === 0 ? '' : `cookie: n=${index}\n`,
    }),
  )
  spans.forEach(({ arrived, took }, index) => {
    if (took !== null) log.end(tickets[index] as number, arrived + took, 200, true)
  })
  return log
}

const spans = fc
  .array(
    fc.record({
      host: fc.constantFrom('a.test', 'b.test', 'c.test'),
      arrived: fc.nat(1000),
      took: fc.option(fc.integer({ min: 1, max: 100 }), { freq: 20 }),
    }),
    { maxLength: 60 },
  )
  .map((list) => list.sort((a, b) => a.arrived - b.arrived))

test('gaps, violations, concurrency and bound of the ledger are those of a naive count', () => {
  fc.assert(
    fc.property(spans, fc.nat(50), (list, delay) => {
      const log = logOf(list)
      for (const host of [undefined, 'a.test', 'b.test']) {
        const ledger = ledgerOf(log, host)
        const own = list.filter((span) => host === undefined || span.host === host)
        const end = ({ arrived, took }: Span): number => (took === null ? Number.POSITIVE_INFINITY : arrived + took)
        const gaps: number[] = []
        for (const [index, span] of own.entries()) {
          const before = own.slice(0, index).filter(({ host }) => host === span.host)
          if (before.length > 0) gaps.push(span.arrived - Math.max(...before.map(end)))
        }
        assert.equal(ledger.count, own.length)
        assert.equal(ledger.minGapMs(), Math.min(...gaps, Number.POSITIVE_INFINITY))
        assert.deepEqual(
          ledger.violations(delay).map(({ gapMs }) => gapMs),
          gaps.filter((gap) => gap < delay),
        )
        const most = (among: readonly Span[]): number =>
          among.reduce((found, { arrived }, at) => {
            const open = among.filter((span, index) => index <= at && end(span) > arrived)
            return Math.max(found, open.length)
          }, 0)
        const byHost = Object.values(Object.groupBy(own, (span) => span.host)) as Span[][]
        assert.equal(ledger.maxConcurrent(), most(own))
        assert.equal(ledger.maxConcurrentPerHost(), Math.max(0, ...byHost.map(most)))
        const sums = byHost.map((spans) => spans.reduce((sum, { took }) => sum + delay + (took ?? 0), 0))
        assert.equal(ledger.boundMs(delay), Math.max(0, ...sums))
        assert.equal(
          [...ledger.paths().values()].reduce((sum, count) => sum + count, 0),
          own.length,
        )
      }
    }),
  )
})

test('the bound of the ledger takes a delay for each host', () => {
  const log = logOf([
    { host: 'a.test', arrived: 0, took: 10 },
    { host: 'a.test', arrived: 100, took: 20 },
    { host: 'b.test', arrived: 0, took: 5 },
  ])
  assert.equal(
    ledgerOf(log).boundMs((host) => (host === 'a.test' ? 100 : 1000)),
    1005,
  )
})

test('the ledger keeps paths, fields and times over many blocks, in little memory', () => {
  const log = new ArrivalLog()
  const rows = 100_000
  const before = process.memoryUsage()
  for (let n = 0; n < rows; n++) {
    const ticket = log.add({
      at: n,
      host: `h${n % 1000}.test`,
      method: n % 2 === 0 ? 'GET' : 'POST',
      path: `/page/${n}?q=é`,
      connection: n % 64,
      address: '127.0.0.1',
      userAgent: 'Sluice/1.0 (+https://lab.example/bot)',
      recorded: n % 10 === 0 ? 'if-none-match: "x"\nrange: bytes=0-\n' : '',
    })
    log.end(ticket, n + 0.5, 200 + (n % 2), true)
  }
  const after = process.memoryUsage()
  const bytesEach = (after.arrayBuffers - before.arrayBuffers) / rows
  assert.ok(bytesEach < 100, `${bytesEach} bytes an arrival`)
  const ledger = ledgerOf(log)
  let n = 0
  for (const arrival of ledger.arrivals()) {
    assert.equal(arrival.path, `/page/${n}?q=é`)
    assert.equal(arrival.endedAt, n + 0.5)
    assert.equal(arrival.headers['if-none-match'], n % 10 === 0 ? '"x"' : undefined)
    n++
  }
  assert.equal(n, rows)
  assert.equal(ledgerOf(log, 'H7.test').count, 100)
  assert.equal(ledger.statuses().get(201), rows / 2)
  assert.equal(ledger.hosts().size, 1000)
})

test('a cleared ledger forgets what came before, late ends included', async () => {
  const log = new ArrivalLog()
  const arrival = {
    at: 1,
    host: 'a.test',
    method: 'GET',
    path: '/',
    connection: 1,
    address: '',
    userAgent: '',
    recorded: '',
  }
  const old = log.add(arrival)
  log.clear()
  const until = log.until(1, 'a.test')
  log.end(old, 5, 500, true)
  assert.equal(ledgerOf(log).count, 0)
  const fresh = log.add(arrival)
  log.end(fresh, 3, 200, true)
  await until
  assert.deepEqual(
    [...ledgerOf(log).arrivals()].map(({ endedAt, status }) => [endedAt, status]),
    [[3, 200]],
  )
})

test('a request is in the ledger before anything is sent', async (t) => {
  const origin = await openWeb(t)
  let seen = -1
  origin.handle('a.test', '/look', () => {
    seen = origin.ledger('a.test').count
    return { body: 'looked' }
  })
  await ask(origin.port, '/look', { headers: { 'User-Agent': 'tester', Cookie: 'a=1' } })
  assert.equal(seen, 1)
  const [arrival] = origin.ledger('a.test').arrivals()
  assert.equal(arrival?.path, '/look')
  assert.equal(arrival?.status, 200)
  assert.equal(arrival?.complete, true)
  assert.deepEqual(arrival?.headers, { 'user-agent': 'tester', cookie: 'a=1' })
})

test('the ledger never says that a response ended after its client had it', async (t) => {
  const origin = await openWeb(t, {
    sites: { 'a.test': { pages: { '/big': { body: `${'b'.repeat(3_000_000)}END` } } } },
  })
  const line = await openLine(origin.port)
  const heardAt: number[] = []
  for (const [path, last] of [
    ['/ok', '</html>\n'],
    ['/chunked', '\r\n0\r\n\r\n'],
    ['/delay/5', '</html>\n'],
    ['/slow/100000?bytes=15000', 's'.repeat(15_000)],
    ['/big', 'END'],
  ] as const) {
    line.write(requestBytes(path, { headers: { Connection: 'keep-alive' } }))
    await line.read(last)
    heardAt.push(performance.now())
  }
  line.write(requestBytes('/until-close'))
  await line.closed
  heardAt.push(performance.now())
  for (const [index, { arrivedAt, endedAt, path }] of [...origin.ledger().arrivals()].entries()) {
    assert.ok((endedAt as number) >= arrivedAt, path)
    assert.ok((endedAt as number) <= (heardAt[index] as number), path)
  }
})

test('a client that keeps the delay by its own clock is never accused, one that does not is', async (t) => {
  const origin = await openWeb(t)
  const delayMs = 4
  const client = async (host: string, polite: boolean): Promise<void> => {
    for (let n = 0; n < 10; n++) {
      await ask(origin.port, n % 2 === 0 ? '/ok' : '/chunked', { host })
      const next = performance.now() + delayMs
      if (!polite) continue
      while (performance.now() < next) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all([client('polite.test', true), client('other.test', true)])
  assert.deepEqual(origin.ledger().violations(delayMs), [])
  assert.ok(origin.ledger().minGapMs() >= delayMs)
  await client('rude.test', false)
  const found = origin
    .ledger()
    .violations(10_000)
    .filter(({ host }) => host === 'rude.test')
  assert.equal(found.length, 9)
})

test('requests that overlap at one host are found as such', async (t) => {
  const origin = await openWeb(t)
  const first = ask(origin.port, '/hang')
  await origin.until(1)
  await ask(origin.port, '/ok')
  await ask(origin.port, '/ok', { host: 'b.test' })
  const ledger = origin.ledger('a.test')
  assert.equal(ledger.maxConcurrent(), 2)
  assert.equal(ledger.minGapMs(), Number.NEGATIVE_INFINITY)
  assert.equal(origin.ledger('b.test').maxConcurrentPerHost(), 1)
  assert.equal(origin.ledger().connections(), 3)
  await origin.close()
  await first
  const [hung] = ledger.arrivals()
  assert.equal(hung?.complete, false)
  assert.notEqual(hung?.endedAt, null)
})

test('a client that gives up ends its request in the ledger, marked as not complete', async (t) => {
  const origin = await openWeb(t)
  const line = await openLine(origin.port)
  line.write(requestBytes('/hang-in-body'))
  await line.read('hello')
  assert.equal([...origin.ledger().arrivals()][0]?.endedAt, null)
  line.socket.destroy()
  // Two more round trips: by then the origin has seen the end.
  await ask(origin.port, '/ok')
  await ask(origin.port, '/ok')
  const [given, next] = [...origin.ledger().arrivals()]
  assert.equal(given?.complete, false)
  assert.equal(typeof given?.endedAt, 'number')
  assert.equal(given?.status, 200)
  assert.equal(next?.complete, true)
})

test('waiting for arrivals ends with an error when the fake web closes first', async (t) => {
  const origin = await openWeb(t)
  const waiting = assert.rejects(origin.until(1), /closed before 1/)
  await origin.close()
  await waiting
})
