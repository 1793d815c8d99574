/**
 * Items that a database does not take, through the real command: they are counted as rejected wherever the job counts, with
 * the reason, and nothing says that they were stored.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PageRecord } from '../../src/index.ts'
import { createJob, defineExtractor } from '../../src/index.ts'
import type { ItemColumn } from '../../src/model/item.ts'
import { type Origin, startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { ask, type Database, DATABASES, emptyDatabase, missing } from '../sink/database-servers.ts'
import { serverSinkOf } from '../sink/server-storages.ts'
import { fast, readSummary } from './web.ts'

const PAGES = 30
const SITE = graph({ seed: 3, pages: PAGES })
/** Two items a page; the second of each third page is one that the table refuses. */
const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/p/*', *extract(page) {
  const n = Number(new URL(page.url).pathname.split('/').at(-1))
  yield { name: 'first of ' + n, price: 1 }
  yield { name: 'second of ' + n, price: n % 3 === 0 ? 1000 : 2 }
} })
`
const REFUSED = PAGES / 3
const STORED = 2 * PAGES - REFUSED
const COLUMNS: readonly ItemColumn[] = [
  { name: 'name', type: 'text', required: true },
  { name: 'price', type: 'number', required: true },
]
const RECORD_COLUMNS: readonly ItemColumn[] = [
  { name: 'id', type: 'number', required: true },
  { name: 'text', type: 'text', required: true },
]

/** A table as the sink makes it, with a constraint of the user's. */
async function table(database: Database, url: string, columns: readonly ItemColumn[], limit: string): Promise<void> {
  const sink = serverSinkOf(database, url)
  await sink.open({ name: 'first', id: 'first', run: 1, committedSeq: 0, columns: [], items: { columns } }, undefined)
  await sink.close()
  await ask(url, `ALTER TABLE items ADD CONSTRAINT limited CHECK (${limit})`)
}

for (const database of DATABASES) {
  const skip = await missing(database)
  const check = (what: string, body: (origin: Origin, url: string) => Promise<void>): void => {
    test(`a job into ${database}: ${what}`, { skip }, async (t) => {
      const origin = await startOrigin({ sites: { 'a.test': { content: SITE } } })
      t.after(() => origin.close())
      const { url, remove } = await emptyDatabase(database)
      t.after(remove)
      await body(origin, url)
    })
  }

  check(
    'items that the table refuses are rejected in the summary, the records and why, and not stored',
    async (origin, url) => {
      await table(database, url, COLUMNS, 'price < 100')
      await inFolder(async (cwd) => {
        writeFileSync(join(cwd, 'extract.ts'), EXTRACTOR)
        const args = ['crawl', 'http://a.test/', '-j', 'shop', '--extract', 'extract.ts', ...fast(origin), '-o', url]
        const { code, stderr } = await runCli(args, { cwd })
        assert.equal(code, 0, stderr)
        assert.match(stderr, new RegExp(`items +${STORED} stored +${REFUSED} rejected by schema or output`))
        assert.equal(Number((await ask(url, 'SELECT count(*) AS n FROM items'))[0]?.['n']), STORED)
        const { extraction, done } = readSummary(cwd, 'shop')
        assert.deepEqual([extraction?.items, extraction?.rejected], [STORED, REFUSED])
        assert.equal(
          extraction?.fields.reduce((sum, { count }) => sum + count, 0),
          REFUSED,
        )
        assert.match(extraction?.fields[0]?.message ?? '', /limited/)
        assert.deepEqual([done.ok, done.failed], [PAGES + 1, 0], 'the pages keep their outcome')

        const exported = await runCli(['export', 'shop'], { cwd })
        const records = exported.stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as PageRecord)
        const marked = records.filter(({ rejected }) => rejected !== undefined)
        assert.equal(marked.length, REFUSED)
        for (const { items, rejected, message } of marked) {
          assert.deepEqual([items, rejected], [1, 1])
          assert.match(message ?? '', /^SINK_REJECTED: .*limited/)
        }
        const why = await runCli(['why', 'http://a.test/p/3', '--job', 'shop'], { cwd })
        assert.match(why.stdout, /^ok\n/)
        assert.match(why.stdout, /reason +SINK_REJECTED: .*limited/)
        assert.match(why.stdout, /items +1 stored, 1 rejected/)
        const other = await runCli(['why', 'http://a.test/p/4', '--job', 'shop'], { cwd })
        assert.match(other.stdout, /items +2 stored\n/)
        assert.doesNotMatch(other.stdout, /reason/)
      })
    },
  )

  check(
    'each item has one event, item.stored or item.rejected, also where a second output takes it',
    async (origin, url) => {
      await table(database, url, COLUMNS, 'price < 100')
      await inFolder(async (cwd) => {
        const stored: string[] = []
        const rejected: string[] = []
        const job = createJob({
          kind: 'crawl',
          job: join(cwd, 'shop'),
          seeds: ['http://a.test/'],
          resolve: [origin.resolveFlag],
          contact: 'https://lab.example/bot',
          delay: 0,
          out: [join(cwd, 'items.ndjson'), url],
          extract: [
            defineExtractor({
              match: '/p/*',
              *extract(page) {
                const n = Number(new URL(page.url).pathname.split('/').at(-1))
                yield { name: `first of ${n}`, price: 1 }
                yield { name: `second of ${n}`, price: n % 3 === 0 ? 1000 : 2 }
              },
            }),
          ],
        })
        job.on('item.stored', (item) => stored.push(`${item.url} ${item.position}`))
        job.on('item.rejected', (item) => {
          assert.equal(item.code, 'SINK_REJECTED')
          assert.match(item.message, /limited/)
          rejected.push(`${item.url} ${item.position}`)
        })
        const summary = await job.run()
        await job.close()
        assert.deepEqual([stored.length, rejected.length], [STORED, REFUSED])
        assert.equal(new Set([...stored, ...rejected]).size, 2 * PAGES)
        assert.deepEqual([summary.extraction?.items, summary.extraction?.rejected], [STORED, REFUSED])
      })
    },
  )

  check('records of a stream that the table refuses are rejected, the others stored', async (origin, url) => {
    await table(database, url, RECORD_COLUMNS, 'id < 20')
    await inFolder(async (cwd) => {
      const events: string[] = []
      const job = createJob({
        kind: 'tail',
        job: join(cwd, 'live'),
        seeds: 'http://a.test/stream/ndjson?count=30',
        cursor: 'id',
        limit: 30,
        resolve: origin.resolveFlag,
        contact: 'https://lab.example/bot',
        delay: 0,
        out: url,
      })
      job.on('item.stored', ({ position }) => events.push(`stored ${position}`))
      job.on('item.rejected', ({ code, message }) => events.push(`${code} ${/limited/.test(message)}`))
      const { extraction } = await job.run()
      await job.close()
      assert.deepEqual([extraction?.items, extraction?.rejected], [20, 10])
      assert.equal(Number((await ask(url, 'SELECT count(*) AS n FROM items'))[0]?.['n']), 20)
      const expected = [
        ...Array.from({ length: 20 }, (_, n) => `stored ${n}`),
        ...Array<string>(10).fill('SINK_REJECTED true'),
      ]
      assert.deepEqual(events.toSorted(), expected.toSorted())
    })
  })
}
