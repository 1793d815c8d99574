/** Questions of the dashboard: a statement that never ends is ended, and costs nothing afterwards. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { queryShortly } from '../../src/job/query-process.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'

const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'

/** Processes that this one has started and that live. */
function children(): string[] {
  const lines = execFileSync('ps', ['-eo', 'ppid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => Number.parseInt(line, 10) === process.pid && line.includes('query-child'))
}

test('a statement that never ends is ended with its process', { skip: process.platform === 'win32' }, async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\n')
    await runCli(['fetch', 'urls.txt', ...fast(origin)], { cwd })
    const folder = join(cwd, 'urls.sluice')
    const answer = await queryShortly({ folder, sql: 'SELECT url FROM pages', rows: 10, limitMs: 60_000 })
    assert.deepEqual(answer, { columns: ['url'], rows: [['http://a.test/p/1']], more: false })
    await assert.rejects(queryShortly({ folder, sql: ENDLESS, rows: 10, limitMs: 1500 }), {
      code: 'OPTION_INVALID',
      message: 'no answer within 1.5 s',
    })
    const left = children().filter((line) => !/ Z/.test(line))
    assert.deepEqual(left, [])
  })
})
