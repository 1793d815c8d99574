/** Items of a job that was run again: asked, compared and exported, every page and key counts once, with what it gave last. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from './web.ts'

const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({
  extract: (page) => page.$$('li').map((li) => ({ name: li.text(), page: page.url.slice(-1) })),
})
`
const KEYED = EXTRACTOR.replace('\n})', '\n  key: (item) => item.name,\n})')

function serve(origin: Origin, pages: Readonly<Record<string, readonly string[] | undefined>>): void {
  for (const [name, items] of Object.entries(pages)) {
    origin.handle('s.test', `/${name}`, () =>
      items === undefined
        ? { status: 404, body: 'gone' }
        : { headers: { 'Content-Type': 'text/html' }, body: items.map((item) => `<li>${item}</li>`).join('') },
    )
  }
}

function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** A list of three pages in two runs, the second with other pages. */
async function twice(extractor: string, out: readonly string[], body: (cwd: string) => Promise<void>): Promise<void> {
  const origin = await startOrigin()
  try {
    await inFolder(async (cwd) => {
      writeFileSync(join(cwd, 'e.ts'), extractor)
      writeFileSync(join(cwd, 'list.txt'), ['a', 'b', 'c', 'd'].map((name) => `http://s.test/${name}\n`).join(''))
      const flags = ['-j', 's', '--extract', 'e.ts', ...out, ...fast(origin)]
      serve(origin, { a: ['one', 'two'], b: ['three'], c: ['four'], d: ['five'] })
      const first = await runCli(['fetch', 'list.txt', ...flags], { cwd })
      assert.equal(first.code, 0, first.stderr)
      serve(origin, { a: ['ONE', 'two', 'new'], b: ['three', 'four'], c: undefined, d: [] })
      const second = await runCli(['fetch', 'list.txt', '--if-changed', ...flags], { cwd })
      assert.equal(second.code, 0, second.stderr)
      await body(cwd)
    })
  } finally {
    await origin.close()
  }
}

const names = (rows: readonly Record<string, unknown>[]): string[] => rows.map(({ name }) => String(name)).toSorted()

for (const out of [[], ['-o', 'items.ndjson.gz'], ['-o', 'items.ndjson.zst']]) {
  test(`pages that were visited twice give their items once${out.length > 0 ? `, in ${out[1]} too` : ''}`, () =>
    twice(EXTRACTOR, out, async (cwd) => {
      const run = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await runCli(args, { cwd })
        assert.equal(code, 0, stderr)
        return stdout
      }
      const now = ['ONE', 'four', 'new', 'three', 'two']
      assert.deepEqual(names(linesOf(await run('query', 's', 'select name from items'))), now)
      assert.deepEqual(names(linesOf(await run('export', 's', '--items'))), now)
      assert.equal((await run('export', 's', '--items', '--format', 'csv')).split('\r\n').length, now.length + 2)
      const changes = linesOf(await run('diff', 's@1', 's@2', '--format', 'ndjson', '--by', 'name'))
      assert.deepEqual(
        changes
          .filter(({ change }) => String(change).startsWith('item.'))
          .map(({ change, item }) => `${String(change)} ${String(item)}`)
          .toSorted(),
        ['item.changed four', 'item.gone five', 'item.gone one', 'item.new ONE', 'item.new new'],
      )
    }))
}

test('an item of the same key that another page gives later takes the place of the first', () =>
  twice(KEYED, ['-o', 'items.ndjson', '-o', 'items.sqlite'], async (cwd) => {
    const items = linesOf((await runCli(['query', 's', 'select name, page from items', '--ledger'], { cwd })).stdout)
    const rows = linesOf((await runCli(['query', 's', 'select name, page from items'], { cwd })).stdout)
    const told = (list: readonly Record<string, unknown>[]): string[] =>
      list.map(({ name, page }) => `${String(name)} of ${String(page)}`).toSorted()
    assert.deepEqual(told(items), ['ONE of a', 'four of b', 'new of a', 'three of b', 'two of a'])
    assert.deepEqual(told(items), told(rows), 'as in the table of the same run')
    assert.equal(
      linesOf(readFileSync(join(cwd, 'items.ndjson'), 'utf8')).length,
      10,
      'the file keeps what every run gave',
    )
  }))

test('lines of somebody else in the file are not items of the job, and a file that was cut is named', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  serve(origin, { a: ['one'], b: ['two'] })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), EXTRACTOR)
    writeFileSync(join(cwd, 'list.txt'), 'http://s.test/a\nhttp://s.test/b\n')
    writeFileSync(join(cwd, 'items.ndjson'), '{"name":"mine"}\n{"name":"mine too"}')
    const args = ['fetch', 'list.txt', '-j', 's', '--extract', 'e.ts', '-o', 'items.ndjson', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.deepEqual(names(linesOf((await runCli(['export', 's', '--items'], { cwd })).stdout)), ['one', 'two'])
    const path = join(cwd, 'items.ndjson')
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 3).join('\n'))
    const { code, stderr } = await runCli(['query', 's', 'select * from items'], { cwd })
    assert.equal(code, 6, stderr)
    assert.match(stderr, /SINK_CHANGED[^]*items\.ndjson/)
  })
})
