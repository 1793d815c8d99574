/** The command is killed while it reads its list: FAULTS.md, E2. Seeding again must be idempotent. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { random } from '../../src/testing/random.ts'
import { inFolder } from '../cli/run-cli.ts'
import { fast, fetchedAgain } from '../integration/web.ts'
import { assertBalanced, assertOnce, killSluice } from './outputs.ts'

const LINES = 50_000
const KILLS = 5

test('a list of 50,000 lines killed while it is read gives one record a line', async (t) => {
  const origin = await startOrigin({
    sites: Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test`, { pages: {} }])),
  })
  t.after(() => origin.close())
  origin.handle('*', '/n/*', () => ({ status: 200, body: 'x' }))
  await inFolder(async (cwd) => {
    const urls = Array.from({ length: LINES }, (_, n) => `http://${'abcd'.charAt(n % 4)}.test/n/${n}`)
    writeFileSync(join(cwd, 'list.txt'), `${urls.join('\n')}\n`)
    const report = await killSluice(
      ['fetch', 'list.txt', '-j', 'killed', ...fast(origin), '-o', 'pages.ndjson'],
      // The list is read from about 150 ms after the start, for most of a second.
      { cwd, maxKills: KILLS, kill: { ms: [150, 600], random: random(50) } },
    )
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, KILLS)
    assertOnce(join(cwd, 'pages.ndjson'), new Set(urls))
    assertBalanced(cwd, 'killed', LINES)
    let again = 0
    for (const name of ['a', 'b', 'c', 'd']) again += fetchedAgain(origin, `${name}.test`)
    assert.ok(again <= KILLS * 128, `${again} fetched again`)
  })
})
