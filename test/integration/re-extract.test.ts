/** Another extractor over stored pages: no request, what would change field by field, and only --accept writes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Content } from '../../src/testing/origin/content.ts'
import { htmlPage, prepare } from '../../src/testing/origin/reply.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import type { Ended } from '../cli/run-cli.ts'
import { fast } from './web.ts'

const extractor = (fields: string): string =>
  `import { defineExtractor } from 'sluice'
export default defineExtractor({ match: '/product/*', extract: (page) => [{ ${fields} }] })
`

const readItems = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a better extractor runs over the stored pages without a request, and shows what it changes before it is accepted', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  const count = shop().products.length
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'old.ts'), extractor("title: page.$('h1').text(), price: page.$('.price').text(), old: 1"))
    writeFileSync(
      join(cwd, 'new.ts'),
      extractor("title: page.$('h1').text(), price: page.$('.price').number(), image: page.$('img').url()"),
    )
    const crawl = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', '--extract', 'old.ts', ...fast(origin)]
    assert.equal((await runCli(crawl, { cwd })).code, 0)
    const place = join(cwd, 'shop.sluice', 'items.ndjson')
    const before = readFileSync(place, 'utf8')
    const requests = origin.ledger().count

    const shown = await runCli(['extract', 'shop', '--with', 'new.ts'], { cwd })
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(shown.stdout, new RegExp(`^${count} pages, ${count} items, .*0 requests`))
    assert.match(shown.stdout, new RegExp(`items: 0 same, ${count} changed, 0 new, 0 gone`))
    assert.match(shown.stdout, new RegExp(`price +=0 ~${count} \\+0 -0\\n +"\\$[\\d.]+" -> [\\d.]+ +http://shop`))
    assert.match(shown.stdout, new RegExp(`image +=0 ~0 \\+${count} -0`))
    assert.match(shown.stdout, new RegExp(`old +=0 ~0 \\+0 -${count}`))
    assert.ok(!/ title +=/.test(shown.stdout), 'what stays the same is not listed')
    assert.equal(readFileSync(place, 'utf8'), before, 'nothing is written yet')

    const accepted = await runCli(['extract', 'shop', '--with', 'new.ts', '--accept'], { cwd })
    assert.equal(accepted.code, 0, accepted.stderr)
    const items = readItems(place)
    assert.equal(items.length, count)
    assert.ok(
      items.every(({ price, image, old }) => typeof price === 'number' && image !== undefined && old === undefined),
    )
    assert.equal(origin.ledger().count, requests, 'nobody asked the site')

    const again = await runCli(['extract', 'shop', '--with', 'new.ts'], { cwd })
    assert.match(again.stdout, new RegExp(`items: ${count} same, 0 changed, 0 new, 0 gone`), 'it is the job’s own now')
  })
})

test('a file of somebody is never written over, and a job without an archive says how to get one', async (t) => {
  const origin = await startOrigin({
    sites: { 'shop.test': { content: { kind: 'shop', categories: 1, products: 2 } } },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), extractor("title: page.$('h1').text()"))
    assert.equal((await runCli(['crawl', 'http://shop.test/', '-j', 'shop', ...fast(origin)], { cwd })).code, 0)
    const without = await runCli(['extract', 'shop', '--with', 'e.ts'], { cwd })
    assert.equal(without.code, 2)
    assert.match(without.stderr, /has no archive[^]*--store/)
    assert.equal(
      (await runCli(['crawl', 'http://shop.test/', '-j', 'kept', '--store', ...fast(origin)], { cwd })).code,
      0,
    )
    writeFileSync(join(cwd, 'mine.ndjson'), '{"mine":true}\n')
    const refused = await runCli(['extract', 'kept', '--with', 'e.ts', '--accept', '-o', 'mine.ndjson'], { cwd })
    assert.equal(refused.code, 2, refused.stdout)
    assert.equal(readFileSync(join(cwd, 'mine.ndjson'), 'utf8'), '{"mine":true}\n')
    const archive = join('kept.sluice', 'archive')
    const alone = await runCli(['extract', archive, '--with', 'e.ts', '--accept', '-o', 'fresh.csv'], { cwd })
    assert.equal(alone.code, 0, alone.stderr)
    assert.ok(existsSync(join(cwd, 'fresh.csv')))
    assert.equal(readFileSync(join(cwd, 'fresh.csv'), 'utf8').trimEnd().split(/\r?\n/).length, 3)
  })
})

test('two archives go into one table, and a table that the job itself writes is refused', async (t) => {
  const content = { kind: 'shop', categories: 1, products: 2 } as const
  const origin = await startOrigin({ sites: { 'a.test': { content }, 'b.test': { content } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'e.ts'), extractor('url: page.url'))
    for (const name of ['a', 'b']) {
      const own = name === 'a' ? ['--extract', 'e.ts', '-o', 'sqlite:own.db'] : []
      const crawl = ['crawl', `http://${name}.test/`, '-j', name, '--store', ...own, ...fast(origin)]
      assert.equal((await runCli(crawl, { cwd })).code, 0)
      const archive = join(`${name}.sluice`, 'archive')
      const done = await runCli(['extract', archive, '--with', 'e.ts', '--accept', '-o', 'sqlite:both.db#rows'], {
        cwd,
      })
      assert.equal(done.code, 0, done.stderr)
    }
    const extractA = (out: string): Promise<Ended> =>
      runCli(['extract', 'a', '--with', 'e.ts', '--accept', '-o', out], { cwd })
    assert.equal(rowsOf(join(cwd, 'both.db'), 'rows'), 4)
    const accepted = await extractA('sqlite:both.db#more')
    assert.equal(accepted.code, 0, accepted.stderr)
    assert.equal(rowsOf(join(cwd, 'both.db'), 'rows'), 4)
    for (const out of ['sqlite:own.db', 'sqlite:./own.db#items']) {
      const refused = await extractA(out)
      assert.equal(refused.code, 2, refused.stdout)
      assert.match(refused.stderr, /own\.db(#items)? is an output of the job itself[^]*another table/)
    }
    assert.equal(rowsOf(join(cwd, 'own.db'), 'items'), 2)
  })
})

function rowsOf(path: string, table: string): unknown {
  const db = new DatabaseSync(path)
  try {
    return db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']
  } finally {
    db.close()
  }
}

/** Pages /1 to /40, every fourth with one body for all; those from /31 on are of a megabyte. */
const repeating: Content = {
  respond({ target }) {
    const n = Number(target.slice(1))
    if (!(n >= 1 && n <= 40)) return undefined
    const long = n > 30 ? Array.from({ length: 200_000 }, (_, i) => (i * n) % 9973).join(' ') : ''
    return prepare({ body: htmlPage('Page', n % 4 === 0 ? '<h1>same</h1>' : `<h1>own ${n}</h1>${long}`) })
  },
}

