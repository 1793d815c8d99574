import assert from 'node:assert/strict'
import { test } from 'node:test'
import stringWidth from 'string-width'
import {
  cut,
  labelled,
  pack,
  padEnd,
  shortBytes,
  shortDuration,
  shortRate,
  tightDuration,
} from '../../src/cli/render/format.ts'
import { renderError } from '../../src/cli/render/error.ts'
import { renderHelp } from '../../src/cli/render/help.ts'
import { renderOpening } from '../../src/cli/render/opening.ts'
import { renderStatus } from '../../src/cli/render/status.ts'
import { renderSummary } from '../../src/cli/render/summary.ts'
import { renderWhy } from '../../src/cli/render/why.ts'
import { COMMANDS } from '../../src/cli/command-table.ts'
import { plainPaint } from '../../src/cli/terminal.ts'
import { LANGUAGES } from '../../src/locales/catalog.ts'
import { SluiceError } from '../../src/model/errors.ts'
import { OPTION_NAMES, flagOf, optionRow } from '../../src/model/options.ts'
import { catalogOf, crawling, english, finished, opening, running } from './samples.ts'

test('durations are short and have a unit', () => {
  const table: [number, string][] = [
    [0, '0 ms'],
    [209.6, '210 ms'],
    [999.6, '1.0 s'],
    [1_900, '1.9 s'],
    [30_000, '30 s'],
    [59_400, '59 s'],
    [59_600, '1m'],
    [312_000, '5m 12s'],
    [6_720_000, '1h 52m'],
    [3_600_000, '1h'],
    [273_600_000, '3d 4h'],
  ]
  for (const [ms, text] of table) assert.equal(shortDuration(ms), text)
  assert.equal(tightDuration(6_720_000), '1h52m')
})

test('sizes and rates keep two or three digits', () => {
  assert.deepEqual([0, 812, 1_024, 4.1 * 1024 ** 2, 213 * 1024 ** 3].map(shortBytes), [
    '0 B',
    '812 B',
    '1.0 KB',
    '4.1 MB',
    '213 GB',
  ])
  assert.deepEqual([0, 0.25, 9.4, 118.4].map(shortRate), ['0', '0.3', '9.4', '118'])
})

test('padding and cutting count East Asian characters as two cells', () => {
  assert.equal(stringWidth(padEnd('状态', 6)), 6)
  assert.equal(cut('状态码很长', 6), '状态…')
  assert.equal(cut('short', 6), 'short')
})

test('fields that do not fit go on below the first field', () => {
  assert.deepEqual(pack(['aaa', 'bbb', 'ccc'], 9, 1, 0), ['aaa bbb', 'ccc'])
  assert.deepEqual(
    labelled([{ label: 'x', fields: ['aaaa', 'bbbb'] }], 10, (text) => text),
    [' x  aaaa', '    bbbb'],
  )
})

test('a continued job says where it stands, what changed and how to start over', () => {
  const facts = { opening, snapshot: running, robots: 'obey', contact: undefined }
  assert.deepEqual(renderOpening(facts, english), [
    'continuing job urls, stopped 14m ago (Ctrl-C or sluice stop): 412,720 done, 587,280 left',
    ' config   delay 1000 -> 2000, from now on',
    'start over instead: --fresh (keeps this one as urls.1)',
  ])
})

test('a new job says what it is about and how it behaves', () => {
  const facts = {
    opening: { ...opening, how: 'new' as const },
    snapshot: running,
    robots: 'obey',
    contact: 'https://lab.test/bot',
  }
  assert.deepEqual(renderOpening(facts, english), [
    'job urls   1,000,000 URLs   48,210 hosts   robots obey   contact https://lab.test/bot',
  ])
})

test('a recovered job proves that nothing is lost', () => {
  const how = { ...opening, how: 'recovered' as const, requeued: 388, lastCommitAgoMs: 20, changes: [] }
  assert.deepEqual(renderOpening({ opening: how, snapshot: running, robots: 'obey', contact: undefined }, english), [
    'recovered after a crash: 388 requests were in flight, re-queued; nothing lost (last commit 20 ms ago)',
    'continuing job urls: 412,720 done, 587,280 left     start over: --fresh',
  ])
})

