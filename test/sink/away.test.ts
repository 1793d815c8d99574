/** Servers that go away, lose their last answer, or never come back. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createConnection } from 'mysql2/promise'
import { ITEM_COLUMNS, records } from '../../src/testing/sink-suite.ts'
import {
  ask,
  cannotStart,
  type Database,
  DATABASES,
  emptyDatabase,
  missing,
  privateServer,
} from './database-servers.ts'
import type { PrivateServer } from './database-servers.ts'
import { serverSinkOf } from './server-storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [], items: { columns: ITEM_COLUMNS } }

for (const database of DATABASES) {
  describe(`${database}: away`, { skip: cannotStart(database) }, () => {
    let server: PrivateServer
    before(async () => {
      server = await privateServer(database)
    })
    after(() => server.remove())

    test(`${database}: a server that is killed between batches and while one waits loses none and doubles none`, async () => {
      const warnings: string[] = []
      const sink = serverSinkOf(database, server.url)
      await sink.open({ ...JOB, id: 'killed', warn: (message) => warnings.push(message) }, undefined)
      await sink.write(records(1, 200))
      await server.kill()
      const waiting = sink.write(records(201, 200))
      await server.start()
      await waiting
      const position = await sink.write(records(401, 200))
      await sink.close()
      assert.equal(JSON.parse(Buffer.from(position ?? []).toString()).seq, 600)
      assert.deepEqual(await pagesOf(server.url, 'killed'), expectedPages(600))
      assert.match(warnings[0] ?? '', /does not answer/)
      assert.match(warnings.at(-1) ?? '', /answers again/)
    })

    for (const [what, forwards] of [
      ['a COMMIT whose answer is lost is found to be stored', true],
      ['a COMMIT that never arrived is sent again with its batch', false],
    ] as const) {
      test(`${database}, at its COMMIT: ${what}`, async () => {
        const id = `commit ${forwards}`
        const link = await brittleLink(Number(new URL(server.url).port))
        const sink = serverSinkOf(database, withPort(server.url, link.port))
        await sink.open({ ...JOB, id }, undefined)
        await sink.write(records(1, 50))
        link.breakAtCommit(forwards)
        await sink.write(records(51, 50))
        await sink.write(records(101, 50))
        await sink.close()
        assert.equal(link.broken, 1)
        assert.deepEqual(await pagesOf(server.url, id), expectedPages(150))
        await link.close()
      })
    }

    test(`${database}: a COMMIT that arrives while the next process opens is taken back`, async () => {
      const link = await brittleLink(Number(new URL(server.url).port))
      const dead = serverSinkOf(database, withPort(server.url, link.port))
      const job = { ...JOB, id: 'late' }
      await dead.open(job, undefined)
      const position = await dead.write(records(1, 10))
      const onItsWay = link.holdCommit()
      const last = dead.write(records(11, 10))
      const arrive = await onItsWay
      const next = serverSinkOf(database, server.url)
      const opening = next.open({ ...job, committedSeq: 10 }, position)
      while ((await ask(server.url, WAITING[database])).length === 0);
      arrive()
      await Promise.all([opening, last])
      assert.deepEqual(await pagesOf(server.url, 'late'), expectedPages(10))
      await next.write(records(11, 20))
      assert.deepEqual(await pagesOf(server.url, 'late'), expectedPages(30))
      await Promise.all([dead.close(), next.close()])
      await link.close()
    })

    test(`${database}: what a batch has kept is forgotten by the next one, also where that was tried twice`, async () => {
      const link = await brittleLink(Number(new URL(server.url).port))
      const sink = serverSinkOf(database, withPort(server.url, link.port))
      await sink.open({ ...JOB, id: 'kept' }, undefined)
      const [page, next] = records(5, 2)
      assert.ok(page !== undefined && next !== undefined)
      const kept = "SELECT _key FROM _sluice_undo_items WHERE _job = 'kept'"
      await sink.write([page])
      await sink.write([{ ...page, record: { ...page.record, seq: 6 }, items: [] }])
      assert.equal((await ask(server.url, kept)).length, 2)
      link.breakAtCommit(false)
      await sink.write([{ ...next, record: { ...next.record, seq: 7 } }])
      await sink.close()
      assert.equal(link.broken, 1)
      assert.deepEqual(await ask(server.url, kept), [])
      await link.close()
    })

    test(`${database}: a server that stays away halts the job, which goes on where it stopped`, async () => {
      const first = serverSinkOf(database, server.url, 100)
      const job = { ...JOB, id: 'halted' }
      await first.open(job, undefined)
      const position = await first.write(records(1, 10))
      await server.kill()
      await assert.rejects(first.write(records(11, 10)), { code: 'SINK_UNREACHABLE', exitCode: 6 })
      await assert.rejects(serverSinkOf(database, server.url, 100).open(job, position), { code: 'SINK_UNREACHABLE' })
      await server.start()
      const second = serverSinkOf(database, server.url)
      await second.open({ ...job, committedSeq: 10 }, position)
      await second.write(records(11, 10))
      await Promise.all([first.close(), second.close()])
      assert.deepEqual(await pagesOf(server.url, 'halted'), expectedPages(20))
    })
  })
}

/** Transactions that wait for the row of another one. */
const WAITING: Readonly<Record<Database, string>> = {
  postgres: "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
  // The list of transactions is a copy that is not renewed while somebody keeps asking.
  mysql: "SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE `_sluice_commit`%'",
}

