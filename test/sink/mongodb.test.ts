import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { mongoSink } from '../../src/sink/mongodb.ts'
import type { JobInfo, Sink, SinkRecord } from '../../src/sink/sink.ts'
import { ITEM_COLUMNS, records, sinkSuite } from '../../src/testing/sink-suite.ts'
import { killTests } from './kills.ts'
import { type MongoDouble, startMongoDouble } from '../../examples/seeds/06-mongo/mongo-double.ts'
import { itemStorage, storage } from './storages.ts'

let shared: MongoDouble | undefined
before(async () => {
  if (process.env['MONGODB_URL'] !== undefined) return
  shared = await startMongoDouble()
  // Children that are killed find it there as well.
  process.env['MONGODB_URL'] = shared.url
})
after(() => shared?.close())

const BY = process.env['MONGODB_URL'] === undefined ? 'mongodb (protocol double)' : 'mongodb'
sinkSuite(BY, () => storage('mongodb'))
sinkSuite(`${BY} of items`, () => itemStorage('mongodb'), { items: true })
sinkSuite(`${BY} of items with a schema`, () => itemStorage('mongodb'), { items: { columns: ITEM_COLUMNS } })
killTests(['mongodb'])

function jobAt(committedSeq: number, more: Partial<JobInfo> = {}): JobInfo {
  return { name: 'job', id: 'job', run: 1, committedSeq, columns: [], ...more }
}

/** A page that gave these items. */
function pageOf(seq: number, ...items: object[]): SinkRecord {
  const [page] = records(seq, 1)
  assert.ok(page !== undefined)
  return {
    ...page,
    items: items.map((item, position) => ({ json: JSON.stringify(item), position, key: undefined })),
  }
}

async function withDouble(body: (double: MongoDouble, sink: () => Sink) => Promise<void>): Promise<void> {
  const double = await startMongoDouble()
  const opened: Sink[] = []
  try {
    await body(double, () => {
      const sink = mongoSink({ url: double.url, giveUpMs: 30_000 })
      opened.push(sink)
      return sink
    })
  } finally {
    for (const sink of opened) await sink.close()
    await double.close()
  }
}

test('a server that goes away in the middle and comes back costs nothing', async () => {
  await withDouble(async (double, open) => {
    const sink = open()
    const said: string[] = []
    const warned = Promise.withResolvers<void>()
    const warn = (message: string): void => {
      said.push(message)
      warned.resolve()
    }
    await sink.open(jobAt(0, { warn }), undefined)
    await sink.write(records(1, 10))
    await double.stop()
    const waiting = sink.write(records(11, 10))
    await warned.promise
    await double.start()
    await waiting
    assert.match(said[0] ?? '', /^mongodb:\/\/127\.0\.0\.1:\d+\/test does not answer \(.+\); trying again for 30 s$/)
    assert.equal(said.length, 2)
    assert.equal(double.documents('pages').length, 20)
  })
})

test('a connection that breaks in place of any answer costs nothing', async () => {
  await withDouble(async (double, open) => {
    const info = jobAt(0, { items: { columns: undefined } })
    const sink = open()
    await sink.open(info, undefined)
    const page = (seq: number, title: string): SinkRecord => ({ ...pageOf(seq, { title }), dedupeKey: 'a-1' })
    for (const [index, command] of ['insert', 'find', 'update', 'delete', 'update'].entries()) {
      double.breakAt(command)
      await sink.write([page(index + 1, `visit ${index}`)])
      assert.deepEqual(
        double.documents('items').map(({ title, _seq }) => [title, _seq]),
        [[`visit ${index}`, index + 1]],
      )
    }
  })
})

test('an answer that never ends is given up in time, and the batch is stored by a new connection', async () => {
  await withDouble(async (double) => {
    const said: string[] = []
    const sink = mongoSink({ url: double.url, tryMs: 300 })
    await sink.open(jobAt(0, { warn: (message) => said.push(message) }), undefined)
    try {
      for (const [index, command] of ['insert', 'delete'].entries()) {
        double.stallAt(command)
        await sink.write(records(1 + index * 10, 10))
        assert.equal(double.documents('pages').length, 10 + index * 10)
      }
      assert.match(said[0] ?? '', /does not answer \(no answer within 0\.3 s\); trying again/)
    } finally {
      await sink.close()
    }
  })
})

test('a document over 16 MiB is left out and reported with its page, the rest of the batch is stored', async () => {
  await withDouble(async (double, open) => {
    const sink = open()
    await sink.open(jobAt(0, { items: { columns: undefined } }), undefined)
    await sink.write([pageOf(1, { text: 'a' }), pageOf(2, { text: 'b' }, { text: 'x'.repeat(17 * 2 ** 20) })])
    assert.deepEqual(
      double.documents('items').map(({ text }) => text),
      ['a', 'b'],
    )
    assert.deepEqual(sink.refused?.(), [
      {
        url: 'https://a.example/2?q=1',
        seq: 2,
        position: 1,
        value: `{"text":"${'x'.repeat(191)}…`,
        path: '',
        message: 'MongoDB: 17.0 MiB, a document may have 16',
      },
    ])
    await sink.write([pageOf(3, { text: 'c' })])
    assert.deepEqual(sink.refused?.(), [])
  })
})

test('a server that is not there at the start is named, with the reason of the network and what to do', async () => {
  const double = await startMongoDouble()
  await double.close()
  const sink = mongoSink({ url: double.url.replace('//', '//me:canary@'), giveUpMs: 1 })
  await assert.rejects(sink.open(jobAt(0), undefined), (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, 'SINK_UNREACHABLE')
    assert.match(
      error.message,
      /^mongodb:\/\/127\.0\.0\.1:\d+\/test did not answer for .*: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    )
    assert.doesNotMatch(error.message, /canary|Topology/)
    assert.match(error.hint ?? '', /^start it and run the same command again/)
    return true
  })
  await sink.close()
})

test('names that a server refuses and values that are too deep are kept as JSON in _more', async () => {
  await withDouble(async (double, open) => {
    let deep: unknown = 'bottom'
    for (let level = 0; level < 150; level++) deep = [deep]
    const odd = { $where: 'sleep(1000)', 'a.b': 1, '': 2, 'n\0': 3, _id: 4, nested: { $gt: '' }, deep }
    const sink = open()
    await sink.open(jobAt(0, { items: { columns: undefined } }), undefined)
    await sink.write([pageOf(1, { title: 't', ...odd })])
    const [stored] = double.documents('items')
    assert.equal(stored?.['_id'], 'job:a-1:0')
    assert.equal(stored?.['title'], 't')
    assert.deepEqual(JSON.parse(String(stored?.['_more'])), odd)
  })
})

test('a server that lost what it acknowledged stops the job at the next start', async () => {
  await withDouble(async (double, open) => {
    const sink = open()
    await sink.open(jobAt(0), undefined)
    const position = await sink.write(records(1, 3))
    double.clear()
    await assert.rejects(open().open(jobAt(3), position), { code: 'SINK_CHANGED' })
    assert.deepEqual(double.documents('pages'), [])
  })
})

test('a command that the server refuses stops the job without the password', async () => {
  await withDouble(async (double) => {
    const { port } = new URL(double.url)
    const sink = mongoSink({ url: `mongodb://reader:canary@127.0.0.1:${port}/test` })
    await assert.rejects(sink.open(jobAt(0), undefined), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, 'SINK_UNREACHABLE')
      assert.doesNotMatch(`${error.message} ${sink.name}`, /canary/)
      return true
    })
    await sink.close()
  })
})
