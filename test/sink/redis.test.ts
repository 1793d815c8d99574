import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { redisSink } from '../../src/sink/redis.ts'
import type { JobInfo, Sink, SinkRecord } from '../../src/sink/sink.ts'
import { ITEM_COLUMNS, records, sinkSuite } from '../../src/testing/sink-suite.ts'
import { killTests } from './kills.ts'
import { type RedisServer, redisRows, skipRedis, startRedis, withRedis } from './redis-server.ts'
import { itemStorage, storage } from './storages.ts'

let shared: RedisServer | undefined
before(async () => {
  if (skipRedis !== false || process.env['REDIS_URL'] !== undefined) return
  shared = await startRedis()
  // Children that are killed find it there as well.
  process.env['REDIS_URL'] = shared.url
})
after(() => shared?.close())

const KINDS = ['redis hash', 'redis list', 'redis stream'] as const
for (const kind of KINDS) {
  sinkSuite(kind, () => storage(kind), { skip: skipRedis })
  sinkSuite(`${kind} of items`, () => itemStorage(kind), { skip: skipRedis, items: true })
}
sinkSuite('redis hash of items with a schema', () => itemStorage('redis hash'), {
  skip: skipRedis,
  items: { columns: ITEM_COLUMNS },
})
killTests(KINDS, { skip: skipRedis })

const PRIVATE = { skip: process.env['REDIS_URL'] === undefined ? skipRedis : 'it needs a server of its own' }

function jobAt(committedSeq: number, more: Partial<JobInfo> = {}): JobInfo {
  return { name: 'job', id: 'job', run: 1, committedSeq, columns: [], ...more }
}

async function withServer(
  settings: readonly string[],
  body: (server: RedisServer, sink: (query?: string) => Sink) => Promise<void>,
): Promise<void> {
  const server = await startRedis(...settings)
  const opened: Sink[] = []
  try {
    await body(server, (query = '?stream=pages') => {
      const sink = redisSink({ url: `${server.url}${query}`, giveUpMs: 30_000, commandMs: 500 })
      opened.push(sink)
      return sink
    })
  } finally {
    for (const sink of opened) await sink.close()
    await server.close()
  }
}

test('a server that dies and comes back in the middle of a batch costs nothing', PRIVATE, async () => {
  await withServer([], async (server, open) => {
    const sink = open()
    const said: string[] = []
    const warned = Promise.withResolvers<void>()
    const warn = (message: string): void => {
      said.push(message)
      warned.resolve()
    }
    await sink.open(jobAt(0, { warn }), undefined)
    await sink.write(records(1, 10))
    await server.kill()
    const waiting = sink.write(records(11, 10))
    await warned.promise
    await server.start()
    await waiting
    assert.equal(said.length, 2)
    assert.match(
      said[0] ?? '',
      /^redis:\/\/127\.0\.0\.1:\d+\/0\?stream=pages does not answer \(.+\); trying again for 30 s$/,
    )
    const rows = (await redisRows(server.url, 'stream', 'pages')) as { seq: number }[]
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      records(1, 20).map(({ record }) => record.seq),
    )
  })
})

test(
  'a server that stands still does not hang the job: the command ends by its time and is repeated',
  PRIVATE,
  async () => {
    await withServer([], async (server, open) => {
      const sink = open()
      const warned = Promise.withResolvers<void>()
      await sink.open(jobAt(0, { warn: () => warned.resolve() }), undefined)
      server.child.kill('SIGSTOP')
      const waiting = sink.write(records(1, 5))
      await warned.promise
      server.child.kill('SIGCONT')
      await waiting
      const rows = await redisRows(server.url, 'stream', 'pages')
      assert.equal(rows.length, 5, 'the first command may have run as well; it is not stored twice')
    })
  },
)

test('a batch whose reply was lost is not stored again', PRIVATE, async () => {
  await withServer([], async (server, open) => {
    const sink = open('?list=pages')
    await sink.open(jobAt(0), undefined)
    await sink.write(records(1, 3))
    // As if the connection had broken between the script and its reply.
    const again = open('?list=pages')
    await again.open(jobAt(3), Buffer.from('{"v":1,"seq":3}'))
    await sink.write(records(4, 2))
    await again.write(records(4, 2))
    assert.equal((await redisRows(server.url, 'list', 'pages')).length, 5)
  })
})

test('a server that lost what it acknowledged stops the job, at open and in between', PRIVATE, async () => {
  await withServer([], async (server, open) => {
    const sink = open('?hash=pages')
    await sink.open(jobAt(0), undefined)
    const position = await sink.write(records(1, 3))
    await withRedis(server.url, (redis) => redis.flushall())
    await assert.rejects(sink.write(records(4, 1)), { code: 'SINK_CHANGED', hint: /fail-over/ })
    await assert.rejects(open('?hash=pages').open(jobAt(3), position), { code: 'SINK_CHANGED' })
    assert.equal(await withRedis(server.url, (redis) => redis.dbsize()), 0, 'nothing was touched')
  })
})

test('a full server stops the job with SINK_FULL and its batch is not half there', PRIVATE, async () => {
  await withServer(['--maxmemory', '3mb'], async (server, open) => {
    const sink = open('?list=pages')
    await sink.open(jobAt(0), undefined)
    let seq = 0
    const fill = async (): Promise<void> => {
      for (;;) {
        await sink.write(records(seq + 1, 100))
        seq += 100
      }
    }
    await assert.rejects(fill(), { code: 'SINK_FULL', hint: /maxmemory/ })
    assert.ok(seq > 0)
    assert.equal((await redisRows(server.url, 'list', 'pages')).length, seq)
  })
})

