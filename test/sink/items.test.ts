import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import type { ItemColumn } from '../../src/model/item.ts'
import { csvSink } from '../../src/sink/csv.ts'
import { ndjsonSink } from '../../src/sink/ndjson.ts'
import type { JobInfo, Sink, SinkRecord } from '../../src/sink/sink.ts'
import { sqliteSink } from '../../src/sink/sqlite.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { temporaryFolder } from './storages.ts'

const JOB: JobInfo = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [], items: { columns: undefined } }

async function inFolder(body: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body((name) => join(folder.path, name))
  } finally {
    await folder.remove()
  }
}

/** One page with these items. */
function page(seq: number, ...values: readonly unknown[]): SinkRecord {
  const [first] = records(seq, 1)
  assert.ok(first !== undefined)
  return {
    ...first,
    items: values.map((value, position) => ({ json: JSON.stringify(value), position, key: undefined })),
  }
}

async function stored(sink: Sink, batch: readonly SinkRecord[], job: Partial<JobInfo> = {}, position?: Uint8Array) {
  await sink.open({ ...JOB, ...job }, position)
  const next = await sink.write(batch)
  await sink.close()
  return next
}

function column(name: string, type: ItemColumn['type']): ItemColumn {
  return { name, type, required: true }
}

function rowsOf(path: string, sql: string): unknown[] {
  const db = new DatabaseSync(path)
  const rows = db.prepare(sql).all()
  db.close()
  return rows.map((row) => ({ ...row }))
}

test('a line of items is the item as the extractor gave it, with its origin only where that is asked for', () =>
  inFolder(async (path) => {
    await stored(ndjsonSink({ path: path('a.ndjson') }), [page(1, { b: 1, a: '2' }, 'text')])
    assert.equal(readFileSync(path('a.ndjson'), 'utf8'), '{"b":1,"a":"2"}\n"text"\n')
    await stored(ndjsonSink({ path: path('b.ndjson'), provenance: true }), [page(7, { b: 1, _seq: 'x' })])
    assert.deepEqual(JSON.parse(readFileSync(path('b.ndjson'), 'utf8')), {
      b: 1,
      _url: 'https://a.example/7?q=1',
      _seq: 7,
      _run: 1,
    })
    await stored(csvSink({ path: path('c.csv'), provenance: true }), [page(7, { b: 1 })])
    const text = 'b,_url,_seq,_run,_more\r\n1,https://a.example/7?q=1,7,1,\r\n'
    assert.equal(readFileSync(path('c.csv'), 'utf8'), text)
  }))

test('lines that are no items, behind the last commit of a file of items, are not cut', () =>
  inFolder(async (path) => {
    const file = path('a.ndjson')
    for (const [provenance, added] of [
      [false, 'a line of the user\n'],
      [true, '{"b":1}\n'],
    ] as const) {
      writeFileSync(file, '')
      const position = await stored(ndjsonSink({ path: file, provenance }), [page(1, { b: 1 })])
      const text = readFileSync(file, 'utf8') + added
      writeFileSync(file, text)
      const again = ndjsonSink({ path: file, provenance }).open({ ...JOB, committedSeq: 1 }, position)
      await assert.rejects(again, { code: 'SINK_CHANGED' })
      assert.equal(readFileSync(file, 'utf8'), text)
    }
  }))

test('columns come from the schema, else from the first items; what comes later goes into _more, said once', () =>
  inFolder(async (path) => {
    const heard: string[] = []
    const warn = (message: string): void => void heard.push(message)
    const sinks = [csvSink({ path: path('a.csv') }), sqliteSink({ path: path('a.db') })]
    for (const sink of sinks) {
      await stored(sink, [page(1, { b: 1, a: null }), page(2, { c: [1] })], { warn })
      assert.deepEqual(heard, [])
      await sink.open({ ...JOB, committedSeq: 2, warn }, undefined)
      await sink.write([page(3, { b: 2, d: 3 })])
      await sink.write([page(4, { d: 4, _key: 'mine' })])
      await sink.close()
      assert.equal(heard.length, 1)
      assert.match(heard.pop() ?? '', /no column that holds d:/)
    }
    const cells = parse(readFileSync(path('a.csv'))) as string[][]
    assert.deepEqual(cells, [
      ['b', 'a', 'c', '_more'],
      ['1', '', '', ''],
      ['', '', '[1]', ''],
      ['2', '', '', '{"d":3}'],
      ['', '', '', '{"d":4,"_key":"mine"}'],
    ])
    assert.deepEqual(rowsOf(path('a.db'), 'SELECT b, a, c, _more FROM items ORDER BY _seq'), [
      { b: 1, a: null, c: null, _more: null },
      { b: null, a: null, c: '[1]', _more: null },
      { b: 2, a: null, c: null, _more: '{"d":3}' },
      { b: null, a: null, c: null, _more: '{"d":4,"_key":"mine"}' },
    ])
    const columns = [column('z', 'text'), column('b', 'json')]
    await stored(csvSink({ path: path('b.csv') }), [page(1, { b: {} })], { items: { columns } })
    assert.equal(readFileSync(path('b.csv'), 'utf8'), 'z,b,_more\r\n,{},\r\n')
  }))