test('a finished job says how to go on', () => {
  const how = { ...opening, how: 'finished' as const, left: 0 }
  const lines = renderOpening({ opening: how, snapshot: running, robots: 'obey', contact: undefined }, english)
  assert.match(lines.join('\n'), /finished already: 412,720 done.*\n.*--if-changed.*--fresh/)
})

const end = { catalog: english, place: 'urls', columns: 100, paint: plainPaint, plain: false, exitCode: 3 }

test('the end of a run is told in one block', () => {
  assert.deepEqual(renderSummary(finished, end), [
    'finished urls in 3h 41m                                                 exit 3: failed 0.21% > 0.1%',
    'politeness    96.4% of the fastest polite run (3h 33m), limited by big.example',
    '',
    ' outcome       URLs             time             p50     p90    p99    max',
    ' ok         951,204  95.1%      total         208 ms  890 ms  6.2 s   30 s',
    ' unchanged   14,310   1.4%      waiting turn   1.0 s   6.0 s   41 s     5m',
    ' gone         9,912   1.0%      dns             3 ms   18 ms  1.1 s  5.0 s',
    ' denied       4,020   0.4%',
    ' failed       2,113   0.2%',
    ' skipped     18,441   1.8%',
    '',
    ' why failed     1,204 TIMEOUT_HEADERS (611 hosts) | 909 HTTP_STATUS (1 host)',
    ' why skipped    18,441 ROBOTS_DENIED',
    ' slowest hosts  big.example 6.0 s/turn, old.example p95 9.1 s',
    ' output         pages 951,204 -> data/pages.ndjson   213 GB received',
    '                summary urls.sluice/summary.json',
    ' next           sluice retry urls --outcome failed   sluice why URL --job urls',
  ])
})

test('on a narrow terminal the two tables stand one below the other', () => {
  const lines = renderSummary(finished, { ...end, columns: 60 })
  assert.ok(
    lines.findIndex((line) => line.startsWith(' time')) > lines.findIndex((line) => line.startsWith(' skipped')),
  )
  for (const line of lines) assert.ok(stringWidth(line) <= 60, line)
})

test('in accessible mode the end is lines of label and value', () => {
  const lines = renderSummary(finished, { ...end, plain: true })
  assert.ok(lines.includes('ok: 951,204, 95.1%'))
  assert.ok(lines.includes('total: p50 208 ms, p90 890 ms, p99 6.2 s, max 30 s'))
})

test('an interrupted run says that nothing is lost and how to continue', () => {
  const stopped = {
    ...finished,
    end: 'interrupted' as const,
    doneTotal: 412_720,
    left: { ...running.left, total: 587_280 },
  }
  assert.deepEqual(renderSummary(stopped, { ...end, exitCode: 130 }), [
    'saved: 412,720 of 1,000,000 done, 587,280 left, nothing lost',
    'continue:  sluice resume urls    (or run the same command again)   exit 130',
  ])
})

test('a run that stopped at a limit names the command that continues it', () => {
  const limited = { ...finished, end: 'limit' as const, failed: [], left: { ...running.left } }
  const lines = renderSummary(limited, { ...end, exitCode: 4 })
  assert.match(lines[0] as string, /^stopped urls at a limit after 3h 41m, 587,682 left +exit 4$/)
  assert.match(lines.at(-1) as string, /sluice resume urls/)
})

for (const language of LANGUAGES) {
  test(`no line of the end is wider than the terminal in ${language}`, () => {
    for (const columns of [60, 80, 120]) {
      for (const line of renderSummary(finished, { ...end, catalog: catalogOf(language), columns })) {
        assert.ok(stringWidth(line) <= columns, `${columns}: ${line}`)
      }
    }
  })

  test(`help in ${language} fits 80 columns and shows every flag under "all"`, () => {
    const catalog = catalogOf(language)
    const all = renderHelp(undefined, { catalog, columns: 80, version: '0.0.0', all: true })
    for (const line of all) assert.ok(stringWidth(line) <= 80, line)
    for (const name of OPTION_NAMES) {
      if (optionRow(name).libraryOnly === true) continue
      assert.ok(
        all.some((line) => line.includes(flagOf(name).slice(2))),
        name,
      )
    }
    for (const row of COMMANDS) {
      for (const line of renderHelp(row, { catalog, columns: 80, version: '0.0.0', all: true })) {
        assert.ok(stringWidth(line) <= 80, line)
      }
    }
  })
}

