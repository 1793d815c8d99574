import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sqliteSink } from '../../src/sink/sqlite.ts'
import { records } from '../../src/testing/sink-suite.ts'
import { temporaryFolder } from './storages.ts'

const JOB = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [] }

async function inDatabase(body: (path: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body(join(folder.path, 'sub', 'pages.db'))
  } finally {
    await folder.remove()
  }
}

async function stored(path: string, from: number, count: number): Promise<Uint8Array | undefined> {
  const sink = sqliteSink({ path })
  await sink.open(JOB, undefined)
  const position = await sink.write(records(from, count))
  await sink.close()
  return position
}

test('columns have the type of their field and numbers can be computed with', () =>
  inDatabase(async (path) => {
    await stored(path, 1, 3)
    const db = new DatabaseSync(path)
    const row = db
      .prepare(
        'SELECT typeof(status) s, typeof(title) t, typeof("from") f, sum(bytes) b, json_extract(ms, \'$.total\') m FROM pages',
      )
      .get()
    assert.deepEqual({ ...row }, { s: 'integer', t: 'text', f: 'text', b: 15360, m: 6 })
    db.close()
    assert.equal(existsSync(`${path}-wal`), false)
  }))

test('any name of a table is a name and no statement', () =>
  inDatabase(async (path) => {
    for (const table of ['a"b', 'x; DROP TABLE pages', "it's", 'select', 'ünï \u{1f600}', '[a]']) {
      const sink = sqliteSink({ path, table })
      await sink.open(JOB, undefined)
      await sink.write(records(1, 2))
      await sink.close()
    }
    const db = new DatabaseSync(path)
    assert.equal(db.prepare("SELECT count(*) n FROM sqlite_schema WHERE type = 'table'").get()?.['n'], 7)
    db.close()
    for (const table of ['', 'a\0b', 'sqlite_x', '_sluice_commit']) {
      assert.throws(() => sqliteSink({ path, table }), { code: 'OPTION_INVALID' })
    }
  }))

test('a table of another shape is refused and left as it is', () =>
  inDatabase(async (path) => {
    await stored(path, 1, 1)
    for (const shape of [
      'CREATE TABLE pages (url TEXT)',
      'CREATE TABLE pages AS SELECT * FROM copy',
      'CREATE VIEW pages AS SELECT 1 AS url',
    ]) {
      const db = new DatabaseSync(path)
      db.exec(`CREATE TABLE IF NOT EXISTS copy AS SELECT * FROM pages; DROP TABLE IF EXISTS pages; ${shape}`)
      db.close()
      await assert.rejects(sqliteSink({ path }).open(JOB, undefined), { code: 'OPTION_INVALID', hint: /another file/ })
      await assert.rejects(sqliteSink({ path }).open({ ...JOB, committedSeq: 1 }, Buffer.from('{"v":1,"seq":1}')), {
        code: 'SINK_CHANGED',
      })
      const after = new DatabaseSync(path)
      assert.equal(
        after.prepare("SELECT count(*) n FROM pragma_table_info('pages')").get()?.['n'],
        shape.includes('AS SELECT *') ? 34 : 1,
      )
      if (shape.includes('copy')) after.exec('DROP TABLE pages')
      after.close()
    }
  }))

test('columns that the user added to the table stay and are left alone', () =>
  inDatabase(async (path) => {
    await stored(path, 1, 1)
    const db = new DatabaseSync(path)
    db.exec("ALTER TABLE pages ADD COLUMN note TEXT; UPDATE pages SET note = 'mine'")
    db.close()
    const sink = sqliteSink({ path })
    await sink.open({ ...JOB, committedSeq: 1 }, undefined)
    await sink.write(records(1, 2))
    await sink.close()
    const after = new DatabaseSync(path)
    assert.deepEqual(
      after
        .prepare('SELECT note FROM pages ORDER BY seq')
        .all()
        .map((row) => row['note']),
      ['mine', null],
    )
    after.close()
  }))

