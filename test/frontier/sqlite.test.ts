import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/engine/clock.ts'
import type { Claim, OpenedFrontier } from '../../src/frontier/frontier.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import type { SqliteOptions } from '../../src/frontier/sqlite/index.ts'
import { openReader } from '../../src/frontier/sqlite/read.ts'
import type { SluiceError } from '../../src/model/errors.ts'
import type { PageRecord } from '../../src/model/record.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { fpOf, pages, request } from '../../src/testing/frontier/lab.ts'
import { sqliteStorage } from './storages.ts'

function inFolder(name: string, body: (folder: string) => Promise<void>): void {
  test(name, async () => {
    const root = mkdtempSync(join(tmpdir(), 'sluice-sqlite-'))
    try {
      await body(join(root, 'job.sluice'))
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
}

function open(folder: string, options: Partial<SqliteOptions> = {}): Promise<OpenedFrontier> {
  return sqliteFrontier({
    path: folder,
    clock: systemClock(),
    defaults: () => ({ delayMs: 0, conns: 1_000 }),
    inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
    ...options,
  })
}

function recordOf(claim: Claim, seq: number, more: Partial<PageRecord> = {}): PageRecord {
  return {
    url: claim.url,
    outcome: 'ok',
    status: 200,
    depth: 0,
    attempt: claim.attempt,
    t: '2025-01-01T00:00:00.000Z',
    run: 1,
    seq,
    ...more,
  }
}

/** A closed job with `count` URLs of a.test, the first `done` of them settled. */
async function fill(folder: string, count: number, done: number): Promise<void> {
  const { frontier } = await open(folder)
  await frontier.add(pages(count).map((url) => request(url)))
  const { claims } = await frontier.claim({ max: done, leaseMs: 60_000, worker: 'w' })
  await frontier.settle({
    outcomes: claims.map((claim, i) => ({ id: claim.id, do: 'done', outcome: 'ok', record: recordOf(claim, i + 1) })),
  })
  await frontier.close()
}

function damage(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, 'job.db'))
  db.exec(sql)
  db.close()
}

test('a death is not held against a request that got further, nor against the hop of one', async () => {
  const storage = await sqliteStorage()
  const clock = fakeClock()
  const [far, near, moved, hop] = ['far', 'near', 'moved', 'hop'].map((path) => `http://a.test/${path}`) as string[]
  const options = {
    clock,
    defaults: () => ({ delayMs: 0, conns: 10 }),
    inputFp: () => 0n,
    progressed: () => new Set([fpOf(far as string), fpOf(moved as string)]),
  }
  try {
    for (let deaths = 0; deaths < 6; deaths++) {
      const { frontier } = await storage.open(options)
      if (deaths === 0) await frontier.add([far, near, moved].map((url) => request(url as string)))
      const claim = async (): Promise<readonly Claim[]> =>
        (await frontier.claim({ max: 10, leaseMs: 60_000, worker: 'w' })).claims
      const claims = [...(await claim())]
      if (deaths === 0) {
        const id = claims.find(({ url }) => url === moved)?.id as string
        await frontier.end([{ id, paceMs: 0, endedAgoMs: 0 }])
        const followed = {
          url: hop as string,
          key: 'a.test',
          fp: fpOf(hop as string),
          hop: 1,
          chain: [moved as string],
        }
        await frontier.settle({ outcomes: [{ id, do: 'follow', hop: followed }] })
        claims.push(...(await claim()))
      }
      const crashes = new Map(claims.map((one) => [one.url, one.crashes]))
      assert.deepEqual([crashes.get(far as string), crashes.get(hop as string)], [0, 0], `after ${deaths} deaths`)
      assert.equal(crashes.get(near as string), deaths < 3 ? deaths : undefined)
      await clock.advanceAsync(20)
      await storage.kill()
    }
  } finally {
    await storage.remove()
  }
})

inFolder('a job that is open is refused to others, who are told whose it is', async (folder) => {
  const first = await open(folder, { owner: { version: '1.2.3' } })
  await assert.rejects(open(folder), (error: SluiceError) => {
    assert.equal(error.code, 'FRONTIER_LOCKED')
    assert.match(error.message, new RegExp(`process ${process.pid} on .+, started \\d{4}-`))
    return true
  })
  const reader = openReader(folder)
  assert.equal(reader.owner()?.pid, process.pid)
  reader.close()
  await first.frontier.close()
  const second = await open(folder)
  assert.equal(second.existed, true)
  await second.frontier.close()
})

inFolder('the lock goes with its process', async (folder) => {
  const script = fileURLToPath(new URL('./holding-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=sluice-source', '--no-warnings', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await assert.rejects(open(folder), { code: 'FRONTIER_LOCKED', message: new RegExp(`process ${child.pid} `) })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { frontier } = await open(folder)
  const stats = await frontier.stats()
  assert.equal(stats.known, 1)
  assert.notEqual(stats.recovered, null)
  await frontier.close()
})

inFolder('a file that is no database is refused with a hint, and left as it is', async (folder) => {
  await fill(folder, 1, 0)
  writeFileSync(join(folder, 'job.db'), 'this is not a database, and long enough to be looked at as one '.repeat(50))
  await assert.rejects(
    open(folder),
    (error: SluiceError) => error.code === 'FRONTIER_CORRUPT' && error.hint !== undefined,
  )
  assert.match(readFileSync(join(folder, 'job.db'), 'utf8'), /^this is not/)
})

inFolder('a database of something else is refused', async (folder) => {
  await fill(folder, 1, 0)
  damage(folder, 'PRAGMA application_id=7')
  await assert.rejects(open(folder), { code: 'FRONTIER_CORRUPT' })
  assert.throws(() => openReader(folder), { code: 'FRONTIER_CORRUPT' })
})

inFolder('a newer format is refused by writers and readers', async (folder) => {
  await fill(folder, 1, 0)
  damage(folder, 'PRAGMA user_version=3')
  await assert.rejects(open(folder), { code: 'FORMAT_UNSUPPORTED' })
  assert.throws(() => openReader(folder), { code: 'FORMAT_UNSUPPORTED' })
})

inFolder('a request whose columns were changed is noticed when it is read', async (folder) => {
  await fill(folder, 3, 0)
  damage(folder, "UPDATE request SET url = 'http://a.test/other' WHERE id = 2")
  const { frontier } = await open(folder)
  await assert.rejects(frontier.claim({ max: 10, leaseMs: 1_000, worker: 'w' }), { code: 'FRONTIER_CORRUPT' })
  await assert.rejects(frontier.add([request('http://a.test/new')]), { code: 'FRONTIER_CORRUPT' })
  await frontier.close()
})

inFolder('a settlement whose record was changed is noticed when it is read', async (folder) => {
  await fill(folder, 3, 2)
  damage(folder, "UPDATE ledger SET record = replace(record, '200', '404') WHERE seq = 2")
  const { frontier } = await open(folder)
  await assert.rejects(frontier.scan({ what: 'ledger' }), { code: 'FRONTIER_CORRUPT' })
  await frontier.close()
})

inFolder('rows that are missing are noticed at open', async (folder) => {
  await fill(folder, 3, 1)
  damage(folder, 'DELETE FROM settled')
  await assert.rejects(open(folder), { code: 'FRONTIER_CORRUPT' })
  damage(folder, 'DELETE FROM added')
  await assert.rejects(open(folder), { code: 'FRONTIER_CORRUPT' })
})

inFolder('no file but the database and the lock stays after a close', async (folder) => {
  const { frontier } = await open(folder, { seenBudgetBytes: 1 })
  await frontier.add(pages(500).map((url) => request(url)))
  assert.ok(existsSync(join(folder, 'seen.tmp')))
  await frontier.close()
  assert.ok(existsSync(join(folder, 'job.db')) && existsSync(join(folder, 'lock.db')))
  for (const name of ['job.db-wal', 'seen.tmp', 'queues.tmp']) assert.ok(!existsSync(join(folder, name)), name)
})

inFolder('adds wait for a commit, which comes with the next settle or after 20 ms', async (folder) => {
  const clock = fakeClock()
  const { frontier } = await open(folder, { clock })
  await frontier.add([request('http://a.test/0')])
  let durable = false
  const second = frontier.add([request('http://a.test/1')]).then(() => {
    durable = true
  })
  const { claims } = await frontier.claim({ max: 9, leaseMs: 1_000, worker: 'w' })
  assert.equal(claims.length, 2, 'it is handed out before that')
  assert.equal(durable, false)
  await frontier.settle({
    outcomes: [{ id: (claims[0] as Claim).id, do: 'done', outcome: 'ok', record: recordOf(claims[0] as Claim, 1) }],
  })
  await second
  const third = frontier.add([request('http://a.test/2')])
  await clock.advanceAsync(20)
  assert.equal((await third).added, 1)
  await frontier.close()
})

inFolder('the write-ahead log stays short while millions of rows go through it', async (folder) => {
  const { frontier } = await open(folder)
  const wal = join(folder, 'job.db-wal')
  let longest = 0
  for (let i = 0; i < 700; i++) {
    await frontier.add(
      Array.from({ length: 1_000 }, (_, j) => ({
        url: `http://h${j}.test/${i}/${'x'.repeat(80)}`,
        key: `h${j}.test`,
        fp: BigInt.asUintN(64, BigInt(i * 1_000 + j) * 0x9e3779b97f4a7c15n),
      })),
    )
    longest = Math.max(longest, statSync(wal).size)
  }
  assert.ok(longest < 100 * 1024 * 1024, `${longest} bytes`)
  assert.ok(statSync(join(folder, 'job.db')).size > 40 * 1024 * 1024, 'the worker moved it into the database')
  await frontier.close()
})

inFolder('a disk that takes no more stops the job with everything it acknowledged', async (folder) => {
  const script = fileURLToPath(new URL('./limited-child.ts', import.meta.url))
  const command = `ulimit -f 20000; exec "${process.execPath}" --conditions=sluice-source --no-warnings "${script}" "${folder}"`
  const said = JSON.parse(execFileSync('bash', ['-c', command], { encoding: 'utf8' })) as {
    acknowledged: number
    codes: string[]
  }
  assert.ok(said.acknowledged > 0)
  assert.equal(said.codes.length, 2)
  for (const code of said.codes) assert.match(code, /^(FRONTIER_UNREACHABLE|SINK_FULL)$/)
  const { frontier } = await open(folder)
  const { known, queued } = await frontier.stats()
  assert.ok(known >= said.acknowledged, `${known} of ${said.acknowledged}`)
  assert.equal(known, queued)
  await frontier.close()
})

inFolder('a job is read while it runs: counters, rows, events, keys, positions', async (folder) => {
  const clock = fakeClock({ startMs: 5_000 })
  const { frontier } = await open(folder, { clock, defaults: () => ({ delayMs: 1_000, conns: 3 }) })
  await frontier.add(
    [
      request('http://a.test/0', { meta: { via: 'list' }, input: { source: 'l', ordinal: 0 } }),
      ...[1, 2, 3].map((n) => request(`http://a.test/${n}`)),
      request('http://b.test/0'),
    ],
    new Map([['source:l', Uint8Array.of(1, 2)]]),
  )
  const { claims } = await frontier.claim({ max: 3, perKey: 3, leaseMs: 60_000, worker: 'w' })
  const [a, b, c] = claims.filter((claim) => claim.key === 'a.test') as [Claim, Claim, Claim | undefined]
  await frontier.end([{ id: a.id, paceMs: 0, endedAgoMs: 0 }])
  const event = {
    type: 'warning.raised' as const,
    data: { code: 'X', message: 'y' },
    id: 2,
    t: '2025-01-01T00:00:00.000Z',
  }
  await frontier.settle({
    outcomes: [
      { id: a.id, do: 'done', outcome: 'ok', record: recordOf(a, 1) },
      { id: b.id, do: 'retry', afterMs: 5_000, code: 'DNS_FAILED' },
    ],
    events: [event],
  })
  const reader = openReader(folder, { clock })
  try {
    const stats = reader.stats()
    assert.deepEqual(
      { known: stats.known, ok: stats.done.ok, delayed: stats.delayed, seq: stats.seq },
      { known: 5, ok: 1, delayed: 1, seq: 2 },
    )
    assert.deepEqual(await frontier.stats(), stats)
    const done = reader.find(a.url, a.fp)
    assert.deepEqual(
      [done?.state, done?.record?.seq, done?.input, done?.meta],
      ['done', 1, { source: 'l', ordinal: 0 }, { via: 'list' }],
    )
    assert.deepEqual(reader.find(a.url), done)
    const delayed = reader.find(b.url, b.fp)
    assert.deepEqual(
      [delayed?.state, delayed?.code, delayed?.dueInMs, delayed?.attempts],
      ['delayed', 'DNS_FAILED', 5_000, 1],
    )
    if (c !== undefined) assert.equal(reader.find(c.url, c.fp)?.state, 'claimed')
    assert.equal(reader.find('http://a.test/3')?.state, 'queued')
    assert.equal(reader.find('http://a.test/none', 5n), undefined)
    assert.deepEqual(
      reader.ledger({ afterSeq: 0, limit: 10 }).map((row) => row.record.seq),
      [1],
    )
    assert.deepEqual(reader.ledger({ afterSeq: 1, limit: 10 }), [])
    assert.deepEqual(reader.events({ afterId: 0, limit: 10 }), [event])
    assert.deepEqual(reader.keys(2), [
      { key: 'a.test', left: 3 },
      { key: 'b.test', left: 1 },
    ])
    const key = reader.key('a.test')
    assert.deepEqual([key?.known, key?.readyInMs], [4, 1_000])
    assert.equal(reader.key('none.test'), undefined)
    assert.deepEqual([...reader.positions()], [['source:l', Uint8Array.of(1, 2)]])
  } finally {
    reader.close()
  }
  await frontier.close()
  const after = openReader(folder)
  assert.equal(after.stats().known, 5)
  after.close()
})

inFolder('a settlement that was superseded stays in the ledger and is no longer the latest', async (folder) => {
  await fill(folder, 1, 1)
  const { frontier } = await open(folder)
  const [row] = (await frontier.scan({ what: 'ledger' })).rows
  await frontier.add([request('http://a.test/0', { dedupe: 'force', ref: row?.ref as number })])
  const { claims } = await frontier.claim({ max: 1, leaseMs: 1_000, worker: 'w' })
  const claim = claims[0] as Claim
  await frontier.settle({
    outcomes: [
      {
        id: claim.id,
        do: 'done',
        outcome: 'unchanged',
        record: recordOf(claim, 9, { outcome: 'unchanged', status: 304 }),
      },
    ],
  })
  await frontier.close()
  const reader = openReader(folder)
  assert.deepEqual(
    reader.ledger({ afterSeq: 0, limit: 9 }).map((each) => each.record.outcome),
    ['ok', 'unchanged'],
  )
  assert.equal(reader.find('http://a.test/0', fpOf('http://a.test/0'))?.record?.outcome, 'unchanged')
  reader.close()
})
