/** Runs that ask again: only what is due, only what changed to the outputs, and a mark where a page was. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createJob } from '../../src/job/create-job.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { Clock } from '../../src/model/clock.ts'
import type { PageRecord } from '../../src/model/record.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { readWithWarcio } from '../warc/independent.ts'
import { fast, readRecords, readSummary } from './web.ts'

const DAY = 86_400_000

/** A clock of the wall that can be set; everything else is the real one. */
function settable(): { readonly clock: Clock; set(ms: number): void } {
  const real = systemClock()
  let shift = 0
  const clock = Object.create(real, { wall: { value: () => real.wall() + shift } }) as Clock
  return { clock, set: (ms) => (shift = ms) }
}

const html = (text: string): { headers: Record<string, string>; body: string } => ({
  headers: { 'Content-Type': 'text/html' },
  body: `<h1>${text}</h1>`,
})

function records(path: string, run: number): PageRecord[] {
  return readRecords(path).filter((record) => record.run === run)
}

test('a page that stays the same is asked for ever later, one that changes sooner, and only when it is due', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  let version = 0
  origin.handle('s.test', '/still', () => html('still'))
  origin.handle('s.test', '/news', () => html(`news ${++version}`))
  await inFolder(async (cwd) => {
    const list = join(cwd, 'urls.txt')
    writeFileSync(list, 'http://s.test/still\nhttp://s.test/news\n')
    const { clock, set } = settable()
    const visits = { still: [] as number[], news: [] as number[] }
    // Every six hours for eight days.
    for (let step = 0; step <= 32; step++) {
      set((step * DAY) / 4)
      origin.clearLedger()
      const job = createJob({
        ...{ job: join(cwd, 's'), kind: 'fetch' as const, lists: list, clock, delay: 0 },
        ...{
          resolve: [origin.resolveFlag],
          ifDue: step > 0,
          contact: 'https://lab.example/bot',
          out: join(cwd, 'p.ndjson'),
        },
      })
      const summary = await job.run()
      await job.close()
      const asked = origin.ledger('s.test').paths()
      for (const name of ['still', 'news'] as const) if (asked.has(`/${name}`)) visits[name].push(step / 4)
      if (step === 1) {
        const { queued, waiting, nextInMs } = summary.revisits ?? {}
        assert.deepEqual([queued, waiting], [0, 2])
        assert.ok((nextInMs ?? 0) > DAY / 2 && (nextInMs ?? 0) <= DAY)
      }
    }
    const gaps = (days: readonly number[]): number[] => days.slice(1).map((day, i) => day - (days[i] as number))
    // 1 day, then 1.4, 1.96 … and 0.8, 0.64 …, each met by the next run of the four a day.
    assert.deepEqual(gaps(visits.still).slice(0, 3), [1, 1.5, 2])
    assert.deepEqual(gaps(visits.news).slice(0, 4), [1, 1, 0.75, 0.75])
    assert.ok(visits.news.length > visits.still.length)
  })
})

test('with --changed-only outputs get what is new, changed or gone; the archive keeps every answer', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  serve(origin, 1)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), ['a', 'b', 'c', 'd'].map((name) => `http://s.test/${name}\n`).join(''))
    const args = ['fetch', 'urls.txt', '--store', '-o', 'p.ndjson', '-o', '-', '--changed-only', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    serve(origin, 2)
    const again = await runCli([...args, '--if-changed'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    const second = records(join(cwd, 'p.ndjson'), 2)
    assert.deepEqual(second.map(({ url, outcome, flags }) => [url.slice(-1), outcome, flags]).toSorted(), [
      ['b', 'ok', undefined],
      ['c', 'gone', ['tombstone']],
    ])
    assert.equal(again.stdout.trimEnd().split('\n').length, 2)
    const stored = await readWithWarcio(join(cwd, 'urls.sluice', 'archive', 'pages.warc.gz'))
    const urls = stored.filter(({ type }) => type === 'metadata').map(({ header }) => header('WARC-Target-URI'))
    assert.equal(urls.filter((url) => url === 'http://s.test/a').length, 2)

    const third = await runCli([...args, '--if-changed'], { cwd })
    assert.equal(third.code, 0)
    assert.deepEqual(
      records(join(cwd, 'p.ndjson'), 3).map(({ url, outcome, flags }) => [url.slice(-1), outcome, flags]),
      [['c', 'gone', undefined]],
      'the mark comes once',
    )
    const status = await runCli(['status', '--json'], { cwd })
    const { done } = JSON.parse(status.stdout) as { done: Record<string, number> }
    assert.deepEqual([done['unchanged'], done['gone']], [3, 1])
  })
})

test('the items of a page that is gone leave the table of items', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  serve(origin, 1)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), ['a', 'b', 'c'].map((name) => `http://s.test/${name}\n`).join(''))
    writeFileSync(
      join(cwd, 'e.ts'),
      `import { defineExtractor } from 'sluice'
export default defineExtractor({ extract: (page) => [{ text: page.$('h1').text() }] })
`,
    )
    const args = ['fetch', 'urls.txt', '--extract', 'e.ts', '-o', 'i.sqlite', '-o', 'i.ndjson', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    serve(origin, 2)
    assert.equal((await runCli([...args, '--if-changed'], { cwd })).code, 0)
    const database = new DatabaseSync(join(cwd, 'i.sqlite'), { readOnly: true })
    const rows = database.prepare('SELECT text FROM items ORDER BY text').all()
    database.close()
    assert.deepEqual(
      rows.map(({ text }) => text),
      ['a', 'b2'],
    )
    assert.equal(readFileSync(join(cwd, 'i.ndjson'), 'utf8').trimEnd().split('\n').length, 4)
  })
})

