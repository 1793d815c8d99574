/** One outcome for every line of a list, whatever the web does; the table says which. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { checkAccounting, duplicates, GONE, GOOD, LIMITS, linesOf, NOT_URLS } from './accounting-lines.ts'
import { countOutcomes, fast, readRecords } from './web.ts'

test('two thousand lines end in two thousand records, each with the outcome of its kind', () =>
  checkAccounting({ good: 1_130, gone: 90, bad: 570, silent: 30, invalid: 80, again: 100 }))

test('a list of good and gone pages, duplicates and lines that are no URLs exits with 0', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const first = [...linesOf(GOOD, 42), ...linesOf(GONE, 9)]
    const texts = [...first.map(({ text }) => text), ...duplicates(first, 5).map(({ text }) => text), ...NOT_URLS]
    writeFileSync(join(cwd, 'urls.txt'), texts.join('\n'))
    const { code, stderr } = await runCli(['fetch', 'urls.txt', ...fast(origin), ...LIMITS, '-o', 'pages.ndjson'], {
      cwd,
    })
    assert.equal(code, 0, stderr)
    const counts = countOutcomes(readRecords(join(cwd, 'pages.ndjson')))
    assert.deepEqual(counts, { ok: 42, gone: 9, skipped: 5 + NOT_URLS.length })
  })
})

test('what goes wrong for a while is tried again and ends well, with the number of its attempts', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  // The first one meets a connection that was used before: it is replayed at once and is no attempt of its own.
  origin.site('reset.test', { faults: [{ kind: 'reset', every: 1, times: 2 }] })
  origin.site('half.test', { faults: [{ kind: 'partial', every: 1, times: 1 }] })
  await inFolder(async (cwd) => {
    const urls = ['http://a.test/flaky/1', 'http://reset.test/ok', 'http://half.test/ok']
    const { code, stderr } = await runCli(['fetch', ...urls, ...fast(origin), '-o', 'pages.ndjson'], { cwd })
    assert.equal(code, 0, stderr)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: 3 })
    for (const record of records) assert.equal(record.attempt, 2, record.url)
  })
})