test('a server that evicts keys is warned of once', PRIVATE, async () => {
  await withServer(['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'], async (_server, open) => {
    const said: string[] = []
    await open().open(jobAt(0, { warn: (message) => said.push(message) }), undefined)
    assert.match(said.join('\n'), /^redis:.* evicts keys .*\(allkeys-lru\)[^\n]*$/)
  })
})

test('a refused password and a key of another type are told at open, without the password', PRIVATE, async () => {
  await withServer(['--requirepass', 'open sesame'], async (server) => {
    const { port } = new URL(server.url)
    const wrong = redisSink({ url: `redis://:canary@127.0.0.1:${port}/0` })
    await assert.rejects(wrong.open(jobAt(0), undefined), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, 'SINK_UNREACHABLE')
      assert.doesNotMatch(`${error.message} ${wrong.name}`, /canary/)
      return true
    })
    const url = `redis://:open%20sesame@127.0.0.1:${port}/0`
    await withRedis(url, (redis) => redis.set('job:pages', 'a text of the user'))
    const sink = redisSink({ url })
    await assert.rejects(sink.open(jobAt(0), undefined), {
      code: 'OPTION_INVALID',
      message: /has a string in "job:pages"/,
    })
  })
})

test('two jobs share a key where its name was asked for, and none by default', PRIVATE, async () => {
  await withServer([], async (server, open) => {
    const jobs = ['red', 'blue'].map((name): JobInfo => ({ ...jobAt(0), name, id: `id-${name}` }))
    for (const query of ['', '?hash=both']) {
      for (const [i, info] of jobs.entries()) {
        const sink = open(query)
        await sink.open(info, undefined)
        await sink.write(records(1 + i, 2))
      }
    }
    for (const name of ['red', 'blue']) assert.equal((await redisRows(server.url, 'hash', `${name}:pages`)).length, 2)
    assert.equal((await redisRows(server.url, 'hash', 'both')).length, 3, 'the second page is of both')
  })
})

test(
  'an item that a page no longer gives goes, whether its key is its own or its place, and returns with the batch',
  PRIVATE,
  async () => {
    await withServer([], async (server, open) => {
      const info = jobAt(0, { items: { columns: undefined } })
      const give = (seq: number, dedupeKey: string, ...keys: (string | undefined)[]): SinkRecord => {
        const [page] = records(seq, 1)
        assert.ok(page !== undefined)
        const items = keys.map((key, position) => ({ json: `{"seq":${seq}}`, position, key }))
        return { ...page, dedupeKey, items }
      }
      const stored = async (): Promise<string[]> =>
        withRedis(server.url, async (redis) =>
          Object.entries(await redis.hgetall('h'))
            .map(([key, json]) => `${key} ${json}`)
            .toSorted(),
        )
      const [two, one] = [[undefined, undefined], [undefined]] as const
      const sink = open('?hash=h')
      await sink.open(info, undefined)
      await sink.write([give(1, 'a', ...two), give(2, 'b', ...one)])
      await sink.write([give(3, 'a', ...one), give(4, 'c')])
      assert.deepEqual(await stored(), ['a:0 {"seq":3}', 'b:0 {"seq":2}'])
      await open('?hash=h').open({ ...info, committedSeq: 2 }, Buffer.from('{"v":1,"seq":2}'))
      const before = ['a:0 {"seq":1}', 'a:1 {"seq":1}', 'b:0 {"seq":2}']
      assert.deepEqual(await stored(), before, 'a batch that was never committed is taken back whole')
      const again = open('?hash=h')
      await again.open({ ...info, committedSeq: 2 }, Buffer.from('{"v":1,"seq":2}'))
      await again.write([give(3, 'd', 'own', undefined)])
      await again.write([give(4, 'a', 'own'), give(5, 'b')])
      assert.deepEqual(await stored(), ['d:1 {"seq":3}', 'own {"seq":4}'])
      await again.write([give(6, 'd', ...one), give(7, 'e', ...two)])
      assert.deepEqual(await stored(), ['d:0 {"seq":6}', 'e:0 {"seq":7}', 'e:1 {"seq":7}', 'own {"seq":4}'])
      await open('?hash=h').open({ ...info, committedSeq: 5 }, Buffer.from('{"v":1,"seq":5}'))
      assert.deepEqual(await stored(), ['d:1 {"seq":3}', 'own {"seq":4}'])
    })
  },
)

test('entries of a stream carry key, run and number, lines of a list are the items as they are', PRIVATE, async () => {
  await withServer([], async (server, open) => {
    const [first, ...rest] = records(1, 3)
    assert.ok(first !== undefined && rest.length === 2)
    const info = jobAt(0, { items: { columns: undefined } })
    for (const query of ['?stream=s', '?list=l', '?hash=h']) {
      const sink = open(query)
      await sink.open(info, undefined)
      await sink.write([first, ...rest])
    }
    const [key, list, entry] = await withRedis(server.url, async (redis) => [
      await redis.hget('h', 'a-2:1'),
      await redis.lrange('l', 0, 0),
      await redis.xrange('s', '-', '+', 'COUNT', 1),
    ])
    const jsonOf = (page: number, position: number): string | undefined => rest[page - 2]?.items?.[position]?.json
    assert.equal(key, jsonOf(2, 1))
    assert.deepEqual(list, [first.items?.[0]?.json])
    assert.deepEqual((entry as [string, string[]][])[0]?.[1], [
      'key',
      'a-1:0',
      'run',
      '1',
      'seq',
      '1',
      'json',
      first.items?.[0]?.json,
    ])
  })
})