test('pages are the same by the indexes and without: repeats, later answers, large ones; a wrong index is refused', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { content: repeating } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'e.ts'),
      `export default { key: (item) => item.url,
      extract: (page) => [{ url: page.url, title: page.$('h1').text(), length: page.body.length }] }`,
    )
    const urls = Array.from({ length: 41 }, (_, n) => `http://a.test/${n}`)
    writeFileSync(join(cwd, 'list.txt'), urls.join('\n'))
    // The second run repeats everything: revisits, which are the latest answers.
    for (const run of [[], ['--if-changed']]) {
      const { code, stderr } = await runCli(['fetch', 'list.txt', '-j', 'kept', '--store', ...run, ...fast(origin)], {
        cwd,
      })
      assert.equal(code, 0, stderr)
    }
    const extract = async (out: string, pages: RegExp): Promise<Map<unknown, unknown>> => {
      const args = [
        'extract',
        join('kept.sluice', 'archive'),
        '--with',
        'e.ts',
        '--workers',
        '2',
        '--accept',
        '-o',
        out,
      ]
      const { code, stdout, stderr } = await runCli(args, { cwd })
      assert.equal(code, 0, stderr)
      assert.match(stdout, pages)
      return new Map(readItems(join(cwd, out)).map((item) => [item['url'], item]))
    }
    const byIndex = await extract('index.ndjson', /^40 pages, 40 items/)
    assert.equal(byIndex.size, 40)
    const index = join(cwd, 'kept.sluice', 'archive', 'pages.cdxj')
    const lines = readFileSync(index, 'utf8')
    writeFileSync(
      index,
      lines.replaceAll(/"offset":"(\d+)"/g, (_, offset) => `"offset":"${Number(offset) + 1}"`),
    )
    const refused = await runCli(['extract', 'kept', '--with', 'e.ts'], { cwd })
    assert.equal(refused.code, 2, refused.stderr)
    assert.match(refused.stderr, /INPUT_UNREADABLE[^]*pages\.warc\.gz[^]*\.cdxj/)
    rmSync(index)
    // Nothing says then which answer is the latest: each is a page.
    assert.deepEqual(await extract('scan.ndjson', /^\d+ pages/), byIndex)
  })
})
