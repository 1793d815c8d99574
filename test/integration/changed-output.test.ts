/** Another `-o` for a job that goes on: it starts from now, what was stored before stays, and `export` has all of it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { graph } from '../../src/testing/origin/graph.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { ask, emptyDatabase, missing } from '../sink/database-servers.ts'
import { fast, readRecords } from './web.ts'

const URLS = Array.from({ length: 9 }, (_, n) => `http://a.test/p/${n}`)
const skip = await missing('postgres')

test('a new output begins where the job is, the old one keeps what it has, and the way back loses nothing', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: graph({ seed: 5, pages: 9 }) } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), URLS.join('\n'))
    const run = (limit: number, ...outs: string[]): ReturnType<typeof runCli> =>
      runCli(
        ['fetch', 'urls.txt', ...fast(origin, 1), '--limit', String(limit), ...outs.flatMap((out) => ['-o', out])],
        { cwd },
      )
    const urlsIn = (name: string): string[] => readRecords(join(cwd, name)).map(({ url }) => url)
    await run(3, 'one.ndjson')
    const second = await run(6, 'two.ndjson')
    assert.match(second.stderr, /out .*one\.ndjson.* -> .*two\.ndjson.*from now on/)
    assert.deepEqual([urlsIn('one.ndjson').length, urlsIn('two.ndjson').length], [3, 3])
    const third = await run(9, 'one.ndjson', 'two.ndjson')
    assert.equal(third.code, 0, third.stderr)
    assert.deepEqual([urlsIn('one.ndjson').length, urlsIn('two.ndjson').length], [6, 6])
    const all = new Set([...urlsIn('one.ndjson'), ...urlsIn('two.ndjson')])
    assert.deepEqual([...all].toSorted(), URLS)
    const past = await runCli(['export', 'urls'], { cwd })
    assert.equal(past.stdout.trimEnd().split('\n').length, URLS.length)
    assert.equal(
      [...origin.ledger('a.test').paths().values()].every((count) => count === 1),
      true,
      'nothing is asked again',
    )
  })
})

test('a database in place of a file, with the password kept out of what is said', { skip }, async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: graph({ seed: 5, pages: 9 }) } } })
  t.after(() => origin.close())
  const { url, remove } = await emptyDatabase('postgres')
  t.after(remove)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), URLS.join('\n'))
    const args = ['fetch', 'urls.txt', ...fast(origin, 1)]
    await runCli([...args, '--limit', '4', '-o', 'one.ndjson'], { cwd })
    const secret = new URL(url)
    secret.password = 'canary'
    const second = await runCli([...args, '--limit', '9', '-o', secret.href], { cwd })
    assert.equal(second.code, 0, second.stderr)
    assert.doesNotMatch(second.stderr, /canary/)
    const rows = await ask(url, 'SELECT url FROM pages ORDER BY url')
    assert.equal(rows.length, 5)
    assert.equal(readRecords(join(cwd, 'one.ndjson')).length, 4)
    await ask(url, 'DROP TABLE pages')
    writeFileSync(join(cwd, 'urls.txt'), [...URLS, 'http://a.test/p/1?more'].join('\n'))
    const dropped = await runCli([...args, '--limit', '10', '-o', secret.href], { cwd })
    assert.equal(dropped.code, 6, dropped.stderr)
    assert.match(dropped.stderr, /SINK_CHANGED.*has no table pages any more/s)
    assert.match(dropped.stderr, /--fresh/)
    const fresh = await runCli([...args, '--limit', '10', '--fresh', '-o', secret.href], { cwd })
    assert.equal(fresh.code, 0, fresh.stderr)
    assert.equal((await ask(url, 'SELECT url FROM pages')).length, 10)
  })
})
