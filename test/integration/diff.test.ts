/** `sluice diff`: two jobs, or two runs of one, compared URL by URL and item by item. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from './web.ts'

interface Line {
  readonly change: string
  readonly url?: string
  readonly before?: { readonly outcome: string; readonly status?: number }
  readonly now?: { readonly outcome: string; readonly status?: number }
  readonly item?: unknown
  readonly fields?: Record<string, { readonly before?: unknown; readonly now?: unknown }>
  readonly urls?: Record<string, number>
  readonly items?: Record<string, unknown>
}

const page = (title: string, price: number): { headers: Record<string, string>; body: string } => ({
  headers: { 'Content-Type': 'text/html' },
  body: `<title>${title}</title><h1>${title}</h1><p class=price>${price}</p>`,
})

const EXTRACTOR = `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/p/*', extract: (page) => [{ sku: page.url.split('/').pop(), title: page.$('h1').text(), price: page.$('.price').number() }] })
`

/** Pages of the site: six products, of which the second state changes, loses, breaks and adds some. */
function serve(origin: Origin, second: boolean): void {
  const products: Record<string, [string, number]> = { a: ['A', 1], b: ['B', 2], c: ['C', 3], d: ['D', 4] }
  if (second) products['b'] = ['B', 20]
  for (const [name, [title, price]] of Object.entries(products)) {
    origin.handle('s.test', `/p/${name}`, () => page(title, price))
  }
  if (!second) return
  origin.handle('s.test', '/p/c', () => ({ status: 404, body: 'gone' }))
  origin.handle('s.test', '/p/d', () => ({ status: 403, body: 'no' }))
  origin.handle('s.test', '/p/e', () => page('E', 5))
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

const urls = (...names: string[]): string => names.map((name) => `http://s.test/p/${name}\n`).join('')

test('two jobs are compared by URLs and by items, field by field', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), EXTRACTOR)
    writeFileSync(join(cwd, 'one.txt'), urls('a', 'b', 'c', 'd'))
    writeFileSync(join(cwd, 'two.txt'), urls('a', 'b', 'c', 'd', 'e'))
    serve(origin, false)
    const run = (list: string): ReturnType<typeof runCli> =>
      runCli(['fetch', list, '--extract', 'e.ts', ...fast(origin)], { cwd })
    assert.equal((await run('one.txt')).code, 0)
    serve(origin, true)
    assert.equal((await run('two.txt')).code, 0)

    const { code, stdout, stderr } = await runCli(['diff', 'one', 'two', '--format', 'ndjson'], { cwd })
    assert.equal(code, 0, stderr)
    const lines = linesOf(stdout)
    const found = lines
      .filter(({ url }) => url !== undefined)
      .map(({ change, url, before, now }) => [change, url?.slice(-1), before?.outcome, now?.outcome])
    assert.deepEqual(
      found.toSorted((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)),
      [
        ['changed', 'b', 'ok', 'ok'],
        ['gone', 'c', 'ok', 'gone'],
        ['moved', 'd', 'ok', 'denied'],
        ['new', 'e', undefined, 'ok'],
      ],
    )
    const items = lines.filter(({ change }) => change.startsWith('item.'))
    assert.deepEqual(items.map(({ change, item }) => `${change} ${String(item)}`).toSorted(), [
      'item.changed b',
      'item.gone c',
      'item.gone d',
      'item.new e',
    ])
    assert.deepEqual(items.find(({ change }) => change === 'item.changed')?.fields, { price: { before: 2, now: 20 } })
    const summary = lines.at(-1)
    assert.deepEqual(summary?.urls, { new: 1, gone: 1, changed: 1, moved: 1, same: 1 })
    assert.deepEqual({ ...summary?.items, fields: 0 }, { by: 'sku', new: 1, gone: 2, changed: 1, same: 1, fields: 0 })

    const shown = await runCli(['diff', 'one', 'two'], { cwd })
    assert.match(shown.stdout, /^changed +http:\/\/s\.test\/p\/b +ok 200 -> ok 200/m)
    assert.match(shown.stdout, /^gone +http:\/\/s\.test\/p\/c +ok 200 -> gone 404/m)
    assert.match(shown.stdout, /^item\.changed +"b" +price: 2 -> 20/m)
    assert.match(shown.stdout, /URLs: 1 same, 1 changed, 1 new, 1 gone, 1 with another outcome/)
    assert.match(shown.stdout, /items told apart by sku/)
    const back = linesOf((await runCli(['diff', 'two', 'one', '--format', 'ndjson', '--by', 'title'], { cwd })).stdout)
    assert.equal(back.find(({ url }) => url?.endsWith('/e'))?.change, 'gone')

    const wrong = await runCli(['diff', 'one', 'two', '--by', 'nothing'], { cwd })
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /--by nothing: not every item/)
    const alone = await runCli(['diff', 'one'], { cwd })
    assert.equal(alone.code, 2)
    assert.match(alone.stderr, /has one run/)
  })
})

test('two runs of one job are compared as the job stood after each', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'one.txt'), urls('a', 'b', 'c', 'd'))
    serve(origin, false)
    assert.equal((await runCli(['fetch', 'one.txt', ...fast(origin)], { cwd })).code, 0)
    serve(origin, true)
    assert.equal((await runCli(['fetch', 'one.txt', '--if-changed', ...fast(origin)], { cwd })).code, 0)
    const last = linesOf((await runCli(['diff', 'one', '--format', 'ndjson'], { cwd })).stdout)
    assert.deepEqual(last.at(-1)?.urls, { new: 0, gone: 1, changed: 1, moved: 1, same: 1 })
    const back = linesOf((await runCli(['diff', 'one@2', 'one@1', '--format', 'ndjson'], { cwd })).stdout)
    assert.deepEqual(back.at(-1)?.urls, { new: 1, gone: 0, changed: 1, moved: 1, same: 1 })
    const none = await runCli(['diff', 'one@1', 'one@3'], { cwd })
    assert.equal(none.code, 2)
    assert.match(none.stderr, /has no run 3; its last is 2/)
  })
})
