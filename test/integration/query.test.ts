/** SQL over what a job has stored: its own tables, its SQL outputs, other databases; nothing is ever written. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { ask, DATABASES, emptyDatabase, missing } from '../sink/database-servers.ts'
import { fast } from './web.ts'

const SITE = graph({ seed: 5, pages: 39, bytes: 1000 })
const EXTRACTOR = `export default { *extract(page) {
  yield { url: page.url, links: page.links().length, isStart: page.url.endsWith('/'), tags: ['a', 'b'], __proto__: null }
} }
`

/** A crawl with these outputs, then `body` with its folder. */
async function crawled(outs: readonly string[], body: (cwd: string) => Promise<void>): Promise<void> {
  const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
  try {
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'extract.mjs'), EXTRACTOR)
      const flags = ['-j', 'shop', '--extract', 'extract.mjs', ...fast(origin), ...outs.flatMap((out) => ['-o', out])]
      const { code, stderr } = await runCli(['crawl', 'http://a.test/', ...flags], { cwd })
      assert.equal(code, 0, stderr)
      await body(cwd)
    })
  } finally {
    await origin.close()
  }
}

const lines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

async function all(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const row of rows) found.push(row)
  return found
}

test('a job offers its records and items as the tables pages and items', () =>
  crawled([], async (cwd) => {
    const query = async (...args: string[]) => runCli(['query', ...args], { cwd })
    const counted = await query('shop', 'select outcome, count(*) as n from pages group by outcome order by 1')
    assert.deepEqual(lines(counted.stdout), [{ outcome: 'ok', n: SITE.size }])
    const joined = await query(
      "select p.status, i.links, i.isStart, json_extract(i.tags, '$[1]') tag from items i join pages p on p.url = i.url where i.url like '%/' limit 1",
    )
    assert.deepEqual(lines(joined.stdout).length, 1)
    assert.deepEqual(
      { ...(lines(joined.stdout)[0] as object), links: 0 },
      { status: 200, links: 0, isStart: 1, tag: 'b' },
    )
    const csv = await query('shop', "select 'a,b' as x, null as y, '' as z", '--format', 'csv')
    assert.equal(csv.stdout, 'x,y,z\r\n"a,b",,""\r\n')
    const table = await query('shop', "select 12 as n, 'a' || char(27) || '[2J' as text", '--format', 'table')
    assert.equal(table.stdout, 'n   text\n--  --------\n12  a\\x1b[2J\n')
    const none = await query('shop', 'select url from pages where 1 = 0', '--format', 'csv')
    assert.equal(none.stdout, 'url\r\n')
  }))

test('doubled columns are numbered and said, and writing is refused', () =>
  crawled([], async (cwd) => {
    const query = async (sql: string) => runCli(['query', 'shop', sql], { cwd })
    const doubled = await query('select 1 as id, 2 as id, 3 as id_2, 4 as id')
    assert.deepEqual(lines(doubled.stdout), [{ id: 1, id_3: 2, id_2: 3, id_4: 4 }])
    assert.match(doubled.stderr, /called id/)
    for (const sql of [
      'delete from ledger',
      'create table x(y)',
      "attach 'new.db' as n",
      'drop view pages',
      `vacuum into '${join(cwd, 'copy.db')}'`,
      ' -- select\nbegin',
      'pragma query_only = off',
      '',
      'select nope',
    ]) {
      const refused = await query(sql)
      assert.equal(refused.code, 2, sql)
      assert.match(refused.stderr, /OPTION_INVALID: SQLite: /)
    }
    const again = await query('select count(*) as n from pages')
    assert.deepEqual(lines(again.stdout), [{ n: SITE.size }])
    assert.equal(existsSync(join(cwd, 'copy.db')), false)
    const columns = await query('/* of a view */ pragma table_info(pages)')
    assert.equal(columns.code, 0, columns.stderr)
  }))

test('the first SQL output answers; --ledger asks the job itself; a file answers without a job', () =>
  crawled(['items.ndjson', 'items.sqlite'], async (cwd) => {
    const rows = async (...args: string[]) => lines((await runCli(['query', ...args], { cwd })).stdout)
    assert.deepEqual(await rows('shop', 'select count(distinct _key) as n from items'), [{ n: SITE.size }])
    assert.deepEqual(await rows('shop', 'select count(*) as n from items', '--ledger'), [{ n: SITE.size }])
    assert.deepEqual(await rows('items.sqlite', 'select count(*) as n from items'), [{ n: SITE.size }])
    const wrong = await runCli(['query', 'nothing.db', 'select 1'], { cwd })
    assert.match(wrong.stderr, /there is no file/)
    const format = await runCli(['query', 'shop', 'select 1', '--format', 'cvs'], { cwd })
    assert.match(format.stderr, /did you mean csv/)
  }))

/** What a read-only transaction lets through. A server writes its files where it may: here. */
const WRITTEN = join(tmpdir(), `sluice-query-${process.pid}`)
const BEYOND = {
  postgres: [
    `copy (select 1) to program 'cat > ${WRITTEN}'`,
    `/* /* */ show x */ copy (select 1) to '${WRITTEN}'`,
    ` -- \r copy (select 1) to '${WRITTEN}' /*\nshow x */`,
    'set work_mem = 1000',
  ],
  mysql: [
    `select 1 into outfile '${WRITTEN}'`,
    `select '\\'' into/**/dumpfile '${WRITTEN}'`,
    `select 1 /*!50000 into outfile '${WRITTEN}' */`,
    `select 1--1 into outfile '${WRITTEN}'`,
    'set global max_connections = @@global.max_connections',
    '# select\nflush tables',
  ],
} as const