test('what is no database is refused and left as it is', () =>
  inDatabase(async (path) => {
    await stored(path, 1, 1)
    const text = 'this is not a database, it only has its name\n'.repeat(100)
    writeFileSync(path, text)
    await assert.rejects(sqliteSink({ path }).open(JOB, undefined), { code: 'OPTION_INVALID' })
    await assert.rejects(sqliteSink({ path }).open(JOB, Buffer.from('{"v":1,"seq":1}')), { code: 'SINK_CHANGED' })
    assert.equal(readFileSync(path, 'utf8'), text)
    await assert.rejects(sqliteSink({ path: join(path, 'x.db') }).open(JOB, undefined), { code: 'SINK_UNREACHABLE' })
  }))

test('a database that was deleted, replaced or restored from before is noticed', () =>
  inDatabase(async (path) => {
    await stored(path, 1, 1)
    const old = readFileSync(path)
    const sink = sqliteSink({ path })
    await sink.open({ ...JOB, committedSeq: 1 }, undefined)
    const position = await sink.write(records(2, 3))
    renameSync(path, `${path}.old`)
    await assert.rejects(sink.write(records(5, 1)), { code: 'SINK_CHANGED' })
    await sink.close()
    const job = { ...JOB, committedSeq: 4 }
    await assert.rejects(sqliteSink({ path }).open(job, position), { code: 'SINK_CHANGED' })
    assert.equal(existsSync(path), false)
    for (const name of ['-wal', '-shm']) rmSync(path + name, { force: true })
    writeFileSync(path, old)
    await assert.rejects(sqliteSink({ path }).open(job, position), { code: 'SINK_CHANGED' })
  }))

test('readers read while the job writes, and see whole batches', () =>
  inDatabase(async (path) => {
    const sink = sqliteSink({ path })
    await sink.open(JOB, undefined)
    const reader = new DatabaseSync(path, { readOnly: true })
    const count = () => reader.prepare('SELECT count(*) n FROM pages').get()?.['n']
    reader.exec('BEGIN')
    assert.equal(count(), 0)
    await sink.write(records(1, 64))
    assert.equal(count(), 0)
    reader.exec('COMMIT')
    assert.equal(count(), 64)
    reader.close()
    await sink.close()
  }))

test('a database that another process keeps locked is waited for, then unreachable, and the batch can be written again', () =>
  inDatabase(async (path) => {
    const sink = sqliteSink({ path, busyMs: 60 })
    await sink.open(JOB, undefined)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(sink.write(records(1, 2)), { code: 'SINK_UNREACHABLE', message: /locked/ })
    other.exec('COMMIT')
    await sink.write(records(1, 2))
    assert.equal(other.prepare('SELECT count(*) n FROM pages').get()?.['n'], 2)
    other.exec('BEGIN IMMEDIATE')
    const patient = sqliteSink({ path })
    const opening = patient.open({ ...JOB, committedSeq: 2 }, undefined)
    other.exec('COMMIT')
    await opening
    await patient.close()
    other.close()
    await sink.close()
  }))

test('a batch that fails half way is taken back whole', () =>
  inDatabase(async (path) => {
    const sink = sqliteSink({ path })
    await sink.open(JOB, undefined)
    await sink.write(records(1, 1))
    await sink.close()
    const db = new DatabaseSync(path)
    // Fails in the middle of a batch, whatever the disk.
    db.exec(`CREATE TRIGGER full BEFORE INSERT ON pages WHEN new.seq = 60 BEGIN SELECT RAISE(ABORT, 'no more'); END`)
    db.close()
    const again = sqliteSink({ path })
    await again.open({ ...JOB, committedSeq: 1 }, undefined)
    await assert.rejects(again.write(records(2, 64)), { code: 'SINK_UNREACHABLE', message: /no more/ })
    await again.write(records(2, 58))
    await again.close()
    const after = new DatabaseSync(path)
    assert.deepEqual({ ...after.prepare('SELECT count(*) n, max(seq) m FROM pages').get() }, { n: 59, m: 59 })
    after.close()
  }))
