/** What a database does not take, and tables that are not what the sink needs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ItemColumn } from '../../src/model/item.ts'
import type { SinkRecord } from '../../src/sink/sink.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { ask, type Database, DATABASES, emptyDatabase, missing } from './database-servers.ts'
import { serverSinkOf } from './server-storages.ts'

const COLUMNS: readonly ItemColumn[] = [
  { name: 'sku', type: 'text', required: true },
  { name: 'price', type: 'number', required: false },
  { name: 'title', type: 'text', required: false },
]
const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [], items: { columns: COLUMNS } }

/** Page `seq` with one item. */
function page(seq: number, item: object): SinkRecord {
  const [record] = records(seq, 1)
  assert.ok(record !== undefined)
  return { ...record, items: [{ json: JSON.stringify(item), position: 0, key: undefined }] }
}

const quoted = (database: Database, name: string): string => (database === 'postgres' ? `"${name}"` : `\`${name}\``)

for (const database of DATABASES) {
  const skip = await missing(database)
  const check = (what: string, body: (url: string) => Promise<void>): void => {
    test(`${database}: ${what}`, { skip }, async () => {
      const { url, remove } = await emptyDatabase(database)
      try {
        await body(url)
      } finally {
        await remove()
      }
    })
  }

  check(
    'rows that a constraint or a narrower column refuses are reported, the rest of the batch is stored',
    async (url) => {
      const first = serverSinkOf(database, url)
      await first.open(JOB, undefined)
      await first.close()
      const limit =
        database === 'postgres'
          ? 'ALTER TABLE items ALTER COLUMN title TYPE varchar(5)'
          : 'ALTER TABLE items MODIFY title varchar(5)'
      await ask(url, limit)
      await ask(url, 'ALTER TABLE items ADD CONSTRAINT cheap CHECK (price < 100)')
      const unique = database === 'postgres' ? 'sku' : 'sku(50)'
      await ask(url, `CREATE UNIQUE INDEX one_sku ON items (${unique})`)
      const sink = serverSinkOf(database, url)
      await sink.open(JOB, undefined)
      const batch = Array.from({ length: 100 }, (_, i) => page(i + 1, { sku: `s${i}`, price: 1, title: 'short' }))
      batch[10] = page(11, { sku: 's10', price: 1, title: 'too long' })
      batch[41] = page(42, { sku: 's41', price: 100 })
      batch[99] = page(100, { sku: 's3', price: 2 })
      await sink.write(batch)
      const refused = sink.refused?.() ?? []
      assert.deepEqual(
        refused.map(({ url: where, position, value }) => [where, position, value]),
        [11, 42, 100].map((n) => [`https://a.example/${n}?q=1`, 0, batch[n - 1]?.items?.[0]?.json]),
      )
      for (const [i, words] of [/too long/i, /cheap/, /one_sku|unique key/].entries())
        assert.match(refused[i]?.message ?? '', words)
      await sink.write([page(101, { sku: 'later' })])
      assert.deepEqual(sink.refused?.(), [])
      await sink.close()
      const stored = await ask(url, 'SELECT sku, price FROM items ORDER BY _seq')
      assert.equal(stored.length, 98)
      assert.deepEqual(
        stored.find(({ sku }) => sku === 's3')?.['price'],
        1,
        'the row of another item is not overwritten',
      )
      assert.equal(stored.at(-1)?.['sku'], 'later')
    },
  )

  check('a value that its column cannot give back is in _more, and said once', async (url) => {
    const heard: string[] = []
    const sink = serverSinkOf(database, url)
    await sink.open({ ...JOB, warn: (message) => heard.push(message) }, undefined)
    await sink.write([
      page(1, { sku: '\ud800', price: 'a lot', title: 7, extra: 'a\0b' }),
      page(2, { sku: 'b', more: 1 }),
    ])
    await sink.close()
    const [first, second] = await ask(url, 'SELECT sku, price, title, _more FROM items ORDER BY _seq')
    const more = (row: Record<string, unknown> | undefined): unknown =>
      typeof row?.['_more'] === 'string' ? JSON.parse(row['_more']) : row?.['_more']
    assert.deepEqual([first?.['sku'], first?.['price'], first?.['title']], [null, null, null])
    assert.deepEqual(more(first), { sku: '\ud800', price: 'a lot', title: 7, extra: 'a\0b' })
    assert.deepEqual([second?.['sku'], more(second)], ['b', { more: 1 }])
    assert.equal(heard.length, 1)
  })

  check('columns of a new schema are added; another type, or a table of somebody else, is refused', async (url) => {
    const first = serverSinkOf(database, url)
    await first.open(JOB, undefined)
    await first.write([page(1, { sku: 'a' })])
    await first.close()
    const wider: ItemColumn[] = [...COLUMNS, { name: 'stock', type: 'integer', required: false }]
    const second = serverSinkOf(database, url)
    await second.open({ ...JOB, committedSeq: 1, items: { columns: wider } }, undefined)
    await second.write([page(2, { sku: 'b', stock: 3 })])
    await second.close()
    const rows = await ask(url, 'SELECT sku, stock FROM items ORDER BY _seq')
    assert.deepEqual(
      rows.map(({ sku, stock }) => [sku, stock === null ? null : Number(stock)]),
      [
        ['a', null],
        ['b', 3],
      ],
    )
    const other = COLUMNS.map((column) => (column.name === 'sku' ? { ...column, type: 'integer' as const } : column))
    const changed = serverSinkOf(database, url).open({ ...JOB, items: { columns: other } }, undefined)
    await assert.rejects(changed, { code: 'OPTION_INVALID', message: /column sku is \w*text/, hint: /#/ })
    await ask(url, `CREATE TABLE theirs (id int)`)
    const theirs = serverSinkOf(database, `${url}#theirs`).open(JOB, undefined)
    await assert.rejects(theirs, { code: 'OPTION_INVALID', message: /lacks the columns _key/ })
    assert.deepEqual(await ask(url, 'SELECT * FROM theirs'), [])
  })

  check('a second process that writes as the same job stops the first, and nothing is written twice', async (url) => {
    const [first, second] = [serverSinkOf(database, url), serverSinkOf(database, url)]
    await first.open(JOB, undefined)
    await second.open(JOB, undefined)
    await first.write([page(1, { sku: 'a' })])
    await assert.rejects(second.write([page(1, { sku: 'a' }), page(2, { sku: 'b' })]), {
      code: 'SINK_CHANGED',
      hint: /^end the other process/,
    })
    await Promise.all([first.close(), second.close()])
    assert.equal((await ask(url, 'SELECT * FROM items')).length, 1)
  })

  check('a table that was dropped between two runs or during one stops the job', async (url) => {
    const first = serverSinkOf(database, url)
    await first.open(JOB, undefined)
    const position = await first.write([page(1, { sku: 'a' })])
    await ask(url, 'DROP TABLE items')
    await assert.rejects(first.write([page(2, { sku: 'b' })]), { code: 'SINK_CHANGED' })
    await first.close()
    const second = serverSinkOf(database, url).open({ ...JOB, committedSeq: 1 }, position)
    await assert.rejects(second, {
      code: 'SINK_CHANGED',
      message: /has no table items any more/,
      hint: /^restore .*the same command.*--fresh/,
    })
    await ask(url, `DROP TABLE ${quoted(database, '_sluice_commit')}`)
    const third = serverSinkOf(database, url).open({ ...JOB, committedSeq: 1 }, position)
    await assert.rejects(third, { code: 'SINK_CHANGED' })
  })

  check('who is refused by the server learns why at open, and no message or name has the password', async (url) => {
    const wrong = new URL(url)
    wrong.username = 'nobody_here'
    wrong.password = 'pass-word'
    const sink = serverSinkOf(database, wrong.href)
    assert.doesNotMatch(sink.name, /nobody_here|pass-word/)
    await assert.rejects(sink.open(JOB, undefined), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'OPTION_INVALID')
      assert.doesNotMatch(`${error.message} ${error.hint ?? ''}`, /pass-word/)
      return true
    })
    assert.throws(
      () => serverSinkOf(database, `${wrong.protocol}//x:pass-word@`),
      (error: Error) => !error.message.includes('pass-word'),
    )
    const tooLong = serverSinkOf(database, `${url}#${'t'.repeat(60)}`).open(JOB, undefined)
    await assert.rejects(tooLong, { code: 'OPTION_INVALID', hint: /shorter/ })
  })
}