test('an item in SQLite says which page of which run gave it, in columns typed by the schema', () =>
  inFolder(async (path) => {
    const columns = [column('n', 'integer'), column('x', 'number'), column('s', 'text'), column('j', 'json')]
    const batch = [page(5, { n: 2, x: 1, s: '007', j: { a: 1 } })]
    await stored(sqliteSink({ path: path('a.db') }), batch, { items: { columns } })
    const types = "typeof(n) n, typeof(x) x, s, json_extract(j, '$.a') j"
    assert.deepEqual(rowsOf(path('a.db'), `SELECT ${types}, _key, _url, _run, _seq, _job FROM items`), [
      {
        n: 'integer',
        x: 'real',
        s: '007',
        j: 1,
        _key: 'a-5:0',
        _url: 'https://a.example/5?q=1',
        _run: 1,
        _seq: 5,
        _job: 'job',
      },
    ])
  }))

test('fields that differ in letter case only share no column: the first has it, the others are in _more', () =>
  inFolder(async (path) => {
    await stored(sqliteSink({ path: path('a.db') }), [page(1, { Name: 'a', name: 'b' })])
    assert.deepEqual(rowsOf(path('a.db'), 'SELECT Name, _more FROM items'), [{ Name: 'a', _more: '{"name":"b"}' }])
  }))

test('a schema with more columns adds them to the table, one with another type is refused', () =>
  inFolder(async (path) => {
    const sink = (): Sink => sqliteSink({ path: path('a.db') })
    const old = [column('n', 'integer')]
    const position = await stored(sink(), [page(1, { n: 1 })], { items: { columns: old } })
    const wider = { items: { columns: [...old, column('s', 'text')] }, committedSeq: 1 }
    const next = await stored(sink(), [page(2, { n: 2, s: 'x' })], wider, position)
    assert.deepEqual(rowsOf(path('a.db'), 'SELECT n, s FROM items ORDER BY _seq'), [
      { n: 1, s: null },
      { n: 2, s: 'x' },
    ])
    const other = { ...JOB, items: { columns: [column('n', 'text')] }, committedSeq: 2 }
    await assert.rejects(sink().open(other, next), { code: 'OPTION_INVALID', message: /n is INTEGER/, hint: /#TABLE/ })
    const number = { ...JOB, items: { columns: [column('n', 'number')] }, committedSeq: 2 }
    const fitting = sink()
    await fitting.open(number, next)
    await fitting.close()
  }))

test('a table of items that was dropped or is somebody else’s stops the job', () =>
  inFolder(async (path) => {
    const sink = (): Sink => sqliteSink({ path: path('a.db') })
    const position = await stored(sink(), [page(1, { n: 1 })])
    const db = new DatabaseSync(path('a.db'))
    db.exec('DROP TABLE items')
    await assert.rejects(sink().open({ ...JOB, committedSeq: 1 }, position), { code: 'SINK_CHANGED' })
    db.exec('CREATE TABLE items (n)')
    await assert.rejects(sink().open({ ...JOB, committedSeq: 1 }, position), { code: 'SINK_CHANGED' })
    await assert.rejects(sink().open({ ...JOB, id: 'new' }, undefined), { code: 'OPTION_INVALID' })
    db.close()
  }))

test('a file of page records does not take items, nor the other way round', () =>
  inFolder(async (path) => {
    const file = path('a.csv')
    const position = await stored(csvSink({ path: file }), [page(1, { b: 1 })], { items: undefined })
    await assert.rejects(csvSink({ path: file }).open({ ...JOB, committedSeq: 1 }, position), {
      code: 'OPTION_INVALID',
    })
    await assert.rejects(csvSink({ path: file }).open(JOB, undefined), { code: 'OPTION_INVALID' })
    const other = path('b.csv')
    const items = await stored(csvSink({ path: other }), [page(1, { b: 1 })])
    const pages = { ...JOB, items: undefined, committedSeq: 1 }
    await assert.rejects(csvSink({ path: other }).open(pages, items), { code: 'OPTION_INVALID' })
  }))

test('a batch of items that fails while its table is made leaves nothing, and can be written again', () =>
  inFolder(async (path) => {
    const sink = sqliteSink({ path: path('a.db') })
    await sink.open(JOB, undefined)
    const good = page(1, { n: 1 })
    const bad = { ...page(2, { n: 2 }), record: { ...good.record, run: Symbol('no number') as never } }
    assert.equal(rowsOf(path('a.db'), "SELECT name FROM sqlite_schema WHERE name = 'items'").length, 0)
    await assert.rejects(sink.write([good, bad]))
    assert.equal(rowsOf(path('a.db'), "SELECT name FROM sqlite_schema WHERE name = 'items'").length, 0)
    await sink.write([good])
    await sink.close()
    assert.deepEqual(rowsOf(path('a.db'), 'SELECT n FROM items'), [{ n: 1 }])
  }))
