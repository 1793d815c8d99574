import assert from 'node:assert/strict'
import { test } from 'node:test'
import stringWidth from 'string-width'
import { LANGUAGES } from '../../src/locales/catalog.ts'
import { bar, renderBlock } from '../../src/cli/progress/bar.ts'
import { renderJson, renderLine, renderSentence } from '../../src/cli/progress/lines.ts'
import { chooseProgress, lineDelayMs, sentenceDue } from '../../src/cli/progress/schedule.ts'
import { createProgressView } from '../../src/cli/progress/view.ts'
import type { ProgressKind } from '../../src/cli/progress/schedule.ts'
import { plainPaint } from '../../src/cli/terminal.ts'
import type { Snapshot } from '../../src/job/job.ts'
import { catalogOf, crawling, english, running } from './samples.ts'

const options = { catalog: english, columns: 120, paint: plainPaint }

test('the block of a list shows share, counts, rates and the host that decides the end', () => {
  assert.deepEqual(renderBlock(running, options), [
    ' 41.2% ██████████▋                 412,318 / 1,000,000   ETA 1h 52m',
    ' now    118 req/s   31 MB/s   p50 210 ms   p95 1.9 s   402 connections',
    ' done   ok 389,112   unchanged 6,010   gone 3,977   denied 1,904   failed 527   skipped 10,788',
    ' codes  200 389,112   304 6,010   401 227   403 1,677   404 3,802   5xx 391   net 136',
    ' left   queued 586,074   retry later 1,206   in flight 402',
    ' ETA is set by big.example. Others end in 1h 23m.',
  ])
})

test('the block of a crawl says found and done instead of a share', () => {
  assert.equal(renderBlock(crawling, options)[0], ' found 81,204   done 33,950   about 40m if no new pages appear')
})

test('a list that is still being read shows no share of an unknown total', () => {
  const [head] = renderBlock({ ...running, total: null, reading: true, eta: null }, options)
  assert.equal(head, ' read 1,000,000   done 412,318')
})

test('a list with --total from a pipe shows its share while it is read', () => {
  const [head] = renderBlock({ ...running, known: 500_000, reading: true, eta: null }, options)
  assert.match(head as string, /^ 41\.2% .* 412,318 \/ 1,000,000$/)
})

test('the share is rounded down: 100 % means that nothing is left', () => {
  const [head] = renderBlock({ ...running, doneTotal: 999_999 }, options)
  assert.match(head as string, /^ 99\.9% /)
})

test('warnings and the paused state are part of the block', () => {
  const lines = renderBlock({ ...running, status: 'paused', warnings: [{ code: 'DNS', message: 'slow' }] }, options)
  assert.match(lines[0] as string, /paused$/)
  assert.equal(lines.at(-1), ' ! DNS: slow')
})

test('a failed count is painted where there is colour', () => {
  const lines = renderBlock(running, { ...options, paint: (style, text) => `<${style}>${text}</>` })
  assert.match(lines.join('\n'), /<red>failed 527<\/>/)
})

for (const language of LANGUAGES) {
  test(`no line of the block is wider than the terminal in ${language}`, () => {
    for (const columns of [40, 60, 80, 200]) {
      for (const snapshot of [running, crawling]) {
        for (const line of renderBlock(snapshot, { ...options, catalog: catalogOf(language), columns })) {
          assert.ok(stringWidth(line) <= columns, `${columns}: ${line}`)
        }
      }
    }
  })
}

test('labels of East Asian languages line up by cells, not by characters', () => {
  const lines = renderBlock(running, { ...options, catalog: catalogOf('zh-CN') }).slice(1, 5)
  const starts = lines.map((line) => stringWidth(line.slice(0, line.search(/\d|ok|排队/))))
  assert.equal(new Set(starts).size, 1, lines.join('\n'))
})

test('the bar fills by eighths of a cell', () => {
  assert.equal(bar(0), '')
  assert.equal(bar(1 / (26 * 8)), '▏')
  assert.equal(stringWidth(bar(1)), 26)
})

test('a progress line is the same in every language and has no escape byte', () => {
  assert.equal(
    renderLine(running, '02:13:37'),
    '02:13:37 urls 41.2% 412318/1000000 118/s ok=389112 unchanged=6010 gone=3977 denied=1904 failed=527 skipped=10788 eta=1h52m',
  )
  assert.equal(
    renderLine({ ...crawling, status: 'draining' }, '02:13:37'),
    '02:13:37 site found=81204 done=33950 118/s ok=33000 unchanged=0 gone=900 denied=0 failed=0 skipped=50 eta=40m draining',
  )
})

test('sentences for screen readers say everything in words', () => {
  assert.equal(renderSentence(running, english), 'Still working. 41 percent. About 1 hour 52 minutes left. 527 failed.')
  assert.equal(
    renderSentence(crawling, english),
    'Still working. 81,204 pages found, 33,950 done. About 40 minutes left.',
  )
  assert.equal(
    renderSentence(running, catalogOf('pt-BR')),
    'Ainda trabalhando. 41 por cento. Faltam cerca de 1 hora 52 minutos. 527 falharam (failed).',
  )
})