test('the first help screen shows only the main flags and says where the rest is', () => {
  const lines = renderHelp(undefined, { catalog: english, columns: 80, version: '0.0.0', all: false })
  const text = lines.join('\n')
  assert.match(text, /--delay DUR .*\n.*\(1s\)/)
  assert.match(text, /--max-size SIZE .*\(64MB\)/)
  assert.match(text, /--json\[=all\]/)
  assert.match(text, /--no-private/)
  assert.doesNotMatch(text, /--durability/)
  assert.equal(lines.at(-1), 'all flags: sluice --help all')
})

test('an error shows its code, what happened, what to do and where to read on', () => {
  const error = new SluiceError('OPTION_INVALID', '--delay: "x" is not a duration', { hint: 'give a duration' })
  assert.deepEqual(renderError(error, english, plainPaint), [
    'error OPTION_INVALID: --delay: "x" is not a duration',
    '  what to do: give a duration',
    '  why: sluice explain OPTION_INVALID    docs: docs/reference/errors.md#OPTION_INVALID',
  ])
})

test('in other languages the translated sentence leads and the particular message follows', () => {
  const error = new SluiceError('OPTION_INVALID', '--delay: "x" is not a duration', { hint: 'give a duration' })
  const lines = renderError(error, catalogOf('es'), plainPaint)
  assert.equal(lines[0], 'error OPTION_INVALID: Un valor no se puede usar.')
  assert.equal(lines[1], '  --delay: "x" is not a duration')
  assert.equal(lines[3], '    give a duration')
})

test('the cause of an error is told once', () => {
  const error = new SluiceError('SINK_FULL', 'cannot write', { cause: new Error('ENOSPC') })
  assert.ok(renderError(error, english, plainPaint).includes('  cause: ENOSPC'))
  const again = new SluiceError('SINK_FULL', 'cannot write: ENOSPC', { cause: new Error('ENOSPC') })
  assert.ok(!renderError(again, english, plainPaint).includes('  cause: ENOSPC'))
})

test('why shows the verdict first, then the trail', () => {
  const why = {
    url: 'https://shop.example/cart?id=9',
    state: 'done',
    outcome: 'skipped',
    code: 'ROBOTS_DENIED' as const,
    trail: [
      { topic: 'found', text: 'on https://shop.example/p/19 (a), depth 2' },
      { topic: 'robots', text: 'DENIED by line 7\nrobots.txt 200' },
    ],
  }
  assert.deepEqual(renderWhy(why, plainPaint), [
    'skipped: ROBOTS_DENIED',
    ' https://shop.example/cart?id=9',
    ' found   on https://shop.example/p/19 (a), depth 2',
    ' robots  DENIED by line 7',
    '         robots.txt 200',
  ])
})

test('status of a stopped job says how to continue it; of a live one who runs it', () => {
  const options = { catalog: english, place: 'site', columns: 100, paint: plainPaint }
  const stopped = renderStatus({ ...crawling, live: false, status: 'interrupted' }, options)
  assert.equal(stopped[0], 'site (crawl)   interrupted   run 1')
  assert.equal(stopped.at(-1), ' continue:  sluice resume site    (or run the same command again)')
  const live = renderStatus(
    { ...running, live: true, owner: { pid: 4711, host: 'lab', startedAt: '2026-11-21T02:00:00.000Z' } },
    options,
  )
  assert.equal(live[0], 'urls (fetch)   running   run 1   pid 4711 @ lab')
  assert.match(live.join('\n'), /118 req\/s/)
})
