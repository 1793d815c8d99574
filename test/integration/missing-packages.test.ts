/**
 * Packages that are installed only where somebody needs them: without one the command says which, and how to get it, with
 * exit code 2 and before anything is asked for; with it the same command goes on as if nothing had been.
 */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startMongoDouble } from '../../examples/seeds/06-mongo/mongo-double.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { type Ended, inFolder, runCli } from '../cli/run-cli.ts'
import { ask, type Database, emptyDatabase, missing } from '../sink/database-servers.ts'
import { readWithDuckDb } from '../sink/duckdb.ts'
import { redisRows, skipRedis, startRedis } from '../sink/redis-server.ts'
import { fast, readSummary } from './web.ts'

const HIDING = fileURLToPath(new URL('hidden-packages.ts', import.meta.url))
const FIRST = ['http://a.test/p/0', 'http://a.test/p/1', 'http://a.test/p/2']
const LATER = ['http://a.test/p/3', 'http://a.test/p/4']

interface Storage {
  readonly out: string
  /** URLs of the records that are there. */
  urls(): Promise<unknown[]>
  remove(): Promise<unknown>
}

interface Case {
  readonly packageName: string
  readonly skip: string | false
  open(cwd: string): Promise<Storage>
}

const CASES: readonly Case[] = [
  await sqlCase('pg', 'postgres'),
  await sqlCase('mysql2', 'mysql'),
  {
    packageName: 'ioredis',
    skip: skipRedis,
    async open() {
      const server = await startRedis()
      const urls = async (): Promise<unknown[]> => urlsOf(await redisRows(server.url, 'stream', 'pages'))
      return { out: `${server.url}?stream=pages`, urls, remove: () => server.close() }
    },
  },
  {
    packageName: 'mongodb',
    skip: false,
    async open() {
      const double = await startMongoDouble()
      return { out: double.url, urls: async () => urlsOf(double.documents('pages')), remove: () => double.close() }
    },
  },
  {
    packageName: 'hyparquet-writer',
    skip: false,
    async open(cwd) {
      const urls = async (): Promise<unknown[]> => urlsOf(await readWithDuckDb(join(cwd, 'pages.parquet')))
      return { out: 'pages.parquet', urls, remove: async () => undefined }
    },
  },
]

async function sqlCase(packageName: string, database: Database): Promise<Case> {
  return {
    packageName,
    skip: await missing(database),
    async open() {
      const { url, remove } = await emptyDatabase(database)
      return { out: url, urls: async () => urlsOf(await ask(url, 'SELECT url FROM pages')), remove }
    },
  }
}

function urlsOf(rows: readonly unknown[]): unknown[] {
  return rows.map((row) => (row as { url: unknown }).url).toSorted()
}

function without(packageName: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${HIDING}`, HIDDEN_PACKAGES: packageName }
}

function assertMissing({ code, stdout, stderr }: Ended, packageName: string): void {
  assert.equal(code, 2, stderr)
  assert.match(stderr, new RegExp(`DEPENDENCY_MISSING.*${packageName}`, 's'))
  assert.match(stderr, new RegExp(`npm install ${packageName}\\b`))
  assert.equal(stdout, '')
}

async function origin(t: TestContext): ReturnType<typeof startOrigin> {
  const started = await startOrigin({ sites: { 'a.test': { content: graph({ seed: 5, pages: 9 }) } } })
  t.after(() => started.close())
  return started
}

for (const { packageName, skip, open } of CASES) {
  test(`without ${packageName} an output that needs it is refused, at the start and later, and nothing is lost`, {
    skip,
  }, async (t) => {
    const web = await origin(t)
    await inFolder(async (cwd) => {
      const { out, urls, remove } = await open(cwd)
      try {
        const args = ['fetch', 'urls.txt', ...fast(web), '-o', out]
        writeFileSync(join(cwd, 'urls.txt'), FIRST.join('\n'))
        assertMissing(await runCli(args, { cwd, env: without(packageName) }), packageName)
        assert.equal(web.ledger('a.test').paths().size, 0, 'nothing was asked for')
        const first = await runCli(args, { cwd })
        assert.equal(first.code, 0, first.stderr)
        assert.deepEqual(await urls(), FIRST)
        writeFileSync(join(cwd, 'urls.txt'), [...FIRST, ...LATER].join('\n'))
        assertMissing(await runCli(args, { cwd, env: without(packageName) }), packageName)
        assert.deepEqual(await urls(), FIRST)
        const second = await runCli(args, { cwd })
        assert.equal(second.code, 0, second.stderr)
        assert.deepEqual(await urls(), [...FIRST, ...LATER])
        assert.equal(readSummary(cwd, 'urls').done.ok, FIRST.length + LATER.length)
      } finally {
        await remove()
      }
    })
  })
}

test('without read-excel-file a spreadsheet of rows is refused', async (t) => {
  const web = await origin(t)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'rows.xlsx'), 'PK\u0003\u0004')
    const args = ['fetch', '--rows', 'rows.xlsx', '--template', 'http://a.test/p/{id}', ...fast(web)]
    assertMissing(await runCli(args, { cwd, env: without('read-excel-file') }), 'read-excel-file')
    assert.equal(web.ledger('a.test').paths().size, 0, 'nothing was asked for')
  })
})

test('without mmdb-lib --geo is refused', async (t) => {
  const web = await origin(t)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), FIRST.join('\n'))
    writeFileSync(join(cwd, 'country.mmdb'), '')
    const args = ['fetch', 'urls.txt', ...fast(web), '--geo', 'country.mmdb']
    assertMissing(await runCli(args, { cwd, env: without('mmdb-lib') }), 'mmdb-lib')
  })
})

test('without unpdf --text is refused', async (t) => {
  const web = await origin(t)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), FIRST.join('\n'))
    assertMissing(await runCli(['fetch', 'urls.txt', ...fast(web), '--text'], { cwd, env: without('unpdf') }), 'unpdf')
    assert.equal(existsSync(join(cwd, 'text')), false)
  })
})
