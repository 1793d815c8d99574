/**
 * Values, field names and table names that break naive SQL, over all SQL sinks: each value comes back as it went in or is
 * refused with its place, the schema stays what it was, and nothing is executed.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { ItemColumn } from '../../src/model/item.ts'
import type { Sink, SinkRecord } from '../../src/sink/sink.ts'
import { sqliteSink } from '../../src/sink/sqlite.ts'
import { HOSTILE, records } from '../../src/testing/sink-suite.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { ask, type Database, emptyDatabase, missing } from './database-servers.ts'
import { serverSinkOf } from './server-storages.ts'
import { temporaryFolder } from './storages.ts'

interface Target {
  sink(table: string): Sink
  ask(sql: string): Promise<Record<string, unknown>[]>
  /** All tables, sorted. */
  tables(): Promise<string[]>
  readonly quoted: (name: string) => string
  remove(): Promise<void>
}

const KINDS = ['sqlite', 'postgres', 'mysql'] as const

async function open(kind: 'sqlite' | Database): Promise<Target> {
  if (kind === 'sqlite') {
    const folder = temporaryFolder()
    const path = join(folder.path, 'a.db')
    const asked = async (sql: string): Promise<Record<string, unknown>[]> => {
      const db = new DatabaseSync(path)
      try {
        return db.prepare(sql).all()
      } finally {
        db.close()
      }
    }
    return {
      sink: (table) => sqliteSink({ path, table }),
      ask: asked,
      tables: async () => names(await asked("SELECT name FROM sqlite_schema WHERE type = 'table'")),
      quoted: (name) => `"${name.replaceAll('"', '""')}"`,
      remove: folder.remove,
    }
  }
  const { url, remove } = await emptyDatabase(kind)
  const schema = kind === 'postgres' ? 'current_schema()' : 'DATABASE()'
  const sql = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${schema}`
  return {
    sink: (table) => serverSinkOf(kind, `${url}#${encodeURIComponent(table)}`),
    ask: (text) => ask(url, text),
    tables: async () => names(await ask(url, sql)),
    quoted: (name) => (kind === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`),
    remove,
  }
}

function names(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map(({ name }) => String(name)).toSorted()
}

function page(seq: number, item: object, key?: string): SinkRecord {
  const [record] = records(seq, 1)
  assert.ok(record !== undefined)
  return { ...record, items: [{ json: JSON.stringify(item), position: 0, key }] }
}

const OWN = new Set(['_key', '_url', '_run', '_seq', '_page', '_job', '_more'])

/** The item that a row stands for. */
function itemOf(row: Record<string, unknown>): Record<string, unknown> {
  const more = typeof row['_more'] === 'string' ? (JSON.parse(row['_more']) as object) : (row['_more'] ?? {})
  const fields = Object.entries(row).filter(([name, value]) => value !== null && !OWN.has(name))
  return Object.fromEntries([...fields, ...Object.entries(more)])
}

const SQL_NAMES = [
  'x"; DROP TABLE canary; --',
  'x`; DROP TABLE canary; --',
  "x'); DELETE FROM canary; --",
  '/* x */',
  'select',
  '%s ? $1 :a @x',
  '[a]',
  '\\',
  '\u{1f600}',
  '=1+1',
]
const FIELD_NAMES = [
  ...SQL_NAMES,
  '__proto__',
  'constructor',
  'a\0b',
  '\ud800',
  ' ',
  'tail ',
  'x'.repeat(100),
  'T',
  't',
]

for (const kind of KINDS) {
  const skip = kind === 'sqlite' ? false : await missing(kind)
  const check = (what: string, body: (target: Target) => Promise<void>, reason: string | false = skip): void => {
    test(`${kind}: ${what}`, { skip: reason }, async () => {
      const target = await open(kind)
      try {
        await target.ask('CREATE TABLE canary (alive int)').catch(() => undefined)
        await target.ask('INSERT INTO canary VALUES (1)')
        await body(target)
        assert.deepEqual(
          (await target.ask('SELECT alive FROM canary')).map(({ alive }) => Number(alive)),
          [1],
        )
      } finally {
        await target.remove()
      }
    })
  }
  const store = async (target: Target, table: string, items: readonly object[], columns?: readonly ItemColumn[]) => {
    const sink = target.sink(table)
    const job = { name: 'job', id: `job'"\``, run: 1, committedSeq: 0, columns: [], items: { columns } }
    await sink.open(job, undefined)
    await sink.write(items.map((item, i) => page(i + 1, item, `key ${i} '"`)))
    const refused = sink.refused?.() ?? []
    await sink.close()
    return refused
  }

  const columns: ItemColumn[] = [
    { name: 'n', type: 'integer', required: true },
    { name: 's', type: 'text', required: false },
    { name: 'j', type: 'json', required: false },
  ]
  const roundTrip = async (target: Target, values: readonly unknown[]): Promise<void> => {
    const items = values.map((value, n) => (typeof value === 'string' ? { n, s: value, j: [value] } : { n, j: value }))
    const before = await target.tables()
    const refused = await store(target, 'items', items, columns)
    const rows = await target.ask('SELECT * FROM items ORDER BY _seq')
    const found = rows.map((row) =>
      itemOf({ ...row, n: Number(row['n']), j: typeof row['j'] === 'string' ? JSON.parse(row['j']) : row['j'] }),
    )
    const places = new Set(refused.map(({ url }) => url))
    const wanted = items.filter(({ n }) => !places.has(`https://a.example/${n + 1}?q=1`))
    assert.equal(found.length, wanted.length)
    for (const [i, item] of wanted.entries()) {
      const expected = JSON.parse(JSON.stringify(item)) as Record<string, unknown>
      if (expected['j'] === null) delete expected['j']
      assert.deepEqual(found[i], expected)
    }
    assert.deepEqual(await target.tables(), [...before, '_sluice_commit', '_sluice_undo_items', 'items'].toSorted())
    const present = Object.keys(rows[0] ?? {}).filter((name) => !OWN.has(name))
    assert.deepEqual(present, ['n', 's', 'j'])
  }

  check('hostile texts come back byte for byte', async (target) => {
    await roundTrip(target, [...HOSTILE, ...SQL_NAMES, `${'\'"\\`'.repeat(250_000)}\u{1f600}`, 'x\0'.repeat(500_000)])
  })

  check(
    'the values of the JSON test suite come back as they are',
    async (target) => {
      const packed = readFileSync(join(sharedData('conformance/json-parsing') ?? '', 'cases.json.gz'))
      const cases = JSON.parse(gunzipSync(packed).toString()) as { bytes_b64: string }[]
      const values = cases.flatMap(({ bytes_b64: bytes }) => {
        try {
          return [JSON.parse(Buffer.from(bytes, 'base64').toString()) as unknown]
        } catch {
          return []
        }
      })
      assert.ok(values.length > 90)
      await roundTrip(target, values)
    },
    skip === false ? skipWithout('conformance/json-parsing') : skip,
  )

  check('fields and tables named like SQL are names, or go into _more', async (target) => {
    const item = Object.fromEntries(FIELD_NAMES.map((name, i) => [name, `value ${i}`]))
    for (const table of SQL_NAMES) {
      const before = await target.tables()
      let refused: unknown
      await store(target, table, [item]).catch((error: unknown) => {
        refused = error
      })
      if (refused !== undefined) {
        assert.equal((refused as { code?: string }).code, 'OPTION_INVALID', String(refused))
        assert.deepEqual(await target.tables(), before)
        continue
      }
      const [row] = await target.ask(`SELECT * FROM ${target.quoted(table)}`)
      assert.ok(row !== undefined)
      assert.deepEqual(itemOf(row), { ...item })
      const made = [table, `_sluice_undo_${table}`, ...(before.includes('_sluice_commit') ? [] : ['_sluice_commit'])]
      assert.deepEqual(await target.tables(), [...before, ...made].toSorted())
    }
  })
}