test('progress as JSON is one numbered-schema line with the whole snapshot', () => {
  const parsed = JSON.parse(renderJson(running, '2026-11-21T02:13:37.000Z')) as Record<string, unknown>
  assert.deepEqual(Object.keys(parsed).slice(0, 4), ['v', 'type', 't', 'job'])
  assert.equal(parsed['doneTotal'], 412_318)
})

test('progress is a bar only where somebody watches a terminal', () => {
  const facts = { redraw: true, accessible: false, quiet: false, json: false }
  assert.equal(chooseProgress('auto', facts), 'bar')
  assert.equal(chooseProgress('auto', { ...facts, redraw: false }), 'lines')
  assert.equal(chooseProgress('bar', { ...facts, redraw: false }), 'lines')
  assert.equal(chooseProgress('auto', { ...facts, accessible: true }), 'plain')
  assert.equal(chooseProgress('auto', { ...facts, json: true }), 'none')
  assert.equal(chooseProgress('lines', { ...facts, json: true }), 'lines')
  assert.equal(chooseProgress('lines', { ...facts, quiet: true }), 'none')
})

test('lines come after 5 s, then every 10 s, and back off to every 60 s', () => {
  const delays = Array.from({ length: 30 }, (_, i) => lineDelayMs(i))
  assert.deepEqual(delays.slice(0, 3), [5_000, 10_000, 10_000])
  assert.equal(delays.at(-1), 60_000)
  delays.slice(1).forEach((ms, i) => assert.ok(ms >= (delays[i] as number)))
})

test('a sentence is due at every 5 % and after 30 s of silence', () => {
  assert.equal(sentenceDue(0.049, 0, 1_000), false)
  assert.equal(sentenceDue(0.05, 0, 1_000), true)
  assert.equal(sentenceDue(0.06, 0.05, 1_000), false)
  assert.equal(sentenceDue(0.06, 0.05, 30_000), true)
  assert.equal(sentenceDue(null, 0, 29_999), false)
})

/** A view whose clock is moved by hand; `passed` lets the snapshot's promise settle. */
function viewOf(kind: ProgressKind) {
  let written = ''
  let now = 0
  let due: { at: number; callback: () => void } | undefined
  let state: Snapshot = { ...running, eta: null }
  const view = createProgressView({
    kind,
    terminal: {
      redraw: true,
      accessible: false,
      columns: () => 100,
      paint: plainPaint,
      say: (text) => void (written += text),
      print: () => undefined,
    },
    catalog: english,
    snapshot: () => Promise.resolve(state),
    now: () => now,
    wall: () => Date.UTC(2026, 10, 21),
    timer: (callback, ms) => {
      due = { at: now + ms, callback }
      return () => (due = undefined)
    },
  })
  return {
    view,
    set: (change: Partial<Snapshot>) => (state = { ...state, ...change }),
    async passed(ms: number): Promise<string> {
      const end = now + ms
      while (due !== undefined && due.at <= end) {
        const { at, callback } = due
        now = at
        due = undefined
        callback()
        await Promise.resolve()
        await Promise.resolve()
      }
      now = end
      const text = written
      written = ''
      return text
    },
  }
}

test('a bar is drawn at most four times a second, over itself', async () => {
  const { view, passed } = viewOf('bar')
  view.start()
  const first = await passed(250)
  assert.equal(first.includes('\u001b'), false)
  const height = first.split('\n').length - 1
  const second = await passed(1_000)
  assert.equal(second.split(`\u001b[${height}A\r\u001b[J`).length - 1, 4)
})

test('what is said scrolls above the bar', async () => {
  const { view, passed } = viewOf('bar')
  view.start()
  const block = await passed(250)
  view.say('hello\n')
  const height = block.split('\n').length - 1
  assert.equal(await passed(0), `\u001b[${height}A\r\u001b[Jhello\n${block}`)
})

test('a stopped view takes its bar away and draws nothing more', async () => {
  const { view, passed } = viewOf('bar')
  view.start()
  await passed(250)
  view.stop()
  assert.match(await passed(0), /^\u001b\[\d+A\r\u001b\[J$/)
  assert.equal(await passed(10_000), '')
})

test('lines are written on their schedule without an escape byte', async () => {
  const { view, passed } = viewOf('lines')
  view.start()
  assert.equal(await passed(4_999), '')
  assert.match(await passed(1), /^\d\d:\d\d:\d\d urls 41\.2% .*\n$/)
  assert.equal((await passed(20_000)).split('\n').length - 1, 2)
})

test('sentences are written at a new 5 % and as a heartbeat', async () => {
  const { view, set, passed } = viewOf('plain')
  view.start()
  assert.equal(await passed(1_000), 'Still working. 41 percent. 527 failed.\n')
  assert.equal(await passed(20_000), '')
  set({ doneTotal: 450_000 })
  assert.equal(await passed(1_000), 'Still working. 45 percent. 527 failed.\n')
  assert.equal((await passed(30_000)).split('\n').length - 1, 1)
})

test('with progress none only what is said is written', async () => {
  const { view, passed } = viewOf('none')
  view.start()
  view.say('hello\n')
  assert.equal(await passed(100_000), 'hello\n')
})
