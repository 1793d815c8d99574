import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ItemColumn } from '../../src/model/item.ts'
import { RECORD_FIELDS } from '../../src/sink/page-fields.ts'
import { type ParquetColumn, writeParquet } from '../../src/sink/parquet-table.ts'
import { ROWS_ENDING } from '../../src/sink/kind.ts'
import { parquetSink } from '../../src/sink/parquet.ts'
import type { JobInfo } from '../../src/sink/sink.ts'
import { ITEM_COLUMNS, records } from '../../src/testing/sink-suite.ts'
import { describeWithDuckDb, duckDb, readWithDuckDb } from './duckdb.ts'
import { temporaryFolder } from './storages.ts'

function jobAt(committedSeq: number, columns?: readonly ItemColumn[]): JobInfo {
  const items = columns === undefined ? undefined : { columns }
  return { name: 'job', id: 'job', run: 1, committedSeq, columns: [], items }
}

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body(join(folder.path, 'items.parquet'))
  } finally {
    await folder.remove()
  }
}

/** The table of these values, read by DuckDB: column types and rows. */
async function tableOf(path: string, values: readonly unknown[], columns?: readonly ParquetColumn[]) {
  const lines = values.map((value) => JSON.stringify(value))
  await writeParquet(
    path,
    async function* () {
      yield lines
    },
    columns,
  )
  return { types: await describeWithDuckDb(path), rows: await readWithDuckDb(path) }
}

test('the table is there when the run has ended, and whole again after each later run', async () => {
  await inFolder(async (path) => {
    const first = parquetSink({ path })
    await first.open(jobAt(0), undefined)
    const position = await first.write(records(1, 1000))
    assert.ok(!existsSync(path))
    await first.close()
    assert.equal((await readWithDuckDb(path)).length, 1000)
    const second = parquetSink({ path })
    await second.open(jobAt(1000), position)
    await second.write(records(1001, 500))
    await second.close()
    const seqs = (await readWithDuckDb(path)).map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      records(1, 1500).map(({ record }) => record.seq),
    )
    const before = statSync(path).ino
    const third = parquetSink({ path })
    await third.open(jobAt(1500), undefined)
    await third.close()
    assert.equal(statSync(path).ino, before, 'a run that stored nothing leaves it alone')
  })
})

test('columns have the types of the schema, pages those of their fields', async () => {
  await inFolder(async (path) => {
    const sink = parquetSink({ path })
    await sink.open(jobAt(0, ITEM_COLUMNS), undefined)
    await sink.write(records(1, 10))
    await sink.close()
    assert.deepEqual(await describeWithDuckDb(path), {
      page: 'BIGINT',
      position: 'BIGINT',
      title: 'VARCHAR',
      price: 'DOUBLE',
      isNew: 'BOOLEAN',
      nested: 'JSON',
      _more: 'JSON',
    })
    const [sum] = await duckDb(`SELECT sum(price) AS price, count(*) AS n FROM '${path}' WHERE "isNew"`)
    const wanted = records(1, 10).flatMap(({ items = [] }) => items.map(({ json }) => JSON.parse(json) as ItemRow))
    const areNew = wanted.filter(({ isNew }) => isNew)
    assert.deepEqual(
      [sum?.['price'], Number(sum?.['n'])],
      [areNew.reduce((total, { price }) => total + price, 0), areNew.length],
    )
    const { types } = await tableOf(`${path}.pages`, [records(1, 1)[0]?.record], RECORD_FIELDS)
    assert.deepEqual([types['url'], types['status'], types['ms']], ['VARCHAR', 'BIGINT', 'JSON'])
  })
})

interface ItemRow {
  readonly isNew: boolean
  readonly price: number
}

test('without a schema a column has the narrowest type that all its values fit', async () => {
  await inFolder(async (path) => {
    const values = [
      { whole: 1, mixed: 1, any: 1, flag: true, text: 'a', nested: [1] },
      { whole: 2 ** 53 - 1, mixed: 1.5, any: 'x', flag: null, late: 'b' },
      { whole: -7, mixed: 2 ** 60, any: { a: 1 }, flag: false },
    ]
    const { types, rows } = await tableOf(path, values)
    assert.deepEqual(types, {
      whole: 'BIGINT',
      mixed: 'DOUBLE',
      any: 'JSON',
      flag: 'BOOLEAN',
      text: 'VARCHAR',
      nested: 'JSON',
      late: 'VARCHAR',
      _more: 'JSON',
    })
    assert.deepEqual(rows, [values[0], { whole: 2 ** 53 - 1, mixed: 1.5, any: 'x', late: 'b' }, values[2]])
  })
})

test('a value that its column cannot hold is kept as it is in _more', async () => {
  await inFolder(async (path) => {
    const columns = [
      { name: 'id', type: 'integer' },
      { name: 'name', type: 'text' },
      { name: 'ok', type: 'boolean' },
      { name: 'price', type: 'number' },
    ] as const
    const odd = { id: 1.5, name: ['a'], ok: 'yes', price: '9,90', extra: { deep: [null] }, ['__proto__']: 'own' }
    const values = [odd, { id: 3, name: 'b', ok: false, price: 2 }, 'no object', 7]
    const { rows } = await tableOf(path, values, columns)
    assert.deepEqual(
      rows.map((row) => JSON.stringify(Object.entries(row).toSorted())),
      [odd, values[1] as object, { value: 'no object' }, { value: 7 }].map((row) =>
        JSON.stringify(Object.entries(row).toSorted()),
      ),
    )
  })
})

test('texts of a megabyte and names made of SQL come back as they went in', async () => {
  await inFolder(async (path) => {
    const large = 'x"\u{1f600}\0'.repeat(200_000)
    const value = { [`"); DROP TABLE items;--`]: large, 'a.b': large, 'price €': 'ok', [' ']: 'space' }
    const { rows } = await tableOf(path, [value, value])
    assert.deepEqual(rows, [value, value])
  })
})

test('many rows become several row groups, none of which is too large for memory', async () => {
  await inFolder(async (path) => {
    const values = Array.from({ length: 60_000 }, (_, id) => ({ id, name: `n ${id % 100}` }))
    const { rows } = await tableOf(path, values)
    assert.deepEqual(rows, values)
    const large = Array.from({ length: 40 }, (_, id) => ({ id, text: 'y'.repeat(1_000_000) }))
    await tableOf(`${path}.large`, large)
    for (const [file, groups] of [
      [path, 2],
      [`${path}.large`, 3],
    ] as const) {
      const [found] = await duckDb(`SELECT num_row_groups AS n FROM parquet_file_metadata('${file}')`)
      assert.equal(Number(found?.['n']), groups)
    }
  })
})

test('an empty job makes an empty table, and a table of the user is not replaced', async () => {
  await inFolder(async (path) => {
    const empty = parquetSink({ path })
    await empty.open(jobAt(0, []), undefined)
    await empty.close()
    assert.deepEqual(await readWithDuckDb(path), [])
    const theirs = `${path}.mine.parquet`
    writeFileSync(theirs, 'PAR1')
    await assert.rejects(parquetSink({ path: theirs }).open(jobAt(0), undefined), { code: 'OPTION_INVALID' })
    assert.equal(readFileSync(theirs, 'utf8'), 'PAR1')
    assert.ok(!existsSync(theirs + ROWS_ENDING))
  })
})