describe('mysql: making tables', { skip: await missing('mysql') }, () => {
  test('mysql: no table is made without the lock, which is waited for as for a server', async () => {
    const { url, remove } = await emptyDatabase('mysql')
    const other = await createConnection({ uri: url })
    await other.query("SELECT GET_LOCK('sluice', 60)")
    const warned = Promise.withResolvers<string>()
    const sink = serverSinkOf('mysql', url)
    const opening = sink.open({ ...JOB, warn: warned.resolve }, undefined)
    assert.match(await warned.promise, /does not answer \(another process is still making its tables\)/)
    assert.deepEqual(await ask(url, 'SHOW TABLES'), [])
    await other.end()
    await opening
    await sink.close()
    await remove()
  })
})

/** `page:position` of each stored item of a job. */
async function pagesOf(url: string, job: string): Promise<string[]> {
  const rows = await ask(url, `SELECT page, position FROM items WHERE _job = '${job}'`)
  return rows.map((row) => `${String(row['page'])}:${String(row['position'])}`).toSorted()
}

function expectedPages(count: number): string[] {
  const items = records(1, count).flatMap(({ items: given = [] }) => given)
  return items
    .map(({ json }) => JSON.parse(json) as { page: number; position: number })
    .map(({ page, position }) => `${page}:${position}`)
    .toSorted()
}

function withPort(text: string, port: number): string {
  const url = new URL(text)
  url.port = String(port)
  return url.href
}

interface BrittleLink {
  readonly port: number
  readonly broken: number
  /** The next COMMIT is the last thing that is said: with or without reaching the server. */
  breakAtCommit(forwards: boolean): void
  /** The next COMMIT is on its way until the function that this resolves to is called. */
  holdCommit(): Promise<() => void>
  close(): Promise<void>
}

/** Forwards to a port, until a COMMIT cuts the line. */
async function brittleLink(to: number): Promise<BrittleLink> {
  let mode: 'whole' | 'after' | 'before' = 'whole'
  let broken = 0
  let held: ((release: () => void) => void) | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    let isCut = false
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
    }
    client.on('data', (bytes) => {
      if (held !== undefined && bytes.includes('COMMIT')) {
        held(() => void upstream.write(bytes))
        held = undefined
        return
      }
      if (mode !== 'whole' && bytes.includes('COMMIT')) {
        broken++
        isCut = true
        if (mode === 'before') cut()
        mode = 'whole'
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => (isCut ? cut() : client.write(bytes)))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get broken() {
      return broken
    },
    breakAtCommit(forwards) {
      mode = forwards ? 'after' : 'before'
    },
    holdCommit() {
      const { promise, resolve } = Promise.withResolvers<() => void>()
      held = resolve
      return promise
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