for (const database of DATABASES) {
  const skip = await missing(database)
  test(`${database}: an output on a server answers, and cannot be written`, { skip }, async (t) => {
    const { url, remove } = await emptyDatabase(database)
    t.after(remove)
    await crawled([url], async (cwd) => {
      const query = async (...args: string[]) => runCli(['query', ...args], { cwd })
      const counted = await query('shop', 'select count(*) as n, count(*) as n from items')
      assert.deepEqual(lines(counted.stdout), [{ n: SITE.size, n_2: SITE.size }])
      assert.deepEqual(lines((await query(url, 'select max(links) > 0 as some from items')).stdout).length, 1)
      for (const sql of [
        'delete from items',
        'create table x(y int)',
        'select 1; delete from items',
        'drop table items',
        ...BEYOND[database],
      ]) {
        const refused = await query('shop', sql)
        assert.equal(refused.code, 2, sql)
        assert.match(refused.stderr, /OPTION_INVALID/)
      }
      assert.equal(existsSync(WRITTEN), false)
      const shown = await query('shop', '/* short */ explain select 1')
      assert.equal(shown.code, 0, shown.stderr)
      assert.deepEqual(
        (await ask(url, 'SELECT count(*) AS n FROM items')).map(({ n }) => Number(n)),
        [SITE.size],
      )
    })
  })
}

test('job.query binds its values and gives objects, while the job is open', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
  await inFolder(async (cwd) => {
    const job = createJob({
      kind: 'crawl',
      seeds: ['http://a.test/'],
      job: join(cwd, 'shop'),
      delay: 0,
      perHost: 8,
      resolve: [origin.resolveFlag],
    })
    await job.run()
    const rows: { url: string; status: number }[] = []
    for await (const row of job.query<{ url: string; status: number }>(
      'select url, status from pages where status = ? and url like ? order by url limit 2',
      [200, "%'); drop table ledger; --%"],
    ))
      rows.push(row)
    assert.deepEqual(rows, [])
    const names = await all(job.query('select ? as "__proto__", ? as n', ['own', true]))
    assert.deepEqual(names, [
      Object.fromEntries([
        ['__proto__', 'own'],
        ['n', 1],
      ]),
    ])
    await assert.rejects(all(job.query('select 1 as id, 2 as id')), {
      code: 'OPTION_INVALID',
      message: /id/,
    })
    const numbered = await all(job.query('select 1 as id, 2 as id', [], { duplicates: 'number' }))
    assert.deepEqual(numbered, [{ id: 1, id_2: 2 }])
    await job.close()
  })
  await origin.close()
})

test('a second statement is refused by name, and what ends the first may follow it', () =>
  crawled([], async (cwd) => {
    const query = async (sql: string) => runCli(['query', 'shop', sql], { cwd })
    for (const sql of [
      'select 1; select 2 as second',
      "select ';' as a; -- two\n delete from ledger",
      'select 1;;(select 2)',
    ]) {
      const refused = await query(sql)
      assert.equal(refused.code, 2, sql)
      assert.equal(refused.stdout, '')
      assert.match(
        refused.stderr,
        /OPTION_INVALID: SQLite: a second statement follows the first: (select|delete|\(select)/,
      )
    }
    for (const sql of ['select 1 as n;', 'select 1 as n ; -- select 2\n /* ; select 3 */ ;']) {
      assert.deepEqual(lines((await query(sql)).stdout), [{ n: 1 }], sql)
    }
  }))

test('a damaged job, a file that is no database and a server that is away are named, not the statement', () =>
  crawled([], async (cwd) => {
    const query = async (target: string) => runCli(['query', target, 'select count(*) as n from pages'], { cwd })
    writeFileSync(join(cwd, 'text.db'), 'no database at all, '.repeat(100))
    const text = await query('text.db')
    assert.equal(text.code, 2)
    assert.match(text.stderr, /INPUT_UNREADABLE: cannot read .*text\.db: file is not a database/)
    const away = await query('postgres://me@127.0.0.1:1/shop')
    assert.equal(away.code, 6, away.stderr)
    assert.match(away.stderr, /SINK_UNREACHABLE: postgres:\/\/127\.0\.0\.1:1\/shop cannot be reached: .*ECONNREFUSED/)
    const mysql = await query('mysql://me@127.0.0.1:1/shop')
    assert.equal(mysql.code, 6, mysql.stderr)
    assert.match(mysql.stderr, /SINK_UNREACHABLE: mysql:/)
    const path = join(cwd, 'shop.sluice', 'job.db')
    const bytes = readFileSync(path)
    for (let at = 4096; at < bytes.length; at += 64) bytes.fill(0xa5, at, at + 32)
    writeFileSync(path, bytes)
    const damaged = await query('shop')
    assert.equal(damaged.code, 8, damaged.stderr)
    assert.match(damaged.stderr, /FRONTIER_CORRUPT: .*job\.db/)
    writeFileSync(path, 'x'.repeat(8192))
    assert.equal((await query('shop')).code, 8)
  }))

test('a million rows pass through a heap of 48 MB', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'empty.db'), '')
    const sql = `with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select i, '${'x'.repeat(50)}' || i as text from n`
    const { code, stdout, stderr } = await runCli(['query', 'empty.db', sql], {
      cwd,
      env: { NODE_OPTIONS: '--max-old-space-size=48' },
    })
    assert.equal(code, 0, stderr)
    assert.match(stdout.slice(-100), /"i":1000000/)
  })
})