test('limits that contradict each other are refused, and a run without anything due says when the next is', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  serve(origin, 1)
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://s.test/a\n')
    const args = ['fetch', 'urls.txt', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    const none = await runCli([...args, '--if-due', '--revisit', '10h'], { cwd })
    assert.equal(none.code, 0)
    assert.match(none.stderr, /0 pages were due, 1 wait for their time; the next page is due in (10h|9h 59m)/)
    const soon = await runCli([...args, '--if-due', '--revisit', '1ms', '--revisit-min', '1ms'], { cwd })
    assert.match(soon.stderr, /1 pages were due, 0 wait/)
    const wrong = await runCli([...args, '--if-due', '--revisit-min', '2d', '--revisit-max', '1d'], { cwd })
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /--revisit-min is longer than --revisit-max/)
  })
})

test('with --alike each record names the page before it that had the same text, in every format', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const words = Array.from({ length: 300 }, (_, i) => `word${(i * 7919) % 1000}`)
  origin.handle('s.test', '/1', () => html(words.join(' ')))
  origin.handle('s.test', '/2', () => html(words.join(' ')))
  origin.handle('s.test', '/3', () => html(`${words.join(' ')} printed today`))
  origin.handle('s.test', '/4', () => html(words.toReversed().join(' ')))
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), ['1', '2', '3', '4'].map((name) => `http://s.test/${name}\n`).join(''))
    const args = ['fetch', 'urls.txt', '--alike', '-o', 'p.ndjson', '-o', 'p.csv', '-o', 'p.sqlite', ...fast(origin, 1)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    const alike = new Map(readRecords(join(cwd, 'p.ndjson')).map((record) => [record.url, record.alike]))
    assert.deepEqual(alike.get('http://s.test/1'), undefined)
    assert.deepEqual(alike.get('http://s.test/2'), { url: 'http://s.test/1', bits: 0 })
    assert.equal(alike.get('http://s.test/3')?.url, 'http://s.test/1')
    assert.deepEqual(alike.get('http://s.test/4'), undefined)
    assert.match(readFileSync(join(cwd, 'p.csv'), 'utf8'), /,alike,/)
    const database = new DatabaseSync(join(cwd, 'p.sqlite'), { readOnly: true })
    const row = database.prepare(`SELECT count(*) AS n FROM pages WHERE alike ->> 'url' = 'http://s.test/1'`).get()
    database.close()
    assert.equal(row?.['n'], 2)
    const exported = await runCli(['export', 'urls', '--format', 'csv'], { cwd })
    assert.match(exported.stdout, /""bits"":0/)
  })
})

function serve(origin: Origin, state: 1 | 2): void {
  for (const name of ['a', 'b', 'd']) origin.handle('s.test', `/${name}`, () => html(name))
  origin.handle('s.test', '/c', () => (state === 1 ? html('c') : { status: 410, body: 'gone' }))
  if (state === 2) origin.handle('s.test', '/b', () => html('b2'))
}

test('the summary of a later run is of that run, and what all runs have come to stands apart', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  for (const name of ['a', 'b', 'c', 'd', 'e']) origin.handle('s.test', `/${name}`, () => html(name))
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), "export default { extract: (page) => [{ title: page.$('h1').text() }] }")
    const run = async (names: string, ...flags: string[]): Promise<Awaited<ReturnType<typeof runCli>>> => {
      writeFileSync(join(cwd, 'urls.txt'), [...names].map((name) => `http://s.test/${name}\n`).join(''))
      return runCli(['fetch', 'urls.txt', '--extract', 'e.ts', ...flags, ...fast(origin)], { cwd })
    }
    const first = await run('abc')
    assert.equal(readSummary(cwd, 'urls').thisRun, null)
    assert.doesNotMatch(first.stderr, /runs/)
    origin.handle('s.test', '/e', () => ({ status: 404, body: 'gone' }))
    const limited = await run('abcde', '--limit', '4')
    assert.equal(limited.code, 4, limited.stderr)
    assert.equal(readSummary(cwd, 'urls').thisRun?.doneTotal, 1)
    const second = await run('abcde', '--limit', '9')
    assert.equal(second.code, 0, second.stderr)
    const { run: number, thisRun, done } = readSummary(cwd, 'urls')
    assert.equal(number, 2)
    assert.deepEqual([done.ok, done.gone], [4, 1])
    assert.deepEqual(
      [thisRun?.done.ok, thisRun?.done.gone, thisRun?.doneTotal, thisRun?.items],
      [1, 1, 2, 1],
      'both parts of it',
    )
    assert.match(
      second.stderr,
      /^ ok +1 +50\.0%[^]*^ gone +1 +50\.0%[^]*all 2 runs +ok 4 \| gone 1$[^]*items +1 stored +4 by all runs/m,
    )
  })
})
