/** The database is opened by the program that everybody has, while the job still holds it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteSink } from '../../src/sink/sqlite.ts'
import { HOSTILE, ITEM_COLUMNS, records } from '../../src/testing/sink-suite.ts'
import { findProgram } from '../private-server.ts'
import { temporaryFolder } from './storages.ts'

// Not part of what a test machine has to have: .ci/run installs no system packages.
const SQLITE = findProgram('sqlite3')
const skip = SQLITE === undefined ? 'sqlite3 is not on this machine' : false

function ask(path: string, sql: string): unknown[] {
  const output = execFileSync(SQLITE ?? '', ['-readonly', '-json', path, sql], {
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  })
  return output === '' ? [] : (JSON.parse(output) as unknown[])
}

test('the sqlite3 program reads pages and items of a job that is running', { skip }, async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'shop.sqlite')
  const job = { name: 'job', id: 'job', run: 1, committedSeq: 0, columns: [] }
  const batch = records(1, 100).map((page, index) => {
    const text = HOSTILE[index]
    if (text === undefined) return page
    const json = JSON.stringify({ page: index + 1, title: text })
    return { ...page, items: [{ json, position: 0, key: undefined }] }
  })
  const pages = sqliteSink({ path })
  await pages.open(job, undefined)
  await pages.write(batch)
  const items = sqliteSink({ path, table: 'things' })
  await items.open({ ...job, items: { columns: ITEM_COLUMNS } }, undefined)
  await items.write(batch)
  assert.deepEqual(ask(path, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }])
  assert.deepEqual(ask(path, `SELECT count(*) AS n, max(seq) AS seq FROM pages WHERE outcome = 'ok'`), [
    { n: 100, seq: 100 },
  ])
  // As bytes: the program ends a text at its first NUL.
  // Text that is no UTF-8 stands in `_more`, where JSON writes its halves out.
  const titles = ask(
    path,
    'SELECT hex(title) AS title, title IS NULL AS isMissing, _more AS more FROM things ORDER BY page, position',
  ) as { title: string; isMissing: number; more: string }[]
  const wanted = batch.flatMap(({ items: given = [] }) =>
    given.map(({ json }) => (JSON.parse(json) as { title: string }).title),
  )
  assert.deepEqual(
    titles.map(({ title, isMissing, more }) =>
      isMissing === 1 ? (JSON.parse(more) as { title: string }).title : Buffer.from(title, 'hex').toString(),
    ),
    wanted,
  )
  await pages.close()
  await items.close()
  await folder.remove()
})
