/** `sluice tail` is killed in the middle of a stream and of a log: each record must be in each output once, in order. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { accessLog } from '../../src/testing/access-log.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { streamRecord } from '../../src/testing/origin/stream.ts'
import { random } from '../../src/testing/random.ts'
import { inFolder } from '../cli/run-cli.ts'
import { readSummary } from '../integration/web.ts'
import { instants, killSluice } from './outputs.ts'

const KILLS = 5
const OUTPUTS = ['out.ndjson', 'out.csv', 'out.sqlite'].flatMap((path) => ['-o', path])

/** One field of every record of the three outputs, in the order in which they lie there. */
function assertEach(cwd: string, field: string, expected: readonly (string | number)[]): void {
  const lines = readFileSync(join(cwd, 'out.ndjson'), 'utf8').trimEnd().split('\n')
  const texts = expected.map(String)
  assert.deepEqual(
    lines.map((line) => String((JSON.parse(line) as Record<string, unknown>)[field])),
    texts,
    'NDJSON',
  )
  const rows = parse(readFileSync(join(cwd, 'out.csv')), { columns: true }) as Record<string, string>[]
  assert.deepEqual(
    rows.map((row) => row[field]),
    texts,
    'CSV',
  )
  const db = new DatabaseSync(join(cwd, 'out.sqlite'), { readOnly: true })
  const stored = db.prepare(`SELECT "${field}" AS value FROM items ORDER BY "_seq"`).all()
  db.close()
  assert.deepEqual(
    stored.map(({ value }) => String(value)),
    texts,
    'SQLite',
  )
}

for (const [shape, more] of [
  ['sse', ''],
  // Records of the cursor come again after each reconnect.
  ['ndjson', '&inclusive=1'],
] as const) {
  test(`records of ${shape} killed at five instants and dropped in between are in three outputs, each once`, async (t) => {
    const origin = await startOrigin()
    t.after(() => origin.close())
    await inFolder(async (cwd) => {
      const count = 1_500
      const kills = instants(KILLS, count, 8)
      let seen = 0
      const report = await killSluice(
        [
          ...['tail', `http://a.test/stream/${shape}?count=${count}&acts=drop@40,close@90&slow=4&retry=1${more}`],
          ...['-j', 'live', '--delay', '0', '--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot'],
          ...(shape === 'sse' ? [] : ['--cursor', 'id']),
          ...['-o', '-', ...OUTPUTS],
        ],
        {
          cwd,
          maxKills: KILLS,
          kill: { line: (line, run) => line.startsWith('{') && ++seen >= (kills[run - 1] ?? 0) },
        },
      )
      assert.equal(report.kills, KILLS)
      assert.equal(report.exitCode, 0, report.stderr)
      assertEach(
        cwd,
        'text',
        Array.from({ length: count }, (_, n) => streamRecord(n).text),
      )
      const { extraction, end, done } = readSummary(cwd, 'live')
      assert.equal(extraction?.items, count)
      assert.equal(end, 'finished')
      assert.equal(done.ok, 1)
    })
  })
}

test('a log that is rotated, copied and cut while its reader is killed gives every line once, in order', async () => {
  await inFolder(async (cwd) => {
    const log = accessLog(join(cwd, 'access.log'), random(27))
    const total = 3_000
    log.append(400)
    let seen = 0
    const turns = [
      () => log.rotate(),
      () => log.copyTruncate(),
      () => log.half(),
      () => {
        log.rotate()
        log.append(30)
        log.rotate()
      },
      () => log.copyTruncate(),
    ]
    const report = await killSluice(
      [
        ...['tail', 'access.log', '--parse', 'combined', '-j', 'log', '--limit', String(total), '--progress', 'none'],
        ...['-o', '-', ...OUTPUTS],
      ],
      {
        cwd,
        maxKills: KILLS,
        kill: {
          line(line, run) {
            if (!line.startsWith('{')) return false
            seen++
            // The log lives on while it is read.
            if (seen % 150 === 0) log.append(120)
            if (seen % 400 === 0) log.rotate()
            return seen >= run * 300
          },
        },
        onRestart(run) {
          log.append(20)
          turns[run - 2]?.()
          log.append(run === KILLS + 1 ? total - log.paths.length - 1 : 40)
          // A half line before the end was one of them.
          if (run === KILLS + 1) log.append(total - log.paths.length)
        },
      },
    )
    assert.equal(report.kills, KILLS)
    assert.equal(report.exitCode, 4, report.stderr)
    assert.doesNotMatch(report.perRun.map(({ stderr }) => stderr).join(''), /LOG_LOST/)
    assert.equal(log.paths.length, total)
    assertEach(cwd, 'path', log.paths)
  })
})
